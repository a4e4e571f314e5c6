/* SPDX-License-Identifier: MIT */
/*
 * modiso/image.h - bring code into a module.
 *
 * An image is an ELF64 shared object or static-PIE program for x86-64, or a
 * flat blob. It is untrusted input throughout. It is built in private memory,
 * connected to services, to libraries that come into the module with it, and to
 * nothing else, and sealed: code that can be executed was never writable at the
 * same time, in any mapping.
 */
#ifndef MODISO_IMAGE_H
#define MODISO_IMAGE_H

#include <modiso/export.h>
#include <modiso/gate.h>
#include <modiso/module.h>
#include <modiso/service.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct modiso_image;

/* What an undefined symbol of this name becomes: the service's thunk. */
struct modiso_export {
	const char *name;
	const struct modiso_service *service;
};

/* modiso_image_options.flags */
#define MODISO_IMAGE_IGNORE_NEEDED (1u << 0) /* libraries that it names */
#define MODISO_IMAGE_DEBUGGER      (1u << 1) /* gdb sees its symbols, lines */
#define MODISO_IMAGE_PERF          (1u << 2) /* add to /tmp/perf-<pid>.map */
#define MODISO_IMAGE_HEADERS       (1u << 3) /* it may read its ELF headers */

/*
 * modiso_missing_fn - hears of what an image needs and nobody has.
 * @image: which one: the one that is loaded, or one of its libraries.
 * @name:  a symbol, a library, or a version of one.
 * @why:   the reason, a part of a sentence.
 * @arg:   as given with it.
 *
 * Called for each name before the load fails, on the thread that loads, with no
 * lock held. The strings are gone when it returns.
 */
typedef void (*modiso_missing_fn)(const char *image, const char *name,
				  const char *why, void *arg);

/*
 * How an image is to be loaded. A zeroed structure with struct_size set asks
 * for the defaults. Fields are only ever added at the end.
 */
struct modiso_image_options {
	uint32_t struct_size; /* bytes */
	uint32_t flags;       /* MODISO_IMAGE_* */
	const char *name;     /* for reports; NULL: the file's, or "image" */
	const struct modiso_export *exports; /* what it may bind to */
	size_t export_count;
	const char *abi; /* the tag that it must carry; NULL: any, or none */
	/* Directories that libraries are looked for in, one after the other. */
	const char *const *needed_dirs;
	size_t needed_dir_count;   /* 0: it must need none */
	modiso_missing_fn missing; /* told of each missing name, or NULL */
	void *missing_arg;
};
#define MODISO_IMAGE_OPTIONS_INIT MODISO_SIZED(modiso_image_options)

/* What an image is. The caller sets struct_size before the call. */
struct modiso_image_info {
	uint32_t struct_size; /* in, bytes */
	uint32_t sealed;      /* 0: prepared only */
	void *base;           /* where its address 0 would be */
	void *start;          /* its first page that is a region */
	size_t length;        /* bytes up to the end of its last one */
	void *entry;          /* of a program; NULL: it has none */
	struct modiso_module *module;
	char name[MODISO_NAME_SIZE];
};
#define MODISO_IMAGE_INFO_INIT MODISO_SIZED(modiso_image_info)

