# SPDX-License-Identifier: MIT
#
# MODISO_ASM - can the assembler write what the gates need?
#
# The instructions are assembled and never run, so the answer is about the
# toolchain and the same on every build machine.

AC_DEFUN([_MODISO_ASM_TRY], [
	AC_CACHE_CHECK([whether the assembler knows $1], [$2],
		[AC_COMPILE_IFELSE(
			[AC_LANG_SOURCE([[
__asm__(".text\n"
	"modiso_probe:\n"
	".cfi_startproc\n"
	"]$3[\n"
	".cfi_endproc\n");
]])],
			[$2=yes], [$2=no])])
	AS_IF([test "x$$2" != xyes],
		[AC_MSG_ERROR([the assembler of $CC does not know $1: binutils 2.35 or newer is needed])])
])

AC_DEFUN([MODISO_ASM], [
	_MODISO_ASM_TRY([wrpkru and rdpkru], [modiso_cv_asm_pkru],
		[wrpkru\n rdpkru])
	_MODISO_ASM_TRY([rdfsbase], [modiso_cv_asm_fsbase],
		[rdfsbase %rax\n wrfsbase %rax])
	_MODISO_ASM_TRY([endbr64], [modiso_cv_asm_endbr], [endbr64])
	_MODISO_ASM_TRY([call-frame information], [modiso_cv_asm_cfi],
		[push %rbp\n .cfi_adjust_cfa_offset 8\n .cfi_rel_offset %rbp, 0\n pop %rbp\n .cfi_adjust_cfa_offset -8\n .cfi_restore %rbp\n ret])
])
