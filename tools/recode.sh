#!/bin/sh
# SPDX-License-Identifier: MIT
#
# recode.sh NAME FILE.s OUT.o COMPILER... - assemble what a compiler has written
# so that no bytes of it look like an instruction that a module may not have
# (modiso/scan.h).
#
# Where two instructions make such bytes side by side a nop comes between them.
# A jump over such a distance gets one before or behind it; a constant is made
# of two; other instructions are encoded in another way. What came of it is
# assembled and looked at again, until nothing is left that can be changed. An
# instruction that is meant stays as it is. Prints what was changed and what is
# left, with NAME in front, on standard error.

set -eu

name=$1
assembly=$2
out=$3
shift 3
scratch=$(mktemp -d "${TMPDIR:-/tmp}/modiso-recode.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# find_bytes FILE.s COMPILER... - the lines in which such bytes are, each with
# how (between two instructions, in a jump, inside of another one), the bytes
# and the instruction. Debugging information has the lines, of a copy without the
# compiler's own and without its words on where text is from.
find_bytes() {
	awk '
		/^[ \t]*\.(text|data|bss|ident|section)/ { debug = /\.debug/ }
		debug || /^[ \t]*\.(loc|file)[ \t]|^# *[0-9]/ { $0 = "" }
		{ print }' "$1" >"$scratch/plain.s"
	shift
	"$@" -g -c -o "$scratch/plain.o" "$scratch/plain.s" 2>/dev/null ||
		return
	objdump -d -l -w --insn-width=16 "$scratch/plain.o" | awk '
		# The hexadecimal digits of a byte at p, by its second one.
		function byte(p) { return substr(seen, p, 2) }
		function nibble(c) { return index("0123456789abcdef", c) - 1 }
		# The byte at p as a ModRM: is it a register, of that number?
		function modrm(p, register, number,    high, low) {
			high = nibble(substr(seen, p, 1))
			low = nibble(substr(seen, p + 1, 1))
			if (byte(p) == "" || (high >= 12) != register)
				return 0
			return high % 4 * 2 + int(low / 8) == number
		}
		# How many bytes of a forbidden instruction begin at p.
		function forbidden(p,    pair) {
			pair = substr(seen, p, 4)
			if (pair == "0f05" || pair == "0f34" || pair == "cd80")
				return 2
			if (substr(seen, p, 6) == "0f01ef")
				return 3
			if (pair == "0fae" && modrm(p + 4, 0, 5) ||
				pair == "0fc7" && modrm(p + 4, 0, 3))
				return 3
			if (pair == "0fae" && seen ~ /f3/ &&
				(modrm(p + 4, 1, 2) || modrm(p + 4, 1, 3)))
				return 3
			if (pair !~ /^d5[89a-f]/)
				return 0
			if (byte(p + 4) == "05")
				return 3
			return substr(seen, p + 4, 4) == "01ef" ? 4 : 0
		}
		function look(    p, n, first, last, how) {
			for (p = 1; p < length(seen); p += 2) {
				n = forbidden(p)
				if (n == 0 || p + 2 * n - 1 <= old)
					continue
				first = owner[(p + 1) / 2]
				last = owner[(p + 1) / 2 + n - 1]
				if (first != last)
					how = "between"
				else if (text ~ /^(sys(call|enter)|int |wrpkru)/)
					how = "meant"
				else if (text ~ /^(xrstor|wr[fg]sbase)/)
					how = "meant"
				else if (text ~ /^(j|call|loop)/)
					how = "jump"
				else
					how = "inside"
				print line, how, substr(seen, p, 2 * n), text
			}
		}
		/^Disassembly|^[ \t]*\.\.\.$/ { seen = ""; next }
		/^[^ \t].*:[0-9]+( \(discriminator [0-9]+\))?$/ {
			sub(/ \(discriminator.*/, "")
			sub(/.*:/, "")
			line = $0
			next
		}
		/^ *[0-9a-f]+:\t/ {
			split($0, part, "\t")
			bytes = part[2]
			gsub(/ /, "", bytes)
			text = part[3]
			serial++
			# Of what was before, no more than an instruction has.
			kept = length(seen) < 30 ? length(seen) : 30
			shift_by = (length(seen) - kept) / 2
			for (i = 1; i <= kept / 2; i++)
				owner[i] = owner[i + shift_by]
			seen = substr(seen, length(seen) - kept + 1) bytes
			for (i = kept / 2 + 1; i <= length(seen) / 2; i++)
				owner[i] = serial
			old = kept
			if (seen ~ /0f05|0f34|cd80|0f01ef|0fae|0fc7|d5[89a-f]/)
				look()
		}'
}

# rewrite FILE.s CHANGES - the lines, with what each has to get so far: nops
# before and behind it, and the number of a way to write it.
rewrite() {
	awk '
		BEGIN {
			split("ax bx cx dx si di bp", short, " ")
			for (i = 1; i <= 7; i++)
				wide["%e" short[i]] = "%r" short[i]
			for (i = 8; i <= 15; i++)
				wide["%r" i "d"] = "%r" i
			for (i in wide)
				is_wide[wide[i]]
			split("{load} {store} {disp32}", prefix, " ")
			split("1 0x1010101 0x11223344 0x2030507", less, " ")
		}
		function wide64(register) {
			if (register in wide)
				return wide[register]
			return register in is_wide ? register : ""
		}
		# The operand below a word that was pushed.
		function below(operand,    at) {
			if (operand !~ /^-?[0-9]*\(%rsp[,)]/)
				return operand
			at = index(operand, "(")
			return substr(operand, 1, at - 1) + 8 \
				substr(operand, at)
		}
		# An instruction with a constant, which is made of two; flags
		# are what they would be. "" if it is another.
		function in_two(text, less,    op, value, to, size, spare) {
			if (text !~ /^[a-z]+[wlq] \$-?[0-9][0-9a-fx]*, /)
				return ""
			match(text, / \$[^,]*, /)
			op = substr(text, 1, RSTART - 1)
			value = substr(text, RSTART + 1, RLENGTH - 3) "-" less
			to = substr(text, RSTART + RLENGTH)
			size = substr(op, length(op))
			if (op ~ /^mov[lq]$/ && wide64(to) != "")
				return op " " value ", " to "; lea" size " " \
					less "(" wide64(to) "), " to
			if (op !~ /^(mov|add|or|adc|sbb|and|sub|xor|cmp|test).$/)
				return ""
			if (to !~ /^%[a-z0-9]+$|^[^ ]*\([^ ]*( [^ ]*)*\)$/)
				return ""
			if (to ~ /^%/ && wide64(to) == "")
				return ""
			spare = to ~ /[re]?ax|%al/ ? "cx" : "ax"
			if (to ~ /\(/ && to ~ /%[re]?ax/ && to ~ /%[re]?cx/)
				spare = "dx"
			size = size == "q" ? "r" : size == "l" ? "e" : ""
			op = op " %" size spare ", " below(to)
			return "pushq %r" spare "; movq " value ", %r" spare \
				"; leaq " less "(%r" spare "), %r" spare \
				"; " op "; popq %r" spare
		}
		function write(text, way) {
			if (way == 0)
				return text
			if (in_two(text, 1) != "")
				return in_two(text, less[way])
			return way > 3 ? text : prefix[way] " " text
		}
		FILENAME != "-" {
			before[$1] = $2
			behind[$1] = $3
			way[$1] = $4
			next
		}
		FNR in before {
			old = $0
			sub(/^[ \t]+/, "", old)
			sub(/[ \t]+#.*$/, "", old)
			gsub(/[ \t]+/, " ", old)
			text = write(old, way[FNR])
			for (i = 0; i < before[FNR]; i++)
				text = "nop; " text
			for (i = 0; i < behind[FNR]; i++)
				text = text "; nop"
			print "\t" text
			print name ": \"" old "\" is written \"" text \
				"\"" >report
			next
		}
		{ print }' name="$name" report="$scratch/report" "$2" - <"$1"
}

: >"$scratch/changes"
: >"$scratch/report"
cp "$assembly" "$scratch/now.s"
rounds=12
while [ "$rounds" -gt 0 ]; do
	rounds=$((rounds - 1))
	# What no assembler takes is not the way.
	if ! find_bytes "$scratch/now.s" "$@" >"$scratch/found.now"; then
		[ -f "$scratch/good.s" ] || exit 1
		mv "$scratch/good.s" "$scratch/now.s"
		break
	fi
	cp "$scratch/now.s" "$scratch/good.s"
	mv "$scratch/found.now" "$scratch/found"
	# What was found, added to the changes; those without a way left stay.
	awk '
		FILENAME != "-" {
			before[$1] = $2
			behind[$1] = $3
			way[$1] = $4
			next
		}
		$2 == "meant" { next }
		!($1 in way) { before[$1] = behind[$1] = way[$1] = 0 }
		$2 == "between" && before[$1] < 3 { before[$1]++; more = 1 }
		$2 == "jump" && behind[$1] < 3 {
			if (before[$1] == behind[$1])
				before[$1]++
			else
				behind[$1]++
			more = 1
		}
		$2 == "inside" && way[$1] < 4 { way[$1]++; more = 1 }
		END {
			for (line in way)
				print line, before[line], behind[line], \
					way[line]
			exit !more
		}' "$scratch/changes" - <"$scratch/found" >"$scratch/more" ||
		break
	mv "$scratch/more" "$scratch/changes"
	rewrite "$assembly" "$scratch/changes" >"$scratch/now.s"
done

cat "$scratch/report" >&2
while read -r _ how bytes text; do
	echo "$name: bytes $bytes are left in \"$text\" ($how)"
done <"$scratch/found" >&2
"$@" -c -o "$out" "$scratch/now.s"
