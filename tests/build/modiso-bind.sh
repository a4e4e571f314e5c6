#!/bin/sh
# SPDX-License-Identifier: MIT
#
# modiso-bind.sh - wrappers from a header with every kind of argument compile
# without a warning and run against a module, in C and C++, on each backend;
# what cannot pass is refused by a line each; programs that take a module's word
# for a value, or the wrong callback, do not compile.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

# shellcheck source-path=SCRIPTDIR source=warnings.sh
. "${0%/*}/warnings.sh"

tool=$top_builddir/tools/modiso-bind
MODISO_BIND_PARTS=$top_srcdir/tools/bind
MODISO_RUNTIME=$top_builddir/runtime/libmodiso-module.a
LD_LIBRARY_PATH=$top_builddir/lib/.libs
export MODISO_BIND_PARTS MODISO_RUNTIME LD_LIBRARY_PATH
cp "$top_srcdir"/tests/build/bind/* "$scratch"
cd "$scratch" || exit 1

# ends STATUS TEXT WORDS COMMAND... - and WORDS are in what it says
ends() {
	status=$1
	text=$2
	words=$3
	shift 3
	"$@" >"$scratch/output" 2>&1
	ended=$?
	if [ $ended -eq "$status" ] && grep -qF -- "$words" "$scratch/output"
	then
		ok "$text"
	else
		echo "status $ended; expected $status and: $words" \
			>>"$scratch/output"
		not_ok "$text" <"$scratch/output"
	fi
}

ends 0 "--help" 'HOW an argument' "$tool" --help
ends 0 "--version" "modiso-bind (libmodiso) $PACKAGE_VERSION" "$tool" --version
ends 4 "without Python" 'install the Debian package python3-clang' \
	env MODISO_PYTHON=/nonexistent/python "$tool" zlib.h f
if "$tool" ./shapes.h shape_twice >"$scratch/output" 2>&1; then
	:
elif [ $? -eq 4 ]; then
	ok "without libclang it names the package"
	skip "all else" "no python3-clang"
	finish
	exit 0
fi

## What is written, and what it does.
for each in h hpp; do
	expect_command "shapes.$each" "$tool" ./shapes.h --functions words \
		-o shapes_sandbox.$each
done
expect_command "and a module" "$tool" ./shapes.h --functions words \
	--image shapes.so -- -O2 shapes.c
expect_command "shelf.hpp, classes, and a module" "$tool" ./shelf.hpp \
	--functions shelf_words -o shelf_sandbox.hpp --image shelf.so -- \
	-O2 -fno-exceptions -fno-rtti shelf.cc
expect_command "the same with its wrappers from a file" "$tool" ./shelf.hpp \
	--functions shelf_words -o shelf_module.cc -o same.hpp
expect_command "has the same text" cmp same.hpp shelf_sandbox.hpp
ends 0 "--exports" shape_twice,shape_sum \
	"$tool" --exports ./shapes.h shape_twice shape_sum values=in:count
expand ./*_sandbox.h* shelf_module.cc | awk 'length > 80' >wide
expect_empty wide "no line has more than 80 columns"

backends=mprotect
if "$top_builddir/tools/modiso-info" --backend pkey --quiet; then
	backends='mprotect pkey'
fi

# compile COMPILER OPTION... - as a user who wants to hear of everything
compile() {
	compiler=$1
	shift
	debug=-g
	case $compiler in
	clang++) standard=c++17 more=$clang_warnings debug=-gline-tables-only ;;
	*++) standard=c++17 more=$gcc_warnings ;;
	*) standard=c11 more='-Wstrict-prototypes -Wmissing-prototypes' ;;
	esac
	# shellcheck disable=SC2086 # a list
	"$compiler" $debug -std=$standard -Wall -Wextra -Wconversion -Wshadow \
		-Wpedantic -Werror $more -I. -I"$top_srcdir/include" \
		-I"$top_builddir/include" "$@" 2>&1
}
for compiler in gcc clang g++ clang++; do
	command -v $compiler >/dev/null || continue
	source=use.c
	[ "${compiler%++}" = "$compiler" ] || source=use.cc
	compile $compiler -o use $source -L"$LD_LIBRARY_PATH" -lmodiso \
		>complaints
	expect_empty complaints "$compiler: no warning"
	for backend in $backends; do
		expect_command "$compiler: runs with $backend" \
			env MODISO_BACKEND=$backend ./use ./shapes.so
	done
	rm -f use
	[ "$source" = use.cc ] || continue
	compile $compiler -o use use_shelf.cc -L"$LD_LIBRARY_PATH" -lmodiso \
		>complaints
	expect_empty complaints "$compiler: classes, no warning"
	for backend in $backends; do
		expect_command "$compiler: classes run with $backend" \
			env MODISO_BACKEND=$backend ./use ./shelf.so
	done
	rm -f use
done

# It writes addresses of functions that the host does not have into the
# debugging data.
if command -v clang++ >/dev/null; then
	expect_command "one class" "$tool" ./shelf.hpp book::living --name one \
		-o one_sandbox.hpp --image shelf.so
	cat >one.cc <<-'END'
	#include "one_sandbox.hpp"
	int main()
	{
		const auto library = modiso::library::start().value();
		const auto box = one_sandbox::open(library, "./shelf.so").value();

		return box.call<&shelf_book_living>().value().unverified();
	}
	END
	expect_command "clang++ -g: it links" clang++ -g -std=c++17 -I. \
		-I"$top_srcdir/include" -I"$top_builddir/include" -o one one.cc \
		-L"$LD_LIBRARY_PATH" -lmodiso
	expect_command "and runs" ./one
fi

## What is refused, all in one go, of C and of C++.
for header in refused.h refused.hpp; do
	sed -n 's,^/\* \(.*\) | .*,\1,p' $header >asked
	"$tool" ./$header --functions asked -o refused.out.hpp >output 2>&1
	ended=$?
	awk -v header=$header '/^\/\* .* \| / {
		split($0, half, " [|] ")
		sub(/ \*\/$/, "", half[2])
		gsub(/^[a-z]+=|\(.*/, "", $2)
		print "modiso-bind: " header ":" NR + 1 ": " $2 "(): " half[2]
	}' $header >expected
	while read -r line; do
		if grep -qF -- "$line" output; then
			ok "$line"
		else
			not_ok "$line" <output
		fi
	done <expected
	if [ $ended -eq 1 ] && [ ! -e refused.out.hpp ] &&
		[ "$(wc -l <output)" -eq "$(wc -l <expected)" ]; then
		ok "$header: no more is refused, and nothing was written"
	else
		not_ok "$header: no more is refused, and nothing was written" \
			<output
	fi
