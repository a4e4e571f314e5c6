/* SPDX-License-Identifier: MIT */
/*
 * tx_port_module.h - what ports/linux/gnu/inc/tx_port.h leaves empty and the
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
 * What the kernel port calls: module_manager/src/txm_linux_initialize.c and
 * txm_linux_thread.c.
 */
struct TX_THREAD_STRUCT;
void _txm_linux_initialize(void);
void _txm_linux_thread_begin(struct TX_THREAD_STRUCT *thread_ptr);
void _txm_linux_thread_frozen(struct TX_THREAD_STRUCT *thread_ptr);
void _txm_linux_thread_goes_on(struct TX_THREAD_STRUCT *thread_ptr);
void _txm_linux_thread_leave(void);
int _txm_linux_thread_end(struct TX_THREAD_STRUCT *thread_ptr);
void _txm_linux_sigsuspend(int signo);

/*
 * What the kernel's threads wait in must not be in static variables: with
 * mprotect the program's data is closed while a module runs, and a system call
 * that is to read there fails (modiso_options.closed). So the kernel's mutex and
 * its semaphores are on the heap, and where they were is a pointer to each: what
 * was the definition of the mutex is one of the pointer then.
 */
#define _tx_linux_mutex (*_tx_linux_mutex_at)
extern pthread_mutex_t _tx_linux_mutex;

#ifdef TX_SOURCE_CODE
int _txm_linux_sem_init(sem_t *where, int shared, unsigned int value);
int _txm_linux_sem_destroy(sem_t *where);
sem_t *_txm_linux_sem(const sem_t *where);
#define sem_init(where, shared, value)                                         \
	_txm_linux_sem_init(where, shared, value)
#define sem_destroy(where)	   _txm_linux_sem_destroy(where)
#define sem_post(where)		   sem_post(_txm_linux_sem(where))
#define sem_wait(where)		   sem_wait(_txm_linux_sem(where))
#define sem_trywait(where)	   sem_trywait(_txm_linux_sem(where))
#define sem_timedwait(where, time) sem_timedwait(_txm_linux_sem(where), time)
#endif

#endif /* TX_PORT_MODULE_H */
