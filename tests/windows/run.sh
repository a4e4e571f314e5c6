#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh BUILD DIRECTORY [LINUX] - what is built for Windows, tried by Wine. BUILD
# is where it was built, LINUX a build for this machine, and DIRECTORY has the
# programs, and Wine's own files.
#
# Contract and unit tests are compiled against the static library from the
# sources that Linux runs, with support/windows in place of Check and of what
# asks the kernel. They load the modules of the build for Linux, as they are;
# tools and the simulator say what those of that build say. The last line counts.
# TESTS in the environment: these alone.

set -u
cd "$(dirname "$0")/.." || exit 1

build=$1
out=$2
linux=${3-}
library=$build/lib/.libs/libmodiso.a
compiler=${CC-x86_64-w64-mingw32-gcc}
tests=${TESTS-gate gate_scrub words fault region region_protect window \
	overrun service service_fail service_handed service_list heap \
	heap_batch heap_life heap_hostile mailbox audit arguments grant \
	grant_keys grant_bus slots range notify module image image_flat needed \
	needed_bad compiled cstring fiber fiber_schedule thread thread_end \
	thread_together init_order permissive sizes snapshot schedule suspend \
	shared syscall_libc leave policy stress grant_threads service_sweep switched \
	check_addrmap check_blocks check_cpu check_error check_find check_free \
	check_length check_options check_range check_runs check_scan \
	check_scan_ends check_scan_memory check_select check_thread check_trap \
	check_vault}

