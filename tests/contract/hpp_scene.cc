/* SPDX-License-Identifier: MIT */
#include "contract/hpp_scene.h"
#include "support/module_code.h"

#include <modiso.hpp>

#include <cmath>
#include <limits>
#include <stdexcept>

#define STRING(text)  #text
#define LINE(number)  STRING(number)
#define NEED(condition)                                                        \
	do {                                                                   \
		if (!(condition))                                              \
			return "line " LINE(__LINE__) ", not so: " #condition; \
	} while (0)

namespace {

using modiso::library;

enum class color : unsigned char { red = 3, blue = 250 };

MODULE_CODE int six(char a, short b, unsigned char c, color d, const int *e,
		    bool f)
{
	return a - b + c + static_cast<int>(d) + *e + (f ? 1000 : 0);
}
MODULE_CODE short negative(short value)
{
	return static_cast<short>(-value);
}
MODULE_CODE std::uint64_t same(std::uint64_t value)
{
	return value;
}
MODULE_CODE color other_color(color is)
{
	return is == color::red ? color::blue : color::red;
}
MODULE_CODE int *next(int *value)
{
	return value + 1;
}
MODULE_CODE bool odd(int value) noexcept
{
	return value % 2 != 0;
}
MODULE_CODE void add_one(int *value)
{
	*value = *value + 1;
}
MODULE_CODE int seven()
{
	return 7;
}
using callback = int (*)(char, short, unsigned char, color, const int *, bool);
MODULE_CODE callback choose(callback a, callback b)
{
	return a != nullptr ? a : b;
}

}

const char *hpp_words(void)
{
	const auto lib = library::start().value();
	const auto module = lib.make_module("words").value();
	int numbers[2] = {5, 6};

	const auto gate = module.make_gate(six).value();
	NEED(gate('c', -2, 200, color::blue, numbers, true).value() ==
	     'c' + 2 + 200 + 250 + 5 + 1000);
	NEED(*module.make_gate(negative).value()(32000) == -32000);
	/* No value is special, that of a failed thunk neither. */
	const auto any = module.make_gate(same).value();
	for (const std::uint64_t value :
	     {std::uint64_t{0}, std::numeric_limits<std::uint64_t>::max(),
	      std::uint64_t{modiso::detail::perhaps_failed}})
		NEED(any(value).value() == value);
	NEED(*module.make_gate(other_color).value()(color::red) == color::blue);
	NEED(*module.make_gate(next).value()(numbers) == numbers + 1);
	NEED(*module.make_gate(odd).value()(3));
	NEED(!*module.make_gate(odd).value()(4));
	NEED(module.make_gate(add_one).value()(numbers).has_value());
	NEED(numbers[0] == 6);
	NEED(*module.make_gate(seven).value()() == 7);
	NEED(*module.make_gate(choose).value()(nullptr, six) == six);
	return nullptr;
}

namespace {

MODULE_CODE double sum(int a, double b, float c, long d, double e, double f,
		       double g, double h, double i, double j)
{
	return a + b + static_cast<double>(c) + static_cast<double>(d) + e + f +
	       g + h + i + j;
}
MODULE_CODE float third(float value)
{
	return value / 3;
}
MODULE_CODE double crash_number(const volatile double *where)
{
	return *where;
}
MODULE_CODE int crash_word(const volatile int *where)
{
	return *where;
}
MODULE_CODE void crash_nothing(volatile int *where)
{
	*where = 1;
}

}

const char *hpp_numbers(void)
{
	const auto lib = library::start().value();
	const auto module = lib.make_module("numbers").value();
	const auto closed = lib.make_region(1).value();
	const auto gate = module.make_gate(sum).value();
	const auto float_gate = module.make_gate(third).value();

	NEED(*gate(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) == 55);
	NEED(std::isnan(*float_gate(std::nanf(""))));
	NEED(*float_gate(6) == 2);
	NEED(*float_gate(0) == 0);
	const auto bad = module.make_gate(crash_number).value();
	NEED(bad(closed.as<double>().data()).error().code() ==
	     MODISO_ERR_FAULT);

	/* A status that nobody has asked for is not this call's. */
	modiso_gate *raw;
	modiso_fn thunk;
	NEED(modiso_gate_create(module.handle(),
				reinterpret_cast<modiso_fn>(crash_word),
				nullptr, &raw) == 0);
	NEED(modiso_gate_thunk(raw, &thunk) == 0);
	NEED(reinterpret_cast<int (*)(const volatile int *)>(thunk)(
		     closed.as<int>().data()) == 0);
	NEED(*module.make_gate(same).value()(0) == 0);
	NEED(*float_gate(0) == 0);
	return nullptr;
}

