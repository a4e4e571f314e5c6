/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/rights.h - the rights register, and the two segment bases. To all
 * outside of arch/ a value of the register is a word that the functions here
 * make of another.
 *
 * PKRU has two bits for each of 16 keys (Intel SDM 3A, 4.6.2):
 *
 *	bit 2k      AD: no access at all to pages with key k
 *	bit 2k + 1  WD: no writing
 *
 * Execution is never stopped. RDPKRU and WRPKRU raise #UD unless CPUID says
 * OSPKE: nothing here may run unless the pkey backend has been started.
 */
#ifndef MDI_ARCH_X86_64_RIGHTS_H
#define MDI_ARCH_X86_64_RIGHTS_H

#include "arch/x86_64/frame.h"
#include "base/common.h"

#define MDI_RIGHTS_KEYS 16
#define MDI_RIGHTS_NAME "PKRU"

/* No rights to any page. */
#define MDI_RIGHTS_NONE (~0u)

/* Everything that is said of one key. */
#define MDI_RIGHTS_OF(key) (3u << (2 * (key)))

/* Bit k goes to bit 2k, by halves of halves; no loop over the keys. */
static inline uint32_t mdi_rights_spread(uint32_t keys)
{
	keys &= 0xffff;
	keys = (keys | keys << 8) & 0x00ff00ff;
	keys = (keys | keys << 4) & 0x0f0f0f0f;
	keys = (keys | keys << 2) & 0x33333333;
	return (keys | keys << 1) & 0x55555555;
}

/* And back; the odd bits say nothing. */
static inline uint32_t mdi_rights_gather(uint32_t bits)
{
	bits &= 0x55555555;
	bits = (bits | bits >> 1) & 0x33333333;
	bits = (bits | bits >> 2) & 0x0f0f0f0f;
	bits = (bits | bits >> 4) & 0x00ff00ff;
	return (bits | bits >> 8) & 0xffff;
}

/* Of each key in a set of them, bit k for key k. */
static inline uint32_t mdi_rights_of(uint32_t keys)
{
	return mdi_rights_spread(keys) * MDI_RIGHTS_OF(0);
}

/* All rights to the pages with these keys, and none. */
static inline uint32_t mdi_rights_open(uint32_t rights, uint32_t keys)
{
	return rights & ~mdi_rights_of(keys);
}

static inline uint32_t mdi_rights_close(uint32_t rights, uint32_t keys)
{
	return rights | mdi_rights_of(keys);
}

/* To read, and to write as well, if that is asked for. */
static inline uint32_t mdi_rights_allow(uint32_t rights, int key, bool write)
{
	return rights & ~((write ? 3u : 1u) << (2 * key));
}

static inline bool mdi_rights_are_full(uint32_t rights, int key)
{
	return (rights & MDI_RIGHTS_OF(key)) == 0;
}

/* The keys of @from, to whose pages there is any access at all. */
static inline uint32_t mdi_rights_opened(uint32_t rights, uint32_t from)
{
	return mdi_rights_gather(~rights) & from;
}

/* @rights, but what @from says of these keys. */
static inline uint32_t mdi_rights_mix(uint32_t rights, uint32_t from,
				      uint32_t keys)
{
	uint32_t bits = mdi_rights_of(keys);

	return (rights & ~bits) | (from & bits);
}

/* What there is in both. */
static inline uint32_t mdi_rights_common(uint32_t a, uint32_t b)
{
	return a | b;
}

/* In words: "no access", "read only", "read and write". */
const char *mdi_rights_words(uint32_t rights, int key);

static inline uint32_t mdi_rights_read(void)
{
	uint32_t low, high;

	__asm__ volatile(".byte 0x0f, 0x01, 0xee"
			 : "=a"(low), "=d"(high)
			 : "c"(0));
	return low;
}

/* No rights but to key 0: what the kernel starts a handler with. */
static inline bool mdi_rights_are_handlers(void)
{
	uint32_t pkru = mdi_rights_read();

	return ((pkru | pkru >> 1) & 0x55555555u) == 0x55555554u;
}

/*
 * PKRU := host_rights of the calling thread's open page. There is no function
 * that writes any other value: see gate_pkey.S.
 */
void mdi_rights_reload(void);

static inline uintptr_t mdi_thread_pointer(void)
{
	uintptr_t base;

	__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

/* Does the kernel let programs use the two instructions below? */
static inline bool mdi_has_block_base(void)
{
	return mdi_arch_state.fsgsbase != 0;
}

static inline uintptr_t mdi_block_base(void)
{
	uintptr_t base;

	__asm__ volatile("rdgsbase %0" : "=r"(base));
	return base;
}

/* The same where the kernel does not let programs read it themselves. */
static inline uintptr_t mdi_thread_pointer_asked(void)
{
	return mdi_arch_state.fsgsbase ? mdi_thread_pointer() : mdi_self();
}

/* In fiber.S, and not inlined: each place would be one more to jump to. */
void mdi_block_base_set(uintptr_t base);

#endif /* MDI_ARCH_X86_64_RIGHTS_H */
