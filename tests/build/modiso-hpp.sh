#!/bin/sh
# SPDX-License-Identifier: MIT
#
# modiso-hpp.sh - <modiso.hpp> compiles without a warning where all are asked
# for, by each C++ compiler that there is, and programs that must not compile do
# not: each beside one that differs in the mistake alone, and does.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

# shellcheck source-path=SCRIPTDIR source=warnings.sh
. "${0%/*}/warnings.sh"

# What CXX calls itself, and the other one if it is there.
compilers=
for each in g++ clang++; do
	! command -v $each >/dev/null || compilers="$compilers $each"
done
[ -n "$compilers" ] || skip_all "no C++ compiler"

# compile COMPILER OPTION... FILE
compile() {
	"$@" -Werror -fsyntax-only \
		-I"$top_srcdir/include" -I"$top_builddir/include"
}

# strictly COMPILER OPTION... FILE - with all warnings
strictly() {
	case $1 in
	g++) warnings=$gcc_warnings ;;
	*) warnings=$clang_warnings ;;
	esac
	# Code that is only parsed has fewer warnings than code that is made.
	# shellcheck disable=SC2086
	"$@" $warnings -Werror -O2 -c -o "$scratch/object.o" \
		-I"$top_srcdir/include" -I"$top_builddir/include"
}

# All that the headers have, used once.
cat >"$scratch/all.cc" <<'END'
#include <modiso.hpp>
#include <modiso.hpp>

template class modiso::result<int>;
template class modiso::result<modiso::region>;
template class modiso::gate<int(const char *, std::size_t)>;
template class modiso::gate<void()>;
template class modiso::gate<bool(float, double)>;
template class modiso::gate<double(double)>;
template class modiso::service<int(int)>;
template class modiso::span<int>;

namespace {
struct pair { int a; int b; };
int entry(const char *, std::size_t) noexcept
{
	return 0;
}
double number(double value)
{
	return value;
}
}

int main()
{
	const auto lib = modiso::library::start().value();
	auto module = lib.make_module("m").value();
	auto region = module.make_region(4096).value();
	const auto gate = module.make_gate(entry).value();
	const auto service = lib.make_service("number", number).value();
	const auto image = module.load("m.so", { service.as("number") });

	if (image && !image->make_gate<int(int)>("f"))
		return 1;
	if (gate("", 1).value_or(2) == 2 &&
	    gate("", 1).error().code() == MODISO_ERR_FAULT)
		return modiso::last_fault()->signo;
	if (!service.allow(module) || !service.deny(module))
		return 1;
	const auto window = region.open();
	const auto grant = region.grant_to(module, MODISO_READ);
	for (auto &each : region.as<pair>().subspan(1))
		each = region.load<pair>(0).value_or(pair{});
	const auto copy = modiso::copy_in(region.as<pair>().data());
	const auto text = modiso::copy_in_string("", 1, module.handle());
	if (!copy || !modiso::copy_out(region.as<pair>().data(), *copy))
		return text ? static_cast<int>(text->size()) : 1;
	return region.end() && module.end() ? 0 : 1;
}
END

for compiler in $compilers; do
	for standard in 17 20; do
		expect_command "$compiler, C++$standard: no warning" \
			strictly "$compiler" -std=c++$standard "$scratch/all.cc"
	done
	expect_command "$compiler: no warning without exceptions" \
		strictly "$compiler" -std=c++17 -fno-exceptions -fno-rtti \
		"$scratch/all.cc"
done

# All that must not compile is one file, and what differs from it in the
# mistakes alone another one: for each of the pieces the compiler must name the
# line that it is on, of the first file, and be silent about the second.
for file in wrong right; do
	cat >"$scratch/$file.cc" <<'END'
#include <modiso.hpp>
#include <string>
struct pair { int a, b; };
int word(int value);
double number(double value);
int varies(const char *text, ...);
struct object { int member(int value); };
#define GIVEN                                                                  \
	(const modiso::library &lib, const modiso::module &module,             \
	 const modiso::region &region)
END
done
cases=0
: >"$scratch/says"

# add PLACE CODE - on line 1 of a file of its own, as compilers see it
add() {
	echo "#line 1 \"case-$cases.cc\""
	if [ "$1" = inside ]; then
		echo "void f$cases GIVEN; void f$cases GIVEN {" \
			"(void)lib; (void)module; (void)region; $2 }"
	else
		echo "$2"
	fi
}

# refused TEXT PLACE WRONG RIGHT
refused() {
	cases=$((cases + 1))
	add "$2" "$3" >>"$scratch/wrong.cc"
	add "$2" "$4" >>"$scratch/right.cc"
	echo "$1" >>"$scratch/says"
}

