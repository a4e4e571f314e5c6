/* SPDX-License-Identifier: MIT */
/* What needs libraries: functions, data, thread-local variables, a choice. */
#define EXPORT __attribute__((visibility("default")))

long note(long event);
long mid(void);
long answer(void);
long answer_before(void);
__asm__(".symver answer_before, answer@LOW_1");
extern long low_table[3];
extern _Thread_local long low_tls;
extern _Thread_local long low_near __attribute__((tls_model("initial-exec")));
long low_chosen(void);
long low_asks(void);
long low_wide(void);
__attribute__((weak)) long nobody(void);

static _Thread_local volatile long top_tls = 100;
static long (*const volatile chosen)(void) = low_chosen;

EXPORT long shared_name(void);
long shared_name(void)
{
	return 5;
}

EXPORT long top(long which);
long top(long which)
{
	switch (which) {
	case 0:
		return answer();
	case 1:
		return answer_before();
	case 2:
		return low_table[1];
	case 3:
		return low_tls++ + top_tls++ + low_near;
	case 4:
		return chosen() + low_chosen();
	case 5:
		return mid();
	case 6:
		return low_asks();
	case 7:
		return low_wide();
	default:
		return nobody != 0;
	}
}

__attribute__((constructor)) static void begin(void)
{
	note(3);
}

__attribute__((destructor)) static void end(void)
{
	note(-3);
}
