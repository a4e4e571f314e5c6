/* SPDX-License-Identifier: MIT */
/*
 * modiso/bind.h - what the wrappers that modiso-bind makes are made with.
 *
 * modiso-bind(1) is the manual. A host that is bound to a library includes what
 * modiso-bind has written, and that includes this.
 */
#ifndef MODISO_BIND_H
#define MODISO_BIND_H

#include <modiso/error.h>
#include <modiso/export.h>
#include <modiso/gate.h>
#include <modiso/heap.h>
#include <modiso/image.h>
#include <modiso/mailbox.h>
#include <modiso/module.h>
#include <modiso/range.h>
#include <modiso/service.h>
#include <modiso/syscall.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- memory of the host's that a module has a copy of during one call --- */

#define MODISO_LOAN_IN  (1u << 0) /* what the host has is copied */
#define MODISO_LOAN_OUT (1u << 1) /* what the module leaves is copied back */

struct modiso_loan {
	void *block; /* of the module's; NULL: the host has lent nothing */
	size_t count;
	size_t each; /* bytes */
	bool heap;   /* it lies there, and not in the mailbox */
};

/* So many objects; more than there can be, where that is too large. */
static inline size_t modiso_loan_count(size_t rows, size_t each)
{
	size_t count = 0;

	return __builtin_mul_overflow(rows, each, &count) ? SIZE_MAX : count;
}

/* So many were used; none where that is below 0, or so large that it is. */
static inline size_t modiso_loan_used(long long count)
{
	size_t used = 0;

	return __builtin_mul_overflow(count, 1, &used) ? 0 : used;
}

/*
 * @count objects of @each bytes at @host, into this thread's mailbox in the
 * module, or into its heap where that has no room for them; 0, or a code of
 * modiso_mailbox_put(), modiso_heap_alloc() or modiso_copy_out().
 */
static inline int modiso_loan_open(struct modiso_module *module,
				   struct modiso_loan *loan, const void *host,
				   size_t count, size_t each, uint32_t way)
{
	/* No heap has SIZE_MAX: what it says of that is true of more, too. */
	const size_t length = modiso_loan_count(count, each);
	int code;

	if (!host)
		return MODISO_OK;
	loan->count = count;
	loan->each = each;
	/* The loan is a zeroed one: room alone, where nothing goes in. */
	code = modiso_mailbox_put(
		module, (way & MODISO_LOAN_IN) != 0 ? host : loan->block,
		length, &loan->block);
	if (code != MODISO_ERR_LIMIT)
		return code;
	code = modiso_heap_alloc(module, length, 0, 0, &loan->block);
	if (code != MODISO_OK)
		return code;
	loan->heap = true;
	if ((way & MODISO_LOAN_IN) == 0)
		return MODISO_OK;
	return modiso_copy_out(module, loan->block, host, length);
}

/*
 * The objects that the module has left, @count or as many as were lent, back to
 * @host; 0, or a code of modiso_copy_in().
 */
static inline int modiso_loan_back(struct modiso_module *module,
				   const struct modiso_loan *loan, void *host,
				   size_t count)
{
	if (!host)
		return MODISO_OK;
	if (count > loan->count)
		count = loan->count;
	return modiso_copy_in(module, host, loan->block, count * loan->each);
}

/* What @count loans took is free again. */
static inline void modiso_loans_close(struct modiso_module *module,
				      const struct modiso_loan *loans,
				      size_t count)
{
	while (count-- > 0) {
		const struct modiso_loan *loan = &loans[count];

		if (!loan->heap)
			modiso_mailbox_reset(module, loan->block);
		/* What is no block any more is counted by the heap. */
		else if (modiso_heap_free(module, loan->block) != MODISO_OK)
			continue;
	}
}

/* --- a library in a module --- */

/* What an image may ask for without a word of the host's. */
#define MODISO_SANDBOX_EXPORTS 7

/* The name and the function of each; @number from 0. */
static inline const char *modiso_sandbox_export(size_t number,
						modiso_fn *function)
{
	static const char *const names[MODISO_SANDBOX_EXPORTS] = {
		"malloc",	 "calloc", "realloc",
		"aligned_alloc", "free",   "malloc_usable_size",
		"modiso_syscall"
	};
	static const enum modiso_heap_function functions[] = {
		MODISO_HEAP_MALLOC,  MODISO_HEAP_CALLOC,
		MODISO_HEAP_REALLOC, MODISO_HEAP_ALIGNED_ALLOC,
		MODISO_HEAP_FREE,    MODISO_HEAP_USABLE_SIZE
	};

	if (number + 1 == MODISO_SANDBOX_EXPORTS)
		*function = modiso_syscall_function();
	else
		*function = modiso_heap_function(functions[number]);
	return names[number];
}

#define MODISO_SANDBOX_HEAP (64UL << 20) /* bytes, without a wish */

#ifndef __cplusplus

#include <stdlib.h>
#include <string.h>

