/* SPDX-License-Identifier: MIT */
/*
 * modiso/region.h - whole pages with one owner and one page protection.
 *
 * A region belongs to a module, or to the host (owner NULL: a guarded host
 * region, closed to every module). Protection covers every byte: sizes are
 * rounded up to whole pages, and no page holds anything else.
 */
#ifndef MODISO_REGION_H
#define MODISO_REGION_H

#include <modiso/export.h>
#include <modiso/module.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct modiso_region;

/* Rights, as bits. There is no write without read, nor write with execute. */
#define MODISO_READ (1u << 0)
#define MODISO_WRITE (1u << 1)
#define MODISO_EXEC (1u << 2)

/* modiso_region_options.flags */
#define MODISO_REGION_CLOSED (1u << 0) /* host too needs a window */
#define MODISO_REGION_NODUMP (1u << 1) /* left out of core files */
#define MODISO_REGION_NOSHRINK (1u << 2) /* shared: no truncation any more */

/*
 * How a region is to be made. A zeroed structure with struct_size set asks for
 * the defaults. Fields are only ever added at the end.
 */
struct modiso_region_options {
	uint32_t struct_size; /* bytes */
	uint32_t flags;       /* MODISO_REGION_* */
	const char *name;     /* for reports; NULL: "region"; copied */
	/*
	 * modiso_region_create(): what modiso_region_protect() will make of it
	 * when it is filled, as access; 0: nothing else. It decides where the
	 * pages lie, and no more: those of one protection side by side make
	 * entering the module a few system calls, however many regions it has.
	 */
	uint32_t becomes;
	uint32_t unused; /* 0 */
};
#define MODISO_REGION_OPTIONS_INIT MODISO_SIZED(modiso_region_options)

/* What a region is. The caller sets struct_size before the call. */
struct modiso_region_info {
	uint32_t struct_size;        /* in, bytes */
	uint32_t access;             /* MODISO_READ | ... of its pages */
	void *base;                  /* first byte, page aligned */
	size_t length;               /* bytes, a multiple of the page size */
	struct modiso_module *owner; /* NULL: the host */
	struct modiso_region *region;
	uint32_t flags;      /* MODISO_REGION_* */
	uint32_t adopted;    /* 1: made by modiso_region_adopt() */
	char name[MODISO_NAME_SIZE];
	uint32_t shared; /* 1: made by modiso_region_map_shared(), _named() */
	uint32_t granted; /* modules that it is granted to */
};
#define MODISO_REGION_INFO_INIT MODISO_SIZED(modiso_region_info)

