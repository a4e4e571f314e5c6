#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fault-report.sh - reports that the environment asks for, of a program that
# prints none: MODISO_OPTIONS; and what JSON they have, by the schema.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

program=$top_builddir/examples/recover
schema=$top_srcdir/doc/fault.schema.json
unset MODISO_BACKEND

# run OPTIONS - the program, as the environment says
run() {
	MODISO_OPTIONS=$1 "$program" >"$scratch/output" 2>"$scratch/errors"
	status=$?
}

# log FORMAT - a run's report in that format, at $log
log() {
	rm -f "$scratch"/log.*
	run "report=1:format=$1:log_path=$scratch/log"
	set -- "$scratch"/log.*
	log=$1
}

run ""
expect_empty "$scratch/errors" "without being asked nothing is printed"
run "report=1"
has "$scratch/errors" '^fault 1: module ' "a report on standard error"
has "$scratch/errors" '^SUMMARY: libmodiso: .*, key [0-9a-f]{16}\)$' \
	"which ends with a line for programs"
summary=$(sed -n 's/^SUMMARY.*key //p' "$scratch/errors")
run "report=1:format=summary"
if [ "$(sed -n 's/^SUMMARY.*key //p' "$scratch/errors")" = "$summary" ]; then
	ok "whose key is the same in the next run"
else
	not_ok "whose key is the same in the next run" <"$scratch/errors"
fi
run "report=1:map=1"
has "$scratch/errors" '^  => [0-9a-f]{12}' \
	"with map=1 what lies around the address"
# An empty file is no capstone, and ends the search for it.
mkdir "$scratch/none"
for version in 4 5 6; do
	: >"$scratch/none/libcapstone.so.$version"
done
LD_LIBRARY_PATH=$scratch/none
export LD_LIBRARY_PATH
if command -v objdump >/dev/null; then
	run "report=1"
	has "$scratch/errors" '^  assembly   [a-z]+ .*[%$]' \
		"without capstone objdump says what the instruction is"
else
	skip "without capstone objdump says what the instruction is" \
		"there is no objdump: install the Debian package binutils"
fi
run "report=1:objdump=0"
has "$scratch/errors" '^  assembly   objdump -d --start-address=' \
	"or, where nobody may start it, the command that does"
unset LD_LIBRARY_PATH
run "report=1:log_path=$scratch/nowhere/log"
has "$scratch/errors" 'cannot be opened \(ENOENT\)' \
	"a log that cannot be opened is named"
has "$scratch/errors" '^fault 1: module ' "and the report is not lost"
run "report=maybe"
[ "$status" -ne 0 ] && ok "a value that makes no sense is refused" ||
	not_ok "a value that makes no sense is refused" <"$scratch/output"
run "repotr=1"
has "$scratch/errors" 'MODISO_OPTIONS.*repotr=1: there is no such option' \
	"a name that does not exist is refused by name"
run "backend=nosuch"
has "$scratch/errors" 'backend=nosuch' "and so is a backend"
run "backend=mprotect:report=0"
[ "$status" -eq 0 ] && ok "one that exists is taken" ||
	not_ok "one that exists is taken" <"$scratch/errors"

cat >"$scratch/sarif.py" <<'PYTHON'
import json, sys

log = json.load(open(sys.argv[1], encoding="utf-8"))
assert log["version"] == "2.1.0" and len(log["runs"]) == 1
run = log["runs"][0]
driver = run["tool"]["driver"]
assert driver["name"] == "libmodiso"
for result in run["results"]:
    assert result["message"]["text"].startswith('module "')
    assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["level"] == "error" and result["partialFingerprints"]
    assert len(result["locations"]) == 1
    frames = result["stacks"][0]["frames"]
    assert frames
    for location in result["locations"] + [f["location"] for f in frames]:
        place = location["physicalLocation"]
        assert isinstance(place["address"]["absoluteAddress"], int)
        uri = place["artifactLocation"]["uri"]
        assert " " not in uri and uri.isascii()
        if "region" in place:
            assert place["region"]["startLine"] > 0
assert run["results"]
PYTHON

if ! command -v python3 >/dev/null; then
	skip "JSON by its schema, and SARIF" "there is no python3"
	finish
	exit 0
fi
# judge SCRIPT ARGUMENT... TEXT - the last argument says what is judged
log json
python3 "$top_srcdir/tests/build/json_schema.py" "$schema" "$log" >"$scratch/output" 2>&1 &&
	ok "a report as JSON is what doc/fault.schema.json says" ||
	not_ok "a report as JSON is what doc/fault.schema.json says" \
		<"$scratch/output"
log sarif
python3 "$scratch/sarif.py" "$log" >"$scratch/output" 2>&1 &&
	ok "a report as SARIF 2.1.0 has what it must have" ||
	not_ok "a report as SARIF 2.1.0 has what it must have" \
		<"$scratch/output"

finish
