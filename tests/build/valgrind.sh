#!/bin/sh
# SPDX-License-Identifier: MIT
#
# valgrind.sh - under Valgrind, whose CPU has no protection keys whatever the
# machine's has: the library sees that, and never executes RDPKRU or WRPKRU,
# which Valgrind does not know.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

command -v valgrind >/dev/null || skip_all "no valgrind"
unset MODISO_BACKEND MODISO_TEST_REQUIRE

# Without debugging information: Valgrind 3.19 gives up at clang's.
program=$top_builddir/tools/.libs/modiso-info
[ -x "$program" ] || program=$top_builddir/tools/modiso-info
objcopy --strip-debug "$program" "$scratch/modiso-info"
for library in "$top_builddir"/lib/.libs/libmodiso.so.?; do
	[ ! -f "$library" ] ||
		objcopy --strip-debug "$library" "$scratch/${library##*/}"
done

LD_LIBRARY_PATH=$scratch valgrind -q --error-exitcode=9 \
	"$scratch/modiso-info" >"$scratch/info" 2>&1
status=$?
if [ $status -eq 0 ] &&
	grep -q 'backend pkey: not usable' "$scratch/info" &&
	grep -q 'backend mprotect: usable' "$scratch/info"; then
	ok "modiso-info sees a CPU without protection keys"
else
	echo "exit status $status" >>"$scratch/info"
	not_ok "modiso-info sees a CPU without protection keys" \
		<"$scratch/info"
fi

finish
