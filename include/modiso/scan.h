/* SPDX-License-Identifier: MIT */
/*
 * modiso/scan.h - find instructions that would undo the isolation.
 *
 * Code that may run under a protection key must hold no instruction that
 * changes the rights of the thread, enters the kernel, or moves a segment base,
 * at any offset: a jump into the middle of an instruction, or into a constant,
 * is a jump like any other. None of these functions needs modiso_init().
 *
 * Code of a module (modiso_image_load(), modiso_region_protect()) is refused
 * with MODISO_SCAN_PKRU in it; at READONLY and SEALED with MODISO_SCAN_ALL, but
 * for MODISO_SCAN_KERNEL where the module is guarded
 * (modiso_module_options.syscalls): the guard stops what enters the kernel
 * there, as it does in the host's code.
 */
#ifndef MODISO_SCAN_H
#define MODISO_SCAN_H

#include <modiso/export.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What can be looked for. Prefixes before the bytes shown change nothing: the
 * bytes are found whatever precedes them.
 */
enum modiso_scan_kind {
	MODISO_SCAN_WRPKRU = 1 << 0,   /* 0f 01 ef */
	MODISO_SCAN_XRSTOR = 1 << 1,   /* 0f ae /5 with memory; not LFENCE */
	MODISO_SCAN_XRSTORS = 1 << 2,  /* 0f c7 /3 with memory */
	MODISO_SCAN_SYSCALL = 1 << 3,  /* 0f 05 */
	MODISO_SCAN_SYSENTER = 1 << 4, /* 0f 34 */
	MODISO_SCAN_INT80 = 1 << 5,    /* cd 80 */
	MODISO_SCAN_WRFSBASE = 1 << 6, /* f3 0f ae /2 with a register */
	MODISO_SCAN_WRGSBASE = 1 << 7, /* f3 0f ae /3 with a register */
	/*
	 * WRPKRU, SYSCALL, WRFSBASE, WRGSBASE spelled with a REX2 prefix (d5)
	 * in place of 0f: instructions on a CPU and kernel with APX, undefined
	 * on all others. d5 80 05 comes up by chance half as often as 0f 05.
	 * Part of MODISO_SCAN_ALL all the same: a file that was found clean
	 * must be so on the next machine as well.
	 */
	MODISO_SCAN_REX2 = 1 << 8
};

/* Whatever writes PKRU; whatever enters the kernel; whatever is known. */
#define MODISO_SCAN_PKRU \
	(MODISO_SCAN_WRPKRU | MODISO_SCAN_XRSTOR | MODISO_SCAN_XRSTORS)
#define MODISO_SCAN_KERNEL \
	(MODISO_SCAN_SYSCALL | MODISO_SCAN_SYSENTER | MODISO_SCAN_INT80)
#define MODISO_SCAN_BASE (MODISO_SCAN_WRFSBASE | MODISO_SCAN_WRGSBASE)
#define MODISO_SCAN_ALL                                             \
	(MODISO_SCAN_PKRU | MODISO_SCAN_KERNEL | MODISO_SCAN_BASE | \
	 MODISO_SCAN_REX2)

/* Bytes that a hit shows: an instruction is never longer. */
#define MODISO_SCAN_BYTES 15

/*
 * One place. Strings and the structure itself are the library's and gone when
 * the callback returns. Names from a file are made printable: a byte that is
 * not becomes '?'.
 */
struct modiso_scan_hit {
	uint32_t struct_size; /* bytes, set by the library */
	uint32_t kind;        /* one of enum modiso_scan_kind */
	uint64_t offset;      /* of the first byte, in the memory or file */
	uint64_t address;     /* in memory; a file's own virtual address */
	const char *file;     /* as given; NULL for memory */
	const char *section;  /* NULL: in none (a header, a page's tail) */
	const char *symbol;   /* NULL: in none that the file still names */
	uint64_t symbol_offset;
	uint32_t length; /* of the bytes below */
	uint8_t bytes[MODISO_SCAN_BYTES];
};

/*
 * modiso_scan_fn - told of each hit, in order of address.
 * @hit: where; valid during the call.
 * @arg: as given to the scan.
 *
 * Returns 0 to go on, anything else to end the scan here.
 */
typedef int (*modiso_scan_fn)(const struct modiso_scan_hit *hit, void *arg);

/* What a scan of a file looked at. */
struct modiso_scan_info {
	uint32_t struct_size;   /* in, bytes */
	uint32_t segment_count; /* executable ones */
	uint64_t bytes;         /* scanned */
	uint64_t hit_count;
	/* Of those segments, writable as well: their bytes will not stay. */
	uint32_t writable_count;
	uint32_t reserved; /* 0 */
};
#define MODISO_SCAN_INFO_INIT MODISO_SIZED(modiso_scan_info)

