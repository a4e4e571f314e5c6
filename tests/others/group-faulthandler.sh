# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-faulthandler.sh - CPython's own handler for crashes, before the library
# and after it.

if have "CPython's faulthandler" python3-pytest test -n "$PYTHON"; then
	for when in first last; do
		expect_command "CPython: faulthandler is enabled $when" \
			in_python "$PYTHON" "$here/faulthandler_host.py" $when
	done
fi