/*
 * modiso_region_create - new pages that only @owner may touch.
 * @owner:   the module; NULL: the host, and then no module may.
 * @length:  bytes, at least 1; rounded up to whole pages.
 * @access:  MODISO_READ, or MODISO_READ | MODISO_WRITE. Executable pages come
 *           to be through modiso_region_protect().
 * @options: NULL for the defaults.
 * @out:     receives the region; left untouched on failure.
 *
 * The pages start zero-filled. Host code may read and write them, unless
 * MODISO_REGION_CLOSED was asked for: then it opens a window first.
 * MODISO_REGION_CLOSED is for host regions of the pkey backend; they share one
 * protection key, so a window on one opens all of them to its thread.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL   @length is 0 or wraps when rounded up, @access is not
 *                      one of the two, @out is NULL, an option is unknown.
 *   MODISO_ERR_LIMIT   the module's address range has no room; the sentence
 *                      says how large it is (modiso_module_options.range_size).
 *   MODISO_ERR_NOTSUP  MODISO_REGION_CLOSED where the backend cannot.
 *   MODISO_ERR_NOKEY   MODISO_REGION_CLOSED and no key is left.
 *   MODISO_ERR_NOMEM   no memory left for bookkeeping.
 *   MODISO_ERR_OS      the kernel refused the mapping; errno says why.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 *
 * Cost:   one or two system calls, and six to see whether other code has taken
 *         a fault signal.
 * Safety: MT-Safe. AS-Unsafe (takes the library's lock). Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_region_create(struct modiso_module *owner, size_t length,
		     uint32_t access,
		     const struct modiso_region_options *options,
		     struct modiso_region **out);

/*
 * modiso_region_adopt - make memory that exists a region.
 * @owner:   the module; NULL: the host.
 * @base:    its first byte, page aligned.
 * @length:  bytes, a multiple of the page size: a last page that holds a
 *           neighbour's bytes would take those along.
 * @access:  MODISO_READ, or MODISO_READ | MODISO_WRITE: what its pages allow
 *           from now on.
 * @options: NULL for the defaults.
 * @out:     receives the region; left untouched on failure.
 *
 * The memory must be mapped throughout, readable and writable, private and
 * anonymous or shared, with no protection key of somebody else's; it must not
 * hold the calling thread's stack, and no part of this library. The contents
 * stay as they are. The caller keeps the mapping: it unmaps it after
 * modiso_region_destroy() and not before.
 *
 * Pieces of a byte pool of the host's, static or allocated, come to modules in
 * this way: a pool that is aligned to the page size, pieces of whole pages, and
 * the pool's own bookkeeping elsewhere. modiso_region_destroy(), and the end of
 * @owner, give a piece back with its contents: who hands it to another module
 * next clears it first. What is in no region is open to every GUARD module.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL   @base is not page aligned, @length is 0, wraps, or is
 *                      not a multiple of the page size; @access is not one of
 *                      the two; @out is NULL; an option is unknown.
 *   MODISO_ERR_NOENT   a part of the range is not mapped.
 *   MODISO_ERR_ACCESS  a part of it is not readable and writable, is
 *                      executable, or is the calling thread's stack.
 *   MODISO_ERR_BUSY    a part of it is a region already, carries another
 *                      protection key, or belongs to the library.
 *   MODISO_ERR_NOTSUP  huge pages of hugetlbfs.
 *   MODISO_ERR_NOKEY, MODISO_ERR_NOMEM, MODISO_ERR_OS, MODISO_ERR_STATE
 *                      as for modiso_region_create().
 *
 * Cost:   reads /proc/self/smaps once, about eight system calls more.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_region_adopt(struct modiso_module *owner, void *base, size_t length,
		    uint32_t access,
		    const struct modiso_region_options *options,
		    struct modiso_region **out);

/*
 * modiso_region_map_shared - pages of a file become a region.
 * modiso_region_map_named - the same with POSIX shared memory, by its name.
 * @owner:   the module; NULL: the host.
 * @fd:      a memfd, shared memory or a file, open for reading, and for writing
 *           if @access says so. It stays open; the caller should close it.
 * @shm:     a name as for shm_open(3), of an object that exists; on Windows, of
 *           a section.
 * @offset:  of the first byte in the file, a multiple of the page size.
 * @length:  bytes; 0: up to the end of the file. Rounded up to whole pages.
 * @access:  MODISO_READ, or MODISO_READ | MODISO_WRITE.
 * @options: NULL for the defaults.
 * @out:     receives the region; left untouched on failure.
 *
 * What is written is the file's: every process and every module that has mapped
 * it sees it. Each of these mappings is protected on its own. The rights that a
 * module has to this one say nothing of any other one, in this process or in
 * another: who has the file open can map it again and write what a module here
 * may only read. Several regions, of several modules, may be of one file.
 *
 * The library keeps no descriptor. As long as the program keeps one, code in it
 * can map the file a second time, without any protection.
 *
 * Who makes the file shorter takes the pages away: the next access is a SIGBUS,
 * for a module a fault of kind MODISO_FAULT_BUS that names the region, for
 * modiso_copy_in() and modiso_copy_out() MODISO_ERR_FAULT, for other host code
 * its own signal. MODISO_REGION_NOSHRINK seals the file against that
 * (F_SEAL_SHRINK, memfd_create(2)), for all and for good.
 *
 * Such a region never becomes executable, and is no part of a snapshot.
 *
 * Return 0, or:
 *   MODISO_ERR_INVAL   @fd is not open, or of something else than a file; @shm
 *                      is NULL or no name; @offset is no multiple of the page
 *                      size; the part is empty or reaches beyond the end of the
 *                      file; @access is not one of the two; @out is NULL; an
 *                      option is unknown.
 *   MODISO_ERR_NOENT   there is no shared memory @shm.
 *   MODISO_ERR_ACCESS  @fd is not open for that, the file is sealed against
 *                      writing, or its permissions do not allow it.
 *   MODISO_ERR_NOTSUP  huge pages of hugetlbfs; MODISO_REGION_NOSHRINK and the
 *                      file cannot be sealed.
 *   MODISO_ERR_LIMIT, MODISO_ERR_NOKEY, MODISO_ERR_NOMEM, MODISO_ERR_OS,
 *   MODISO_ERR_STATE   as for modiso_region_create().
 *
 * Cost:   about fourteen system calls.
 * Safety: MT-Safe. AS-Unsafe (takes the library's lock). Fork: the child shares
 *         the memory with its parent, and protects it on its own.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_region_map_shared(struct modiso_module *owner, int fd, uint64_t offset,
			 size_t length, uint32_t access,
			 const struct modiso_region_options *options,
			 struct modiso_region **out);
MODISO_API MODISO_MUST_CHECK int
modiso_region_map_named(struct modiso_module *owner, const char *shm,
			uint64_t offset, size_t length, uint32_t access,
			const struct modiso_region_options *options,
			struct modiso_region **out);

/*
 * modiso_region_protect - change what the pages of a region allow.
 * @region: the region.
 * @access: MODISO_READ, MODISO_READ | MODISO_WRITE, or
 *          MODISO_READ | MODISO_EXEC.
 *
 * From writable to executable a region goes once, and never back: code is
 * written first and sealed then. MODISO_READ | MODISO_EXEC is for regions of a
 * module that were created, not adopted. The region is closed for writing, its
 * bytes are scanned as those of an image are, and then it is opened for
 * execution; with page permissions this waits for threads inside of modules, as
 * a window does. Its last bytes must not be the beginning of a forbidden
 * instruction, which the code beside them could complete. What is forbidden:
 * modiso/scan.h.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL   @region is NULL, or @access is another one.
 *   MODISO_ERR_ACCESS  the region is executable and @access is not; or it is
 *                      adopted, shared or the host's and @access is
 *                      executable; or its file cannot be written.
 *   MODISO_ERR_BUSY    @region is a stack, a heap or a segment of an image; or
 *                      part of a snapshot,
 *                      or granted to a module, and @access is executable.
 *   MODISO_ERR_GADGET  it holds an instruction that its module's confinement
 *                      forbids, or ends with the beginning of one; the sentence
 *                      says which and where; nothing changed.
 *   MODISO_ERR_OS      the kernel refused; errno says why; nothing changed.
 *   MODISO_ERR_NOMEM   no memory for bookkeeping; nothing changed.
 *   MODISO_ERR_LIMIT   more threads than the library has room for.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 *
 * Cost:   one system call; to executable: two, and a scan.
 * Safety: MT-Safe. Effective on every thread when it returns. AS-Unsafe. Fork:
 *         safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_region_protect(struct modiso_region *region, uint32_t access);

/*
 * modiso_region_grant - give a module rights to a region that it does not own.
 * modiso_region_revoke - take them away.
 * @region: of another module, or of the host.
 * @module: who gets or loses the rights.
 * @access: MODISO_READ, or MODISO_READ | MODISO_WRITE: what @module may do, as
 *          far as the pages allow it. It may be another one than before.
 *
 * The owner keeps its own rights, host code has all. Regions that the same
 * modules have the same rights to share a protection key: with the pkey backend
 * a call into a module needs a key for the module and one for each such set
 * that it is part of, so a program does well with few different sets. Sets are
 * parked like modules when the keys do not suffice for all at a time. A module
 * with more sets than there are keys puts what it may write under its own key
 * when it is entered, and what it may only read under one more; where it and
 * another module of such a set are called at a time by several threads, one of
 * them can have to wait for a key (modiso_options.key_wait_ms).
 *
 * When it returns, the rights are those of every thread, also of those that are
 * inside of @module just then: what was taken away faults at the next access,
 * what was given works.
 *
 * A granted region cannot be destroyed, become executable or be part of a
 * snapshot, nor can its owner be destroyed. The end of @module takes its rights
 * along.
 *
 * Return 0, or:
 *   MODISO_ERR_INVAL   @region or @module is NULL, @access is neither,
 *                      or @module owns @region.
 *   MODISO_ERR_NOENT   revoke: @module has no rights to @region.
 *   MODISO_ERR_ACCESS  the pages of @region are executable, or not writable and
 *                      @access is; or it is closed to the host as well
 *                      (MODISO_REGION_CLOSED).
 *   MODISO_ERR_BUSY    a window is open on @region; it is a stack, a heap, a
 *                      segment of an image or part of a snapshot.
 *   MODISO_ERR_LIMIT   24 modules have rights to @region already.
 *   MODISO_ERR_NOKEY   threads are inside of modules that have all keys just
 *                      now; or only one key is there for modules, and a module
 *                      with regions that it may only read needs two.
 *   MODISO_ERR_OS      the kernel refused; errno says why.
 *   MODISO_ERR_NOMEM   no memory for bookkeeping.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 * After a failure the rights are as before.
 *
 * Cost:   pkey: one pkey_mprotect(2) and one membarrier(2), and for each key
 *         that goes from one set or module to another the system calls that
 *         modiso_gate_call() makes for that.
 *         mprotect: one system call.
 * Safety: MT-Safe. AS-Unsafe (takes the library's lock). Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_region_grant(struct modiso_region *region, struct modiso_module *module,
		    uint32_t access);
MODISO_API MODISO_MUST_CHECK int
modiso_region_revoke(struct modiso_region *region,
		     struct modiso_module *module);

/*
 * modiso_region_destroy - end a region.
 * @region: NULL is allowed and does nothing.
 *
 * Memory that modiso_region_create() made is unmapped; adopted memory becomes
 * ordinary memory again, readable and writable, with its contents.
 *
 * Returns 0, or:
 *   MODISO_ERR_BUSY   a thread is inside the owning module, a window on the
 *                     region is open, it is granted to a module, or it is a
 *                     stack, a heap or a segment of an image.
 *   MODISO_ERR_OS     the kernel refused; errno says why; the region is as
 *                     before.
 *   MODISO_ERR_NOMEM  no memory for bookkeeping; the region is as before.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   one or two system calls.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API int
modiso_region_destroy(struct modiso_region *region);

/*
 * modiso_region_find - the region that holds an address.
 * modiso_region_get_info - what a region is.
 * @address: any address.
 * @region:  a region.
 * @info:    receives the answer; struct_size set by the caller.
 *
 * Return 0, or:
 *   MODISO_ERR_INVAL  @info or @region is NULL, or struct_size is too small.
 *   MODISO_ERR_NOENT  no region holds @address.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   O(log n) for n regions.
 * Safety: MT-Safe. AS-Safe: takes no lock. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_region_find(const void *address, struct modiso_region_info *info);
MODISO_API MODISO_MUST_CHECK int
modiso_region_get_info(const struct modiso_region *region,
		       struct modiso_region_info *info);

/*
 * modiso_region_base - the first byte of a region.
 * modiso_region_length - its bytes, a multiple of the page size.
 * @region: not NULL.
 *
 * Cost:   none.
 * Safety: MT-Safe. AS-Safe. Fork: safe. Not to be called by module code.
 * Since:  0.1
 */
MODISO_API void *modiso_region_base(const struct modiso_region *region);
MODISO_API size_t modiso_region_length(const struct modiso_region *region);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_REGION_H */
