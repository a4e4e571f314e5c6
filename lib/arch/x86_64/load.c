/* SPDX-License-Identifier: MIT */
/* A load that did not happen: its instruction, and what it leaves behind. */
#include "arch/context.h"

#define OPCODE_MOV   0x8b
#define IS_REX_W(b)  (((b) & 0xf8) == 0x48)
#define REX_R	     0x04
#define HAS_SIB	     4 /* rm */
#define NO_BASE	     5 /* rm, or the base of a SIB byte, with mod 0 */
#define MOD_REGISTER 3
#define SP	     4 /* its number */

/* The length of what follows the opcode; 0: no operand in memory. */
static unsigned operand_length(const unsigned char *modrm)
{
	unsigned mod = modrm[0] >> 6, rm = modrm[0] & 7, length = 1;

	if (mod == MOD_REGISTER)
		return 0;
	if (rm == HAS_SIB) {
		rm = modrm[1] & 7;
		length = 2;
	}
	if (mod == 1)
		return length + 1;
	return mod == 2 || rm == NO_BASE ? length + 4 : length;
}

bool mdi_context_load_zero(struct mdi_context *context)
{
	const unsigned char *code =
		(const unsigned char *)mdi_context_pc(context);
	unsigned number, length;

	if (!IS_REX_W(code[0]) || code[1] != OPCODE_MOV)
		return false;
	length = operand_length(code + 2);
	number = (code[2] >> 3 & 7) + (code[0] & REX_R ? 8 : 0);
	if (length == 0 || number == SP)
		return false;
	mdi_context_set_register(context, number, 0);
	mdi_context_set_pc(context, code + 2 + length);
	return true;
}
