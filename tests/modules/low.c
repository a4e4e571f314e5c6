/* SPDX-License-Identifier: MIT */
/*
 * A library of a module's: two versions of a name, data, TLS, a choice. Not all
 * systems let a module have TLS: low_alone has none.
 */
#define EXPORT __attribute__((visibility("default")))

long note(long event);

EXPORT long answer_before(void);
EXPORT long answer_now(void);
__asm__(".symver answer_before, answer@LOW_1");
__asm__(".symver answer_now, answer@@LOW_2");

long answer_before(void)
{
	return 1;
}

long answer_now(void)
{
	return 2;
}

EXPORT long low_table[3] = {10, 20, 30};
/* Packed relocations, where the linker knows these. */
EXPORT long *low_places[3] = {low_table, low_table + 1, low_table + 2};

#ifndef WITHOUT_TLS
EXPORT _Thread_local long low_tls = 7;
EXPORT _Thread_local long low_near = 1000;
static _Thread_local volatile char wide[100] __attribute__((aligned(64)));

EXPORT long low_wide(void);
long low_wide(void)
{
	wide[99]++;
	return wide[99] + ((unsigned long)wide & 63);
}
#endif

static long low_sum(void)
{
	return *low_places[0] + *low_places[1] + *low_places[2];
}

/* Runs inside the module: it can write the library's data. */
__attribute__((used)) static long (*choose(void))(void)
{
	low_table[2] = 31;
	return low_sum;
}

EXPORT long low_chosen(void) __attribute__((ifunc("choose")));

/* Weak, so that no compiler takes this one for the one that is called. */
EXPORT __attribute__((weak)) long shared_name(void);
long shared_name(void)
{
	return 0;
}

EXPORT long low_asks(void);
long low_asks(void)
{
	return shared_name();
}

__attribute__((constructor)) static void begin(void)
{
	note(1);
}

__attribute__((destructor)) static void end(void)
{
	note(-1);
}
