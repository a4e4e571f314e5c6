/* SPDX-License-Identifier: MIT */
/*
 * core/cfi.h - call-frame information: from a function's registers to those of
 * its caller.
 *
 * What compilers write into .eh_frame is a program for each function, and so
 * is taken for input: every byte is read from the file's own pages, every
 * number checked, every loop ends with the bytes. The stack is read by the
 * caller's function, which says what may be read.
 */
#ifndef MDI_CORE_CFI_H
#define MDI_CORE_CFI_H

#include "base/common.h"

#include <string.h>

/* By DWARF's numbers; the last one is the return address. */
#define MDI_CFI_REGISTERS 17
#define MDI_CFI_SP        7
#define MDI_CFI_PC        16

struct mdi_cfi_frame {
	uintptr_t reg[MDI_CFI_REGISTERS];
	uint32_t known; /* bit n: reg[n] is */
	bool exact;     /* the instruction itself, not what is behind a call */
};

/* Where the pages of a file are, and in them its .eh_frame_hdr. */
struct mdi_cfi {
	uintptr_t base, end;
	uintptr_t header;
};

/* Read bytes of the stack; false: they may not be read, or are not there. */
typedef bool mdi_cfi_read(const void *arg, uintptr_t at, void *to,
			  size_t length);

enum mdi_cfi_result {
	MDI_CFI_CALLER,    /* the frame is the caller's now */
	MDI_CFI_OUTERMOST, /* there is no caller */
	MDI_CFI_NONE,      /* nothing is said of this instruction */
	MDI_CFI_DAMAGED,   /* what is said makes no sense, or is not known */
	MDI_CFI_STACK,     /* the stack cannot be read, or does not go up */
	MDI_CFI_LOST       /* a register is needed that nobody has kept */
};

enum mdi_cfi_result mdi_cfi_step(const struct mdi_cfi *cfi, mdi_cfi_read *read,
				 const void *arg, struct mdi_cfi_frame *frame);

/* --- cfi_bytes.c: bytes of the file's pages, one after the other --- */

struct mdi_cfi_bytes {
	const struct mdi_cfi *cfi;
	uintptr_t at, end;
	uintptr_t from; /* of those in buffer */
	size_t have;
	unsigned char buffer[64];
	bool bad; /* ran off the end; what was read since is 0 */
};

void mdi_cfi_bytes(struct mdi_cfi_bytes *bytes, const struct mdi_cfi *cfi,
		   uintptr_t at, uintptr_t end);
/* Where the buffer does not have it, or nothing has. */
uint8_t mdi_cfi_byte_beyond(struct mdi_cfi_bytes *bytes);
uint64_t mdi_cfi_number_beyond(struct mdi_cfi_bytes *bytes, unsigned size);
/* A number of seven bits a byte. */
uint64_t mdi_cfi_leb(struct mdi_cfi_bytes *bytes, uint8_t first,
		     bool with_sign);

static inline uint8_t mdi_cfi_byte(struct mdi_cfi_bytes *bytes)
{
	if (bytes->at - bytes->from >= bytes->have)
		return mdi_cfi_byte_beyond(bytes);
	return bytes->buffer[bytes->at++ - bytes->from];
}

/* Of 1, 2, 4 or 8 bytes, the lowest first. */
static inline uint64_t mdi_cfi_number(struct mdi_cfi_bytes *bytes,
				      unsigned size)
{
	const unsigned char *from;
	uint32_t half;
	uint64_t value;

	if (bytes->at - bytes->from + size > bytes->have)
		return mdi_cfi_number_beyond(bytes, size);
	from = bytes->buffer + (bytes->at - bytes->from);
	bytes->at += size;
	if (size == 1)
		return from[0];
	if (size == 2)
		return (uint64_t)from[0] | (uint64_t)from[1] << 8;
	if (size == 4) {
		memcpy(&half, from, sizeof(half));
		return half;
	}
	memcpy(&value, from, sizeof(value));
	return value;
}

static inline uint64_t mdi_cfi_uleb(struct mdi_cfi_bytes *bytes)
{
	uint8_t first = mdi_cfi_byte(bytes);

	return first & 0x80 ? mdi_cfi_leb(bytes, first, false) : first;
}

static inline int64_t mdi_cfi_sleb(struct mdi_cfi_bytes *bytes)
{
	return (int64_t)mdi_cfi_leb(bytes, mdi_cfi_byte(bytes), true);
}

/* Encoded as @how says; relative to @data where it asks for that. */
uintptr_t mdi_cfi_pointer(struct mdi_cfi_bytes *bytes, uint8_t how,
			  uintptr_t data);
void mdi_cfi_skip(struct mdi_cfi_bytes *bytes, uint64_t count);

/* --- cfi_entry.c --- */

/* An entry of a function, with the common one that it names. */
struct mdi_cfi_entry {
	uint64_t code_unit;
	int64_t data_unit;
	uint8_t encoding;  /* of addresses */
	bool signal_frame; /* its caller was interrupted, and did not call */
	bool augmented;
	uintptr_t start, length; /* the code that it is of */
	struct mdi_cfi_bytes common, own; /* the programs */
};

/* Of the function that has the instruction. MDI_CFI_CALLER: it is there. */
enum mdi_cfi_result mdi_cfi_find(const struct mdi_cfi *cfi, uintptr_t pc,
				 struct mdi_cfi_entry *entry);

/* --- cfi_expression.c --- */

/* What an expression comes to; @first is on its stack. */
enum mdi_cfi_result mdi_cfi_expression(struct mdi_cfi_bytes *bytes,
				       mdi_cfi_read *read, const void *arg,
				       const struct mdi_cfi_frame *frame,
				       const uintptr_t *first,
				       uintptr_t *value);

#endif /* MDI_CORE_CFI_H */
