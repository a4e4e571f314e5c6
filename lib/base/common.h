/* SPDX-License-Identifier: MIT */
/*
 * base/common.h - what every file needs: attributes, pages, checked sums.
 */
#ifndef MDI_BASE_COMMON_H
#define MDI_BASE_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MDI_PAGE_SIZE ((size_t)4096)

#define MDI_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MDI_PRINTF(fmt, args) \
	__attribute__((format(MDI_PRINTF_KIND, fmt, args)))
#define MDI_NORETURN __attribute__((noreturn))
#define MDI_TLS __attribute__((tls_model("initial-exec"))) _Thread_local

/* For what is rare, so that what is not stays short. */
#define MDI_RARE __attribute__((noinline))

/*
 * For functions between a gate and its system calls. The kernel's own returns
 * use up the CPU's memory of where ours go, so after a system call every frame
 * that was there before it costs a mispredicted return.
 */
#define MDI_INLINE static inline __attribute__((always_inline))

/* The structure that holds @member at @ptr. */
#define mdi_container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Round up to whole pages; false when that wraps. */
static inline bool mdi_page_round(size_t bytes, size_t *out)
{
	size_t sum;

	if (__builtin_add_overflow(bytes, MDI_PAGE_SIZE - 1, &sum))
		return false;
	*out = sum & ~(MDI_PAGE_SIZE - 1);
	return true;
}

static inline bool mdi_page_aligned(uintptr_t value)
{
	return (value & (MDI_PAGE_SIZE - 1)) == 0;
}

/* The end of a range; false when it wraps. */
static inline bool mdi_range_end(uintptr_t base, size_t length, uintptr_t *out)
{
	return !__builtin_add_overflow(base, length, out);
}

/*
 * Is @at in [base, end)? As far as @*until the answer is the same: who looks at
 * several ranges begins with the end of what is looked at.
 */
static inline bool mdi_range_holds(uintptr_t base, uintptr_t end, uintptr_t at,
				   uintptr_t *until)
{
	bool holds = at >= base && at < end;

	if (holds && end < *until)
		*until = end;
	else if (at < base && base < end && base < *until)
		*until = base;
	return holds;
}

#endif /* MDI_BASE_COMMON_H */
