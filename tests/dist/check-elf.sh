#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-elf.sh - what an attacker would look for in the finished library.
#
# Besides the usual (no executable stack, full RELRO, no text relocations):
# an instruction that changes PKRU or enters the kernel may stand only where
# gadgets.allow says so. The bytes are looked for at every offset, because a
# jump into the middle of an instruction is a jump like any other. Two bytes
# that enter the kernel come up by chance in any library; they are counted apart
# from those that were meant, which begin where objdump sees an instruction.

set -u
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

library=$top_builddir/lib/.libs/libmodiso.so
rules=$top_srcdir/tests/dist/gadgets.allow

readelf -lW "$library" >"$scratch/segments" || exit 1
readelf -dW "$library" >"$scratch/dynamic"
readelf -SW "$library" | sed -n 's/^ *\[ *\([0-9]*\)\] *//p' >"$scratch/sections"

expect_command "the stack is not executable" \
	awk '/GNU_STACK/ { found = 1; bad = /E +0x[0-9a-f]+$/ }
	END { exit !found || bad }' "$scratch/segments"
expect_command "no segment is writable and executable" \
	awk '/ RWE / { print; bad = 1 } END { exit bad }' "$scratch/segments"
expect_command "relocated data becomes read-only" \
	grep -q GNU_RELRO "$scratch/segments"
expect_command "all symbols are bound at start" \
	grep -qE 'BIND_NOW|FLAGS_1.*NOW' "$scratch/dynamic"
expect_command "no text relocations" \
	awk '/TEXTREL/ { print; bad = 1 } END { exit bad }' "$scratch/dynamic"
expect_command "no run path" \
	awk '/RPATH|RUNPATH/ { print; bad = 1 } END { exit bad }' "$scratch/dynamic"
expect_command "the soname is libmodiso.so.0" \
	grep -qF '[libmodiso.so.0]' "$scratch/dynamic"
expect_command "needs only libcpuid, the C library and the unwinder" \
	awk '/NEEDED/ && !/\[(libcpuid\.so|libc\.so|libpthread\.so|libgcc_s\.so|ld-linux)/ {
	print; bad = 1 } END { exit bad }' "$scratch/dynamic"

# Functions by address, local ones too; what compilers append to a name when
# they split or specialise a function is taken off.
nm -n --defined-only "$library" | awk '$2 ~ /^[tT]$/ {
	sub(/\.(part|constprop|isra|cold|lto_priv)(\.[0-9]+)*.*/, "", $3)
	print $1, $3 }' >"$scratch/functions"

# Bytes of each executable section: "ADDRESS" lines start one, then hex bytes.
awk '$7 ~ /X/ || $8 ~ /X/ { print $1, $3 }' "$scratch/sections" |
	while read -r section address; do
		objcopy -O binary -j "$section" "$library" "$scratch/code"
		echo "section $section $address"
		od -An -v -tx1 "$scratch/code"
	done >"$scratch/bytes"

objdump -d --no-show-raw-insn "$library" | awk -F '\t' \
	'$2 ~ /^(syscall|sysenter|int +\$0x80)/ {
		gsub(/[ :]/, "", $1)
		print $1, "-"
	}' >"$scratch/meant"

# find_gadgets - print "INSTRUCTION FUNCTION" for each place.
find_gadgets() {
	awk '
	function number(hex,    i, value) {
		value = 0
		for (i = 1; i <= length(hex); i++)
			value = value * 16 + \
				index("0123456789abcdef", substr(hex, i, 1)) - 1
		return value
	}
	function found(what,    low, high, middle, here) {
		here = base + n - 3
		if (what ~ /^(syscall|sysenter|int80)$/ && !(here in meant))
			what = what "-bytes"
		low = 0
		high = functions
		while (low < high) {
			middle = int((low + high + 1) / 2)
			if (at[middle] <= here)
				low = middle
			else
				high = middle - 1
		}
		print what, low ? name[low] : section
	}
	# One byte comes in; y, z, a, b, c are the last five.
	function take(byte,    modrm) {
		y = z
		z = a
		a = b
		b = c
		c = byte
		n++
		if (n < 2)
			return
		if (a == "0f" && b == "01" && c == "ef")
			found("wrpkru")
		modrm = number(c)
		if (a == "0f" && b == "ae" && modrm < 192 && \
		    int(modrm / 8) % 8 == 5)
			found("xrstor")
		if (a == "0f" && b == "c7" && modrm < 192 && \
		    int(modrm / 8) % 8 == 3)
			found("xrstors")
		if (a == "0f" && b == "ae" && modrm >= 208 && modrm < 224 && \
		    (z == "f3" || y == "f3"))
			found(modrm < 216 ? "wrfsbase" : "wrgsbase")
		if (a == "0f" && b == "05")
			found("syscall")
		if (a == "0f" && b == "34")
			found("sysenter")
		if (a == "cd" && b == "80")
			found("int80")
	}
	FILENAME ~ /meant$/ { meant[number($1)] = 1; next }
	FILENAME ~ /functions$/ { at[++functions] = number($1); name[functions] = $2; next }
	$1 == "section" {
		if (section != "")
			take("00")
		section = $2
		base = number($3)
		a = b = c = y = z = ""
		n = 0
		next
	}
	{ for (i = 1; i <= NF; i++) take($i) }
	END { take("00") }' "$scratch/meant" "$scratch/functions" \
		"$scratch/bytes"
}

# The library that is looked at must be one that has been understood.
# shellcheck disable=SC2016 # $1 is awk's
expect_command "the code was read" \
	awk '$1 != "section" { n += NF } END { exit n < 64 }' "$scratch/bytes"

find_gadgets | sort | uniq -c | awk '{ print $2, $3, $1 }' >"$scratch/gadgets"
sed 's/#.*//' "$rules" | awk '
FNR == NR {
	if (NF) {
		low[$1 " " $2] = $3 + 0
		high[$1 " " $2] = $3 ~ /-/ ? substr($3, index($3, "-") + 1) + 0 : $3 + 0
	}
	next
}
{
	key = $1 " " $2
	if (!(key in high) && ($1 " *") in high)
		key = $1 " *"
	seen[key] += $3
	if (!(key in high))
		print $1 " in " $2 " (" $3 " times): not on the list"
}
END {
	for (key in high)
		if (seen[key] > high[key])
			print key ": " seen[key] " times, the list says " high[key]
	for (key in low)
		if (seen[key] + 0 < low[key])
			print key ": " seen[key] + 0 " times, the list says " low[key]
}' - "$scratch/gadgets" | sort >"$scratch/complaints"
expect_empty "$scratch/complaints" \
	"PKRU is written and the kernel entered only where gadgets.allow says"

finish
