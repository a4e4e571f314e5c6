/* SPDX-License-Identifier: MIT */
/*
 * tx_port_host.h - what the kernel port for Windows needs to run beside
 * modules, and the older one to run in 64 bits at all.
 */
#ifndef TX_PORT_HOST_H
#define TX_PORT_HOST_H

/*
 * ports/win32 keeps pointers in ULONGs, of 32 bits. ports/win64 says these, as
 * ports/linux does for 64 bits: addresses in pools, and the thread that a
 * timer is for.
 */
#ifndef ALIGN_TYPE_DEFINED
#define ALIGN_TYPE_DEFINED
typedef unsigned long long ALIGN_TYPE;
#endif
#ifndef TX_BYTE_BLOCK_FREE
#define TX_BYTE_BLOCK_FREE ((ALIGN_TYPE)0xFFFFEEEEFFFFEEEEull)
#endif
#ifndef TX_TIMER_INTERNAL_EXTENSION
#define TX_TIMER_INTERNAL_EXTENSION VOID *tx_timer_internal_extension_ptr;
#define TX_THREAD_CREATE_TIMEOUT_SETUP(t)                                      \
	(t)->tx_thread_timer.tx_timer_internal_timeout_function =              \
		&_tx_thread_timeout;                                           \
	(t)->tx_thread_timer.tx_timer_internal_timeout_param = 0;              \
	(t)->tx_thread_timer.tx_timer_internal_extension_ptr = (VOID *)(t);
#define TX_THREAD_TIMEOUT_POINTER_SETUP(t)                                     \
	(t) = (TX_THREAD *)                                                    \
		_tx_timer_expired_timer_ptr->tx_timer_internal_extension_ptr;
#endif

/* How a thread ends that was terminated, or is made anew: see README. */
#undef TX_THREAD_DELETE_PORT_COMPLETION
#define TX_THREAD_DELETE_PORT_COMPLETION(thread_ptr)                           \
	_txm_win32_thread_completion(thread_ptr, &tx_saved_posture);
#undef TX_THREAD_RESET_PORT_COMPLETION
#define TX_THREAD_RESET_PORT_COMPLETION(thread_ptr)                            \
	_txm_win32_thread_completion(thread_ptr, &tx_saved_posture);
void _txm_win32_thread_completion(struct TX_THREAD_STRUCT *thread_ptr,
				  UINT *posture);
void _txm_win32_thread_begin(struct TX_THREAD_STRUCT *thread_ptr);
void _txm_win32_thread_scheduled(struct TX_THREAD_STRUCT *thread_ptr);
void _txm_win32_thread_stop(void);
void _txm_win32_thread_goes_on(void);

#endif /* TX_PORT_HOST_H */
