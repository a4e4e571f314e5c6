#!/bin/sh
# SPDX-License-Identifier: MIT
#
# modiso-info.sh - modiso-info: its exit status is for scripts, its JSON for programs.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

info=$top_builddir/tools/modiso-info
unset MODISO_BACKEND

# status_of EXPECTED TEXT ARGUMENT...
status_of() {
	tap_expected=$1
	tap_text=$2
	shift 2
	"$info" "$@" >"$scratch/output" 2>&1 </dev/null
	tap_status=$?
	if [ "$tap_status" -eq "$tap_expected" ]; then
		ok "$tap_text"
	else
		echo "exit status $tap_status" >>"$scratch/output"
		not_ok "$tap_text" <"$scratch/output"
	fi
}

# silent TEXT - the last command printed nothing
silent() {
	expect_empty "$scratch/output" "$1"
}

# says PATTERN TEXT - the last command printed it
says() {
	has "$scratch/output" "$1" "$2"
}

status_of 0 "some backend is usable"
says '^libmodiso +'"$PACKAGE_VERSION"'$' "it names the library's version"
says '^backend pkey: (not )?usable$' "it names the pkey backend"
says '^backend mprotect: usable$' "it names the mprotect backend"
says '^leaf 7 +PKU (yes|no), OSPKE (yes|no)' "it says what libcpuid says"
says '^signal stack +at least [0-9]+ bytes' "it names the least signal stack"

status_of 0 "mprotect is usable" --backend mprotect --quiet
silent "--quiet is quiet"
if "$info" --backend pkey --quiet; then
	expected=0
else
	expected=1
fi
status_of "$expected" "the status for pkey is 0 or 1" --backend=pkey
if [ "$expected" -eq 0 ]; then
	says '^backend pkey: usable$' "and agrees with the words"
else
	says '^  why not +[a-zA-Z]' "and comes with a reason"
fi

status_of 2 "an unknown backend is wrong usage" --backend sgx
says 'sgx is no backend' "and the word is named"
status_of 2 "an unknown option is wrong usage" --no-such-option
status_of 2 "an argument is wrong usage" pkey
says 'pkey: no argument is taken' "and it says which"
status_of 0 "--help is no error" --help
status_of 0 "--version is no error" --version
says '[( ]'"$PACKAGE_VERSION"'$' "and prints it"

# No JSON reader is needed to build the library; one is used where it is.
status_of 0 "--json" --json
says '^\{"version":"'"$PACKAGE_VERSION"'",.*\]\}$' "it is one object on one line"
cp "$scratch/output" "$scratch/json"
if command -v python3 >/dev/null; then
	expect_command "which a reader of JSON accepts" \
		python3 -c 'import json, sys
info = json.load(open(sys.argv[1]))
names = [b["name"] for b in info["backends"]]
assert names == ["pkey", "mprotect"], names
assert all(b["usable"] or b["reason"] for b in info["backends"])' \
		"$scratch/json"
else
	skip "which a reader of JSON accepts" "no python3"
fi

status_of 0 "--measure" --measure
says '^measured +[0-9]+\.[0-9]+ us for two mprotect' "it says how long it took"
says '^  mprotect +a switch .* takes about [0-9.]+ us here' \
	"and what a switch will cost"
status_of 0 "--measure --json" --measure --json
says '"mprotect_pair_ns":[1-9][0-9]*,' "and so does the JSON"

# A full disk is not success.
if [ -w /dev/full ]; then
	"$info" >/dev/full 2>"$scratch/output"
	echo "status $?" >>"$scratch/output"
	says 'standard output' "output that cannot be written is an error"
	says '^status 3$' "and not the answer that nothing is usable"
else
	skip "output that cannot be written is an error" "no /dev/full"
fi

MODISO_BACKEND=sgx "$info" >"$scratch/output" 2>&1
says '^environment +MODISO_BACKEND=sgx, which is no backend' \
	"a misspelled MODISO_BACKEND is called that"
MODISO_BACKEND=auto "$info" >"$scratch/output" 2>&1
says '^environment +MODISO_BACKEND=auto$' "and a right one is not"
"$info" >"$scratch/output" 2>&1
if grep -q '^cpu .* $' "$scratch/output"; then
	not_ok "the CPU's name ends without blanks" <"$scratch/output"
else
	ok "the CPU's name ends without blanks"
fi

finish
