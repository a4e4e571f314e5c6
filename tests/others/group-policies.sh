# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-policies.sh - on systems that refuse what the library asks for: it
# works without, or says which call and which error, at the first call that
# cannot do its work. It never crashes later.

build_policies() {
	host seccomp && host policy
}
expect_command "programs for policies are built" build_policies

expect "seccomp, without a filter" "$scratch/seccomp" none
for call in $("$scratch/seccomp"); do
	expect "seccomp refuses $call" "$scratch/seccomp" "$call"
done

# The list of calls is whole: no other one is made. What is not on it is the C
# library's own, at the beginning and end of programs and threads.
if have "the list of system calls is whole" strace command -v strace; then
	strace -f -o "$scratch/trace" "$scratch/seccomp" none \
		>"$scratch/output" 2>&1
	"$scratch/seccomp" >"$scratch/listed"
	sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' "$scratch/trace" | sort -u |
		grep -vxE 'access|execve|exit|exit_group|futex|pread64|rt_sigreturn|set_robust_list|set_tid_address|write' |
		grep -vxFf "$scratch/listed" >"$scratch/complaints"
	[ -s "$scratch/trace" ] || echo "no trace" >"$scratch/complaints"
	expect_empty "$scratch/complaints" "the list of system calls is whole"
	# And the manual has it.
	for call in $(cat "$scratch/listed"); do
		grep -qw "$call" "$top_srcdir/doc/man/man7/modiso-programs.7" ||
			echo "$call"
	done >"$scratch/complaints"
	expect_empty "$scratch/complaints" \
		"modiso-programs(7) names every system call"
fi

# policy WHAT STATUS PATTERN TEXT [NAME=VALUE] - it ends so, and says what it
# says.
policy() {
	"$patience" env ${5:+"$5"} "$scratch/policy" "$1" >"$scratch/output" 2>&1
	status=$?
	if [ $status -eq 77 ]; then
		skip "$4" "$(tail -n 1 "$scratch/output")"
	elif [ $status -eq "$2" ] && { [ -z "$3" ] ||
		grep -qE "$3" "$scratch/output"; }; then
		ok "$4"
	else
		echo "status $status" >>"$scratch/output"
		not_ok "$4" <"$scratch/output"
	fi
}
policy closed 0 '' "every descriptor is closed again and again"
policy mdwe 2 'seal: .*(policy|MDWE|permitted|denied)' \
	"MDWE, mprotect: no image can be sealed, and the reason is said" \
	MODISO_BACKEND=mprotect
policy noproc 2 'adopt: .*/proc/self/smaps' \
	"no /proc: adopting is refused, and the reason is said"
