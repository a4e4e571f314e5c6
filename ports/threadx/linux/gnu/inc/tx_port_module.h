/* SPDX-License-Identifier: MIT */
/*
 * tx_port_module.h - what the kernel port's tx_port.h leaves empty and the
 * module manager needs: extensions of control blocks. See README.
 */
#ifndef TX_PORT_MODULE_H
#define TX_PORT_MODULE_H

struct modiso_thread;

#undef TX_THREAD_EXTENSION_2
#define TX_THREAD_EXTENSION_2                                                  \
	VOID *tx_thread_module_instance_ptr;                                   \
	VOID *tx_thread_module_entry_info_ptr;                                 \
	ULONG tx_thread_module_current_user_mode;                              \
	ULONG tx_thread_module_user_mode;                                      \
	VOID *tx_thread_module_kernel_stack_start;                             \
	VOID *tx_thread_module_kernel_stack_end;                               \
	ULONG tx_thread_module_kernel_stack_size;                              \
	VOID *tx_thread_module_stack_ptr;                                      \
	VOID *tx_thread_module_stack_start;                                    \
	VOID *tx_thread_module_stack_end;                                      \
	ULONG tx_thread_module_stack_size;                                     \
	VOID *tx_thread_module_reserved;                                       \
	struct modiso_thread *tx_thread_module_modiso;                         \
	volatile UINT tx_thread_module_in_kernel;                              \
	volatile UINT tx_thread_module_ending;                                 \
	volatile UINT tx_thread_module_ended;

struct TX_EVENT_FLAGS_GROUP_STRUCT;
struct TX_QUEUE_STRUCT;
struct TX_SEMAPHORE_STRUCT;

#undef TX_EVENT_FLAGS_GROUP_EXTENSION
#define TX_EVENT_FLAGS_GROUP_EXTENSION                                         \
	VOID *tx_event_flags_group_module_instance;                            \
	VOID (*tx_event_flags_group_set_module_notify)(                        \
		struct TX_EVENT_FLAGS_GROUP_STRUCT *group_ptr);
#undef TX_QUEUE_EXTENSION
#define TX_QUEUE_EXTENSION                                                     \
	VOID *tx_queue_module_instance;                                        \
	VOID (*tx_queue_send_module_notify)(struct TX_QUEUE_STRUCT *queue_ptr);
#undef TX_SEMAPHORE_EXTENSION
#define TX_SEMAPHORE_EXTENSION                                                 \
	VOID *tx_semaphore_module_instance;                                    \
	VOID (*tx_semaphore_put_module_notify)(                                \
		struct TX_SEMAPHORE_STRUCT *semaphore_ptr);
#undef TX_TIMER_EXTENSION
#define TX_TIMER_EXTENSION                                                     \
	VOID *tx_timer_module_instance;                                        \
	VOID (*tx_timer_module_expiration_function)(ULONG id);

/*
 * What the kernel port calls: module_manager/src/txm_modiso_initialize.c and
 * txm_modiso_thread.c.
 */
struct TX_THREAD_STRUCT;
void _txm_modiso_initialize(void);
void _txm_modiso_thread_begin(struct TX_THREAD_STRUCT *thread_ptr);
void _txm_modiso_thread_frozen(struct TX_THREAD_STRUCT *thread_ptr);
void _txm_modiso_thread_goes_on(struct TX_THREAD_STRUCT *thread_ptr);
void _txm_modiso_thread_leave(void);
int _txm_modiso_thread_end(struct TX_THREAD_STRUCT *thread_ptr);

/* What the kernel port of this system needs besides: one for each. */
#include <tx_port_host.h>

#endif /* TX_PORT_MODULE_H */