/*
 * modiso_image_load - load an image from a file.
 * modiso_image_load_fd - the same from an open descriptor, which stays open.
 * modiso_image_load_memory - the same from bytes in memory.
 * @module:  that the code runs in, and that owns its memory.
 * @path, @fd, @bytes and @length: the image; each byte that matters is copied,
 *           once, before it is looked at.
 * @options: NULL for the defaults: no exports.
 * @out:     receives the image; left untouched on failure.
 *
 * Each segment becomes a region of its own (read and execute, read, read and
 * write); distances between them stay as they were linked. Relocations are
 * applied, RELRO made read-only, indirect functions resolved and initialisers
 * run inside the module. After a failure nothing of the image is mapped.
 *
 * A segment of headers, notes, symbols and relocations alone is read and does
 * not become a region: linkers put it before the code, where GNU ld puts
 * nothing else. Code that reads it (__ehdr_start) faults, unless a relocation
 * names it or MODISO_IMAGE_HEADERS is set. Without it the first image of a
 * module has its code, what is read alone and its data side by side with the
 * module's stack, so that entering is three calls of the kernel at most;
 * constants before the code, where lld has them, are one call more.
 *
 * Instances of one image that trust each other can be loaded into one module,
 * as often as there are instances (of one that has PT_TLS, once). Each has its
 * own data and gates; they share the module's key, so calls into one after the
 * other cost no more than calls into the same one. Where another module was
 * entered in between, with page permissions or with too few keys, the module is
 * opened again as a whole: three calls of the kernel for each instance.
 *
 * Libraries that the image names (DT_NEEDED) come with it if
 * options.needed_dirs says where they may be: they and those that they name, 63
 * at most, looked for by their names in these directories alone, one after the
 * other; never where the system or the file itself would look (DT_RUNPATH).
 * Each is there once in a load, whatever it is called, and once more in another
 * load. What is said of images here is said of each of them. A symbol that is
 * not defined is the host's, if it exports it, or that of the first image that
 * has it: the one that was asked for, then libraries in the order in which they
 * were named. One that is defined gives way to an earlier image's, as the ELF
 * standard has it, unless the image was linked with -Bsymbolic. Versions count:
 * what asks for one gets that one or, of a library that has none, what is
 * there; what asks for none gets the default one. Data is never bound to a
 * function, nor a function to data. Libraries begin before those that need
 * them, end behind them, and are unloaded with the image; where two need each
 * other, either may begin. modiso_image_symbol() and modiso_image_gate() find
 * what they have.
 *
 * With MODISO_IMAGE_IGNORE_NEEDED libraries that no directory has are left out.
 *
 * An image may have thread-local storage (PT_TLS), of at most 1 MiB with that
 * of its libraries, with variables of every model; one load alone may bring
 * some into a module. Each thread that enters the module has a TLS block in it,
 * from its first call on, with the image's initial values, until it is
 * detached; the FS base leads there while the module runs, and services have
 * the host's. So has an image without, in whose code the thread pointer (%fs:0)
 * is used; in a SEALED module also one with a stack protector that reads
 * %fs:0x28. One that only does the latter is loaded without a block where the
 * module has a gate already, or a thread is inside: its functions with a stack
 * protector fault then.
 *
 * The order counts. An image with PT_TLS comes first, before gates and before
 * the images that need a block and have none of their own: they share its. The
 * other way round they get an empty one, which has no room for variables, and
 * the image with PT_TLS is refused. The blocks are the module's until the last
 * image that needs them is unloaded, whichever brought them. After a load that
 * failed they stay as long as gates exist that were made meanwhile, or a thread
 * is inside, and then until another image brings its own.
 *
 * Gates of such a module have six instructions more, and two system calls where
 * programs cannot write FS themselves (Linux before 5.9, or CPUs without
 * FSGSBASE); should the kernel refuse these (seccomp), the process ends with a
 * message. They lead to its own code alone: a function of the host's that is
 * not called as a service would run with the module's FS base, and so would one
 * of this library: where it can find out it refuses (MODISO_ERR_STATE); with
 * mprotect a module that forges what lies there can have it believe that no
 * module runs, as it can by other memory of the host's. Nothing is known
 * of pointers that the module keeps to variables of another thread: when that
 * one is detached, the place is another's.
 *
 * Return 0, or:
 *   MODISO_ERR_INVAL   an argument is NULL, an option is unknown, two exports
 *                      have one name or one has none; a directory of
 *                      needed_dirs is NULL, empty or too long; a library is no
 *                      regular file.
 *   MODISO_ERR_BUSY    the image has thread-local storage, or uses the thread
 *                      pointer, and the module has a gate already, or a thread
 *                      is inside.
 *   MODISO_ERR_FORMAT  no ELF image, not for this machine, damaged: truncated,
 *                      segments that overlap or wrap, tables outside of them,
 *                      one name defined twice in its default version; versions
 *                      that are not what symbols, hashes or names of libraries
 *                      say; a name of more than 8 KiB that is wanted of others.
 *                      The sentence says what.
 *   MODISO_ERR_ACCESS  a segment that is writable and executable, relocations
 *                      of code, an executable stack, a library that is named by
 *                      a path.
 *   MODISO_ERR_NOTSUP  something that modules cannot have, by name:
 *                      thread-local storage where another image has some or
 *                      has got an empty block, or larger than 1 MiB; a library
 *                      that it needs, without options.needed_dirs; a kind of
 *                      relocation, another ABI tag; or a tag of its dynamic
 *                      section that this library does not know.
 *   MODISO_ERR_NOENT   no such file; or libraries that no directory has, or
 *                      versions that a library does not have, or undefined
 *                      symbols that nobody has, by name: as many as the
 *                      sentence has room for, and how many more.
 *                      options.missing is told of each, with the reason.
 *   MODISO_ERR_GADGET  its code holds a forbidden instruction, or its last
 *                      bytes begin one that the code beside them could end; the
 *                      sentence names the image, the offset in its file, the
 *                      address, the section and the symbol.
 *   MODISO_ERR_FAULT   an initialiser or a resolver faulted; see
 *                      modiso_fault_last().
 *   MODISO_ERR_LIMIT   no room in the module's address range; modules and
 *                      those with thread-local storage are too many, together;
 *                      or libraries are more than 63.
 *   MODISO_ERR_NOMEM   no memory for bookkeeping.
 *   MODISO_ERR_OS      the kernel refused; errno says how.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 *
 * Cost:   reads and copies the image once; about twenty system calls. As much
 *         for each library.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_image_load(struct modiso_module *module, const char *path,
		  const struct modiso_image_options *options,
		  struct modiso_image **out);
MODISO_API MODISO_MUST_CHECK int
modiso_image_load_fd(struct modiso_module *module, int fd,
		     const struct modiso_image_options *options,
		     struct modiso_image **out);
MODISO_API MODISO_MUST_CHECK int modiso_image_load_memory(
	struct modiso_module *module, const void *bytes, size_t length,
	const struct modiso_image_options *options, struct modiso_image **out);

/*
 * modiso_image_unload - take an image out of its module.
 * @image: NULL is allowed and does nothing.
 *
 * Runs its finalisers inside the module first, once, and those of the libraries
 * that came with it, which go as well. Destroying the module
 * takes its images along, without finalisers; their handles end with it.
 *
 * Returns 0, or:
 *   MODISO_ERR_BUSY   a thread is inside the module, or a gate into the image
 *                     or one of its libraries exists; where it is the last one
 *                     that needs the module's thread-local storage, any gate
 *                     into the module.
 *   MODISO_ERR_FAULT  a finaliser faulted; the image is gone all the same.
 *   MODISO_ERR_OS     the kernel refused; call it again.
 *   MODISO_ERR_NOMEM  no memory for bookkeeping; call it again.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   some system calls for each segment.
 * Safety: MT-Safe, MT-Unsafe with other calls on @image. AS-Unsafe. Fork:
 *         safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_image_unload(struct modiso_image *image);

/*
 * modiso_image_symbol - the address of something that the image exports.
 * modiso_image_gate - a gate to a function that it exports.
 * @image:   sealed.
 * @name:    as linked; NULL: the entry point of a program.
 * @options: for modiso_gate_create().
 * @address, @out: receive the answer; left untouched on failure.
 *
 * What the image does not have is looked for in the libraries that came with
 * it, in the order in which they were named.
 *
 * Return 0, or:
 *   MODISO_ERR_INVAL   @image, @address or @out is NULL, or an option is
 *                      unknown.
 *   MODISO_ERR_NOENT   it exports nothing of this name.
 *   MODISO_ERR_ACCESS  a gate, and the name is not that of code.
 *   MODISO_ERR_NOMEM   no memory for bookkeeping.
 *   MODISO_ERR_STATE   not initialised, not sealed, or called from inside a
 *                      module.
 *
 * Cost:   O(n) for n exported symbols. No system call.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_image_symbol(const struct modiso_image *image, const char *name,
		    void **address);
MODISO_API MODISO_MUST_CHECK int
modiso_image_gate(const struct modiso_image *image, const char *name,
		  const struct modiso_gate_options *options,
		  struct modiso_gate **out);

/*
 * modiso_image_get_info - what an image is.
 * @image: the image.
 * @info:  receives the answer; struct_size set by the caller.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  an argument is NULL, or struct_size is too small.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   none.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_image_get_info(const struct modiso_image *image,
		      struct modiso_image_info *info);

/* An entry point or object of a flat image. */
struct modiso_flat_symbol {
	const char *name;
	size_t offset; /* from the first byte of the code */
};

