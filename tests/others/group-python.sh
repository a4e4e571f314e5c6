# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-python.sh - bindings/python, by its own tests.

if have "bindings/python" python3-pytest test -n "$PYTHON"; then
	in_python "$PYTHON" -m pytest -p no:cacheprovider -q -rs \
		--junit-xml="$scratch/python.xml" \
		"$top_srcdir/bindings/python/tests" >"$scratch/output" 2>&1
	status=$?
	ran=$(sed -n 's/^.* \(tests="[0-9]*"\).*$/\1/p' "$scratch/python.xml" |
		tr -cd 0-9)
	if [ "$status" -eq 0 ] && [ "${ran:-0}" -gt 0 ] &&
		! grep -q SKIP "$scratch/output"; then
		ok "bindings/python: $ran tests"
	else
		echo "status $status" >>"$scratch/output"
		tail -n 60 "$scratch/output" >"$scratch/tail"
		not_ok "bindings/python" <"$scratch/tail"
	fi
fi
