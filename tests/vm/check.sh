#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check.sh SERIES LOG-DIRECTORY - every test program in QEMU, on one kernel.
#
# Run by "make check-vm" in the build tree's tests/, which says in the
# environment which programs there are: unit_tests, contract_tests, live_tests,
# regress_tests, nopku_tests, data_files, and where the sources are: srcdir.
# user.jobs adds the programs of users.
#
# Three machines are booted: one with protection keys, where nothing may be
# skipped; one whose kernel was told not to use them; one whose CPU has none. On
# Linux 6.1 a fourth, whose CPU lets no program change the bases of FS and GS,
# which leaves page permissions alone.
# The results are LOG-DIRECTORY/<machine>.tap.

set -u

: "${srcdir:?}"

series=$1
logs=$2
here=$(cd "$(dirname "$0")" && pwd)
failed=0

mkdir -p "$logs"
rm -f "$logs"/*.tap

# boot NAME JOBS OPTION...
boot() {
	name=$1
	jobs=$2
	shift 2
	set -- "$@" --kernel "$series" --jobs "$jobs" --no-skip \
		--log "$logs/$name" --dir . --dir "$srcdir"
	# shellcheck disable=SC2154 # from the environment
	for file in $data_files; do
		set -- "$@" --file "$file"
	done
	began=$(date +%s)
	"$here/run.sh" "$@" >"$logs/$name.tap" 2>"$logs/$name.err" || failed=1
	awk -v name="vm $series $name" -v seconds=$(($(date +%s) - began)) \
		-f "$here/../support/tap-count.awk" "$logs/$name.tap" || failed=1
	cat "$logs/$name.err" >&2
}

# "make check" runs each contract test on mprotect, with the kernel that is
# there. A machine of ours has keys to show them, and each stepped instruction
# of gates on both backends: gate_stepped_tests. MODISO_VM_BACKENDS=all:
# everything on both.
one_backend() {
	[ "${MODISO_VM_BACKENDS-}" != all ] || return 1
	case $1 in
	*/contract_*) ;;
	*) return 1 ;;
	esac
	# shellcheck disable=SC2154
	case " $gate_stepped_tests " in *" $1 "*) return 1 ;; esac
}

# shellcheck disable=SC2154 # the lists come from the environment
for program in $unit_tests $contract_tests $regress_tests $live_tests; do
	if one_backend "$program"; then
		echo "tap MODISO_TEST_REQUIRE=pkey MODISO_TEST_BACKEND=pkey" \
			"$program"
	else
		echo "tap MODISO_TEST_REQUIRE=pkey $program"
	fi
done >"$logs/pku.jobs"
cat "$here/user.jobs" >>"$logs/pku.jobs"
boot pku "$logs/pku.jobs"

# shellcheck disable=SC2154
for program in $nopku_tests; do
	echo "tap MODISO_TEST_REQUIRE=no-pkey $program"
done >"$logs/nopku.jobs"
if [ -s "$logs/nopku.jobs" ]; then
	boot nopku-kernel "$logs/nopku.jobs" --append nopku
	boot nopku-cpu "$logs/nopku.jobs" --cpu max,-pku,-la57
fi

# It is the CPU that differs here: one kernel shows it.
if [ "$series" = 6.1 ]; then
	for program in gate gate_return gate_scrub gate_state far fault \
		service signal thread fork leave; do
		echo "tap MODISO_TEST_BACKEND=mprotect contract/contract_$program"
	done >"$logs/no-fsgsbase.jobs"
	boot no-fsgsbase "$logs/no-fsgsbase.jobs" --cpu max,-fsgsbase,-la57
fi
exit "$failed"