# entry TEXT WRONG RIGHT - two types of a gate; and of a service, with another
# type in it: what a compiler has refused once it does not mention again.
entry() {
	refused "a gate: $1" outside "template class modiso::gate<$2>;" \
		"template class modiso::gate<$3>;"
	refused "a service: $1" outside \
		"template class modiso::service<$(echo "$2" | sed s/int/char/)>;" \
		"template class modiso::service<$(echo "$3" | sed s/int/char/)>;"
}

entry "no structure by value" 'int(pair)' 'int(pair *)'
entry "no reference" 'int(const int &)' 'int(const int *)'
entry "no long double" 'int(long double)' 'int(double)'
entry "no 128-bit integer" 'int(__int128)' 'int(long)'
entry "no object of the standard library" 'int(std::string)' 'int(const char *)'
entry "no pointer to a member" 'int(int object::*)' 'int(object *)'
sixteen='int, int, int, int, int, int, int, int, int, int, int, int, int, int, int,
	char *'
entry "no seventeenth word" "int($sixteen, char *)" "int($sixteen, double)"
entry "no ninth number" \
	'int(double, double, double, double, float, float, float, float, float)' \
	'int(double, double, double, double, float, float, float, float, int)'
entry "no variable arguments" 'int(const char *, ...)' 'int(const char *, int)'
entry "no result in memory" 'pair(int)' 'pair *(int)'
entry "no long double as the result" 'long double(int)' 'double(int)'

refused "an entry with variable arguments" inside \
	'static_cast<void>(module.make_gate(varies));' \
	'static_cast<void>(module.make_gate(word));'
refused "a member function as the entry" inside \
	'static_cast<void>(module.make_gate(&object::member));' \
	'static_cast<void>(module.make_gate(&word));'
refused "a lambda that captures as the entry" inside \
	'static_cast<void>(module.make_gate([&](int v) { return &lib ? v : 1; }));' \
	'static_cast<void>(module.make_gate(+[](int v) { return v; }));'
refused "an argument of another type" inside \
	'static_cast<void>(module.make_gate(word).value()("text"));' \
	'static_cast<void>(module.make_gate(word).value()(1));'
refused "an argument too few" inside \
	'static_cast<void>(module.make_gate(word).value()());' \
	'static_cast<void>(module.make_gate(word).value()(1));'
refused "a gate in one of another type" inside \
	'modiso::gate<int(double)> g = module.make_gate(word).value();' \
	'modiso::gate<int(int)> g = module.make_gate(word).value();'
refused "a call whose result nobody looks at" inside \
	'module.make_gate(word).value()(1);' \
	'module.make_gate(word).value()(1).value();'
refused "a result taken for its value" inside \
	'int i = module.make_gate(word).value()(1); (void)i;' \
	'int i = module.make_gate(word).value()(1).value(); (void)i;'
refused "a service's pointer of another type" inside \
	'int (*p)(int) = lib.make_service("s", number).value().pointer(); (void)p;' \
	'int (*p)(int) = lib.make_service("s", word).value().pointer(); (void)p;'
refused "objects with constructors in a region" inside \
	'static_cast<void>(region.as<std::string>());' \
	'static_cast<void>(region.as<pair>());'
refused "such an object from a module" inside \
	'static_cast<void>(modiso::copy_in(static_cast<std::string *>(nullptr)));' \
	'static_cast<void>(modiso::copy_in(static_cast<pair *>(nullptr)));'

for compiler in $compilers; do
	all=-fmax-errors=0
	[ "$compiler" = g++ ] || all=-ferror-limit=0
	expect_command "$compiler: programs without mistakes compile" \
		compile "$compiler" -std=c++17 "$scratch/right.cc"
	compile "$compiler" $all -std=c++17 "$scratch/wrong.cc" \
		>"$scratch/complaints" 2>&1
	number=0
	while read -r text; do
		number=$((number + 1))
		if grep -q "^ *\(In file included from \)\?case-$number\.cc:" \
			"$scratch/complaints"; then
			ok "$compiler refuses, $text"
		else
			grep -A 2 "case-$number\.cc" "$scratch/wrong.cc" |
				not_ok "$compiler refuses, $text"
		fi
	done <"$scratch/says"
	for words in 'an argument passes neither' 'a result is void' \
		'more than sixteen' 'more than eight' 'without variable arguments' \
		'copied byte by byte'; do
		expect_command "$compiler says \"$words\"" \
			grep -q "modiso: .*$words" "$scratch/complaints"
	done
done

finish
