/* SPDX-License-Identifier: MIT */
/*
 * txm_module_port.h - ThreadX modules on a workstation, isolated by libmodiso.
 *
 * A module's code is loaded as a flat image of libmodiso: it is copied, scanned
 * and sealed. The memory that the manager allocates for code is what it was
 * copied from. The data area that the manager allocates holds stacks and entry
 * information, and becomes a region of the module.
 */
#ifndef TXM_MODULE_PORT_H
#define TXM_MODULE_PORT_H

#ifdef TXM_MODULE_INCLUDE_USER_DEFINE_FILE
#include "txm_module_user.h"
#endif

/* The host thread's own stack is the kernel's; this is never used. */
#ifndef TXM_MODULE_KERNEL_STACK_SIZE
#define TXM_MODULE_KERNEL_STACK_SIZE 64
#endif

#define TXM_MODULE_GNU_COMPILER	 0x02000000
#define TXM_MODULE_COMPILER_MASK 0xFF000000
#define TXM_MODULE_OPTIONS_MASK	 0x000000FF

#define TXM_MODULE_USER_MODE			 0x00000001
#define TXM_MODULE_MEMORY_PROTECTION		 0x00000002
#define TXM_MODULE_SHARED_EXTERNAL_MEMORY_ACCESS 0x00000004

/* No module runs without isolation: where it cannot be had, it is refused. */
#define TXM_MODULE_MANAGER_SUPPORTED_OPTIONS                                   \
	(TXM_MODULE_USER_MODE | TXM_MODULE_MEMORY_PROTECTION |                 \
	 TXM_MODULE_SHARED_EXTERNAL_MEMORY_ACCESS)
#define TXM_MODULE_MANAGER_REQUIRED_OPTIONS                                    \
	(TXM_MODULE_USER_MODE | TXM_MODULE_MEMORY_PROTECTION)
#define TXM_MODULE_REQUIRE_ALLOCATED_OBJECT_MEMORY
#define TXM_MODULE_MEMORY_PROTECTION_ENABLED

/* Pointers live in data: ThreadX's default of 4 is too little. */
#define TXM_MODULE_DATA_ALIGNMENT 16
#define TXM_MODULE_CODE_ALIGNMENT 16

#define INLINE_DECLARE inline

/* Of external memory: it may be written. Without it, it is read alone. */
#define TXM_MODULE_MANAGER_SHARED_ATTRIBUTE_WRITE 1

/* Regions of external memory that one module can have. */
#define TXM_MODULE_SHARED_ENTRIES 8

struct modiso_fault;
struct modiso_gate;
struct modiso_image;
struct modiso_module;
struct modiso_region;

#define TXM_MODULE_MANAGER_PORT_EXTENSION                                      \
	struct modiso_module *txm_module_instance_modiso;                      \
	struct modiso_image *txm_module_instance_image;                        \
	struct modiso_gate *txm_module_instance_gate;                          \
	struct modiso_region *txm_module_instance_data;                        \
	VOID *txm_module_instance_shared_memory_address                        \
		[TXM_MODULE_SHARED_ENTRIES];                                   \
	ULONG txm_module_instance_shared_memory_length                         \
		[TXM_MODULE_SHARED_ENTRIES];                                   \
	ULONG txm_module_instance_shared_memory_count;

/*
 * The last fault of any module: see modiso_fault_print(3). Each is printed on
 * standard error as well, unless _txm_modiso_fault_report is TX_FALSE.
 */
typedef struct TXM_MODULE_MANAGER_MEMORY_FAULT_INFO_STRUCT {
	TX_THREAD *txm_module_manager_memory_fault_info_thread_ptr;
	VOID *txm_module_manager_memory_fault_info_code_location;
	VOID *txm_module_manager_memory_fault_info_address;
	const struct modiso_fault *txm_module_manager_memory_fault_info_record;
} TXM_MODULE_MANAGER_MEMORY_FAULT_INFO;

/* The last request that was refused for a pointer of it; count is of all. */
typedef struct TXM_MODULE_MANAGER_REFUSAL_INFO_STRUCT {
	TX_THREAD *txm_module_manager_refusal_info_thread_ptr;
	ULONG txm_module_manager_refusal_info_count;
	ULONG txm_module_manager_refusal_info_request;
	ALIGN_TYPE txm_module_manager_refusal_info_params[3];
} TXM_MODULE_MANAGER_REFUSAL_INFO;

#define TXM_MODULE_MANAGER_FAULT_INFO                                          \
	TXM_MODULE_MANAGER_MEMORY_FAULT_INFO                                   \
	_txm_module_manager_memory_fault_info;

