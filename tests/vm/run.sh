#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh - run programs in a virtual machine that has protection keys.

usage() {
	cat <<'END'
usage: run.sh [OPTION]... -- PROGRAM [ARGUMENT]...
       run.sh [OPTION]... --jobs FILE

Boots QEMU with protection keys (in software: no KVM, no special CPU), runs the
programs in it and prints their results as TAP. The exit status is 0 when all
ran and none failed.

  --kernel 6.1|6.12|FILE  the kernel: a Debian series, or an image (6.1)
  --append WORDS          more for the kernel's command line, such as nopku
  --cpu MODEL             another -cpu for QEMU (max,+pku,enforce)
  --icount                one CPU whose clock counts instructions
  --env NAME=VALUE        in the environment of every program
  --dir DIR               look for programs here (.); may be repeated
  --file FILE             take this file along too; may be repeated
  --jobs FILE             many programs, one to a line, each after a word:
                            tap     a test program that prints TAP
                            status  a program that says all by exit status
                          then NAME=VALUE words, the program, its arguments;
                          no quoting. Every word that names a file below a
                          --dir is taken into the machine
  --status                PROGRAM is of the kind status, not tap
  --raw                   print what PROGRAM prints, end with its status
  --no-skip               a skip is a failure
  --log DIR               keep console.log and results.log here
END
}

set -eu

here=$(cd "$(dirname "$0")" && pwd)
kernel=6.1 append='' cpu=max,+pku,enforce accel='' env='' dirs='' files=''
jobs='' kind=tap no_skip=0 log=''

die() {
	echo "run.sh: $*" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--icount) accel='-accel tcg -smp 1 -icount shift=0,sleep=off' ;;
	--status) kind=status ;;
	--raw) kind=raw ;;
	--no-skip) no_skip=1 ;;
	--help) usage && exit 0 ;;
	--) shift && break ;;
	--*)
		[ $# -ge 2 ] || die "$1 wants a value; see --help"
		case $1 in
		--kernel) kernel=$2 ;;
		--append) append="$append $2" ;;
		--cpu) cpu=$2 ;;
		--env) env="$env$2 " ;;
		--dir) dirs="$dirs $2" ;;
		--file) files="$files $2" ;;
		--jobs) jobs=$2 ;;
		--log) log=$2 ;;
		*) die "unknown option $1; see --help" ;;
		esac
		shift
		;;
	*) break ;;
	esac
	shift
done
if [ -n "$jobs" ]; then
	[ $# -eq 0 ] || die "either --jobs or a program; see --help"
	[ "$kind" = tap ] || die "--jobs says itself what kind each line is"
elif [ $# -eq 0 ]; then
	usage >&2
	exit 2
fi

for tool in qemu-system-x86_64:qemu-system-x86 cpio:cpio \
	busybox:busybox-static "${CC:-cc}:gcc"; do
	command -v "${tool%:*}" >/dev/null 2>&1 ||
		die "${tool%:*} is missing: install the Debian package ${tool##*:}"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
[ -n "$log" ] || log=$work
mkdir -p "$log"

case $kernel in
*/*) [ -r "$kernel" ] || die "cannot read $kernel" ;;
*) kernel=$("$here/fetch-kernel.sh" "$kernel") ;;
esac

# find_file WORD - print the file below a --dir that WORD means, if any.
find_file() {
	case $1 in
	/*) [ ! -f "$1" ] || echo "$1" ;;
	*)
		for dir in ${dirs:-.}; do
			[ -f "$dir/$1" ] && echo "$dir/$1" && return
		done
		;;
	esac
	return 0
}

# guest_path WORD - the name of that file in the machine, relative to /t.
guest_path() {
	echo "$1" | sed 's,^\.*/,,; :again; s,^\.\./,,; t again; s,^\./,,'
}

# add_job KIND WORD... - onto the list for init.c, with files for the machine.
add_job() {
	job_kind=$1
	shift
	case $job_kind in
	tap | status | raw) ;;
	*) die "$job_kind is no kind of job; see --help" ;;
	esac
	line=$env label='' program=''
	for word in "$@"; do
		case $program$word in
		*=*) [ -n "$program" ] || { line="$line$word " && continue; } ;;
		esac
		file=$(find_file "$word")
		if [ -n "$file" ]; then
			word=$(guest_path "$word")
			echo "$file t/$word" >>"$work/files"
		fi
		label="$label${label:+ }$word"
		if [ -z "$program" ]; then
			program=$word
			case $job_kind in
			tap) line="${line}run-test " ;;
			*) line="${line}patience " ;;
			esac
			[ -z "$file" ] || word=/t/$word
		fi
		line="$line$word "
	done
	echo "${line% }" >>"$work/jobs"
	echo "$job_kind $label" >>"$work/labels"
}

: >"$work/files"
echo "$here/../support/run-test.sh bin/run-test" >>"$work/files"
if [ -n "$jobs" ]; then
	while read -r words; do
		# shellcheck disable=SC2086 # words are what a line is made of
		case $words in
		'' | '#'*) ;;
		*) add_job $words ;;
		esac
	done <"$jobs"
else
	add_job "$kind" "$@"
fi
for word in $files; do
	file=$(find_file "$word")
	[ -n "$file" ] || die "no file $word"
	echo "$file t/$(guest_path "$word")" >>"$work/files"
done

"$here/mkinitramfs.sh" "$work/initramfs.gz" "$work/jobs" <"$work/files"

# A machine that says nothing, not even that it is alive, is ended.
"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -O2 -o "$work/patience" \
	"$here/../support/patience.c"

# The kernel has the first serial port, the results the second.
# shellcheck disable=SC2086 # accel and append are lists of words
boot() {
	"$work/patience" qemu-system-x86_64 \
		${accel:--accel tcg,thread=multi -smp 2} -cpu "$cpu" -m 1280 \
		-nic none -nographic -no-reboot -monitor none \
		-serial "file:$log/console.log" -serial stdio \
		-kernel "$kernel" -initrd "$work/initramfs.gz" \
		-append "console=ttyS0 quiet no_timer_check panic=-1 oops=panic$append" \
		</dev/null 2>"$log/qemu.log" || echo "run.sh: QEMU ended with" \
			"status $?" >>"$log/qemu.log"
}

status=0
if [ "$kind" = raw ]; then
	boot | tee "$log/results.log" |
		awk '{ gsub(/\r/, "") } sub(/^\| /, "") { print; fflush() }'
	status=$(tr -d '\r' <"$log/results.log" |
		awk '/^@end 1 exit / { print $4 } /^@end 1 signal / { print 128 + $4 }')
	[ -n "$status" ] || status=125
else
	boot | tee "$log/results.log" |
		awk -v no_skip="$no_skip" -f "$here/results.awk" \
			"$work/labels" - || status=1
fi

# Half of its memory is for files; what finds no room is not there, no more.
if grep -q 'Initramfs unpacking failed' "$log/console.log"; then
	echo "# run.sh: the machine has too little memory for all files; give" \
		"QEMU more (-m) in run.sh" >&2
	status=1
fi

# A machine that died says why on its console.
if ! grep -q '^@done' "$log/results.log"; then
	{
		echo "run.sh: the machine did not end in order; its console:"
		tail -n 120 "$log/console.log" 2>/dev/null |
			tr -cd '[:print:]\n\t'
		cat "$log/qemu.log"
	} | sed 's/^/# /' >&2
	[ "$status" -ne 0 ] || status=1
fi
exit "$status"