done
ends 1 "no such function" 'declares no function strngs; strings()' \
	"$tool" ./refused.h strngs

printf 'struct half { int a;\nint broken(struct nothing x;\n' >broken.h
ends 3 "a header that does not parse" 'broken.h:2: expected' \
	"$tool" ./broken.h broken -o refused.out
echo 'class part { public: int of(); };' >class.h
ends 3 "a header of C++" 'class.h does not parse as C, so nothing is made' \
	"$tool" ./class.h of
ends 1 "a class that is none" \
	'refused.hpp: declares no function no::nothing::f' \
	"$tool" ./refused.hpp no::nothing::f
ends 1 "a method that is none" 'no::made::gte; no::made::get(), perhaps' \
	"$tool" ./refused.hpp no::made::gte
ends 1 "two with one name" \
	'its name, shelf_book_put, is that of book::put(int) as well' \
	"$tool" ./shelf.hpp 'book::put(int)' 'shelf::book::put(int, int)'
ends 0 "a pattern of methods" \
	'?shelf_book_cost,?shelf_book_counted,?shelf_book_each,?shelf_book_first,' \
	"$tool" --exports ./shelf.hpp 'book::*'
ends 0 "and what it leaves out" \
	'shelf::book::place() is left out: only its arguments say which' \
	"$tool" --exports ./shelf.hpp 'book::*'
