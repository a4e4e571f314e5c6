#!/bin/sh
# SPDX-License-Identifier: MIT
#
# modiso-scan.sh - modiso-scan as a user runs it: what it finds, what it says
# about it, and its exit status.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

tool=$top_builddir/tools/modiso-scan
cd "$scratch" || exit 1

# make_object FILE BYTES [OPTION...] - a shared object whose .text is page
# aligned: "first", a nop, then "second", three nops and the bytes.
make_object() {
	object=$1
	bytes=$2
	shift 2
	cat >source.S <<-EOF
		.text
		.p2align 12
		.globl first, second
		.type first, @function
		.type second, @function
		first: nop
		.size first, . - first
		second: nop; nop; nop
		.byte $bytes
		ret
		.size second, . - second
		.section .note.GNU-stack, "", @progbits
	EOF
	# shellcheck disable=SC2086 # CC may hold options
	$CC -shared -nostdlib "$@" -o "$object" source.S >cc.log 2>&1 || {
		cat cc.log >&2
		exit 1
	}
}

# expect TEXT STATUS ARGUMENT... - run the tool, compare its exit status
expect() {
	text=$1
	wanted=$2
	shift 2
	timeout 60 "$tool" "$@" >out 2>err
	got=$?
	if [ "$got" = "$wanted" ]; then
		ok "$text"
	else
		{
			echo "status $got, wanted $wanted"
			head -5 out err
		} | not_ok "$text"
	fi
}

# says TEXT FILE PATTERN - the last run wrote a line like this
says() {
	if grep -q -- "$3" "$2"; then
		ok "$1"
	else
		not_ok "$1" <"$2"
	fi
}

# lines TEXT FILE COUNT [PATTERN]
lines() {
	got=$(grep -c -- "${4-.}" "$2")
	expect_command "$1: $got of $3" test "$got" = "$3"
}

make_object clean.so 0x90
make_object wrpkru.so 0x0f,0x01,0xef
make_object syscall.so 0x0f,0x05
make_object lfence.so 0x0f,0xae,0xe8

## What it finds

expect "a clean file" 0 clean.so
says "says so" out '^0 hits in 0 of 1 files'
expect "LFENCE is clean" 0 lfence.so
expect "a hit" 1 wrpkru.so
says "has its place" out \
	'^wrpkru.so: wrpkru at offset 0x1004, address 0x1004, .text, second+0x3: 0f 01 ef$'
says "and is counted" out '^1 hits in 1 of 1 files'
make_object stripped.so 0x0f,0x01,0xef -s
expect "a hit in a stripped file" 1 stripped.so
says "has the name that is exported" out ', second+0x3: 0f 01 ef$'
expect "each file counts" 1 clean.so syscall.so wrpkru.so
says "all of them" out '^2 hits in 2 of 3 files'

## Classes

expect "a class that is not there" 0 --class syscall wrpkru.so
expect "a class that is" 1 --class=xrstor,wrpkru wrpkru.so
expect "a group that is not there" 0 --class kernel,base wrpkru.so
expect "a group that is" 1 --class pkru wrpkru.so
expect "no such class" 2 --class wrpkru,nonsense wrpkru.so
says "is named" err 'nonsense'
expect "an empty class" 2 --class wrpkru, wrpkru.so
expect "no class" 2 --class '' wrpkru.so

## JSON

expect "a hit as JSON" 1 --json wrpkru.so
says "is one object" out \
	'^{"type":"hit","class":"wrpkru","file":"wrpkru.so","offset":4100,"address":4100,"section":".text","symbol":"second","symbol_offset":3,"bytes":"0f01ef"}$'
says "totals are another" out \
	'^{"type":"summary","files":1,"files_with_hits":1,"hits":1,.*}$'
lines "nothing else is said" out 2
lines "not even on standard error" err 0

mkdir odd
quoted='odd/"quoted\name".so'
cp wrpkru.so "$quoted"
expect "a name with quotes" 1 --json "$quoted"
says "is escaped" out '"file":"odd/\\"quoted\\\\name\\".so"'
control=$(printf 'odd/line\nescape\033[1m.so')
cp wrpkru.so "$control"
expect "a name with control characters" 1 --json "$control"
says "is escaped as well" out '"file":"odd/line\\u000aescape\\u001b\[1m.so"'
expect "and on a terminal" 1 "$control"
says "moves no cursor" out '^odd/line?escape?\[1m.so: wrpkru'
latin=$(printf 'odd/m\374nchen.so')
cp wrpkru.so "$latin"
expect "a name that is no UTF-8" 1 --json "$latin"
says "becomes one that is" out '"file":"odd/m\\u00fcnchen.so"'
utf=$(printf 'odd/m\303\274nchen.so')
cp wrpkru.so "$utf"
expect "a name that is UTF-8" 1 --json "$utf"
says "stays as it is" out "\"file\":\"$utf\""