const char *hpp_errors(void)
{
	const auto lib = library::start().value();
	const auto module = lib.make_module("errors").value();
	const auto closed = lib.make_region(1).value();
	auto *const secret = closed.as<int>().data();

	const auto gate = module.make_gate(crash_word).value();
	const auto answer = gate(secret + 5);
	NEED(!answer && !answer.has_value());
	NEED(answer.error().code() == MODISO_ERR_FAULT);
	NEED(answer.error().code() != MODISO_ERR_STATE);
	NEED(!answer.error().os());
	NEED(answer.error().text().find("errors faulted") != std::string::npos);
	NEED(answer.value_or(-4) == -4);
	const auto fault = modiso::last_fault().value();
	NEED(fault.kind == MODISO_FAULT_ACCESS);
	NEED(fault.region_offset == 5 * sizeof(int));
	const auto nothing = module.make_gate(crash_nothing).value()(secret);
	NEED(!nothing && nothing.error().code() == MODISO_ERR_FAULT);
	/* The text of an error is its own. */
	NEED(answer.error().text() != nothing.error().text());

	NEED(lib.make_module("").error().code() ==
	     std::errc::invalid_argument);
	NEED(std::string(answer.error().code().category().name()) == "modiso");
	NEED(answer.error().code().message() ==
	     modiso_strerror(MODISO_ERR_FAULT));
	const auto gone = module.load("/nowhere/at/all");
	NEED(!gone && gone.error().code() == MODISO_ERR_NOENT);
	NEED(modiso::check(modiso_gate_call(nullptr, nullptr, 0, nullptr))
		     .error()
		     .code() == MODISO_ERR_INVAL);
	NEED(modiso::check(MODISO_OK));
	return nullptr;
}

const char *hpp_exceptions(void)
{
	const auto lib = library::start().value();
	const auto module = lib.make_module("throws").value();
	const auto closed = lib.make_region(1).value();
	const auto gate = module.make_gate(crash_nothing).value();

	for (int round = 0; round < 100; round++) {
		try {
			gate(closed.as<int>().data()).value();
			return "value() of an error has returned";
		} catch (const modiso::failure &failure) {
			NEED(failure.code() == MODISO_ERR_FAULT);
			NEED(failure.why().text().find("throws faulted") !=
			     std::string::npos);
			NEED(std::string(failure.what()).find(
				     failure.why().text()) == 0);
		}
	}
	try {
		(void)*lib.make_module(nullptr);
		return "an error has a value";
	} catch (const std::system_error &error) {
		NEED(error.code() == std::errc::invalid_argument);
	}
	return nullptr;
}

const char *hpp_lives(void)
{
	{
		/* What a gate is part of lives as long as the gate. */
		const auto gate = library::start()
					  .value()
					  .make_module("lives")
					  .value()
					  .make_gate(seven)
					  .value();
		const auto copy = gate; // NOLINT: what is tested
		NEED(*gate() == 7 && *copy() == 7);
		NEED(modiso_backend_current() != MODISO_BACKEND_AUTO);
	}
	NEED(modiso_backend_current() == MODISO_BACKEND_AUTO);

	auto lib = library::start().value();
	auto module = lib.make_module("ends").value();
	{
		auto gate = module.make_gate(seven).value();
		NEED(module.end().error().code() == MODISO_ERR_BUSY);
		NEED(lib.end().error().code() == MODISO_ERR_BUSY);
		NEED(*gate() == 7);
		NEED(gate.end());
		NEED(gate.handle() == nullptr);
		NEED(gate.end()); /* once more is nothing */
		NEED(gate().error().code() == MODISO_ERR_NOENT);
	}
	NEED(module.end());
	NEED(lib.end());
	NEED(modiso_backend_current() == MODISO_BACKEND_AUTO);
	NEED(lib.make_module("late").error().code() == MODISO_ERR_STATE);

	/* What is refused leaves nothing behind. */
	lib = library::start().value();
	NEED(library::start().error().code() == MODISO_ERR_STATE);
	NEED(!lib.make_region(0));
	NEED(lib.end());
	return nullptr;
}

