# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-perf.sh - a profiler: its call chains, as modiso-programs(7) has them.

# chains HOW - each chain on a line, from the innermost function.
chains() {
	"$patience" perf record -q -e cpu-clock -F 500 --call-graph "$1" \
		-o "$scratch/perf.data" "$scratch/profiled" >&2 &&
		perf script -i "$scratch/perf.data" -F ip,sym |
		awk -v RS= '{ for (i = 2; i <= NF; i += 2) printf "%s ", $i
			print "" }' >"$scratch/chains"
}

# chain TEXT HOW PATTERN
chain() {
	if chains "$2" >"$scratch/output" 2>&1 &&
		grep -qE "$3" "$scratch/chains"; then
		ok "$1"
	else
		head -n 20 "$scratch/chains" >>"$scratch/output"
		not_ok "$1" <"$scratch/output"
	fi
}

if have "perf" linux-perf perf record -q -e cpu-clock \
	-o "$scratch/perf.data" true; then
	expect_command "perf: the program is built" host profiled \
		-fno-omit-frame-pointer -fno-optimize-sibling-calls
	chain "perf: frame pointers lead from a module to the host" fp \
		'in_module mdi_gate_[a-z_]* outer main '
	chain "perf: call-frame information ends at the gate" dwarf \
		'in_module mdi_gate_[a-z_]* (\[unknown\] )?$'
fi