ends 0 "which are all of a class that can be taken" \
	'?shelf_plain_new,?shelf_plain_plus,?shelf_plain_value,?shelf_plain_delete' \
	"$tool" --exports ./shelf.hpp 'shelf::plain::*'
ends 2 "a header for C of what is C++" 'x.h: what is named in C++ is bound for' \
	"$tool" ./shelf.hpp book::living -o x.h
ends 3 "a header that is no C++" 'shapes.hpp does not parse as C++, so nothing' \
	"$tool" ./shapes.hpp ::shapes
ends 2 "an image that is none" 'shapes.c cannot be read: nm: ' \
	"$tool" ./shapes.h shape_twice --image shapes.c
ends 3 "a header that is not there" "'nowhere.h' file not found" \
	"$tool" nowhere.h f
echo 'size_t wants(void);' >wants.h
ends 3 "a header that wants another one" "unknown type name 'size_t'" \
	"$tool" ./wants.h wants
ends 0 "--include" wants "$tool" --include=stddef.h --exports ./wants.h wants
ends 1 "what is said of errno" 'errno(): x is none of its arguments: it has none' \
	"$tool" ./shapes.h errno x=in
ends 1 "errno of a module that has none" '__errno_location is to be exported' \
	"$tool" ./refused.h strings errno --image x.so -- "$top_srcdir/runtime/guard.c"
ends 2 "no header" 'no header is named' "$tool"
ends 2 "no function" 'no function is named' "$tool" ./shapes.h
ends 2 "arguments of nothing" 'no function stands before it' \
	"$tool" ./shapes.h to=in
ends 2 "an option that is none" '--nonsense is no option' \
	"$tool" --nonsense ./shapes.h f
ends 2 "a file that cannot be written" 'cannot be written' \
	"$tool" ./shapes.h shape_twice -o /nonexistent/x.h
ends 2 "a file that cannot be read" 'cannot be read' \
	"$tool" ./shapes.h --functions /nonexistent/words
ends 2 "an image that is not there" 'x.so cannot be read' \
	"$tool" ./shapes.h shape_twice --image x.so
ends 1 "an image without that function" 'shapes.so exports no function wants' \
	"$tool" --include=stddef.h ./wants.h wants --image shapes.so
ends 1 "an image that is not made" 'modiso-cc ended with' \
	"$tool" ./shapes.h shape_twice --image x.so -- missing.c

## A pattern takes what can be bound; of an image, what that has.
ends 0 "a pattern" '?shape_list_add,?shape_list_free,?shape_list_head,' \
	"$tool" --exports ./shapes.h 'shape_list_*'
ends 0 "what it leaves out" \
	'shape_list_text() is left out: it has variable arguments' \
	"$tool" --exports ./shapes.h 'shape_list_*'
ends 0 "but what is named by itself" '?shape_first,shape_fill,shape_sum' \
	"$tool" --exports ./shapes.h 'shape_fi[rl]*' values=in:4 shape_fill \
	shape_sum values=in:count
ends 1 "a pattern of nothing" 'no function of it can be bound as shape_x*' \
	"$tool" ./shapes.h 'shape_x*'
ends 1 "a pattern and no such argument" \
	'shape_l*: no function that can be bound has an argument nothing' \
	"$tool" ./shapes.h 'shape_l*' nothing=in
sed '/^int shape_open/,/^}/d' shapes.c >part.c
ends 1 "a named function that the image has not" 'shape_open is to be exported' \
	"$tool" ./shapes.h shape_open 'shape_*' --image part.so -- part.c
expect_command "a module of a part of them" \
	"$tool" ./shapes.h 'shape_*' values=in:count text=string \
	-o part_sandbox.hpp --image part.so -- part.c
