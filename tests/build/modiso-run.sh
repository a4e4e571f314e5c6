#!/bin/sh
# SPDX-License-Identifier: MIT
#
# modiso-run.sh - modiso-cc makes modules, modiso-run runs them and says by its
# exit status how that went.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

run=$top_builddir/tools/modiso-run
MODISO_RUNTIME=$top_builddir/runtime/libmodiso-module.a
export MODISO_RUNTIME
unset MODISO_BACKEND

# status_of EXPECTED TEXT ARGUMENT... - standard output to $scratch/output
status_of() {
	tap_expected=$1
	tap_text=$2
	shift 2
	"$run" "$@" >"$scratch/output" 2>"$scratch/errors" </dev/null
	tap_status=$?
	if [ "$tap_status" -eq "$tap_expected" ]; then
		ok "$tap_text"
	else
		{
			echo "exit status $tap_status"
			cat "$scratch/output" "$scratch/errors"
		} | not_ok "$tap_text"
	fi
}

# says FILE PATTERN TEXT - the last command printed it there
says() {
	if grep -qE -- "$2" "$scratch/$1"; then
		ok "$3"
	else
		cat "$scratch/output" "$scratch/errors" | not_ok "$3"
	fi
}

cat >"$scratch/module.c" <<'END'
#include <string.h>
long print(const char *text, unsigned long length);
__attribute__((visibility("default"))) long hello(const char *who, long times)
{
	for (long i = 0; i < times; i++)
		print(who, strlen(who));
	return 7;
}
__attribute__((visibility("default"))) long last(long a, long b, long c, long d,
	long e, long f, long g)
{
	return g + a - b - c - d - e - f;
}
__attribute__((visibility("default"))) long spin(volatile long turns)
{
	for (;;)
		turns++;
}
__attribute__((visibility("default"))) long bad(volatile long *where)
{
	return *where = 1;
}
END
module=$scratch/module.so

for compiler in gcc clang; do
	if ! command -v $compiler >/dev/null; then
		skip "$compiler makes a module" "no $compiler"
		continue
	fi
	expect_command "$compiler makes a module" \
		env MODISO_CC=$compiler "$top_builddir/tools/modiso-cc" \
		--abi ci-1 -O2 -Wall -Werror -o "$module" "$scratch/module.c"
	status_of 0 "$compiler: it runs" --call hello :abc 2 "$module"
	says output '^abcabchello\(\): 7 \(0x7\)$' "$compiler: it printed"
	status_of 1 "$compiler: a fault is status 1" --call bad 16 "$module"
	says errors ', bad \+ 0' "$compiler: the report names the function"
	says errors '^  assembly   [a-z]+ .*[%$]|^  assembly   objdump' \
		"$compiler: and the instruction"
done

status_of 0 "options may stand behind the module" "$module" --call hello :x 0
status_of 0 "the expected result" --call hello :x 0 --expect 7 "$module"
status_of 4 "another result" --call hello :x 0 --expect 8 "$module"
status_of 1 "what runs too long" --timeout 20 --call spin 1 "$module"
says errors 'ran longer than its time limit' "it is told so"
status_of 0 "what does not" --timeout 20000 --call hello :x 0 "$module"
status_of 2 "no time at all" --timeout 0 --call hello :x 0 "$module"
status_of 0 "its ABI tag" --abi ci-1 "$module"
status_of 3 "another ABI tag" --abi ci-2 "$module"
says errors 'ABI tag ci-1; the host wants ci-2' "both tags are named"
status_of 3 "an entry that is none" --call nothing "$module"
says errors 'exports no nothing' "it is named"
status_of 3 "no such file" /tmp/not/there
status_of 3 "no module: this script" "$0"
says errors 'no ELF file' "it says so"
status_of 2 "no module at all"
status_of 0 "-h is --help" -h
says output '--ignore-needed' "and lists the options"
status_of 0 "--version" --version
says output '^modiso-run \(libmodiso\) [0-9]' "says of what"
status_of 2 "a word among the arguments" "$module" --call hello xyz
says errors 'xyz is no number; text is :TEXT' "is named"
status_of 2 "and before the module" --call hello xyz "$module"
says errors 'xyz is no number; text is :TEXT' "as well"
status_of 2 "and without a module" --call hello xyz
says errors 'xyz is no number, and there is no such file' "which it may be"
MODISO_BACKEND=nothing "$run" "$module" 2>"$scratch/errors"
[ $? -eq 2 ] && ok "an unknown MODISO_BACKEND is wrong usage" ||
	not_ok "an unknown MODISO_BACKEND is wrong usage" <"$scratch/errors"
