#!/bin/sh
# SPDX-License-Identifier: MIT
#
# link.sh ARGUMENT... - in front of the compiler's linker: what it makes has no
# distances with bytes that look like an instruction that a module may not have
# (modiso/scan.h).
#
# A call or a jump of such a distance goes by another jump, which lies where it
# has none. Constants and data are put further away from code, until no distance
# to them is one. Prints what was changed on standard error. What is no distance
# stays, and so does all where the linker cannot do it.
#
# In the environment: MODISO_LD, the linker; MODISO_OUT, what it makes;
# MODISO_SCAN; MODISO_READELF; MODISO_AS, a command that makes objects; and
# MODISO_SCRATCH, a directory.

set -u

scratch=$MODISO_SCRATCH
jumps=512 # there is room for, less one, of 16 bytes each

is_clean() {
	"$MODISO_SCAN" --quiet "$MODISO_OUT" 2>/dev/null
	[ $? -ne 1 ]
}

# put OFFSET BYTE... - into the file
put() {
	offset=$1
	shift
	# shellcheck disable=SC2059 # bytes
	printf "$(printf '\\%03o' "$@")" |
		dd of="$MODISO_OUT" bs=1 seek="$offset" conv=notrunc 2>/dev/null
}

# put_distance OFFSET DISTANCE
put_distance() {
	put "$1" $(($2 & 255)) $(($2 >> 8 & 255)) $(($2 >> 16 & 255)) \
		$(($2 >> 24 & 255))
}

# detour DISTANCE-OFFSET DISTANCE-ADDRESS - if it is that of a call or a jump.
# The next jump lies more than 256 bytes from the last, in another distance.
detour() {
	# Two bytes of the instruction, and its distance.
	# shellcheck disable=SC2046 # words
	set -- "$1" "$2" \
		$(od -An -v -tx1 -j $(($1 - 2)) -N 6 "$MODISO_OUT")
	case $3$4 in
	??e8 | ??e9 | 0f8?) ;;
	*) return 1 ;;
	esac
	target=$(($2 + 4 + (0x$8$7$6$5 ^ 0x80000000) - 0x80000000))
	used=$((used + 1))
	jump=$((first + used * 17 % jumps * 16))
	put_distance "$1" $((jump - $2 - 4))
	put $((jump - $2 + $1)) $((0xe9))
	put_distance $((jump - $2 + $1 + 1)) $((target - jump - 5))
	printf '%016x 0 R_X86_64_PC32\n' $((jump + 1)) >>"$scratch/relocations"
}

# detours - until nothing is left that goes by a jump, or there is no more room
detours() {
	: >"$scratch/said"
	"$MODISO_READELF" -rW "$scratch/relocated" >"$scratch/relocations"
	first=$(awk '$5 == "__modiso_jumps" { print $4; exit }' \
		"$scratch/relocations")
	[ -n "$first" ] || return
	first=$((0x$first))
	used=0
	changed=yes
	while [ -n "$changed" ]; do
		changed=
		"$MODISO_SCAN" "$MODISO_OUT" | sed -n 's/.* at offset \([^,]*'\
'\), address \([^,]*\), \(.*\): \([0-9a-f ]*\)$/\1 \2 \3 (\4)/p' >"$scratch/hits"
		while read -r offset address text; do
			# Bytes of one begin in the four of a distance, or up to
			# two in front of it.
			# Letters in front: 10e7 is a number as well.
			at=$(awk -v low="$(printf x%016x $((address - 3)))" \
				-v high="$(printf x%016x $((address + 2)))" '
				"x" $1 >= low && "x" $1 <= high &&
					$3 ~ /_P(C|LT)32$/ {
					print $1
					exit
				}' "$scratch/relocations")
			if [ -z "$at" ] || [ $((used + 1)) -ge $jumps ] ||
				! detour $((0x$at - address + offset)) \
					$((0x$at)); then
				continue
			fi
			changed=yes
			echo "modiso-cc: $MODISO_OUT: $text goes by a jump" \
				>>"$scratch/said"
		done <"$scratch/hits"
	done
}

"$MODISO_LD" "$@" || exit
is_clean && exit

cat >"$scratch/jumps.s" <<END
	.section .text.modiso_jumps, "ax", @progbits
	.globl	__modiso_jumps
	.hidden	__modiso_jumps
	.type	__modiso_jumps, @function
	.cfi_startproc
__modiso_jumps:
	int3
	.reloc	., R_X86_64_PC32, __modiso_jumps
	.long	0
	.fill	$((16 * jumps - 5)), 1, 0xcc
	.cfi_endproc
	.size	__modiso_jumps, $((16 * jumps))
	.section .note.GNU-stack, "", @progbits
END
# shellcheck disable=SC2086 # a command
$MODISO_AS -c -o "$scratch/jumps.o" "$scratch/jumps.s" || exit
"$MODISO_LD" "$@" -u __modiso_jumps "$scratch/jumps.o" -q \
	-o "$scratch/relocated" 2>/dev/null || exit 0

for place in 0 200 202 205 409 812 1021; do
	segment=
	[ "$place" = 0 ] || segment=-Trodata-segment=0x${place}000
	# shellcheck disable=SC2086 # or nothing
	"$MODISO_LD" "$@" -u __modiso_jumps "$scratch/jumps.o" $segment \
		2>/dev/null || continue
	detours
	[ "$place" = 0 ] || echo "modiso-cc: $MODISO_OUT: constants and data" \
		"are at 0x${place}000" >>"$scratch/said"
	if is_clean; then
		cat "$scratch/said" >&2
		exit 0
	fi
done
"$MODISO_LD" "$@" -u __modiso_jumps "$scratch/jumps.o" || exit
detours
cat "$scratch/said" >&2
