# SPDX-License-Identifier: MIT
#
# MODISO_HARDENING - flags that make the library harder to misuse.
#
# The tables that the gates trust must not be writable after start-up (relro,
# now), no stack may be executable, and every C function of the library is
# compiled with a stack protector. The assembly gates are not compiled C and
# are the only code without one. Comes after MODISO_SANITIZERS and
# AX_CODE_COVERAGE: coverage is built without optimisation, and a sanitizer
# brings its own versions of the checked string functions and leaves symbols
# for its run-time library to define.

# gcc 12 for Windows breaks off at -fstack-clash-protection.
AC_DEFUN([_MODISO_HARDENING_ELF], [
	AX_APPEND_COMPILE_FLAGS([ \
		-fstack-protector-strong \
		-fstack-clash-protection \
	], [MODISO_CFLAGS], [-Werror])
	AX_APPEND_LINK_FLAGS([ \
		-Wl,-z,relro \
		-Wl,-z,now \
		-Wl,-z,noexecstack \
	], [MODISO_LDFLAGS])
	AS_IF([test "x$modiso_sanitizer" = xno && test "x$enable_code_coverage" != xyes], [
		AX_APPEND_COMPILE_FLAGS([-D_FORTIFY_SOURCE=2],
			[MODISO_CFLAGS], [-Werror])
		AX_APPEND_LINK_FLAGS([-Wl,-z,defs], [MODISO_LDFLAGS])
	])
])

AC_DEFUN([MODISO_HARDENING], [
	MODISO_LDFLAGS=
	AX_APPEND_COMPILE_FLAGS([-fno-strict-aliasing], [MODISO_CFLAGS],
		[-Werror])
	AS_IF([test $windows = no], [_MODISO_HARDENING_ELF])
	AC_SUBST([MODISO_LDFLAGS])
])
