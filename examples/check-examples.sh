#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-examples.sh - every example says what its head comment promises, and
# the plain Makefile builds them all.

set -u
. "$top_srcdir/tests/dist/tap.sh"

cd "$top_builddir/examples" || exit 1

# prints TEXT LINE COMMAND... - it succeeds, and LINE is among what it prints
prints() {
	tap_text=$1
	line=$2
	shift 2
	if "$@" >"$scratch/output" 2>&1 && grep -q "$line" "$scratch/output"
	then
		ok "$tap_text"
	else
		echo "expected a line with: $line" >>"$scratch/output"
		not_ok "$tap_text" <"$scratch/output"
	fi
}

prints "hello" '^hello from inside: 17 bytes$' ./hello
prints "recover: a plain call" '^100 / 4 = 25$' ./recover
prints "recover: division by zero" \
	'^way 0: returned -1, fault: arithmetic$' ./recover
prints "recover: a null pointer" \
	'^way 1: returned -1, fault: unmapped$' ./recover
prints "recover: a full stack" '^way 2: returned -1, fault: stack$' ./recover
prints "threads" \
	'^faults: good thread 0, bad thread 500; guarded value 0$' ./threads
prints "secret: the key is intact" \
	'^the key is where it was: correct horse' ./secret
prints "secret: the report names the key" 'key' ./secret
if [ -x typed ]; then
	prints "typed: a value" '^7 words, the longest has 9 letters$' ./typed
	prints "typed: an error" '^module parser faulted (' ./typed
else
	skip "typed" "no C++ compiler"
fi
prints "backend" '^running with ' ./backend
prints "backend require: protection keys or a refusal" \
	'^running with pkey$\|^refused: MODISO_ERR_NOTSUP: ..' ./backend require
for backend in mprotect pkey; do
	if [ $backend = pkey ] && ! ./backend require | grep -q ^running; then
		skip "rtos, with keys" "no protection keys here"
		continue
	fi
	prints "rtos with $backend: started again" \
		'^filter: wrote to sensor, byte 0; starts again$' \
		env MODISO_BACKEND=$backend rtos/rtos
	prints "rtos with $backend: the others never notice" \
		'^197 of 200 readings shown, 3 restarts, .* is intact$' \
		env MODISO_BACKEND=$backend rtos/rtos
done

# As a user does it, but against the build tree: -uninstalled.pc is preferred.
if command -v "$PKG_CONFIG" >/dev/null; then
	cp -R "$top_srcdir/examples" "$scratch/examples"
	cp "$top_srcdir"/tests/support/mini_rtos*.[ch] "$scratch/examples/rtos"
	rm -f "$scratch"/examples/simulator/*.o
	unset MAKEFLAGS MFLAGS MAKELEVEL
	expect_command "the plain Makefile builds everything" \
		env PKG_CONFIG_PATH="$top_builddir" "${MAKE:-make}" \
		-C "$scratch/examples" -f Makefile.example clean all \
		CC="$CC" PKG_CONFIG="$PKG_CONFIG"
	prints "a program that it built runs" '^hello from inside' \
		env LD_LIBRARY_PATH="$top_builddir/lib/.libs" \
		"$scratch/examples/hello"
	prints "so does the RTOS" '^197 of 200 readings shown' \
		env LD_LIBRARY_PATH="$top_builddir/lib/.libs" \
		"$scratch/examples/rtos/rtos"
else
	skip "the plain Makefile builds everything" "no pkg-config"
fi

finish
