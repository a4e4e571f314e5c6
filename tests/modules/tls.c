/* SPDX-License-Identifier: MIT */
/*
 * Thread-local variables of each model that the compiler has. Compiled as a
 * module that modiso-cc makes, and as a static-PIE program (TLS_PROGRAM), where
 * the linker makes local-exec of them and the stack protector's word is at
 * %fs:0x28.
 */
#define MODEL(name) __attribute__((tls_model(name)))

static _Thread_local volatile long general MODEL("global-dynamic") = 11;
static _Thread_local volatile long local_a MODEL("local-dynamic") = 21;
static _Thread_local volatile long local_b MODEL("local-dynamic") = 22;
static _Thread_local volatile long initial MODEL("initial-exec") = 31;
static _Thread_local volatile char zeros[192]
	__attribute__((aligned(64))) MODEL("local-dynamic");
static char text[] = "relocated";
static _Thread_local const char *volatile pointer = text;
static _Thread_local volatile int error;

#ifdef TLS_PROGRAM
static long note(long event)
{
	return event;
}

void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
	__builtin_trap();
}
#else
long note(long event);
#endif

static long begin_as_they_should(void)
{
	if ((unsigned long)zeros % 64 != 0 || pointer != text || error != 0)
		return 0;
	for (unsigned i = 0; i < sizeof(zeros); i++)
		if (zeros[i] != 0)
			return 0;
	return general == 11 && local_a == 21 && local_b == 22 && initial == 31;
}

static __attribute__((noinline)) long smash(long length)
{
	volatile char buffer[16];

	for (long i = 0; i < length; i++)
		((volatile char *)buffer)[i] = 'x';
	return buffer[0];
}

/* The selector of no segment: the base of FS becomes 0 or stays. */
static long load_selector(void)
{
	__asm__ volatile("movl %0, %%fs" : : "r"(0));
	return note(1);
}

static unsigned long thread_pointer(void)
{
	unsigned long word;

	__asm__("movq %%fs:0, %0" : "=r"(word));
	return word;
}

static long write_block(unsigned long word)
{
	__asm__ volatile("movq %0, %%fs:8" : : "r"(word));
	return note(1);
}

__attribute__((visibility("default"))) long start(long what, long value);
__attribute__((visibility("default"))) long start(long what, long value)
{
	switch (what) {
	case 0:
		return begin_as_they_should();
	case 1:
		general += value;
		local_a += value;
		local_b += value;
		initial += value;
		zeros[191] += (char)value;
		return general + local_a + local_b + initial;
	case 2:
		return smash(value);
	case 3:
		error = (int)value;
		return note(value) * 1000 + error;
	case 4:
		return (long)thread_pointer();
	case 5:
		return load_selector();
	case 6:
		return write_block((unsigned long)value);
	case 7:
		return *(volatile long *)value;
	case 8:
		for (;;)
			general++;
	default:
		return -1;
	}
}
