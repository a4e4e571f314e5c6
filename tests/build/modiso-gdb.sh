#!/bin/sh
# SPDX-License-Identifier: MIT
#
# modiso-gdb.sh - gdb stops in a function of a module by its name and walks
# through the gate to main(); perf gets a map.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

MODISO_RUNTIME=$top_builddir/runtime/libmodiso-module.a
export MODISO_RUNTIME
unset MODISO_BACKEND

cat >"$scratch/module.c" <<'END'
#define EXPORT __attribute__((visibility("default"), noinline))
static __attribute__((noinline)) long hidden(volatile long *where)
{
	return *where + 1;
}
EXPORT long entry(volatile long *where)
{
	return hidden(where) + 1;
}
END
expect_command "a module" "$top_builddir/tools/modiso-cc" -O1 -g \
	-o "$scratch/module.so" "$scratch/module.c"

# perf's map is in /tmp, named by a process that is over: the shell knows it.
# shellcheck disable=SC2016 # $$ is the inner shell's, which becomes the tool
pid=$(sh -c 'echo $$; exec "$@" >&2' sh "$top_builddir/libtool" \
	--mode=execute "$top_builddir/tools/modiso-run" --perf --call entry \
	:12345678 "$scratch/module.so" 2>"$scratch/errors")
map=/tmp/perf-$pid.map
if [ -f "$map" ] && grep -qE '^[0-9a-f]+ [0-9a-f]+ hidden \[module\.so\]$' \
	"$map"; then
	ok "the map for perf names a function that is not exported"
else
	cat "$map" "$scratch/errors" 2>&1 | not_ok "the map for perf"
fi
rm -f "$map"

if ! command -v gdb >/dev/null; then
	skip "gdb stops in a module" "no gdb"
	finish
	exit 0
fi

# With keys modiso_init() raises signals in a child, to see what the kernel does,
# and gdb stops at them; the breakpoints are the same on both backends.
MODISO_BACKEND=mprotect
export MODISO_BACKEND

cat >"$scratch/commands" <<'END'
set pagination off
set debuginfod enabled off
set breakpoint pending on
handle SIGSEGV nostop noprint pass
break hidden
run
backtrace
break modiso_fini
continue
info symbol entry
END
"$top_builddir/libtool" --mode=execute gdb -q -nx -batch \
	-x "$scratch/commands" --args "$top_builddir/tools/modiso-run" \
	--debugger --call entry :12345678 "$scratch/module.so" \
	>"$scratch/gdb" 2>&1 </dev/null
if grep -q 'ptrace: Operation not permitted' "$scratch/gdb"; then
	skip "gdb stops in a module" "ptrace is not permitted here"
	finish
	exit 0
fi

# shown PATTERN TEXT
shown() {
	if tr '\n' ' ' <"$scratch/gdb" | grep -qE -- "$1"; then
		ok "$2"
	else
		not_ok "$2" <"$scratch/gdb"
	fi
}

shown "Breakpoint 1, hidden \\(where=0x[0-9a-f]+\\) at $scratch/module.c:4" \
	"gdb stops in a function of a module, by its name"
shown '#0 +hidden \(where=0x[0-9a-f]+\) at .*module.c:4 *#1 .* in entry \(where=.*\) at .*module.c:8 *#2 .* in mdi_gate_[a-z_]+ .* in (modiso_gate_call|call_slowly) .* main ' \
	"the backtrace has lines, and goes through the gate to main()"
shown 'No symbol "entry" in current context' \
	"when the image is gone, so are its symbols"

finish
