# SPDX-License-Identifier: MIT
#
# MODISO_OTHERS - what "make check-others" runs the library beside, and for
# which languages there are bindings. All of it is optional: what is missing is
# named with its Debian package, here and when the tests run.
#
# Sets PYTHON (with pytest), CARGO, GO, JAVAC; empty where there is none.

# MODISO_OTHER(VARIABLE, WHAT, PACKAGE, CANDIDATES, OPTIONS) - the first of the
# candidates that succeeds with these options.
AC_DEFUN([MODISO_OTHER], [
	AC_ARG_VAR([$1], [$2, for make check-others])
	AC_MSG_CHECKING([for $2])
	for modiso_candidate in "$[]$1" $4; do
		AS_IF([test -n "$modiso_candidate" &&
			(cd /tmp && $modiso_candidate $5) >/dev/null 2>&1],
			[break])
		modiso_candidate=
	done
	$1=$modiso_candidate
	AC_MSG_RESULT([${$1:-no (Debian package $3)}])
])

AC_DEFUN([MODISO_OTHERS], [
	MODISO_OTHER([PYTHON], [Python 3 with pytest], [python3-pytest],
		[python3 /usr/bin/python3], [-c 'import pytest'])
	MODISO_OTHER([CARGO], [Rust's cargo], [cargo],
		[cargo /usr/bin/cargo], [--version])
	MODISO_OTHER([GO], [a Go compiler], [golang-go], [go], [version])
	MODISO_OTHER([JAVAC], [a Java compiler], [default-jdk-headless],
		[javac], [-version])
])
