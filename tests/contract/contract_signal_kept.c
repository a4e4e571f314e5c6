/* SPDX-License-Identifier: MIT */
/*
 * contract_signal_kept - a signal that comes while the library cannot be
 * interrupted comes when it can: with its siginfo, as often as it was sent,
 * whatever the kernel has room for, and to the process that it was sent to.
 */
#include "support/proc.h"
#include "support/world.h"

#include "os/linux/signal.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int came, values[8];

static void note(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	values[came++ % 8] = info->si_value.sival_int;
}

/* Library, module, an attached thread, and a handler. */
static void begin(int signo)
{
	struct sigaction action = {.sa_sigaction = note,
				   .sa_flags = SA_SIGINFO};

	must_eq(enter(make_gate(world_module(), module_add_one), 1), 2);
	must(!sigaction(signo, &action, NULL));
}

static void post(int signo, int value)
{
	const union sigval with = {.sival_int = value};

	must(!pthread_sigqueue(pthread_self(), signo, with));
}

/* The end of the library's code, when the kernel can keep no siginfo. */
static void end_without_room(void)
{
	struct rlimit limit, none;

	must(!getrlimit(RLIMIT_SIGPENDING, &limit));
	none = limit;
	none.rlim_cur = 0;
	must(!setrlimit(RLIMIT_SIGPENDING, &none));
	mdi_critical_end();
	/* Check looks at its clock by timer_create(2), which wants room too. */
	must(!setrlimit(RLIMIT_SIGPENDING, &limit));
}

static int kind(int i)
{
	return i ? SIGUSR1 : SIGRTMIN + 3;
}

/* One that the kernel queues, and one that is only pending. */
START_TEST(test_no_room)
{
	sigset_t mask;

	begin(kind(_i));
	mdi_critical_begin();
	post(kind(_i), 42);
	must_eq(came, 0);
	end_without_room();
	must_eq(came, 1);
	must_eq(values[0], 42);
	must(!pthread_sigmask(SIG_BLOCK, NULL, &mask));
	must_eq(sigismember(&mask, kind(_i)), 0);
}
END_TEST

/* Others of the number wait in the kernel already. */
START_TEST(test_no_room_for_many)
{
	int sum = 0;

	begin(kind(0));
	mdi_critical_begin();
	for (int i = 1; i <= 4; i++)
		post(kind(0), i);
	end_without_room();
	must_eq(came, 4);
	for (int i = 0; i < 4; i++)
		sum |= 1 << values[i];
	must_eq(sum, 0x1e); /* each value once */
}
END_TEST

static void lose_handler(void *unused)
{
	(void)unused;
	mdi_critical_begin();
	post(kind(0), 42);
	signal(kind(0), SIG_DFL);
	end_without_room();
}

/* Its handler was taken away meanwhile: it ends the process. */
START_TEST(test_default_action)
{
	begin(kind(0));
	must_die(child_status(lose_handler, NULL), kind(0));
}
END_TEST

static void end_in_child(void *unused)
{
	sigset_t mask;

	(void)unused;
	mdi_critical_end();
	must(!pthread_sigmask(SIG_BLOCK, NULL, &mask));
	must_eq(sigismember(&mask, kind(1)), 0);
	must_eq(came, 0);
	raise(kind(1));
	must_eq(came, 1);
}

/* It was sent to the parent. */
START_TEST(test_fork)
{
	begin(kind(1));
	mdi_critical_begin();
	post(kind(1), 42);
	must_exit(child_status(end_in_child, NULL), 0);
	must_eq(came, 0);
	mdi_critical_end();
	must_eq(came, 1);
	must_eq(values[0], 42);
}
END_TEST

#define NO_SIGNALS "it keeps signals until the code it watches is left"

static Suite *make_suite(void)
{
	Suite *suite = suite_create("signal_kept");
	TCase *tcase = tcase_create("contract");

	add_loop_test_but_tsan(tcase, test_no_room, 0, 2, NO_SIGNALS);
	add_test_but_tsan(tcase, test_no_room_for_many, NO_SIGNALS);
	add_test_but_tsan(tcase, test_default_action, NO_SIGNALS);
	add_test_but_tsan(tcase, test_fork, NO_SIGNALS);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
