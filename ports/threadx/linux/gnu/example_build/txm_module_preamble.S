/* SPDX-License-Identifier: MIT */
/* A module's first 32 words. Functions count from the first byte. */
	.section .txm_module_preamble, "ax", @progbits
	.globl	__txm_module_preamble
	.hidden	__txm_module_preamble
	.p2align 4
__txm_module_preamble:
	.long	0x4D4F4455		/* "MODU" */
	.long	6, 1			/* version */
	.long	32			/* words of the preamble */
	.long	0x12345678		/* the application's number for it */
	.long	0x02000007		/* GNU, shared memory, protection, user */
	.long	_txm_module_thread_shell_entry - __txm_module_preamble
	.long	demo_module_start - __txm_module_preamble
	.long	demo_module_stop - __txm_module_preamble
	.long	1, 4096			/* start and stop: priority, stack */
	.long	_txm_module_callback_request_thread_entry - __txm_module_preamble
	.long	1, 4096			/* callbacks: priority, stack */
	.long	__code_end - __txm_module_preamble
	.long	16			/* of the manager's data area: unused */
	.long	__data_start - __txm_module_preamble	/* reserved_0 */
	.long	__bss_end - __txm_module_preamble	/* reserved_1 */
	.long	65536			/* reserved_2: each thread's stack */
	.long	__build_id_start - __txm_module_preamble /* reserved_3, _4 */
	.long	__build_id_end - __txm_module_preamble
	.fill	11, 4, 0
	.section .note.GNU-stack, "", @progbits
