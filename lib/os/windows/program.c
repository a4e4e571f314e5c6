/* SPDX-License-Identifier: MIT */
#include "os/program.h"

/* Nobody asks: mdi_objects_stay_open() is said first. */
int mdi_heap_find(uintptr_t *base, uintptr_t *end)
{
	(void)base;
	(void)end;
	return -1;
}

int mdi_heap_take_all(void)
{
	return -1;
}

uintptr_t mdi_heap_end(void)
{
	return 0;
}

bool mdi_heap_block(uintptr_t address, uintptr_t *block, size_t *length)
{
	(void)address;
	(void)block;
	(void)length;
	return false;
}

int mdi_stack_find(uintptr_t *base, uintptr_t *end, bool *grows)
{
	(void)base;
	(void)end;
	(void)grows;
	return -1;
}

int mdi_stack_protect(uintptr_t base, uintptr_t end, bool grows, uint32_t prot)
{
	(void)base;
	(void)end;
	(void)grows;
	(void)prot;
	return -1;
}