const char *hpp_memory(void)
{
	const auto lib = library::start().value();
	const auto module = lib.make_module("memory").value();
	const auto region = module.make_region(10000).value();

	NEED(region.size() == 12288);
	NEED(region.bytes().size() == region.size());
	NEED(region.bytes().data() == region.base());
	const auto ints = region.as<int>();
	NEED(ints.size() == region.size() / sizeof(int));
	int count = 0;
	for (int &each : ints)
		each = count++;
	NEED(ints[100] == 100);
	NEED(ints.subspan(100)[1] == 101);
	NEED(ints.subspan(100, 3).size() == 3);
	NEED(ints.subspan(ints.size()).size() == 0);
	for (const std::size_t index : {ints.size(), ~std::size_t{0}})
		try {
			ints[index] = 1;
			return "an index past the end is none";
		} catch (const std::out_of_range &) {
		}
	try {
		(void)ints.subspan(ints.size() + 1);
		return "a part past the end is none";
	} catch (const std::out_of_range &) {
	}

	NEED(*region.load<int>(400) == 100);
	NEED(region.store(400, 0x12345678));
	NEED(*region.load<short>(402) == 0x1234);
	NEED(region.store(region.size() - 8, 1.5));
	NEED(*region.load<double>(region.size() - 8) == 1.5);
	NEED(region.load<int>(region.size() - 3).error().code() ==
	     MODISO_ERR_INVAL);
	NEED(!region.store(~std::size_t{0}, 'c'));

	{
		auto open = region.open().value();
		const auto moved = std::move(open);
		NEED(modiso_region_destroy(region.handle()) ==
		     MODISO_ERR_BUSY);
	}
	NEED(modiso_window_close(region.handle()) == MODISO_ERR_STATE);
	NEED(region.protect(MODISO_READ));
	NEED(region.open(MODISO_READ | MODISO_WRITE).error().code() ==
	     std::errc::permission_denied);
	return nullptr;
}

const char *hpp_grants(void)
{
	const auto lib = library::start().value();
	const auto module = lib.make_module("reads").value();
	const auto gate = module.make_gate(crash_word).value();
	{
		const auto region = lib.make_region(1).value();
		region.as<int>()[0] = 77;
		{
			const auto held =
				region.grant_to(module, MODISO_READ).value();
			NEED(*gate(region.as<int>().data()) == 77);
		}
		NEED(!gate(region.as<int>().data()));
		auto held = region.grant_to(module, MODISO_READ).value();
		NEED(held.revoke());
		NEED(held.revoke()); /* once more is nothing */
	}
	/* What is granted lives as long as the grant. */
	auto region = lib.make_region(1);
	const auto where = region->as<int>();
	const auto held = region->grant_to(module, MODISO_READ).value();
	region = lib.make_region(1);
	where[0] = 78;
	NEED(*gate(where.data()) == 78);
	return nullptr;
}

const char *hpp_mail(void)
{
	const auto lib = library::start().value();
	const auto module = lib.make_module("reads").value();
	const auto gate = module.make_gate(crash_word).value();
	const int numbers[] = { 5, 6 };
	int back[2] = {};
	{
		const auto first = module.put(numbers, 2).value();
		const auto second = module.room<int>(2).value();
		NEED(*gate(first.pointer()) == 5);
		NEED(first.get(back) && back[1] == 6);
		NEED(second.pointer() != first.pointer());
		NEED(!gate(nullptr));
	}
	/* Of which nothing is left. */
	const auto all = module.room<char>(65536).value();
	NEED(module.room<int>().error().code() == MODISO_ERR_LIMIT);
	NEED(module.room<int>(SIZE_MAX / 2 + 1).error().code() ==
	     MODISO_ERR_LIMIT);
	return nullptr;
}

namespace {

double (*twice_pointer)(double, int);
int (*refuse_pointer)(int);

double twice(double value, int times)
{
	for (; times > 0; times--)
		value *= 2;
	return value;
}
int refuse(int value)
{
	throw std::runtime_error(std::to_string(value));
}
MODULE_CODE double use_twice(double value)
{
	return twice_pointer(value, 3) + 1;
}
MODULE_CODE int use_refuse(int value)
{
	return refuse_pointer(value) + 1;
}

}

const char *hpp_services(void)
{
	const auto lib = library::start().value();
	const auto module = lib.make_module("caller").value();
	const auto numbers = lib.make_service("twice", twice).value();
	modiso_service_options listed = MODISO_SERVICE_OPTIONS_INIT;
	listed.flags = MODISO_SERVICE_LISTED;
	const auto throws = lib.make_service("refuse", refuse, listed).value();
	modiso_gate_options scrub = MODISO_GATE_OPTIONS_INIT;
	scrub.flags = MODISO_GATE_SCRUB;

	/* A number comes back where registers are scrubbed as well. */
	twice_pointer = numbers.pointer();
	NEED(*module.make_gate(use_twice, scrub).value()(1.5) == 13);

	refuse_pointer = throws.pointer();
	const auto gate = module.make_gate(use_refuse).value();
	NEED(gate(1).error().code() == MODISO_ERR_FAULT);
	NEED(modiso::last_fault()->kind == MODISO_FAULT_SERVICE);
	NEED(throws.allow(module));
	for (int round = 0; round < 100; round++)
		try {
			(void)gate(round);
			return "an exception did not come out of the call";
		} catch (const std::runtime_error &error) {
			NEED(error.what() == std::to_string(round));
		}
	NEED(throws.deny(module));
	NEED(!gate(1));
	NEED(!numbers.allow(module)); /* it has no list */
	return nullptr;
}

