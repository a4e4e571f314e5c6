#!/bin/sh
# SPDX-License-Identifier: MIT
#
# modiso-trace.sh - a program's calls are recorded, and modiso-trace shows them:
# of a program that has ended, and of one that was killed in a service.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

tool=$top_builddir/tools/modiso-trace
unset MODISO_BACKEND

cat >"$scratch/program.c" <<'END'
#include <modiso.h>

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static long (*ask_host)(long);

long answer(long value)
{
	return value + 1;
}

long die(long value)
{
	kill(getpid(), SIGKILL);
	return value;
}

long work(long value)
{
	return ask_host(value);
}

long peek(const volatile long *where)
{
	return *where;
}

int main(int argc, char **argv)
{
	struct modiso_module *worker, *other;
	struct modiso_service *answers, *dies;
	struct modiso_gate *gate, *fault;
	struct modiso_region *region;
	uintptr_t word = 1;

	(void)argv;
	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("wor\"ker", NULL, &worker) != 0 ||
	    modiso_module_create("other", NULL, &other) != 0 ||
	    modiso_region_create(NULL, 4096, MODISO_READ | MODISO_WRITE, NULL,
				 &region) != 0 ||
	    modiso_service_create("answer", (modiso_fn)answer, NULL,
				  &answers) != 0 ||
	    modiso_service_create("die", (modiso_fn)die, NULL, &dies) != 0 ||
	    modiso_gate_create(worker, (modiso_fn)work, NULL, &gate) != 0 ||
	    modiso_gate_create(other, (modiso_fn)peek, NULL, &fault) != 0)
		return 1;
	ask_host = (long (*)(long))modiso_service_thunk(answers);
	for (int i = 0; i < 5; i++)
		if (modiso_gate_call(gate, &word, 1, NULL) != 0)
			return 2;
	word = (uintptr_t)modiso_region_base(region);
	if (modiso_gate_call(fault, &word, 1, NULL) != MODISO_ERR_FAULT)
		return 3;
	if (argc > 1)
		ask_host = (long (*)(long))modiso_service_thunk(dies);
	word = 1;
	return modiso_gate_call(gate, &word, 1, NULL) != 0;
}
END

# shellcheck disable=SC2086 # CC may hold options
$CC -g -O1 -rdynamic -I"$top_srcdir/include" -I"$top_builddir/include" \
	-o "$scratch/program" "$scratch/program.c" \
	-L"$top_builddir/lib/.libs" -lmodiso \
	-Wl,-rpath,"$top_builddir/lib/.libs" >"$scratch/output" 2>&1 ||
	{
		not_ok "a program is built" <"$scratch/output"
		echo "1..$tap_count"
		exit
	}

# run NAME ARGUMENT... - the program, recorded: its file is $scratch/NAME
run() {
	name=$1
	shift
	MODISO_OPTIONS=record_path=$scratch/recorded "$scratch/program" "$@" \
		>"$scratch/output" 2>&1
	echo $? >"$scratch/status"
	mv "$scratch"/recorded.* "$scratch/$name"
}

# says TEXT PATTERN - a line of the last table
says() {
	has "$scratch/table" "$2" "$1"
}

run whole
expect_command "the program ends well" test "$(cat "$scratch/status")" = 0
expect_command "modiso-trace reads what it has recorded" \
	sh -c "'$tool' '$scratch/whole' >'$scratch/table'"
says "the table has the program" '^program, process [0-9]+: [0-9]+ events'
says "and the fault" ', 1 fault, 0 calls under way$'
says "and a gate, with its module" '^wor"ker +work +6 +[0-9.]+ '
says "and the one that has ended" '^other +peek +1 .* 1 +0 +0 +0.000$'
says "and a service" '^\(service\) +answer +6 '

run killed now
expect_command "a program is killed in a service" \
	test "$(cat "$scratch/status")" = 137
expect_command "its file is read all the same" \
	sh -c "'$tool' '$scratch/killed' >'$scratch/table'"
says "the call and the service are under way" ', 2 calls under way$'
says "the service has its name" '^\(service\) +die +1 '

if command -v python3 >/dev/null; then
	for name in whole killed; do
		"$tool" --json "$scratch/$name" >"$scratch/$name.json"
		expect_command "the trace of the $name one is one" python3 \
			"$top_srcdir/tests/build/trace_rules.py" \
			"$top_srcdir/tests/build/trace.schema.json" \
			"$scratch/$name.json" "$name"
	done
else
	skip "the trace is one" "there is no python3"
fi

# The last two of a table are a gate's call and a service's.
expect_command "--last leaves out what was before" \
	sh -c "'$tool' --last 2 '$scratch/whole' | grep -q ': 2 events'"

# refused STATUS TEXT ARGUMENT...
refused() {
	want=$1
	text=$2
	shift 2
	"$tool" "$@" >"$scratch/output" 2>&1
	got=$?
	if [ "$got" = "$want" ] && [ -s "$scratch/output" ]; then
		ok "$text"
	else
		{
			echo "status $got"
			cat "$scratch/output"
		} | not_ok "$text"
	fi
}

head -c 200000 "$scratch/whole" >"$scratch/short"
{
	head -c 20 "$scratch/whole"
	head -c 200000 /dev/zero | tr '\0' '\377'
} >"$scratch/damaged"
refused 1 "a file that is not there is status 1" "$scratch/nowhere"
refused 1 "so is one that is no recording" "$scratch/program"
refused 1 "and one that is too short" "$scratch/short"
refused 1 "and one that is damaged" "$scratch/damaged"
refused 2 "no file is status 2" --json
refused 2 "so is a second one" "$scratch/whole" "$scratch/whole"
refused 2 "and an option that there is not" --no-such-option
refused 2 "and no number" --last none "$scratch/whole"
refused 0 "--help is none" --help
refused 0 "nor is --version" --version
if [ -e /dev/full ]; then
	"$tool" "$scratch/whole" >/dev/full 2>"$scratch/output"
	expect_command "a full disk is status 3" test $? = 3
fi

# Static probes, as tracers find them.
library=$top_builddir/lib/.libs/libmodiso.so
if ! grep -q '^#define HAVE_SYS_SDT_H 1' "$top_builddir/config.h"; then
	skip "the library has probes" "it was built without <sys/sdt.h>"
elif [ -e "$library" ]; then
	readelf -n "$library" >"$scratch/notes" 2>&1
	for probe in module_create module_destroy gate_create gate_destroy \
		service_create service_destroy fault wait_begin wait_end miss; do
		grep -A1 'Provider: modiso$' "$scratch/notes" |
			grep -q "Name: $probe\$" || echo "no probe $probe"
	done >"$scratch/missing"
	expect_empty "$scratch/missing" "the library has all probes"
fi

echo "1..$tap_count"
