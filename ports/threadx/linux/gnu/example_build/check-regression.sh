#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-regression.sh TREE DIRECTORY - run the ThreadX tree's own tests
# (test/tx/cmake) in DIRECTORY with its kernel as it is, with the changes of
# edit-port.sh, and with those and the module manager, and compare.
#
# The tests are 32-bit ones and compiled with -Werror, which their 64-bit forms
# do not pass: both are taken out of the copies. Some then fail with each of the
# three. What counts is that the same do.

set -eu

if [ $# -ne 2 ]; then
	echo 'usage: check-regression.sh TREE DIRECTORY' >&2
	exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)

# copy TREE NAME - a tree whose tests can be built for 64 bits
copy() {
	rm -rf "${out:?}/$2"
	cp -R "$1" "$out/$2"
	sed -i -e '/-m32/d' -e '/^ *-Werror/d' -e 's/PRIVATE -Werror/PRIVATE/' \
		"$out/$2/test/tx/cmake/CMakeLists.txt"
}

# results NAME OPTION... - how many tests there are, and the ones that fail
#
# Some measure time: one that fails is run once more, as the tree's CI does.
results() {
	name=$1
	shift
	cmake -S "$out/$name/test/tx/cmake" -B "$out/$name/results" \
		-DCMAKE_BUILD_TYPE=default_build_coverage \
		-DBUILD_SHARED_LIBS=ON -DCMAKE_C_FLAGS='-pthread -w' \
		-DTHREADX_ARCH=linux -DTHREADX_TOOLCHAIN=gnu "$@" \
		>"$out/$name.log" 2>&1
	cmake --build "$out/$name/results" -j "$(nproc)" >>"$out/$name.log" 2>&1
	(cd "$out/$name/results" &&
		ctest -j "$(nproc)" --repeat until-pass:2) \
		>"$out/$name.ctest" 2>&1 || :
	sed -n -e 's/.*tests failed out of \([0-9]*\)$/\1 tests/p' \
		-e 's/^[[:space:]]*[0-9]* - \([^ ]*\) (.*/\1 fails/p' \
		"$out/$name.ctest" | sort >"$out/$name.results"
	grep -q ' tests$' "$out/$name.results"
	echo "$name: $(grep ' tests$' "$out/$name.results")," \
		"$(grep -c ' fails$' "$out/$name.results" || :) fail"
}

copy "$1" plain
copy "$1" edited
sh "$here/edit-port.sh" "$out/edited"
copy "$out/edited" modules
mkdir -p "$out/modules/ports_module/linux/gnu"
cp -R "$here/../." "$out/modules/ports_module/linux/gnu"

results plain
results edited
results modules \
	-DTHREADX_CUSTOM_PORT="$out/modules/ports_module/linux/gnu"
cmp "$out/plain.results" "$out/edited.results"
cmp "$out/plain.results" "$out/modules.results"
echo 'the same tests pass with each of the three'