namespace {

struct request {
	int first, second;
	int answer;
};

std::string last_string;
int (*ask_pointer)(request *);
int (*say_pointer)(const char *);

int ask(request *from)
{
	auto copy = modiso::copy_in(from);

	if (!copy)
		return copy.error().code().value();
	copy->answer = copy->first + copy->second;
	return modiso::copy_out(&from->answer, copy->answer) ? 0 : -100;
}
int say(const char *text)
{
	const auto copy = modiso::copy_in_string(text, 8);

	last_string = copy ? *copy : copy.error().text();
	return copy ? 0 : copy.error().code().value();
}
MODULE_CODE int use_ask(request *where)
{
	return ask_pointer(where);
}
MODULE_CODE int use_say(const char *text)
{
	return say_pointer(text);
}

}

const char *hpp_pointers(void)
{
	const auto lib = library::start().value();
	const auto module = lib.make_module("pointers").value();
	const auto region = module.make_region(4096).value();
	const auto asked = lib.make_service("ask", ask).value();
	const auto said = lib.make_service("say", say).value();
	ask_pointer = asked.pointer();
	say_pointer = said.pointer();
	const auto ask_gate = module.make_gate(use_ask).value();
	const auto say_gate = module.make_gate(use_say).value();
	request hosts = {1, 2, 3};

	const auto requests = region.as<request>();
	requests[1] = {20, 22, 0};
	NEED(*ask_gate(&requests[1]) == 0);
	NEED(requests[1].answer == 42);
	NEED(*ask_gate(&hosts) == MODISO_ERR_ACCESS);
	NEED(hosts.answer == 3);

	char *const text = region.as<char>().data();
	std::memcpy(text, "seven +", 8);
	NEED(*say_gate(text) == 0 && last_string == "seven +");
	std::memcpy(text, "eight ++", 9);
	NEED(*say_gate(text) == MODISO_ERR_LIMIT);
	text[0] = '\0';
	NEED(*say_gate(text) == 0 && last_string.empty());
	NEED(*say_gate(nullptr) == MODISO_ERR_ACCESS);
	return nullptr;
}

namespace {

MODULE_CODE void spin(const volatile int *until)
{
	while (*until == 0)
		;
}

}

/* What is new in a structure of options is there without a line of the .hpp. */
const char *hpp_options(void)
{
	modiso_options options = MODISO_OPTIONS_INIT;
	options.closed = MODISO_CLOSED_DATA;
	options.flags = 1u << 31;
	NEED(library::start(options).error().code() ==
	     std::errc::invalid_argument);
	options = MODISO_OPTIONS_INIT;
	options.require = MODISO_CAP_GUARD;
	const auto lib = library::start(options).value();

	modiso_module_options limited = MODISO_MODULE_OPTIONS_INIT;
	limited.time_limit_ms = 20;
	const auto module = lib.make_module("limited", limited).value();
	const auto region = module.make_region(1).value();
	const auto gate = module.make_gate(spin).value();
	NEED(gate(region.as<int>().data()).error().code() == MODISO_ERR_FAULT);
	NEED(modiso::last_fault()->kind == MODISO_FAULT_TIMEOUT);

	modiso_module_options watched = MODISO_MODULE_OPTIONS_INIT;
	watched.flags = MODISO_MODULE_PERMISSIVE;
	const auto other = lib.make_module("watched", watched).value();
	NEED(other.make_gate(add_one).value()(region.as<int>().data()));
	NEED(region.as<int>()[0] == 1);
	NEED(modiso_permitted_count() >= 1);

	modiso_module_options quiet = MODISO_MODULE_OPTIONS_INIT;
	quiet.syscalls = MODISO_SYSCALLS_NONE;
	const auto silent = lib.make_module("quiet", quiet);
	NEED(silent || silent.error().code() == std::errc::not_supported);

	modiso_region_options named = MODISO_REGION_OPTIONS_INIT;
	named.name = "named";
	NEED(lib.make_region(1, MODISO_READ, named));
	return nullptr;
}

const char *hpp_image(const char *path)
{
	const auto lib = library::start().value();
	const auto module = lib.make_module("image").value();
	const auto used = lib.make_service("twice", twice).value();
	const auto unused = lib.make_service("ask", ask).value();
	auto image = module.load(path, {used.as("twice"), unused.as("ask")})
			     .value();
	{
		const auto gate =
			image.make_gate<std::uintptr_t(std::uintptr_t)>("count")
				.value();
		NEED(*gate(4) == 5 && *gate(4) == 10);
		NEED(image.end().error().code() == MODISO_ERR_BUSY);
	}
	NEED(!image.make_gate<int(int)>("no such function"));
	NEED(image.symbol<const char>("count").value() != nullptr);
	NEED(image.end());
	return nullptr;
}
