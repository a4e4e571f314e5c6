#!/bin/sh
# SPDX-License-Identifier: MIT
#
# modiso-gdb.sh - gdb stops in a function of a module by its name and walks
# through the gate to main(), from a service as well, and nowhere else; perf gets
# a map.

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

# From a service to main(), by way of the module; with each backend there is.
cat >"$scratch/service.c" <<'END'
#include <modiso.h>

static uintptr_t (*call)(uintptr_t);

MODISO_CALL static uintptr_t serve(uintptr_t value)
{
	return value + 1;
}

static uintptr_t inside(uintptr_t value)
{
	return call(value) + 1;
}

int main(void)
{
	struct modiso_service *service;
	struct modiso_module *module;
	struct modiso_gate *gate;
	uintptr_t word = 1;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("m", NULL, &module) != 0 ||
	    modiso_service_create("serve", (modiso_fn)serve, NULL,
				  &service) != 0 ||
	    modiso_gate_create(module, (modiso_fn)inside, NULL, &gate) != 0)
		return 1;
	call = (uintptr_t(*)(uintptr_t))modiso_service_thunk(service);
	return modiso_gate_call(gate, &word, 1, &word) != 0 || word != 3;
}
END
expect_command "a program with a service" $CC -g -O1 -I"$top_srcdir/include" \
	-I"$top_builddir/include" -o "$scratch/service" "$scratch/service.c" \
	-L"$top_builddir/lib/.libs" -lmodiso
cat >"$scratch/commands" <<'END'
set pagination off
set debuginfod enabled off
handle SIGSEGV nostop noprint pass
break serve
run
backtrace
finish
continue
END
LD_LIBRARY_PATH=$top_builddir/lib/.libs
export LD_LIBRARY_PATH
backends=$("$top_builddir/tools/modiso-info" |
	sed -n 's/^backend \([a-z]*\): usable$/\1/p')
for MODISO_BACKEND in $backends; do
	export MODISO_BACKEND
	gdb -q -nx -batch -x "$scratch/commands" "$scratch/service" \
		>"$scratch/gdb" 2>&1 </dev/null
	shown '#0 +serve .*#1 .*#2 .* inside .*#3 .* in mdi_gate_[a-z_]+ .* main ' \
		"$MODISO_BACKEND: from a service the way leads to main()"
	if grep -q 'received signal' "$scratch/gdb"; then
		not_ok "$MODISO_BACKEND: and no signal is shown" <"$scratch/gdb"
	else
		shown 'Value returned is \$1 = 2.*exited normally' \
			"$MODISO_BACKEND: and it ends, and no signal is shown"
	fi
done

finish
