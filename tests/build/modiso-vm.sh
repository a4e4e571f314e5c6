#!/bin/sh
# SPDX-License-Identifier: MIT
#
# modiso-vm.sh - what modiso-vm says before there is a machine. That it runs
# programs in one is what check-vm shows, and others/group-packages.sh for one
# that is installed.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

vm=$top_builddir/tools/modiso-vm
MODISO_VM_HELPERS=$top_builddir/tools/vm:$top_srcdir/tools/vm
export MODISO_VM_HELPERS
unset MODISO_VM_KERNEL
path=$PATH

# ends STATUS PATTERN TEXT ARGUMENT...
ends() {
	wanted=$1
	pattern=$2
	text=$3
	shift 3
	PATH=$path "$vm" "$@" >"$scratch/output" 2>&1 </dev/null
	status=$?
	if [ "$status" -eq "$wanted" ] &&
		grep -q -e "$pattern" "$scratch/output"; then
		ok "$text"
	else
		echo "status $status" >>"$scratch/output"
		not_ok "$text" <"$scratch/output"
	fi
}

ends 0 '^usage: modiso-vm' "--help" --help
ends 0 '^usage: modiso-vm' "-h" -h
ends 0 "^modiso-vm (libmodiso) $PACKAGE_VERSION\$" "--version" --version
ends 125 'no program' "no program"
ends 125 'unknown option --kvm' "an option that there is not" --kvm true
ends 125 '--kernel needs a value' "an option without its value" --kernel
ends 125 "'plenty' is no number" "memory that is no number" \
	--memory plenty true
ends 125 "'A' is not NAME=VALUE" "an environment that is none" --env A true
ends 125 'cannot read .*/none' "a list of jobs that is not there" \
	--jobs "$scratch/none"
ends 125 'either --jobs or a program' "a list of jobs and a program" \
	--jobs "$0" true

# Each program that it calls and is not there is named with its package. A
# directory has those that the script needs to come so far.
mkdir "$scratch/bin"
for tool in sh sed cat; do
	ln -s "$(command -v "$tool")" "$scratch/bin/$tool"
done
path=$scratch/bin
for pair in qemu-system-x86_64:qemu-system-x86 cpio:cpio \
	busybox:busybox-static ldd:libc-bin; do
	ends 125 "install the Debian package ${pair##*:}\$" \
		"without ${pair%:*}" true
	printf '#!/bin/sh\n' >"$scratch/bin/${pair%:*}"
	chmod +x "$scratch/bin/${pair%:*}"
done
path=$scratch/bin:$PATH
ends 125 'cannot read .*/vmlinuz' "a kernel that is not there" \
	--kernel "$scratch/vmlinuz" true

# An emulator that ends at once, and does better the second time.
cat >"$scratch/bin/qemu-system-x86_64" <<-END
	#!/bin/sh
	[ -f "$scratch/once" ] || {
		: >"$scratch/once"
		exit 1
	}
	printf '@linux 6.1\n@begin 1\n| hello\n@end 1 exit 3\n@done 1\n'
END
for tool in cpio busybox ldd; do
	rm "$scratch/bin/$tool"
done
: >"$scratch/vmlinuz"
ends 3 '^hello$' "a machine that dies while it starts is started again" \
	--kernel "$scratch/vmlinuz" true
ends 3 '^hello$' "and only then" --kernel "$scratch/vmlinuz" true
rm "$scratch/once"
ends 3 'is started once more$' "which is said" --kernel "$scratch/vmlinuz" true

# Ended from outside before it has said anything, it is not started again.
cat >"$scratch/bin/qemu-system-x86_64" <<-END
	#!/bin/sh
	echo started >>"$scratch/starts"
	[ "\$(wc -l <"$scratch/starts")" -eq 1 ] || exit 1
	echo started >"$scratch/event"
	exec cat "$scratch/never"
END
mkfifo "$scratch/event" "$scratch/never"
PATH=$path "$vm" --kernel "$scratch/vmlinuz" true >"$scratch/output" 2>&1 &
read -r line <"$scratch/event"
kill -TERM $!
wait $!
status=$?
if [ "$status" -eq 143 ] && [ "$(cat "$scratch/starts")" = "$line" ]; then
	ok "a machine that was ended is not started again"
else
	echo "status $status" >>"$scratch/output"
	not_ok "a machine that was ended is not started again" <"$scratch/output"
fi

finish
