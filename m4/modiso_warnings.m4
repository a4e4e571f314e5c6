# SPDX-License-Identifier: MIT
#
# MODISO_WARNINGS - the one list of warning flags.
#
# Each is tried with -Werror, so one that this compiler does not know is left
# out in silence.

AC_DEFUN([MODISO_WARNINGS], [
	AX_APPEND_COMPILE_FLAGS([ \
		-Wall \
		-Wextra \
		-Wformat=2 \
		-Wmissing-prototypes \
		-Wold-style-definition \
		-Wpointer-arith \
		-Wshadow \
		-Wstrict-prototypes \
		-Wundef \
		-Wvla \
		-Wwrite-strings \
	], [MODISO_CFLAGS], [-Werror])
])