/*
 * modiso_scan_memory - look at bytes of this process.
 * @base:   first byte; it must be readable, and stay so during the scan.
 * @length: bytes; 0 is clean. Two mappings that are adjacent are one range: an
 *          instruction may begin in one and end in the other.
 * @kinds:  what to look for, enum modiso_scan_kind bits, at least one.
 * @fn:     told of each hit; NULL to stop at the first one.
 * @arg:    handed to @fn.
 *
 * Returns 0 when there is none, or:
 *   MODISO_ERR_INVAL   @base is NULL and @length is not 0, the range wraps, or
 *                      @kinds is 0 or has an unknown bit.
 *   MODISO_ERR_GADGET  there is one, whatever @fn returned; the sentence names
 *                      the first.
 *
 * Cost:   one pass, several gigabytes a second; no system call, no memory.
 * Safety: MT-Safe; bytes that change meanwhile may be missed. AS-Unsafe. Fork:
 *         safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_scan_memory(const void *base, size_t length, uint32_t kinds,
		   modiso_scan_fn fn, void *arg);

/*
 * modiso_scan_file - look at every executable byte of an ELF file.
 * modiso_scan_elf - the same for a file's contents in memory.
 * @path:   the file; symbolic links are followed.
 * @image:  its contents.
 * @length: bytes of @image.
 * @kinds:  what to look for, enum modiso_scan_kind bits, at least one.
 * @fn:     told of each hit; NULL to stop at the first one.
 * @arg:    handed to @fn.
 * @info:   NULL, or receives what was looked at, unless an argument is wrong;
 *          struct_size must be set.
 *
 * Looked at is what the kernel would map executable: each PT_LOAD segment with
 * PF_X, extended to whole pages of the file on both sides, and across the end
 * of one into the next where they are adjacent in memory. Nothing in the file
 * is believed. The answer is about the bytes as they were read: a file that
 * others can write may be another one when it is mapped.
 *
 * Return 0 when there is none, or:
 *   MODISO_ERR_INVAL   @path or @image is NULL, or @kinds or @info->struct_size
 *                      is wrong.
 *   MODISO_ERR_GADGET  there is one; the sentence names file, section, offset
 *                      and symbol of the first.
 *   MODISO_ERR_FORMAT  no ELF file, or a malformed or truncated one.
 *   MODISO_ERR_NOTSUP  an ELF file that cannot be mapped as it is into an
 *                      x86-64 process: other machine or class, relocatable
 *                      object, core file.
 *   MODISO_ERR_LIMIT   more than 64 executable segments.
 *   MODISO_ERR_NOMEM   no memory to read into.
 *   MODISO_ERR_OS      the file cannot be opened or read; errno says why.
 *
 * All but the first two mean that the file was not, or not all, looked at:
 * hits may have been told all the same, if it changed while it was read.
 *
 * Cost:   reads the executable segments once, in pieces; section and symbol
 *         tables only when there is a hit.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_scan_file(const char *path, uint32_t kinds, modiso_scan_fn fn, void *arg,
		 struct modiso_scan_info *info);
MODISO_API MODISO_MUST_CHECK int modiso_scan_elf(const void *image,
						 size_t length, uint32_t kinds,
						 modiso_scan_fn fn, void *arg,
						 struct modiso_scan_info *info);

/*
 * modiso_scan_process - look at all that a process can execute.
 * @pid:   the process; 0: the calling one.
 * @kinds: what to look for, enum modiso_scan_kind bits, at least one.
 * @fn:    told of each hit; NULL to stop at the first one.
 * @arg:   handed to @fn.
 * @info:  NULL, or receives what was looked at, unless an argument is wrong;
 *         struct_size must be set. Its segments are mappings.
 *
 * This is what a module of that process can jump to: the program, its objects,
 * the vDSO, and what was made at run time; the calling process is looked at as
 * it is now, without what the library has taken away (modiso/module.h). A hit
 * has the address in the process, the mapping's path, "[vdso]" or "[anonymous]"
 * for its file, and section and symbol as the file at that path has them. Of
 * the page "[vsyscall]" nothing is read: it has three system calls.
 *
 * Returns 0 when there is none, or:
 *   MODISO_ERR_INVAL   @kinds or @info->struct_size is wrong.
 *   MODISO_ERR_GADGET  there is one; the sentence names the first.
 *   MODISO_ERR_NOMEM   no memory to read into.
 *   MODISO_ERR_OS      /proc/PID/maps or /proc/PID/mem cannot be opened or
 *                      read: no such process, or none that the caller may
 *                      trace (ptrace(2)); errno says why. Hits may have been
 *                      told all the same.
 *
 * Cost:   reads all code of the process once, in pieces.
 * Safety: MT-Safe; code that comes or changes meanwhile may be missed.
 *         AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_scan_process(uint32_t pid, uint32_t kinds, modiso_scan_fn fn, void *arg,
		    struct modiso_scan_info *info);

/*
 * modiso_scan_kind_name - one kind in lower case: "wrpkru".
 * @kind: one of enum modiso_scan_kind.
 *
 * Returns a constant string; "?" for a number that is no kind.
 *
 * Cost:   none.
 * Safety: MT-Safe. AS-Safe. Fork: safe.
 * Since:  0.1
 */
MODISO_API const char *modiso_scan_kind_name(uint32_t kind);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_SCAN_H */
