/* SPDX-License-Identifier: MIT */
/*
 * What prints, what has memory and what ends a script that runs for too long
 * are the host's functions, which the library calls and which call it.
 */
#include "typed.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace
{

using state = modiso::tainted<lua_State *>;
using address = modiso::tainted<void *>;
using size = modiso::tainted<std::size_t>;

const std::size_t memory = std::size_t{16} << 20;

struct {
	const typed_sandbox *box;
	unsigned char *at;
	std::size_t used, most, memory;
} run;

void put(const char *text, std::size_t length)
{
	length = std::min(length, run.most - run.used);
	std::memcpy(run.at + run.used, text, length);
	run.used += length;
}

void put(modiso::tainted<const char *> text, size length)
{
	std::string copy(length.between(0, memory).value(), '\0');

	run.box->read(text, copy.data(), copy.size()).value();
	put(copy.data(), copy.size());
}

int print(state lua)
{
	const int count = run.box->call<&lua_gettop>(lua)
				  .value()
				  .between(0, 1000000)
				  .value();

	for (int i = 1; i <= count; i++) {
		size length;

		put(run.box->call<&luaL_tolstring>(lua, i, &length).value(),
		    length);
		put(i < count ? "\t" : "\n", 1);
	}
	return 0;
}

/* A block of the module's heap, with what is in the other one. */
address moved(address block, std::size_t before, std::size_t now)
{
	modiso_module *const module = run.box->inside().handle();
	std::string copy(std::min(before, now), '\0');
	void *made = nullptr;

	if (modiso_heap_alloc(module, now, 16, 0, &made) != MODISO_OK)
		return nullptr;
	run.box->read(modiso::tainted(static_cast<char *>(block.unverified())),
		      copy.data(), copy.size()).value();
	run.box->write(modiso::tainted(static_cast<char *>(made)), copy.data(),
		       copy.size()).value();
	return address(made);
}

address allocate(address, address block, size old, size wanted)
{
	const std::size_t now = wanted.unverified();
	const std::size_t before = block.is_null() ? 0 : old.unverified();
	address made;

	if (now > before && now - before > memory - run.memory)
		return nullptr;
	if (now != 0)
		made = moved(block, before, now);
	if (now != 0 && made.is_null())
		return nullptr;
	run.memory += now - before;
	if (!block.is_null() &&
	    modiso_heap_free(run.box->inside().handle(), block.unverified()) !=
		    MODISO_OK)
		static_cast<void>(modiso_service_fail(MODISO_FAULT_ABORT, 0));
	return made;
}

/* An error of Lua's would leave this function by a jump: the call ends. */
void stop(state lua, modiso::tainted<lua_Debug *>)
{
	size length;

	run.box->call<&luaL_where>(lua, 1).value();
	put(run.box->call<&lua_tolstring>(lua, -1, &length).value(), length);
	put("too many steps", 14);
	static_cast<void>(modiso_service_fail(MODISO_FAULT_ABORT, 0));
}

void open(state lua, const char *name,
	  const modiso::callback<int(lua_State *)> &function)
{
	run.box->call<&luaL_requiref>(lua, name, function, 1).value();
	run.box->call<&lua_settop>(lua, -2).value();
}

void prepare(const typed_sandbox &box, state lua,
	     const modiso::callback<int(lua_State *)> &on_print)
{
	open(lua, LUA_GNAME, box.function<&luaopen_base>().value());
	open(lua, LUA_STRLIBNAME, box.function<&luaopen_string>().value());
	open(lua, LUA_TABLIBNAME, box.function<&luaopen_table>().value());
	open(lua, LUA_MATHLIBNAME, box.function<&luaopen_math>().value());
	open(lua, LUA_UTF8LIBNAME, box.function<&luaopen_utf8>().value());
	box.call<&lua_pushcclosure>(lua, on_print, 0).value();
	box.call<&lua_setglobal>(lua, "print").value();
}

} // namespace

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	const auto on_memory = box.make_callback<&allocate>("memory").value();
	const auto on_print = box.make_callback<&print>("print").value();
	const auto on_steps = box.make_callback<&stop>("steps").value();

	run = {&box, out, 0, room, 0};
	const auto lua = box.call<&lua_newstate>(on_memory, nullptr).value();
	if (lua.is_null())
		return -1;
	prepare(box, lua, on_print);
	box.call<&lua_sethook>(lua, on_steps, LUA_MASKCOUNT, 3000000).value();
	auto result = box.call<&luaL_loadbufferx>(lua, text_of(in), length,
						  "=input", "t")
			      .value();
	if (result.between(LUA_OK, LUA_OK)) {
		const auto done = box.call<&lua_pcallk>(lua, 0, 0, 0, 0,
							nullptr);
		if (!done)
			return long(run.used);
		result = *done;
	}
	if (!result.between(LUA_OK, LUA_OK) &&
	    box.call<&lua_type>(lua, -1).value().between(LUA_TSTRING,
							 LUA_TSTRING)) {
		size bytes;

		put(box.call<&lua_tolstring>(lua, -1, &bytes).value(), bytes);
	}
	box.call<&lua_close>(lua).value();
	return long(run.used);
}