/* The bytes of a string with its end; none of a null pointer. */
static inline size_t modiso_loan_string(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Zeroed it asks for the defaults. */
struct modiso_sandbox_options {
	const char *name; /* for reports; NULL: "library" */
	size_t heap;      /* bytes of the module's heap; 0: 64 MiB */
	const struct modiso_module_options *module;
	/* Its exports come before those that every sandbox has. */
	const struct modiso_image_options *image;
};

struct modiso_sandbox {
	struct modiso_module *module;
	struct modiso_image *image;
	struct modiso_service *services[MODISO_SANDBOX_EXPORTS];
};

/*
 * Ends it; 0, or a code of modiso_module_destroy(): MODISO_ERR_BUSY while a
 * thread is inside. It can be called again then.
 */
static inline int modiso_sandbox_close(struct modiso_sandbox *sandbox)
{
	int code;

	/* Its finalisers may want services; a fault of theirs is its end. */
	if (sandbox->image != NULL) {
		code = modiso_image_unload(sandbox->image);
		if (code != MODISO_OK && code != MODISO_ERR_FAULT)
			return code;
		sandbox->image = NULL;
	}
	code = modiso_module_destroy(sandbox->module);
	if (code != MODISO_OK)
		return code;
	sandbox->module = NULL;
	for (size_t i = 0; i < MODISO_SANDBOX_EXPORTS; i++) {
		modiso_service_destroy(sandbox->services[i]);
		sandbox->services[i] = NULL;
	}
	return MODISO_OK;
}

/* The image, with @exports, which has room for those of all sandboxes. */
static inline int
modiso_sandbox_load(struct modiso_sandbox *sandbox, const char *path,
		    const struct modiso_image_options *wanted,
		    struct modiso_export *exports)
{
	struct modiso_image_options options = *wanted;
	int code;

	for (size_t i = 0; i < options.export_count; i++)
		exports[i] = wanted->exports[i];
	for (size_t i = 0; i < MODISO_SANDBOX_EXPORTS; i++) {
		modiso_fn function;
		const char *name = modiso_sandbox_export(i, &function);
		size_t other = 0;

		while (other < wanted->export_count &&
		       strcmp(wanted->exports[other].name, name) != 0)
			other++;
		if (other < wanted->export_count)
			continue;
		code = modiso_service_create(name, function, NULL,
					     &sandbox->services[i]);
		if (code != MODISO_OK)
			return code;
		exports[options.export_count].name = name;
		exports[options.export_count++].service = sandbox->services[i];
	}
	options.exports = exports;
	return modiso_image_load(sandbox->module, path, &options,
				 &sandbox->image);
}

/*
 * A module with a heap, and in it the image at @path, which may ask for
 * malloc() and its kind and for modiso_syscall(); 0, or a code of the functions
 * that do this, and then nothing is left of it.
 */
MODISO_MUST_CHECK static inline int
modiso_sandbox_open(struct modiso_sandbox *sandbox, const char *path,
		    const struct modiso_sandbox_options *options)
{
	static const struct modiso_sandbox_options defaults;
	static const struct modiso_image_options plain =
		MODISO_IMAGE_OPTIONS_INIT;
	const struct modiso_sandbox_options *wish =
		options != NULL ? options : &defaults;
	const struct modiso_image_options *image =
		wish->image != NULL ? wish->image : &plain;
	struct modiso_export *exports;
	int code;

	memset(sandbox, 0, sizeof(*sandbox));
	exports = calloc(image->export_count + MODISO_SANDBOX_EXPORTS,
			 sizeof(*exports));
	if (exports == NULL)
		return MODISO_ERR_NOMEM;
	code = modiso_module_create(wish->name != NULL ? wish->name : "library",
				    wish->module, &sandbox->module);
	if (code == MODISO_OK)
		code = modiso_heap_create(sandbox->module,
					  wish->heap != 0 ? wish->heap :
							    MODISO_SANDBOX_HEAP,
					  NULL);
	if (code == MODISO_OK)
		code = modiso_sandbox_load(sandbox, path, image, exports);
	free(exports);
	if (code != MODISO_OK && modiso_sandbox_close(sandbox) != MODISO_OK)
		return code;
	return code;
}

/*
 * A string of less than @size bytes that the module has named, into @to; 0, or
 * a code of modiso_strnlen() or modiso_copy_in(): MODISO_ERR_LIMIT if it is
 * longer. In a callback the module is the one that calls.
 */
MODISO_MUST_CHECK static inline int
modiso_sandbox_string(struct modiso_module *module, const char *unverified,
		      char *to, size_t size)
{
	size_t length = 0;
	int code = modiso_strnlen(module, unverified, size, &length);

	if (code == MODISO_OK)
		code = modiso_copy_in(module, to, unverified, length);
	if (code == MODISO_OK)
		to[length] = '\0';
	return code;
}

/* A service for this module alone. */
MODISO_MUST_CHECK static inline int
modiso_sandbox_service(const struct modiso_sandbox *sandbox, const char *name,
		       modiso_fn function, uint32_t words, uint32_t flags,
		       struct modiso_service **out)
{
	struct modiso_service_options options = MODISO_SERVICE_OPTIONS_INIT;
	struct modiso_service *made;
	int code;

	options.flags = flags | MODISO_SERVICE_LISTED;
	options.word_args = words;
	code = modiso_service_create(name, function, &options, &made);
	if (code != MODISO_OK)
		return code;
	code = modiso_service_allow(made, sandbox->module);
	if (code != MODISO_OK) {
		modiso_service_destroy(made);
		return code;
	}
	*out = made;
	return MODISO_OK;
}

#endif

#endif /* MODISO_BIND_H */