export WINEPREFIX=$out/wine WINEDEBUG=-all
unset DISPLAY
# What make has built goes by the compiler's own DLLs.
WINEPATH=$("$compiler" -print-file-name=libwinpthread-1.dll)
WINEPATH=Z:${WINEPATH%/*}
export WINEPATH=${WINEPATH//\//\\}

# All but the test itself, compiled once; the linker takes what is named.
parts='support/windows/test.c support/windows/again.c support/windows/proc.c
	support/proc_any.c support/world.c support/cpu.c support/poke.S
	support/stayer.c'

compile() {
	local command=("$compiler" -std=gnu11)
	[ "${1%.cc}" = "$1" ] || command=("${compiler%gcc}g++")
	"${command[@]}" -O1 -Wall -Wextra -Werror -Wno-attributes \
		-include "$build/config.h" -Isupport/windows/include -I. \
		-I../include -I"$build/include" -I../lib \
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

# scene TEST - what it is made of
scene() {
	case $1 in
	leave) echo windows/leave.c contract/leaver.c support/cxx.cc ;;
	policy | shared | suspend) echo "windows/$1.c" ;;
	check_*) echo "unit/$1.c" ;;
	*) echo "contract/contract_$1.c" ;;
	esac
	case $1 in
	fault) echo contract/crimes.c ;;
	fiber_schedule)
		echo contract/fiber_scene.c support/windows/ucontext.c \
			windows/frozen.c
		;;
	fiber) echo contract/fiber_scene.c support/windows/ucontext.c ;;
	gate*) echo contract/gate_calls.c ;;
	grant*) echo contract/actors.c ;;
	heap_batch) echo contract/heap_image.c contract/heap_user.c ;;
	heap*) echo contract/heap_user.c ;;
	check_scan | check_scan_*)
		echo unit/scan_found.c support/scan_samples.c
		;;
	image | needed_bad) echo contract/image_maker.c support/elf.c ;;
	image_flat)
		echo contract/image_maker.c support/elf.c windows/gdb_absent.c
		;;
	audit | permissive) echo support/json.c ;;
	schedule | suspend) echo contract/scheduled.c windows/scheduled.c ;;
	switched) echo support/windows/ucontext.c ;;
	service_handed) echo contract/handed_scene.c ;;
	service | service_list | service_sweep) echo contract/service_caller.c ;;
	thread*) echo contract/thread_scene.c ;;
	esac
}

link_all() {
	local shared own test
	# shellcheck disable=SC2086 # a list of words, like all of these
	shared=$(compiled $parts) || return 1
	for test in $tests; do
		# shellcheck disable=SC2046
		own=$(compiled $(scene "$test")) || return 1
		# shellcheck disable=SC2086
		"${compiler%gcc}g++" -static -o "$out/$test.exe" $own $shared \
			"$library" -lpthread -lsynchronization -ladvapi32 ||
			return 1
	done
}

# Without a debugger that asks on each crash. The first start takes a while.
start_wine() {
	wineserver -p
	printf '%s\n\n[%s]\n"Auto"="0"\n"Debugger"=""\n' REGEDIT4 \
		'HKEY_LOCAL_MACHINE\Software\Microsoft\Windows NT\CurrentVersion\AeDebug' \
		>"$out/quiet.reg"
	wine regedit /S "$out/quiet.reg" >/dev/null 2>&1
}

# windows PROGRAM ARGUMENT... - with lines as Linux has them
windows() {
	timeout 900 wine "$@" </dev/null 2>"$out/err" | tr -d '\r'
	return "${PIPESTATUS[0]}"
}

# plain FILE - without what differs for good: addresses, how long it took, and of
# a fault's report how the compiler has made the code. Which backends there are.
plain() {
	sed -E '/^  (pkey|instruction|from|called by|lines|code) /d
		/^  (assembly|registers|thread|signal) /d
		/^ {11}/d
		s/(0x)?[0-9a-f]{9,16}/ADDRESS/g; s/ +/ /g
		s/"seconds":[0-9.]+//' "$1"
}

# same NAME PROGRAM ARGUMENT... - in both builds
number=0
same() {
	local name=$1 program=$2 good=not\ ok
	shift 2
	number=$((number + 1))
	if [ -z "$linux" ]; then
		echo "ok $number - $name # SKIP linux: no build for it was given"
		return
	fi
	windows "$build/$program.exe" "$@" >"$out/here"
	MODISO_BACKEND=mprotect "$linux/$program" "$@" >"$out/there" \
		2>/dev/null </dev/null
	if [ -s "$out/there" ] &&
		diff <(plain "$out/there") <(plain "$out/here") >"$out/diff"; then
		good=ok
	else
		sed 's/^/# /' "$out/diff"
	fi
	echo "$good $number - $name"
}

# The wrapper for C++ is refused by its name.
cxx_refused() {
	number=$((number + 1))
	if echo '#include <modiso.hpp>' |
		"${compiler%gcc}g++" -fsyntax-only -I../include \
			-I"$build/include" -x c++ - 2>&1 |
		grep -q 'modiso.hpp is not for Windows'; then
		echo "ok $number - modiso.hpp"
	else
		echo "not ok $number - modiso.hpp"
	fi
}

tools() {
	local scenario
	echo 1..5
	for scenario in clean buggy; do
		same "simulator: $scenario" examples/simulator/simulator \
			--isolation mprotect --threads 1 \
			"../examples/simulator/$scenario.sim"
	done
	same modiso-scan tools/modiso-scan --json \
		"$out/modules/gadget-gcc.so"
	same modiso-run tools/modiso-run --abi test-1 --call count 4 \
		"$out/modules/count-gcc.so"
	cxx_refused
}

mkdir -p "$out/modules"
trap 'wineserver -k; wait' EXIT
[ -z "$linux" ] || cp "$linux"/tests/modules/*.so "$out/modules"
link_all || {
	echo "windows: 0 passed, 1 failed, 0 skipped"
	exit 1
}
start_wine || echo "Wine does not start" >&2
{
	for test in $tests; do
		echo "# $test"
		(
			cd "$out" || exit
			# What Linux does a hundred thousand times takes
			# Wine some minutes.
			case $test in
			thread | module | slots | stress) export MODISO_TEST_SHORT=1 ;;
			esac
			timeout 900 wine "./$test.exe" </dev/null 2>"$test.err"
		) | tr -d '\r'
	done
	echo "# tools"
	tools
} | tee "$out/results" | grep -v '^ok [^#]*$'
# A program that prints fewer lines than it has promised has failed.
awk -v programs="$(echo "$tests tools" | wc -w)" '
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
