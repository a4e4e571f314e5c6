#!/bin/sh
# SPDX-License-Identifier: MIT
#
# permissive.sh - a program of 100 modules with six mistakes, two of them in one
# function, that knows nothing of permissive modules: one run names the six, and
# nothing else; with these known there is none; when they are mended it runs as
# it is meant to.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

unset MODISO_BACKEND MODISO_OPTIONS
LD_LIBRARY_PATH=$top_builddir/lib/.libs
export LD_LIBRARY_PATH

# 1,000 lines and more: a device for each module, of which five are wrong, one
# of them twice.
{
	cat <<'END'
#include <modiso.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct modiso_region *ram[100], *bus;
static unsigned char *memory[100], *wires;

static void must(int code)
{
	if (code < 0) {
		printf("%s\n", modiso_last_error_text());
		exit(1);
	}
}
END
	i=0
	while [ $i -lt 100 ]; do
		wrong=
		case $i in
		7) wrong='	WRONG(memory[8][n] = 1);' ;;
		23) wrong='	WRONG(sum += wires[n]);' ;;
		42) wrong='	WRONG(memcpy(wires + 64, ram, 16));' ;;
		77) wrong='	WRONG(sum += memory[0][1]);' ;;
		99) wrong='	WRONG(wires[5] = 5);
	WRONG(wires[6] = 6);' ;;
		esac
		cat <<END

static uintptr_t device_$i(unsigned char *ram, uintptr_t n)
{
	uintptr_t sum = n;

	ram[n] = (unsigned char)n;
$wrong
	sum += ram[n];
	return sum;
}
END
		i=$((i + 1))
	done
	cat <<'END'

typedef uintptr_t device(unsigned char *ram, uintptr_t n);
static device *const devices[] = {
END
	i=0
	while [ $i -lt 100 ]; do
		echo "	device_$i,"
		i=$((i + 1))
	done
	cat <<'END'
};

int main(void)
{
	uint32_t rw = MODISO_READ | MODISO_WRITE;
	struct modiso_module *module[100];
	struct modiso_gate *gate[100];
	char name[32];

	must(modiso_init(NULL));
	must(modiso_region_create(NULL, 4096, rw, NULL, &bus));
	wires = modiso_region_base(bus);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "device %d", i);
		must(modiso_module_create(name, NULL, &module[i]));
		must(modiso_region_create(module[i], 4096, rw, NULL, &ram[i]));
		memory[i] = modiso_region_base(ram[i]);
		must(modiso_gate_create(module[i], (modiso_fn)devices[i], NULL,
					&gate[i]));
	}
	for (uintptr_t n = 0; n < 10; n++)
		for (int i = 0; i < 100; i++) {
			uintptr_t args[2] = {(uintptr_t)memory[i], n};

			must(modiso_gate_call(gate[i], args, 2, NULL));
		}
	printf("done\n");
	return 0;
}
END
} >"$scratch/program.c"
expect_command "a program of more than 1,000 lines" \
	sh -c "[ \$(wc -l <'$scratch/program.c') -gt 1000 ]"
for way in wrong right; do
	# shellcheck disable=SC2086 # words
	expect_command "it is compiled, $way" $CC -g -O1 \
		-D"WRONG(x)=$([ $way = wrong ] && echo x || echo '(void)0')" \
		-I"$top_srcdir/include" -I"$top_builddir/include" \
		-o "$scratch/$way" "$scratch/program.c" \
		-L"$top_builddir/lib/.libs" -lmodiso
done

# run WAY OPTIONS
run() {
	MODISO_OPTIONS=$2 "$scratch/$1" >"$scratch/output" 2>"$scratch/errors"
	status=$?
}

run wrong ""
has "$scratch/output" 'faulted' "without an option its first mistake ends it"
run wrong permissive=1
has "$scratch/output" '^done$' "permissive=1: it comes to its end"
has "$scratch/errors" '^# libmodiso let [0-9]+ accesses pass, at 6 places$' \
	"with six places"
for device in 7 23 42 77 99; do
	has "$scratch/errors" \
		"^[0-9a-f]{16} +[0-9]+  access   module \"device $device\" .*" \
		"that of device $device among them"
done
if command -v gdb >/dev/null || [ -e /usr/lib/x86_64-linux-gnu/libdw.so.1 ]; then
	has "$scratch/errors" 'program\.c:[0-9]+ in device_42$' \
		"memcpy()'s is its caller's, by line"
fi
lines=$(sed -n 's/^.*program\.c:\([0-9]*\) in device_99$/\1/p' \
	"$scratch/errors" | sort -u | wc -l)
if [ "$lines" -eq 2 ]; then
	ok "the two of one function are two, by line"
elif ! [ -e /usr/lib/x86_64-linux-gnu/libdw.so.1 ]; then
	skip "the two of one function are two, by line" \
		"there is no libdw.so.1: install the Debian package libdw1"
else
	not_ok "the two of one function are two, by line" <"$scratch/errors"
fi
cp "$scratch/errors" "$scratch/known"
run wrong "permissive=1:known_sites=$scratch/known"
has "$scratch/errors" ', at 0 places and 6 known ones$' \
	"with these known there is none"
run wrong "permissive=1:report=1"
if [ "$(grep -c '^let pass [0-9]*: module ' "$scratch/errors")" -eq 6 ]; then
	ok "report=1 has a report for each"
else
	not_ok "report=1 has a report for each" <"$scratch/errors"
fi
run wrong "permissive=1:known_sites=$scratch/nosuch"
has "$scratch/output" "$scratch/nosuch" "a file that is not there is named"
run wrong "permissive=1:format=json:log_path=$scratch/log"
set -- "$scratch"/log.*
if command -v python3 >/dev/null; then
	expect_command "as JSON it is what doc/permitted.schema.json says" \
		python3 "$top_srcdir/tests/build/json_schema.py" \
		"$top_srcdir/doc/permitted.schema.json" "$1"
else
	skip "as JSON it is what doc/permitted.schema.json says" \
		"there is no python3"
fi
run wrong "permissive=1:format=sarif:log_path=$scratch/sarif"
set -- "$scratch"/sarif.*
if command -v python3 >/dev/null; then
	expect_command "as SARIF it has a result for each" \
		python3 -c '
import json, sys
log = json.load(open(sys.argv[1], encoding="utf-8"))
assert log["version"] == "2.1.0" and len(log["runs"]) == 1
results = log["runs"][0]["results"]
assert len({r["partialFingerprints"]["modisoFault/v1"] for r in results}) == 6
for result in results:
    assert result["ruleId"] == "modiso/access"
    assert result["message"]["text"].startswith("module \"device ")
    assert result["occurrenceCount"] >= 10
    place = result["locations"][0]["physicalLocation"]
    assert place["address"]["absoluteAddress"] > 0
    assert place["artifactLocation"]["uri"]
' "$1"
else
	skip "as SARIF it has a result for each" "there is no python3"
fi
run right permissive=1
has "$scratch/errors" '^# libmodiso let 0 accesses pass, at 0 places$' \
	"mended it has none"
run right ""
has "$scratch/output" '^done$' "and runs as it is meant to"

finish