if grep -q 'binding<&::shape_sum>' part_sandbox.hpp &&
	! grep -q shape_open part_sandbox.hpp; then
	ok "and wrappers of that part"
else
	not_ok "and wrappers of that part" </dev/null
fi
expect_command "the same of an image that is there" \
	"$tool" ./shapes.h 'shape_*' values=in:count text=string \
	-o same_sandbox.hpp --image part.so
expect_command "with the same text" cmp part_sandbox.hpp same_sandbox.hpp

ends 1 "an image that has none of a pattern" \
	'part.so exports no function as shape_open*' \
	"$tool" ./shapes.h 'shape_open*' --image part.so
mkdir more && echo 'int wants(void);' >more/more.h &&
	echo '#include "more.h"' >outer.h && echo 'int wants(void) { return 1; }' >w.c
expect_command "a header is read with the options of the module" \
	"$tool" ./outer.h wants --image w.so -- -Imore -I more w.c

## What must not compile is one file for each language, and what differs from
## it in the mistakes alone another one: a compiler must name the line of each
## in the first file, and be silent about the second.
for file in wrong right; do
	cat >$file.c <<-'END'
	#include "shapes_sandbox.h"
	int take(struct modiso_module *m, struct shapes_tainted_short x);
	double half(struct modiso_module *m, struct shapes_tainted_double x);
	END
	cat >$file.cc <<-'END'
	#include "shapes_sandbox.hpp"
	#include "shelf_sandbox.hpp"
	int raw(void *, const shape_point *, short, bool);
	int visit(modiso::tainted<void *>, modiso::tainted<const shape_point *>,
		modiso::tainted<short>, modiso::tainted<bool>);
	double square(modiso::tainted<double>);
	int other(int);
	END
done
cases=0
: >says

# wrong LANGUAGE TEXT WRONG RIGHT - what use() does; @ is the number of the case
wrong() {
	cases=$((cases + 1))
	for file in wrong right; do
		code=$4
		[ $file = right ] || code=$3
		{
			echo "#line 1 \"case-$cases.$1\""
			echo "$begin $code }" | tr '\n' ' ' |
				sed "s/@/$cases/g"
			echo
		} >>$file.$1
	done
	echo "$cases $1 $2" >>says
}