/* The image is copied, so it may lie anywhere that its words are aligned. */
#define TXM_MODULE_MANAGER_CHECK_CODE_ALIGNMENT(module_location,               \
						code_alignment)                \
	if ((ALIGN_TYPE)(module_location) & 3)                                 \
		return (TXM_MODULE_ALIGNMENT_ERROR);

/*
 * Two callers of common code load a module, and are functions whose argument
 * module_name is the name that the application gave it; a third one asks for
 * sizes alone. What each calls its variable for the code's size says which.
 */
#define TXM_MODISO_NAME_code_size	 TX_NULL
#define TXM_MODISO_NAME_code_size_ignored module_name
#define TXM_MODULE_MANAGER_ALIGNMENT_ADJUST(                                   \
	module_preamble, code_size, code_alignment, data_size, data_alignment) \
	_txm_module_manager_alignment_adjust(                                  \
		module_preamble, TXM_MODISO_NAME_##code_size, &data_size,       \
		&data_alignment);                                              \
	(VOID)(code_alignment);

/* Offsets in the preamble count from its first byte. */
#define TXM_MODULE_MANAGER_CALCULATE_ADJUSTMENTS(properties, shell, start,     \
						 stop, callback)               \
	{                                                                      \
		(VOID)(properties);                                            \
		shell = 0;                                                     \
		start = 0;                                                     \
		stop = 0;                                                      \
		callback = 0;                                                  \
	}

#define TXM_MODULE_MANAGER_THREAD_SETUP(thread_ptr, module_instance)           \
	thread_ptr->tx_thread_module_current_user_mode = TXM_MODULE_USER_MODE; \
	thread_ptr->tx_thread_module_user_mode = TXM_MODULE_USER_MODE;         \
	thread_entry_info                                                      \
		->txm_module_thread_entry_info_kernel_call_dispatcher =        \
		_txm_module_manager_dispatcher;

#define TXM_MODULE_MANAGER_MODULE_SETUP(module_instance)                       \
	_txm_module_manager_mm_register_setup(module_instance);
#define TXM_MODULE_MANAGER_MODULE_UNLOAD(module_instance)                      \
	_txm_module_manager_mm_register_clear(module_instance);

/* A thread is made anew: the host's one has to be gone before. */
#define TXM_MODULE_MANAGER_THREAD_RESET_PORT_COMPLETION(thread_ptr,            \
							module_instance)       \
	TX_THREAD_RESET_PORT_COMPLETION(thread_ptr)

#define TXM_MODULE_MANAGER_CHECK_INSIDE_DATA(module_instance, obj_ptr,         \
					     obj_size)                         \
	_txm_module_manager_inside_data_check(module_instance, obj_ptr,        \
					      obj_size)

#ifndef TX_SOURCE_CODE
#define txm_module_manager_memory_fault_notify                                 \
	_txm_module_manager_memory_fault_notify
#endif

#define TXM_MODULE_MANAGER_ADDITIONAL_PROTOTYPES                               \
	extern ALIGN_TYPE (*_txm_module_manager_dispatcher)(                   \
		ULONG, ALIGN_TYPE, ALIGN_TYPE, ALIGN_TYPE);                    \
	extern TXM_MODULE_MANAGER_REFUSAL_INFO                                 \
		_txm_module_manager_refusal_info;                              \
	VOID _txm_module_manager_alignment_adjust(                             \
		TXM_MODULE_PREAMBLE *module_preamble, CHAR *module_name,       \
		ULONG *data_size, ULONG *data_alignment);                      \
	VOID _txm_module_manager_memory_fault_handler(VOID);                   \
	UINT _txm_module_manager_memory_fault_notify(                          \
		VOID (*notify_function)(TX_THREAD *, TXM_MODULE_INSTANCE *));  \
	VOID _txm_module_manager_mm_register_setup(                            \
		TXM_MODULE_INSTANCE *module_instance);                         \
	VOID _txm_module_manager_mm_register_clear(                            \
		TXM_MODULE_INSTANCE *module_instance);                         \
	UINT _txm_module_manager_inside_data_check(                            \
		TXM_MODULE_INSTANCE *module_instance, ALIGN_TYPE obj_ptr,      \
		ALIGN_TYPE obj_size);                                          \
	extern UINT _txm_modiso_fault_report, _txm_modiso_confinement;

#define TXM_MODULE_MANAGER_VERSION_ID                                          \
	CHAR _txm_module_manager_version_id[] =                                \
		"ThreadX modules on libmodiso";

#endif /* TXM_MODULE_PORT_H */