if [ -w /dev/full ]; then
	"$run" --call hello :x 1 "$module" >/dev/full 2>"$scratch/errors"
	[ $? -eq 5 ] && ok "a full disk has a status of its own" ||
		not_ok "a full disk has a status of its own" \
			<"$scratch/errors"
	says errors 'standard output: No space' "and a reason"
	"$run" --help >/dev/full 2>"$scratch/errors"
	[ $? -eq 5 ] && ok "for --help as well" ||
		not_ok "for --help as well" <"$scratch/errors"
else
	skip "a full disk" "no /dev/full"
fi
status_of 2 "two modules" "$module" "$module"
status_of 0 "more arguments than registers" --call last 6 1 1 1 1 1 7 "$module"
says output '^last\(\): 8 ' "the seventh came"
status_of 2 "17 arguments" \
	--call last 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 "$module"
says errors '17 is one argument too many: 16' "is one too many"
status_of 2 "an unknown level" --confine strongly "$module"
says errors 'strongly is none of guard, readonly, sealed' "which there are"

status_of 0 "JSON" --report json --call hello :x 1 "$module"
says output '^\{"module":".*module.so","call":"hello","result":7\}$' \
	"the result as JSON"
status_of 1 "JSON of a fault" --report json --call bad 16 "$module"
says output '^\{"version":1,"fault":1,.*"function":"bad"' "the fault as JSON"
status_of 3 "JSON of a refusal" --report json --call nothing "$module"
says output '"error":"MODISO_ERR_NOENT","text":".*nothing"\}$' \
	"the refusal as JSON"
expect_empty "$scratch/errors" "and nothing else"

status_of 77 "sealed with page permissions cannot be had" \
	--backend mprotect --confine sealed "$module"

# policy PATTERN LINE... - the file is refused, before any key is asked for
policy() {
	tap_pattern=$1
	shift
	printf '%s\n' "$@" >"$scratch/policy"
	status_of 2 "a policy with '$*'" --syscalls "$scratch/policy" "$module"
	says errors "modiso-run: .*policy:$tap_pattern" "is told with its place"
}
policy '2:1: no action.*: permit' '# calls' 'permit read'
policy '1:9: no preset.*: much' 'default much'
policy '1:14: more than a preset' 'default none log'
policy '3:6: no call is named' '' 'deny 1' 'allow'
policy '1:7: no error.*: EWHAT' 'errno EWHAT 1'
policy '1:6: an error and calls' 'errno'
policy '1:7: (no system call is called nothing|names of system)' \
	'allow nothing'
status_of 2 "a policy that is not there" --syscalls "$scratch/no" "$module"
says errors 'neither none, compute nor log' "is no preset either"
echo 'errno ENOSYS 1' >"$scratch/policy"
"$top_builddir/tools/modiso-info" | grep -q 'syscalls .*can be' &&
	stopped=0 || stopped=77
for syscalls in none compute log "$scratch/policy"; do
	status_of $stopped "--syscalls $(basename "$syscalls")" \
		--syscalls "$syscalls" --call hello :x 1 "$module"
done
[ $stopped -ne 0 ] || {
	echo 'allow 9' >"$scratch/policy"
	status_of 2 "a call that cannot be allowed" \
		--syscalls "$scratch/policy" "$module"
	says errors 'policy:1:7: system call 9 cannot be allowed: it changes' \
		"is told with its place"
}

# shellcheck disable=SC2086 # words
${CC:-cc} -shared -nostdlib -o "$scratch/libneeded.so" -x c /dev/null
"$top_builddir/tools/modiso-cc" -o "$scratch/needs.so" -Wl,--no-as-needed \
	-L "$scratch" "$scratch/module.c" -lneeded
status_of 3 "a module that needs a library" "$scratch/needs.so"
says errors 'that is --ignore-needed here' "the advice is an option"
status_of 0 "that there is" --ignore-needed "$scratch/needs.so"
status_of 3 "a directory without it" --needed "$top_builddir" "$scratch/needs.so"
says errors 'needs.so needs libneeded.so: no directory has' "it is named"
status_of 0 "a directory with it" --needed "$top_builddir" \
	--needed "$scratch" --call hello :x 2 "$scratch/needs.so"
says output '^xxhello' "its functions are called"
cat >"$scratch/wants.c" <<'END'
long first(void), second(void), third(void);
__attribute__((visibility("default"))) long sum(void)
{
	return first() + second() + third();
}
END
expect_command "a module that wants three services" \
	"$top_builddir/tools/modiso-cc" -o "$scratch/wants.so" "$scratch/wants.c"
status_of 3 "which are not there" "$scratch/wants.so"
for name in first second third; do
	says errors "needs .*$name" "$name is named"
done

finish
