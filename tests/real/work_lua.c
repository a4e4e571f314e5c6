/* SPDX-License-Identifier: MIT */
/* Run a script: what it prints, and what has stopped it. */
#include "work.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY ((size_t)16 << 20)
#define STEPS  3000000

struct run {
	unsigned char *out;
	unsigned long used, room;
	size_t memory;
};

static void put(struct run *run, const char *text, size_t length)
{
	if (length > run->room - run->used)
		length = run->room - run->used;
	memcpy(run->out + run->used, text, length);
	run->used += length;
}

/* As much as there is here is not there in every process. */
static void *allocate(void *arg, void *block, size_t old, size_t size)
{
	struct run *run = arg;

	old = block == NULL ? 0 : old;
	if (size > old && size - old > MEMORY - run->memory)
		return NULL;
	run->memory += size - old;
	if (size != 0)
		return realloc(block, size);
	free(block);
	return NULL;
}

static int print(lua_State *lua)
{
	struct run *run = lua_touserdata(lua, lua_upvalueindex(1));
	const int count = lua_gettop(lua);

	for (int i = 1; i <= count; i++) {
		size_t length;
		const char *text = luaL_tolstring(lua, i, &length);

		put(run, text, length);
		put(run, i < count ? "\t" : "\n", 1);
	}
	return 0;
}

static void stop(lua_State *lua, lua_Debug *where)
{
	(void)where;
	luaL_error(lua, "too many steps");
}

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	static const luaL_Reg libraries[] = {
		{LUA_GNAME, luaopen_base},
		{LUA_STRLIBNAME, luaopen_string},
		{LUA_TABLIBNAME, luaopen_table},
		{LUA_MATHLIBNAME, luaopen_math},
		{LUA_UTF8LIBNAME, luaopen_utf8},
	};
	struct run run = {out, 0, room, 0};
	lua_State *lua = lua_newstate(allocate, &run);
	int result;

	if (lua == NULL)
		return -1;
	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++) {
		luaL_requiref(lua, libraries[i].name, libraries[i].func, 1);
		lua_pop(lua, 1);
	}
	lua_pushlightuserdata(lua, &run);
	lua_pushcclosure(lua, print, 1);
	lua_setglobal(lua, "print");
	lua_sethook(lua, stop, LUA_MASKCOUNT, STEPS);
	result = luaL_loadbufferx(lua, (const char *)in, length, "=input", "t");
	if (result == LUA_OK)
		result = lua_pcall(lua, 0, 0, 0);
	if (result != LUA_OK && lua_type(lua, -1) == LUA_TSTRING)
		put(&run, lua_tostring(lua, -1), lua_rawlen(lua, -1));
	lua_close(lua);
	return (long)run.used;
}