begin='int use@(const struct shapes_sandbox *box, int code);
	int use@(const struct shapes_sandbox *box, int code) {
	struct shapes_tainted_int r; struct shape_list *host = 0;
	struct shapes_tainted_shape_list_ptr list = {host};
	code = shapes_call_shape_twice(box, 1, &r);
	if (code != 0) return shapes_call_shape_list_sum(box, list, &r);'
wrong c "a tainted result as a value" 'code = r; return code;' \
	'code = shapes_verify_int(r, 0, 1, &code); return code;'
wrong c "a tainted result as a condition" 'if (r) code++; return code;' \
	'if (r.unverified) code++; return code;'
wrong c "a pointer of the host's for one of the module's" \
	'return shapes_call_shape_list_sum(box, host, &r);' \
	'return shapes_call_shape_list_sum(box, list, &r);'
wrong c "a callback in the place of another" \
	'struct shapes_callback_shape_visitor c = {0};
	return shapes_call_shape_integrate(box, c, 1, 2, 0);' \
	'struct shapes_callback_shape_integrate_of c = {0};
	return shapes_call_shape_integrate(box, c, 1, 2, 0);'
begin='int use@(const struct shapes_sandbox *box);'
wrong c "a callback of another type" \
	'SHAPES_CALLBACK_shape_integrate_of(make_it@, take);
	int use@(const struct shapes_sandbox *box) {
	struct shapes_callback_shape_integrate_of c;
	return make_it@(box, "x", &c);' \
	'SHAPES_CALLBACK_shape_integrate_of(make_it@, half);
	int use@(const struct shapes_sandbox *box) {
	struct shapes_callback_shape_integrate_of c;
	return make_it@(box, "x", &c);'

begin='int use@(const shapes_sandbox &box, int code);
	int use@(const shapes_sandbox &box, int code) {
	const auto r = box.call<&shape_twice>(code).value();
	shape_list *host = nullptr; static_cast<void>(host);
	static_cast<void>(r);'
wrong cc "a tainted result as a value" 'code = r; return code;' \
	'code = r.unverified(); return code;'
wrong cc "a tainted result in a comparison" 'return r == 3;' \
	'return r.between(3, 3).has_value();'
wrong cc "a tainted result as a condition" 'return r ? 1 : code;' \
	'return r.unverified() ? 1 : code;'
wrong cc "a pointer of the host's for one of the module's" \
	'return box.call<&shape_list_sum>(host).has_value();' \
	'return box.call<&shape_list_sum>(nullptr).has_value();'
wrong cc "a call whose result nobody looks at" \
	'box.call<&shape_twice>(1); return code;' \
	'static_cast<void>(box.call<&shape_twice>(1)); return code;'
wrong cc "a function that is not bound" \
	'return box.call<&other>(code).has_value();' \
	'return box.call<&shape_twice>(code).has_value();'
wrong cc "a callback of another type" \
	'auto c = box.make_callback<&square>("s").value();
	return box.call<&shape_each>(c, nullptr).has_value();' \
	'auto c = box.make_callback<&visit>("v").value();
	return box.call<&shape_each>(c, nullptr).has_value();'
wrong cc "a callback that takes a module's word" \
	'return box.make_callback<&raw>("r").has_value();' \
	'return box.make_callback<&visit>("v").has_value();'
wrong cc "a function of the host's itself as a callback" \
	'return box.call<&shape_each>(raw, nullptr).has_value();' \
	'return box.call<&shape_each>(nullptr, nullptr).has_value();'

begin='int use@(const shelf_sandbox &box,
	modiso::tainted<const shelf_book_object *> fixed,
	modiso::tainted<shelf_book_object *> it);
	int use@(const shelf_sandbox &box,
	modiso::tainted<const shelf_book_object *> fixed,
	modiso::tainted<shelf_book_object *> it) {
	static_cast<void>(fixed); static_cast<void>(it);
	if (box.call<&shelf_book_title>(fixed)) return 1;'
wrong cc "a method of an object that is const" \
	'return box.call<&shelf_book_self>(fixed).has_value();' \
	'return box.call<&shelf_book_self>(it).has_value();'
wrong cc "an object as one of its base" \
	'return box.call<&shelf_thing_twice>(it).has_value();' \
	'return box.call<&shelf_thing_twice>(
	box.call<&shelf_book_thing>(it).value()).has_value();'
wrong cc "an object of the host" \
	'shelf::book host; return box.call<&shelf_book_title>(&host).has_value();' \
	'return box.call<&shelf_book_title>(nullptr).has_value();'
wrong cc "a look into an object" \
	'return it.unverified()->pages;' 'return it.is_null();'
wrong cc "an object in memory that the host makes" \
	'return box.make<shelf_book_object>().has_value();' \
	'return box.make<shelf::spot>().has_value();'

for compiler in gcc clang g++ clang++; do
	command -v $compiler >/dev/null || continue
	suffix=c
	[ "${compiler%++}" = "$compiler" ] || suffix=cc
	all=-fmax-errors=0
	[ "${compiler#clang}" = "$compiler" ] || all=-ferror-limit=0
	compile $compiler -fsyntax-only right.$suffix >complaints
	expect_empty complaints "$compiler: what is right compiles"
	compile $compiler $all -fsyntax-only wrong.$suffix >complaints
	while read -r number language text; do
		[ "$language" = $suffix ] || continue
		if grep -q "case-$number\.$suffix:" complaints; then
			ok "$compiler refuses, $text"
		else
			grep -A 1 "case-$number\." wrong.$suffix |
				not_ok "$compiler refuses, $text"
		fi
	done <says
done

finish
