#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh LIBRARY DIRECTORY - contract tests, compiled for Windows against that
# static library, and run by Wine. They are the sources that Linux runs, with
# support/windows in place of Check and of what asks the kernel. DIRECTORY has
# the programs, and Wine's own files. The last line counts the results.

set -u
cd "$(dirname "$0")/.." || exit 1

library=$1
out=$2
config=${library%/lib/.libs/*}
compiler=${CC-x86_64-w64-mingw32-gcc}
tests='gate fault region region_protect window overrun service service_list heap
	grant range notify image'

export WINEPREFIX=$out/wine WINEDEBUG=-all
unset DISPLAY

# All but the test itself, compiled once; the linker takes what is named.
parts='support/windows/test.c support/windows/again.c support/windows/proc.c
	support/proc_any.c support/world.c support/cpu.c support/poke.S
	support/stayer.c'

compile() {
	"$compiler" -std=gnu11 -O1 -Wall -Wextra -Werror -Wno-attributes \
		-include "$config/config.h" -Isupport/windows/include -I. \
		-I../include -I"$config/include" -I../lib \
		-I../lib/os/windows/include -c "$1" -o "$2"
}

# compiled FILE... - their objects, a line each
compiled() {
	local file object
	for file in "$@"; do
		object=$out/${file//\//_}.o
		compile "$file" "$object" || exit 1
		echo "$object"
	done
}

# scene TEST - what else it is made of
scene() {
	case $1 in
	fault) echo contract/crimes.c ;;
	gate) echo contract/gate_calls.c ;;
	grant) echo contract/actors.c ;;
	heap) echo contract/heap_user.c ;;
	image) echo contract/image_maker.c support/elf.c ;;
	service*) echo contract/service_caller.c ;;
	esac
}

link_all() {
	local shared own test
	# shellcheck disable=SC2086 # a list of words, like all of these
	shared=$(compiled $parts) || return 1
	for test in $tests; do
		# shellcheck disable=SC2046
		own=$(compiled "contract/contract_$test.c" $(scene "$test")) ||
			return 1
		# shellcheck disable=SC2086
		"$compiler" -static -o "$out/$test.exe" $own $shared \
			"$library" -lpthread -lsynchronization -ladvapi32 \
			-lpsapi || return 1
	done
}

# Without a debugger that asks on each crash. The first start takes a while.
start_wine() {
	wineserver -p || return 1
	printf '%s\n\n[%s]\n"Auto"="0"\n"Debugger"=""\n' REGEDIT4 \
		'HKEY_LOCAL_MACHINE\Software\Microsoft\Windows NT\CurrentVersion\AeDebug' \
		>"$out/quiet.reg"
	wine regedit /S "$out/quiet.reg" >/dev/null 2>&1
}

mkdir -p "$out"
trap 'wineserver -k; wait' EXIT
link_all || {
	echo "windows: 0 passed, 1 failed, 0 skipped"
	exit 1
}
start_wine || echo "Wine does not start" >&2
for test in $tests; do
	echo "# $test"
	wine "$out/$test.exe" </dev/null 2>"$out/$test.err" | tr -d '\r'
done | tee "$out/results" | grep -v '^ok [^#]*$'
# A program that prints fewer lines than it has promised has failed.
awk -v programs="$(echo "$tests" | wc -w)" '
/^1\.\.[0-9]+/ { sub(/^1\.\./, ""); promised += $1; begun++ }
/^ok .* # SKIP / { skipped++; next }
/^ok / { passed++ }
/^not ok / { failed++ }
END {
	failed += programs - begun + promised - passed - failed - skipped
	printf "windows: %d passed, %d failed, %d skipped\n", passed, failed,
		skipped
	exit failed != 0
}' "$out/results"
