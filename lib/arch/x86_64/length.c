/* SPDX-License-Identifier: MIT */
/*
 * Intel SDM 2, appendix A, as far as the length goes. What is undefined in
 * 64-bit programs has none, nor has what is not known here (APX, XOP).
 */
#include "arch/length.h"

/* What comes behind the opcode. */
enum {
	MODRM = 1 << 0,
	BYTE = 1 << 1,  /* an immediate operand */
	WORD = 1 << 2,  /* two bytes */
	WIDE = 1 << 3,  /* four, or two behind 66; never eight */
	FAR = 1 << 4,   /* four: where a branch leads */
	WHOLE = 1 << 5, /* as WIDE, but eight with REX.W: mov */
	PLACE = 1 << 6, /* an address: eight, or four behind 67 */
	TEST = 1 << 7,  /* only for the first two of the ModRM's eight */
	NONE = 1 << 8   /* no instruction */
};

static const uint16_t one[256] = {
	[0x00 ... 0x03] = MODRM, BYTE, WIDE, NONE, NONE,
	[0x08 ... 0x0b] = MODRM, BYTE, WIDE, NONE, NONE,
	[0x10 ... 0x13] = MODRM, BYTE, WIDE, NONE, NONE,
	[0x18 ... 0x1b] = MODRM, BYTE, WIDE, NONE, NONE,
	[0x20 ... 0x23] = MODRM, BYTE, WIDE, NONE, NONE,
	[0x28 ... 0x2b] = MODRM, BYTE, WIDE, NONE, NONE,
	[0x30 ... 0x33] = MODRM, BYTE, WIDE, NONE, NONE,
	[0x38 ... 0x3b] = MODRM, BYTE, WIDE, NONE, NONE,
	[0x40 ... 0x4f] = NONE, /* REX in front of another prefix */
	[0x60 ... 0x62] = NONE,
	[0x63] = MODRM,
	[0x64 ... 0x67] = NONE,
	[0x68] = WIDE,
	[0x69] = MODRM | WIDE,
	[0x6a] = BYTE,
	[0x6b] = MODRM | BYTE,
	[0x70 ... 0x7f] = BYTE,
	[0x80] = MODRM | BYTE,
	[0x81] = MODRM | WIDE,
	[0x82] = NONE,
	[0x83] = MODRM | BYTE,
	[0x84 ... 0x8f] = MODRM,
	[0x9a] = NONE,
	[0xa0 ... 0xa3] = PLACE,
	[0xa8] = BYTE,
	[0xa9] = WIDE,
	[0xb0 ... 0xb7] = BYTE,
	[0xb8 ... 0xbf] = WHOLE,
	[0xc0 ... 0xc1] = MODRM | BYTE,
	[0xc2] = WORD,
	[0xc4 ... 0xc5] = NONE,
	[0xc6] = MODRM | BYTE,
	[0xc7] = MODRM | WIDE,
	[0xc8] = WORD | BYTE,
	[0xca] = WORD,
	[0xcd] = BYTE,
	[0xce] = NONE,
	[0xd0 ... 0xd3] = MODRM,
	[0xd4 ... 0xd6] = NONE,
	[0xd8 ... 0xdf] = MODRM,
	[0xe0 ... 0xe7] = BYTE,
	[0xe8 ... 0xe9] = FAR,
	[0xea] = NONE,
	[0xeb] = BYTE,
	[0xf0] = NONE,
	[0xf2 ... 0xf3] = NONE,
	[0xf6] = MODRM | TEST | BYTE,
	[0xf7] = MODRM | TEST | WIDE,
	[0xfe ... 0xff] = MODRM,
};

/* Behind 0f. */
static const uint16_t two[256] = {
	[0x00 ... 0x03] = MODRM,
	[0x04] = NONE,
	[0x0a] = NONE,
	[0x0c] = NONE,
	[0x0d] = MODRM,
	[0x0f] = MODRM | BYTE,
	[0x10 ... 0x23] = MODRM,
	[0x24 ... 0x27] = NONE,
	[0x28 ... 0x2f] = MODRM,
	[0x36] = NONE,
	[0x38 ... 0x3f] = NONE, /* 38 and 3a lead on */
	[0x40 ... 0x6f] = MODRM,
	[0x70 ... 0x73] = MODRM | BYTE,
	[0x74 ... 0x76] = MODRM,
	[0x78 ... 0x79] = MODRM,
	[0x7a ... 0x7b] = NONE,
	[0x7c ... 0x7f] = MODRM,
	[0x80 ... 0x8f] = FAR,
	[0x90 ... 0x9f] = MODRM,
	[0xa3] = MODRM,
	[0xa4] = MODRM | BYTE,
	[0xa5] = MODRM,
	[0xa6 ... 0xa7] = NONE,
	[0xab] = MODRM,
	[0xac] = MODRM | BYTE,
	[0xad ... 0xb9] = MODRM,
	[0xba] = MODRM | BYTE,
	[0xbb ... 0xc1] = MODRM,
	[0xc2] = MODRM | BYTE,
	[0xc3] = MODRM,
	[0xc4 ... 0xc6] = MODRM | BYTE,
	[0xc7] = MODRM,
	[0xd0 ... 0xff] = MODRM,
};

