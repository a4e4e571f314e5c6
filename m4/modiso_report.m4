# SPDX-License-Identifier: MIT
#
# MODISO_REPORT - what was decided, on one screen, at the end of configure.

AC_DEFUN([MODISO_REPORT], [
	AS_IF([test "x$have_check" = xyes],
		[modiso_tests=yes],
		[modiso_tests="no: install the Debian package check"])
	AS_IF([test "x$have_libdw" = xyes],
		[modiso_lines="libdw"],
		[modiso_lines="addr2line commands: install the Debian package libdw-dev"])
	AS_IF([test "x$have_capstone" = xyes],
		[modiso_words="capstone"],
		[modiso_words="objdump commands: install the Debian package libcapstone-dev"])
	AS_IF([test "x$have_seccomp" = xyes],
		[modiso_calls="libseccomp"],
		[modiso_calls="numbers: install the Debian package libseccomp-dev"])
	AS_IF([test "x$have_libclang" = xyes],
		[modiso_bind="yes"],
		[modiso_bind="not before the Debian package python3-clang is installed"])
	AS_IF([test "x$enable_pkey" != xno],
		[modiso_backends="pkey mprotect"], [modiso_backends=mprotect])
	AS_ECHO(["
libmodiso $PACKAGE_VERSION

  backends:            $modiso_backends
  mprotect fallback:   $enable_mprotect_fallback
  tests:               $modiso_tests
  lines in reports:    $modiso_lines
  instructions, too:   $modiso_words
  system calls:        $modiso_calls
  modiso-bind runs:    $modiso_bind
  sanitizer:           $modiso_sanitizer
  fuzzers:             $enable_fuzzers
  coverage:            $enable_code_coverage
  warnings are errors: $enable_werror
  compiler:            $CC
  CFLAGS:              $CFLAGS
  installs to:         $prefix

  make, make check, make check-vm, make install
"])
])
