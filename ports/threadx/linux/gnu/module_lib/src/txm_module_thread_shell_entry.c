/* SPDX-License-Identifier: MIT */
/*
 * Where every thread of a module begins. The start thread makes the module's
 * C environment anew, so that a module can be stopped and started again. The
 * stop thread makes it where the start thread was ended before it had.
 */
#ifndef TXM_MODULE
#define TXM_MODULE
#endif
#define TX_SOURCE_CODE
#include "txm_module.h"
#include "tx_thread.h"

#include <elf.h>

TXM_MODULE_THREAD_ENTRY_INFO *_txm_module_entry_info;
ALIGN_TYPE (*_txm_module_kernel_call_dispatcher)(ULONG, ALIGN_TYPE, ALIGN_TYPE,
						 ALIGN_TYPE);

/* The C environment has been made. Zero in a module that was just loaded. */
static volatile UINT ready;

/* From module.ld; the preamble is the image's first byte. */
extern UCHAR __txm_module_preamble[], __data_load[], __data_start[],
	__data_end[], __bss_start[], __bss_end[];
extern const Elf64_Rela __rela_start[], __rela_end[];

/* Pointers in data, as linked, count from the image's first byte. */
static VOID start_c(TXM_MODULE_THREAD_ENTRY_INFO *thread_info)
{
	volatile UCHAR *to;
	UCHAR *from = __data_load;
	const Elf64_Rela *rela;

	ready = 0;
	for (to = __data_start; to < __data_end; to++)
		*to = *from++;
	for (to = __bss_start; to < __bss_end; to++)
		*to = 0;
	for (rela = __rela_start; rela < __rela_end; rela++)
		*(ALIGN_TYPE *)(__txm_module_preamble + rela->r_offset) =
			(ALIGN_TYPE)__txm_module_preamble +
			(ALIGN_TYPE)rela->r_addend;
	_txm_module_entry_info = thread_info;
	_txm_module_kernel_call_dispatcher =
		thread_info
			->txm_module_thread_entry_info_kernel_call_dispatcher;
	/* A stop thread that finds it made finds all of it made. */
	__atomic_signal_fence(__ATOMIC_RELEASE);
	ready = 1;
}

VOID _txm_module_thread_shell_entry(TX_THREAD *thread_ptr,
				    TXM_MODULE_THREAD_ENTRY_INFO *thread_info)
{
	VOID (*notify)(TX_THREAD *, UINT);

	if (thread_info->txm_module_thread_entry_info_start_thread || !ready)
		start_c(thread_info);
	if (thread_info->txm_module_thread_entry_info_start_thread) {
		_txe_thread_resume(
			thread_info
				->txm_module_thread_entry_info_callback_request_thread);
	}
	notify = thread_info->txm_module_thread_entry_info_exit_notify;
	if (notify != TX_NULL)
		notify(thread_ptr, TX_THREAD_ENTRY);
	thread_info->txm_module_thread_entry_info_entry(
		thread_info->txm_module_thread_entry_info_parameter);
	notify = thread_info->txm_module_thread_entry_info_exit_notify;
	if (notify != TX_NULL)
		notify(thread_ptr, TX_THREAD_EXIT);
	_txm_module_thread_system_suspend(thread_ptr);
}
