#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh - tools/modiso-vm of a build tree, as the tests want it: Linux 6.1, and
# programs that print TAP, run by run-test.sh. For a directory of the build
# tree, tests/ for one.
#
#   run.sh [OPTION]... -- PROGRAM [ARGUMENT]...     options: modiso-vm --help

set -eu

here=$(cd "$(dirname "$0")" && pwd)
for build in "${top_builddir:-..}" .. .; do
	[ ! -x "$build/tools/modiso-vm" ] || break
done
[ -x "$build/tools/vm/init" ] || {
	echo "run.sh: no tools/vm/init in a build tree here: run make first" >&2
	exit 125
}
MODISO_VM_HELPERS=$build/tools/vm:$here/../../tools/vm
export MODISO_VM_HELPERS
exec sh "$build/tools/modiso-vm" --tap --kernel 6.1 \
	--tap-runner "$here/../support/run-test.sh" "$@"
