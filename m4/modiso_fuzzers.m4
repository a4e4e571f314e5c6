# SPDX-License-Identifier: MIT
#
# MODISO_FUZZERS - --enable-fuzzers
#
# The fuzzers of the image parser and of the scanner, and the examples for
# libFuzzer and AFL++. They are made with clang, whatever compiles the library.

AC_DEFUN([MODISO_FUZZERS], [
	AC_ARG_ENABLE([fuzzers],
		[AS_HELP_STRING([--enable-fuzzers],
			[build the fuzzers and the examples for them (needs clang with libFuzzer, and AFL++)])],
		[], [enable_fuzzers=no])
	AS_IF([test "x$enable_fuzzers" = xyes], [
		AC_CHECK_PROG([fuzz_clang], [clang], [clang])
		AS_IF([test -z "$fuzz_clang"],
			[AC_MSG_ERROR([--enable-fuzzers needs clang: install the Debian packages clang and libclang-rt-14-dev])])
		AC_MSG_CHECKING([for libFuzzer and AddressSanitizer of clang])
		AS_ECHO(["#include <stddef.h>
int LLVMFuzzerTestOneInput(const unsigned char *b, size_t n);
int LLVMFuzzerTestOneInput(const unsigned char *b, size_t n) { (void)b; (void)n; return 0; }"]) >conftest.c
		AS_IF([clang -fsanitize=fuzzer,address -o conftest.fuzz conftest.c >&AS_MESSAGE_LOG_FD 2>&1],
			[AC_MSG_RESULT([yes])],
			[AC_MSG_RESULT([no])
			AC_MSG_ERROR([--enable-fuzzers: clang cannot link with -fsanitize=fuzzer,address: install the Debian package libclang-rt-14-dev, or that of your version of clang])])
		rm -f conftest.c conftest.fuzz
		AC_CHECK_PROG([fuzz_afl], [afl-clang-fast], [afl-clang-fast])
		AS_IF([test -z "$fuzz_afl"],
			[AC_MSG_ERROR([--enable-fuzzers needs AFL++ (afl-clang-fast): install the Debian package afl++])])
	])
])
