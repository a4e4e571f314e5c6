/* SPDX-License-Identifier: MIT */
/*
 * Everything about a module that can be refused is refused here: the module of
 * libmodiso is made, the image copied, laid out and scanned. What comes later,
 * with interrupts off, cannot fail (txm_module_manager_mm_register_setup.c).
 */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "txm_module.h"
#include "txm_modiso.h"

#include <stdio.h>
#include <string.h>

#define PAGE 4096u
/* More than any pool has: the manager answers with TX_NO_MEMORY. */
#define REFUSED 0x7fff0000u

/* Of the load that is under way; the manager's mutex is held. */
struct txm_modiso_pending _txm_modiso_pending;

VOID _txm_modiso_pending_drop(VOID)
{
	if (_txm_modiso_pending.module != NULL)
		(void)!modiso_module_destroy(_txm_modiso_pending.module);
	_txm_modiso_pending.module = NULL;
	_txm_modiso_pending.image = NULL;
	_txm_modiso_pending.gate = NULL;
}

/* As the application calls it, cut off where it is too long. */
static void set_name(char *name, const char *given, ULONG id)
{
	size_t length =
		given == NULL ? 0 : strnlen(given, MODISO_NAME_SIZE - 1);

	if (length == 0) {
		snprintf(name, MODISO_NAME_SIZE, "module %#x",
			 (unsigned)id);
		return;
	}
	memcpy(name, given, length);
	name[length] = 0;
}

/* @reason is set where libmodiso was not asked. */
static int prepare(TXM_MODULE_PREAMBLE *preamble, const char *given,
		   const char **reason)
{
	struct txm_modiso_symbols symbols;
	struct modiso_flat flat = {
		.struct_size = sizeof(flat),
		.code_size = preamble->txm_module_preamble_code_size,
		.data_distance = preamble->txm_module_preamble_reserved_0,
		.bss_size = preamble->txm_module_preamble_reserved_1 -
			    preamble->txm_module_preamble_reserved_0,
	};
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = _txm_modiso_confinement,
		.stack_size = preamble->txm_module_preamble_reserved_2,
	};
	struct modiso_image_options image_options = {
		.struct_size = sizeof(image_options),
	};
	struct modiso_image_info info = {.struct_size = sizeof(info)};
	char name[MODISO_NAME_SIZE];
	ULONG shell = preamble->txm_module_preamble_shell_entry_function;
	int result;

	set_name(name, given,
		 preamble->txm_module_preamble_application_module_id);
	if (preamble->txm_module_preamble_reserved_1 <
		    preamble->txm_module_preamble_reserved_0 ||
	    shell >= flat.code_size ||
	    preamble->txm_module_preamble_start_function >= flat.code_size ||
	    preamble->txm_module_preamble_stop_function >= flat.code_size ||
	    preamble->txm_module_preamble_callback_function >= flat.code_size) {
		*reason = "its preamble has an entry outside of its code, or "
			  "data that end before they begin";
		return MODISO_ERR_FORMAT;
	}
	_txm_modiso_symbols_find(preamble, &symbols);
	flat.symbols = symbols.functions;
	flat.symbol_count = symbols.count;
	if (symbols.file != NULL) {
		image_options.flags = MODISO_IMAGE_DEBUGGER;
		flat.debug_file = symbols.file;
		flat.debug_size = symbols.size;
	}
	result = modiso_module_create(name, &options,
				      &_txm_modiso_pending.module);
	if (result == 0)
		result = modiso_image_prepare(_txm_modiso_pending.module,
					      preamble, flat.code_size, &flat,
					      &image_options,
					      &_txm_modiso_pending.image);
	_txm_modiso_symbols_drop(&symbols);
	if (result == 0)
		result = modiso_image_get_info(_txm_modiso_pending.image, &info);
	if (result == 0)
		result = modiso_gate_create(
			_txm_modiso_pending.module,
			(modiso_fn)((ALIGN_TYPE)info.start + shell), NULL,
			&_txm_modiso_pending.gate);
	_txm_modiso_pending.start = info.start;
	return result;
}

VOID _txm_module_manager_alignment_adjust(TXM_MODULE_PREAMBLE *module_preamble,
					  CHAR *module_name, ULONG *data_size,
					  ULONG *data_alignment)
{
	const char *reason = NULL;
	int result;

	/* Asked for the code's size alone: that is only copied from. */
	if (module_name == TX_NULL)
		return;
	/* Whole pages, so that no neighbour is on any of them. */
	if (*data_size > REFUSED) {
		*data_size = REFUSED;
		return;
	}
	*data_size = (*data_size + PAGE - 1) & ~(PAGE - 1);
	*data_alignment = PAGE;
	_txm_modiso_pending_drop();
	result = prepare(module_preamble, module_name, &reason);
	if (result == 0)
		return;
	if (result == MODISO_ERR_NOTSUP && _txm_modiso_open_because[0] != 0)
		reason = _txm_modiso_open_because;
	fprintf(stderr, "txm: module %s is refused: %s\n", module_name,
		reason != NULL ? reason : modiso_last_error_text());
	if (reason == _txm_modiso_open_because)
		fputs("txm: with _txm_modiso_confinement = MODISO_CONFINE_GUARD "
		      "it is loaded, and the program's data is open to it\n",
		      stderr);
	_txm_modiso_pending_drop();
	*data_size = REFUSED;
}
