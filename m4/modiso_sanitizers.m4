# SPDX-License-Identifier: MIT
#
# MODISO_SANITIZERS - --enable-sanitizer=address,undefined|thread
#
# Sanitizers keep their shadow memory and their own state under key 0 and put
# their own handlers in place, so a sanitized build is for the tests that need
# no protection keys: unit tests and the contract on mprotect. Sets
# modiso_sanitizer, SANITIZER_CFLAGS and SANITIZER_LDFLAGS.

AC_DEFUN([MODISO_SANITIZERS], [
	AC_ARG_ENABLE([sanitizer],
		[AS_HELP_STRING([--enable-sanitizer=LIST],
			[build for tests with address,undefined or thread])],
		[modiso_sanitizer=$enableval], [modiso_sanitizer=no])
	AS_CASE([$modiso_sanitizer],
		[no|address|undefined|address,undefined|thread], [],
		[AC_MSG_ERROR([--enable-sanitizer takes address, undefined, address,undefined or thread, not "$modiso_sanitizer"])])
	SANITIZER_CFLAGS=
	SANITIZER_LDFLAGS=
	AS_IF([test "x$modiso_sanitizer" != xno], [
		SANITIZER_CFLAGS="-fsanitize=$modiso_sanitizer -fno-sanitize-recover=all -fno-omit-frame-pointer"
		SANITIZER_LDFLAGS="-fsanitize=$modiso_sanitizer"
		# gcc warns that ThreadSanitizer does not follow fences. What a
		# fence orders here is atomic as well, so nothing is reported
		# that is not a race.
		AS_IF([test "x$modiso_sanitizer" = xthread],
			[AX_APPEND_COMPILE_FLAGS([-Wno-tsan],
				[SANITIZER_CFLAGS], [-Werror])])
		AX_CHECK_LINK_FLAG([-fsanitize=$modiso_sanitizer], [],
			[AC_MSG_ERROR([$CC cannot link with -fsanitize=$modiso_sanitizer: its run-time library is missing (for clang 14 the Debian package libclang-rt-14-dev)])])
	])
	AC_SUBST([SANITIZER_CFLAGS])
	AC_SUBST([SANITIZER_LDFLAGS])
])