struct reader {
	const uint8_t *bytes;
	size_t at, room;
	bool operand16, address32, rex_w;
};

/* -1: there is none. */
static int peek(const struct reader *reader)
{
	return reader->at < reader->room ? reader->bytes[reader->at] : -1;
}

static int next(struct reader *reader)
{
	int byte = peek(reader);

	reader->at++;
	return byte;
}

static void read_prefixes(struct reader *reader)
{
	for (;; reader->at++) {
		int byte = peek(reader);

		if (byte == 0x66)
			reader->operand16 = true;
		else if (byte == 0x67)
			reader->address32 = true;
		else if (byte != 0x26 && byte != 0x2e && byte != 0x36 &&
			 byte != 0x3e && byte != 0x64 && byte != 0x65 &&
			 byte != 0xf0 && byte != 0xf2 && byte != 0xf3)
			break;
	}
	if ((peek(reader) & ~0xf) == 0x40)
		reader->rex_w = next(reader) & 8;
}

/* What an opcode of one of the maps that VEX and EVEX number has behind it. */
static unsigned by_map(unsigned map, int opcode)
{
	if (opcode < 0)
		return NONE;
	if (map == 1)
		return two[opcode];
	if (map == 3)
		return MODRM | BYTE;
	return map == 2 || map == 5 || map == 6 ? MODRM : NONE;
}

static unsigned read_opcode(struct reader *reader)
{
	int byte = next(reader);

	if (byte < 0)
		return NONE;
	if (byte == 0xc5) {
		next(reader);
		return by_map(1, next(reader));
	}
	if (byte == 0xc4 || byte == 0x62) {
		unsigned map = (unsigned)next(reader) & 31;

		/* EVEX has a bit of a register number there, and one of APX. */
		if (byte == 0x62)
			map &= 7;
		reader->at += byte == 0x62 ? 2 : 1;
		return by_map(map, next(reader));
	}
	if (byte != 0x0f)
		return one[byte];
	byte = next(reader);
	if (byte == 0x38)
		return by_map(2, next(reader));
	if (byte == 0x3a)
		return by_map(3, next(reader));
	return byte < 0 ? NONE : two[byte];
}

/* The ModRM byte, and what belongs to it. */
static int read_modrm(struct reader *reader)
{
	int modrm = next(reader), base = modrm & 7;

	if (modrm < 0 || modrm >= 0xc0)
		return modrm;
	if (base == 4)
		base = next(reader) & 7;
	else if (modrm < 0x40 && base == 5)
		reader->at += 4; /* from the next instruction on */
	if (modrm < 0x40 && (modrm & 7) == 4 && base == 5)
		reader->at += 4;
	if (modrm >= 0x40)
		reader->at += modrm < 0x80 ? 1 : 4;
	return modrm;
}

size_t mdi_code_length(const uint8_t *bytes, size_t room)
{
	struct reader reader = {
		.bytes = bytes,
		.room = room < MDI_CODE_LENGTH_MAX ? room :
						     MDI_CODE_LENGTH_MAX,
	};
	unsigned parts;
	int modrm = 0;

	read_prefixes(&reader);
	parts = read_opcode(&reader);
	if (parts & NONE)
		return 0;
	if (parts & MODRM)
		modrm = read_modrm(&reader);
	if (parts & TEST && (modrm & 0x30) != 0)
		parts = 0;
	if (parts & BYTE)
		reader.at += 1;
	if (parts & WORD)
		reader.at += 2;
	if (parts & FAR)
		reader.at += 4;
	if (parts & WHOLE && reader.rex_w)
		reader.at += 8;
	else if (parts & (WIDE | WHOLE))
		reader.at += reader.operand16 && !reader.rex_w ? 2 : 4;
	if (parts & PLACE)
		reader.at += reader.address32 ? 4 : 8;
	return reader.at <= reader.room ? reader.at : 0;
}