## Directories

mkdir -p tree/deep/er tree/other
cp clean.so tree/clean.so
cp wrpkru.so tree/deep/er/program
echo text >tree/other/text
: >tree/other/empty
mkfifo tree/other/pipe
ln -s ../syscall.so tree/link.so
ln -s nowhere tree/dangling
ln -s . tree/deep/loop
expect "a directory" 1 tree
lines "has one hit" out 1 ': wrpkru at'
says "at any depth" out '^tree/deep/er/program: wrpkru'
says "in two ELF files" out '^1 hits in 1 of 2 files'
lines "what is no ELF file is passed over in silence" err 0
expect "a link that was named is followed" 1 tree/link.so
expect "so is one to a directory" 1 tree/deep/loop
expect "files and directories together" 1 clean.so tree syscall.so

# shellcheck disable=SC2086
$CC -c -o tree/object.o source.S
expect "relocatable objects in directories are passed over" 1 tree
rm tree/object.o

head -c 100 wrpkru.so >tree/a_cut.so
expect "a truncated file in a directory" 2 tree
says "is named" err 'tree/a_cut.so'
says "and the others are looked at" out 'program: wrpkru'
expect "the same as JSON" 2 --json tree
says "is an object" out \
	'^{"type":"error","file":"tree/a_cut.so","code":"MODISO_ERR_FORMAT",'
rm tree/a_cut.so

## Trouble

expect "no arguments" 2
expect "an unknown option" 2 --nonsense clean.so
expect "a file that is not there" 2 nowhere
says "is named" err 'nowhere: No such file'
expect "a dangling link" 2 tree/dangling
expect "a text file that was named" 2 tree/other/text
expect "an empty file that was named" 2 tree/other/empty
expect "a pipe that was named" 2 tree/other/pipe
# shellcheck disable=SC2086
$CC -c -o object.o source.S
expect "a relocatable object that was named" 2 object.o
says "is named" err 'object.o: a relocatable object'
expect "trouble outweighs hits" 2 nowhere wrpkru.so
says "which are shown" out 'wrpkru at'
if [ "$(id -u)" = 0 ]; then
	skip "a file that may not be read" "root may read all"
else
	cp wrpkru.so secret.so
	chmod 0 secret.so
	expect "a file that may not be read" 2 secret.so
fi
if [ -c /dev/full ]; then
	"$tool" wrpkru.so >/dev/full 2>err
	expect_command "a full disk is trouble: $?" grep -q 'standard output: No space' err
fi

## Processes

expect "what a process can execute" 1 --class wrpkru,xrstor --process self
says "the loader's is named" out '/ld-linux.*: xrstor at offset'
says "and the C library's" out '/libc.*: wrpkru at offset 0x[0-9a-f]*, address 0x[0-9a-f]*, '
expect "the same as JSON" 1 --class wrpkru --json --process self
says "is an object" out '^{"type":"hit","class":"wrpkru","file":"/'
sleep 60 &
expect "another process" 1 --class xrstor --process $!
says "its loader's is named" out '/ld-linux.*: xrstor at offset'
kill $!
expect "a process that is none" 2 --process 0
expect "one that is not there" 2 --process 2147483647
says "is named" err '/proc/2147483647/mem: No such file'
expect "a process and a file" 2 --process self clean.so

## The rest

expect "quiet about a hit" 1 --quiet wrpkru.so
lines "is quiet" out 0
expect "quiet about none" 0 --quiet clean.so
expect "progress when asked for" 1 --progress wrpkru.so
says "is shown" err '0 files, 0 MB, 0 hits: wrpkru.so'
expect "progress when not asked for" 1 wrpkru.so
lines "is not shown" err 0
expect "help" 0 --help
says "names the classes" out 'wrpkru, xrstor'
expect "version" 0 --version
says "is the library's" out "^modiso-scan .libmodiso. $PACKAGE_VERSION\$"

make_object writable.so 0x90 -Wl,-N,-z,noseparate-code
if readelf -lW writable.so | grep -q ' RWE '; then
	expect "writable code" 0 writable.so
	says "is mentioned" err 'writable.so: asks for memory that is writable'
else
	skip "writable code" "the linker makes none"
fi

finish