/*
 * The layout of a position-independent blob. In memory the data lies
 * data_distance behind the first byte of the code, and bss_size zero bytes
 * behind the data. Fields are only ever added at the end.
 */
struct modiso_flat {
	uint32_t struct_size; /* bytes */
	uint32_t flags;       /* no flag is defined yet: 0 */
	size_t code_offset;   /* in the blob */
	size_t code_size;     /* at least 1 */
	size_t data_offset;   /* in the blob */
	size_t data_size;     /* may be 0 */
	size_t data_distance; /* whole pages; 0: the page after the code */
	size_t bss_size;
	const struct modiso_flat_symbol *symbols;
	size_t symbol_count;
	/*
	 * For MODISO_IMAGE_DEBUGGER: the ELF file that the blob was made from,
	 * linked with its first byte of code at address 0. Copied, for gdb.
	 */
	const void *debug_file;
	size_t debug_size;
};
#define MODISO_FLAT_INIT MODISO_SIZED(modiso_flat)

/*
 * modiso_image_prepare - everything about a flat image that can be refused.
 * modiso_image_seal - make a prepared image executable.
 * @module:  that the code runs in, and that owns its memory.
 * @bytes, @length: the blob; copied, once, before it is looked at.
 * @flat:    its layout.
 * @options: name and flags as for modiso_image_load(); no exports, no tag.
 * @out:     receives the image; left untouched on failure.
 * @image:   a prepared image.
 *
 * Code becomes readable and executable, data and bss readable and writable. A
 * prepared image is closed to the module; modiso_image_unload() ends it
 * as well. Sealing needs no memory that preparing has not taken.
 *
 * Return 0, or:
 *   MODISO_ERR_INVAL   an argument is NULL, an option is unknown, the layout
 *                      leaves the blob, overlaps, wraps, or is not aligned to
 *                      whole pages; a symbol lies outside, or comes twice.
 *   MODISO_ERR_NOTSUP  MODISO_IMAGE_DEBUGGER without flat.debug_file: there is
 *                      nothing for gdb to read.
 *   MODISO_ERR_GADGET, MODISO_ERR_LIMIT, MODISO_ERR_NOMEM, MODISO_ERR_OS,
 *   MODISO_ERR_STATE   as for modiso_image_load(). Sealing: MODISO_ERR_STATE
 *                      when the image is sealed already, MODISO_ERR_OS when a
 *                      security policy of the kernel forbids executable pages.
 *
 * Cost:   prepare: as modiso_image_load(); seal: one system call for each of
 *         code and data.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_image_prepare(struct modiso_module *module, const void *bytes,
		     size_t length, const struct modiso_flat *flat,
		     const struct modiso_image_options *options,
		     struct modiso_image **out);
MODISO_API MODISO_MUST_CHECK int modiso_image_seal(struct modiso_image *image);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_IMAGE_H */
