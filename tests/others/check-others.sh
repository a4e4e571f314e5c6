#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-others.sh [GROUP]... - the library in other people's programs: other
# languages' run times, other libraries' signal handlers and allocators, and
# systems that refuse what it asks for. TAP.
#
# A group is a file, group-NAME.sh, that is read here. What it needs and is not
# there is skipped with the Debian package that has it.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

here=$top_srcdir/tests/others
library=$top_builddir/lib/.libs
all_groups='python faulthandler rust cxx libraries allocators policies musl packages debian tsan perf go java vm'

# Ends what hangs; a machine under load is slow.
patience=$top_builddir/tests/support/patience

# have TEXT PACKAGE COMMAND... - does the command succeed? If not, TEXT is
# skipped, with the name of the package.
have() {
	have_text=$1
	have_package=$2
	shift 2
	"$@" >/dev/null 2>&1 && return 0
	skip "$have_text" "not here: install the Debian package $have_package"
	return 1
}

# host NAME [OPTION]... - compile $here/NAME.c to $scratch/NAME, linked with
# the library of the build tree.
host() {
	host_name=$1
	shift
	# shellcheck disable=SC2086 # CC may hold options
	$CC -std=gnu11 -D_GNU_SOURCE -g -O1 -Wall -Wextra -Werror -pthread \
		-I"$top_srcdir/include" -I"$top_builddir/include" -I"$here" \
		-o "$scratch/$host_name" "$here/$host_name.c" "$@" \
		-L"$library" -lmodiso -Wl,-rpath,"$library"
}

# expect TEXT COMMAND... - it succeeds; if not, its output says why.
expect() {
	expect_text=$1
	shift
	expect_command "$expect_text" "$patience" "$@"
}

# in_python COMMAND... - with the package and the library of the build tree.
in_python() {
	env PYTHONDONTWRITEBYTECODE=1 \
		PYTHONPATH="$top_srcdir/bindings/python" \
		MODISO_LIBRARY="$library/libmodiso.so.0" \
		MODISO_CFLAGS="-I$top_srcdir/include -I$top_builddir/include" \
		MODISO_RUNTIME="$top_builddir/runtime/libmodiso-module.a" \
		MODISO_TEST_CC="sh $top_builddir/tools/modiso-cc" \
		"$patience" "$@"
}

[ $# -gt 0 ] || eval "set -- $all_groups"
for group; do
	[ -f "$here/group-$group.sh" ] || {
		echo "check-others.sh: no group $group; there are: $all_groups" >&2
		exit 2
	}
	echo "# $group"
	# shellcheck source=/dev/null
	. "$here/group-$group.sh"
done
finish
