# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# tap.sh - read by the scripts in dist/ and build/: results as TAP.
#
# The environment, set by tests/Makefile.am: top_srcdir and top_builddir
# (absolute), CC, CXX, PKG_CONFIG, MAKE, PACKAGE_VERSION.

: "${top_srcdir:?is not set; run make check TESTS=dist/NAME.sh}"
: "${top_builddir:?is not set; run make check TESTS=dist/NAME.sh}"

tap_count=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# ok TEXT
ok() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

# not_ok TEXT - what standard input holds becomes the explanation
not_ok() {
	tap_count=$((tap_count + 1))
	echo "not ok $tap_count - $1"
	sed 's/^/#   /'
}

# skip TEXT REASON
skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# skip_all REASON
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# expect_empty FILE TEXT - FILE is a list of complaints: none is good
expect_empty() {
	if [ -s "$1" ]; then
		not_ok "$2" <"$1"
	else
		ok "$2"
	fi
}

# expect_command TEXT COMMAND... - it succeeds; if not, its output says why
expect_command() {
	tap_text=$1
	shift
	if "$@" >"$scratch/output" 2>&1; then
		ok "$tap_text"
	else
		not_ok "$tap_text" <"$scratch/output"
	fi
}

# has FILE PATTERN TEXT - a line of FILE matches
has() {
	if grep -qE -- "$2" "$1"; then
		ok "$3"
	else
		not_ok "$3" <"$1"
	fi
}

# ends_with STATUS PROGRAM ARGUMENT... - what it has said lies in $scratch/out
# and $scratch/err
ends_with() {
	wanted=$1
	shift
	"$@" >"$scratch/out" 2>"$scratch/err"
	status=$?
	[ "$status" -eq "$wanted" ] && return
	echo "$* ended with $status, not $wanted" >>"$scratch/err"
	return 1
}

# result TEXT - of the command before, which has used ends_with: all that it has
# said if it is not 0
result() {
	if [ $? -eq 0 ]; then
		ok "$1"
	else
		cat "$scratch/out" "$scratch/err" >"$scratch/both"
		not_ok "$1" <"$scratch/both"
	fi
}

finish() {
	echo "1..$tap_count"
}
