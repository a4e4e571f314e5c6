/* SPDX-License-Identifier: MIT */
/*
 * check_keeper_turns - how long threads wait for each other when rights are the
 * process's: the keeper, with threads and a clock that are simulated, so that
 * each run is the same one. A thread is a coroutine; time passes where a thread
 * works, where it sleeps, until it has been woken, and where pages are closed.
 */
#include "support/test.h"
#include "support/world.h"

#include "backend/backend.h"
#include "backend/keeper.h"
#include "os/critical.h"

#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define US 1000ull
#define MS 1000000ull

#define THREADS_MAX 17
#define STACK       65536
#define NEVER       UINT64_MAX

/* What a machine of today takes; the results do not hang on the numbers. */
#define WAKE_NS   (20 * US)
#define SWITCH_NS (20 * US)

struct thread {
	ucontext_t context;
	char *stack;
	struct mdi_domain *domain;
	uint64_t resume_at; /* or the end of its sleep */
	const uint32_t *sleeps_on;
	/* It works so long outside, then so long inside. */
	uint64_t outside, inside;
	/* Or host code that touches a region, in a window of its own. */
	bool touches, holds;
	uint64_t calls, slow, longest;
};

static struct thread threads[THREADS_MAX], *running;
static struct mdi_domain domains[THREADS_MAX];
static unsigned count;
static ucontext_t scheduler;
static uint64_t now, end;

/* The first one to go on; NULL: time is over. */
static struct thread *next(void)
{
	struct thread *first = &threads[0];

	for (unsigned i = 1; i < count; i++)
		if (threads[i].resume_at < first->resume_at)
			first = &threads[i];
	if (first->resume_at == NEVER)
		ck_abort_msg("all sleep, and nobody will wake them");
	if (first->resume_at > end)
		return NULL;
	if (now < first->resume_at)
		now = first->resume_at;
	return first;
}

static void yield(uint64_t resume_at)
{
	running->resume_at = resume_at;
	/* A switch costs two system calls. */
	if (next() != running)
		swapcontext(&running->context, &scheduler);
}

static void work(uint64_t time)
{
	yield(now + time);
}

/* --- what the keeper wants of the kernel --- */

uint64_t __wrap_mdi_os_now_ns(void);
int __wrap_mdi_os_wait(uint32_t *word, uint32_t seen, uint64_t timeout);
void __wrap_mdi_os_wake(uint32_t *word, int n);

uint64_t __wrap_mdi_os_now_ns(void)
{
	return now;
}

int __wrap_mdi_os_wait(uint32_t *word, uint32_t seen, uint64_t timeout)
{
	if (*word != seen)
		return 0;
	running->sleeps_on = word;
	/* Its own record of that: all are one thread. */
	mdi_critical_waits(NULL);
	yield(timeout != 0 ? now + timeout : NEVER);
	mdi_critical_waits(word);
	running->sleeps_on = NULL;
	return 0;
}

void __wrap_mdi_os_wake(uint32_t *word, int n)
{
	for (unsigned i = 0; i < count && n > 0; i++) {
		if (threads[i].sleeps_on != word)
			continue;
		threads[i].sleeps_on = NULL;
		threads[i].resume_at = now + WAKE_NS;
		n--;
	}
}

/* Under the keeper's lock, for which others would wait. */
static int to_domain(struct mdi_domain *domain)
{
	static struct mdi_domain *last;

	if (domain != last)
		now += SWITCH_NS;
	last = domain;
	return 0;
}

static void to_host(void)
{
}

static int open_domain(struct mdi_domain *domain)
{
	(void)domain;
	return 0;
}

/* --- the threads --- */

static void note_wait(struct thread *self, uint64_t began)
{
	uint64_t waited = now - began;

	self->calls++;
	if (waited > self->longest)
		self->longest = waited;
	if (waited > 9 * (self->inside + US / 10))
		self->slow++;
}

static void wish(enum mdi_wish wish, bool again)
{
	must_eq(mdi_keeper_wish(wish, running->domain, again), 0);
}

static void run(void)
{
	struct thread *self = running;
	uint64_t began;

	for (;;) {
		work(self->outside);
		began = now;
		if (self->holds)
			wish(MDI_WISH_HOLD, false);
		if (self->touches)
			wish(MDI_WISH_TOUCH, self->holds);
		else if (!self->holds)
			wish(MDI_WISH_ENTER, false);
		note_wait(self, began);
		work(self->inside);
		if (self->holds)
			mdi_keeper_unhold();
		else if (!self->touches)
			mdi_keeper_leave();
	}
}

static void start_thread(uint64_t outside, uint64_t inside, bool touches)
{
	struct thread *self = &threads[count];

	self->domain = &domains[count++];
	self->outside = outside;
	self->inside = inside;
	self->touches = touches;
	self->resume_at = count;
	self->stack = malloc(STACK);
	must(self->stack != NULL && getcontext(&self->context) == 0);
	self->context.uc_stack.ss_sp = self->stack;
	self->context.uc_stack.ss_size = STACK;
	makecontext(&self->context, run, 0);
}

static void simulate(uint64_t time)
{
	end = now + time;
	while ((running = next()) != NULL)
		swapcontext(&scheduler, &running->context);
}

static void begin(void)
{
	static const struct mdi_keeper_ops ops = {
		.to_domain = to_domain,
		.to_host = to_host,
		.open = open_domain,
	};

	mdi_keeper_start(&ops);
}

static uint64_t sum(void)
{
	uint64_t calls = 0;

	for (unsigned i = 0; i < count; i++)
		calls += threads[i].calls;
	return calls;
}

static uint64_t least_calls(void)
{
	uint64_t least = NEVER;

	for (unsigned i = 0; i < count; i++)
		if (!threads[i].touches && !threads[i].holds &&
		    threads[i].calls < least)
			least = threads[i].calls;
	return least;
}

static uint64_t most_calls(void)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < count; i++)
		if (!threads[i].touches && threads[i].calls > most)
			most = threads[i].calls;
	return most;
}

static void log_threads(const char *what)
{
	uint64_t slow = 0, longest = 0;

	for (unsigned i = 0; i < count; i++) {
		slow += threads[i].slow;
		if (threads[i].longest > longest)
			longest = threads[i].longest;
	}
	printf("# %s: %u threads, %llu calls, a thread %llu to %llu; %llu are "
	       "slow, the longest %llu us\n",
	       what, count, (unsigned long long)sum(),
	       (unsigned long long)least_calls(),
	       (unsigned long long)most_calls(), (unsigned long long)slow,
	       (unsigned long long)(longest / US));
}

/* Calls one after the other, by so many threads: some rounds of turns. */
static const struct {
	unsigned threads;
	uint64_t inside, time;
} busy[] = {
	{2, 100, 200 * MS},       {4, 100, 200 * MS},
	{16, 100, 200 * MS},      {2, US, 500 * MS},
	{4, US, 500 * MS},        {16, US, 1100 * MS},
	{2, 10 * US, 2000 * MS},  {4, 10 * US, 2000 * MS},
	{16, 10 * US, 2000 * MS},
};

START_TEST(test_busy)
{
	uint64_t slow = 0;

	begin();
	for (unsigned i = 0; i < busy[_i].threads; i++)
		start_thread(50, busy[_i].inside, false);
	simulate(busy[_i].time);
	log_threads("busy");
	for (unsigned i = 0; i < count; i++)
		slow += threads[i].slow;
	/* As many as one thread alone makes, but for a tenth. */
	must(sum() > busy[_i].time / (busy[_i].inside + 50) * 9 / 10);
	must(least_calls() * 4 > most_calls() * 3);
	must(slow * 1000 < sum());
}
END_TEST

/* Who calls now and then waits for no more than a call. */
START_TEST(test_now_and_then)
{
	begin();
	for (unsigned i = 0; i < 4; i++)
		start_thread((200 + 7 * i) * US, 5 * US, false);
	simulate(1000 * MS);
	log_threads("now and then");
	for (unsigned i = 0; i < count; i++)
		must(threads[i].longest <
		     3 * (5 * US + SWITCH_NS + WAKE_NS) + WAKE_NS);
}
END_TEST

/* Bursts of calls: when one is over, its turn is not waited for much longer. */
START_TEST(test_bursts)
{
	begin();
	start_thread(50, US, false);
	start_thread(50, US, false);
	simulate(100 * MS);
	for (unsigned i = 0; i < 50; i++) {
		threads[0].outside = threads[0].outside == 50 ? 20 * MS : 50;
		threads[1].longest = 0;
		simulate(40 * MS);
		must(threads[1].calls > 0);
		/* One turn of the other at most, and two looks. */
		must(threads[1].longest < 15 * MS + 2 * MS);
	}
	log_threads("bursts");
	/* The one that always calls has the time that the other leaves. */
	must(threads[1].calls > 50 * 40 * MS / (US + 50) / 2);
}
END_TEST

/* Host code that touches a region waits for one call of each, not for turns. */
START_TEST(test_touches)
{
	begin();
	for (unsigned i = 0; i < 8; i++)
		start_thread(50, US, false);
	start_thread(3 * MS, 10 * US, true);
	simulate(1000 * MS);
	log_threads("touches");
	must(threads[8].calls > 200);
	must(threads[8].longest <
	     8 * (US + SWITCH_NS + 2 * WAKE_NS) + 100 * US);
	must(least_calls() * 2 > most_calls());
}
END_TEST

/* The lease that a touch in a window leaves ends by itself, for who waits. */
START_TEST(test_window)
{
	begin();
	start_thread(50, US, false);
	start_thread(20 * MS, 10 * US, true);
	threads[1].holds = true;
	simulate(1000 * MS);
	log_threads("window");
	must(threads[1].calls > 40);
	must(threads[0].longest < 100 * US);
}
END_TEST

/* Any mixture goes on, and the state is given to each in the end. */
START_TEST(test_mixtures)
{
	unsigned random = (unsigned)_i + 1;

	begin();
	for (unsigned i = 0; i < 12; i++) {
		random = random * 1103515245 + 12345;
		start_thread(50ull << (random >> 16) % 14,
			     100ull << (random >> 20) % 10,
			     (random >> 28) % 4 == 0);
		threads[i].holds = (random >> 24) % 8 == 0;
		/* Some share a module. */
		if (random >> 30 == 0)
			threads[i].domain = &domains[0];
	}
	simulate(2000 * MS);
	log_threads("mixture");
	for (unsigned i = 0; i < count; i++) {
		must(threads[i].calls > 0);
		must(threads[i].longest < 12 * 16 * MS);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("keeper_turns");
	TCase *tcase = tcase_create("unit");

	tcase_add_loop_test(tcase, test_busy, 0, MDI_COUNT(busy));
	tcase_add_test(tcase, test_now_and_then);
	tcase_add_test(tcase, test_bursts);
	tcase_add_test(tcase, test_touches);
	tcase_add_test(tcase, test_window);
	tcase_add_loop_test(tcase, test_mixtures, 0,
			    (int)run_times(20, 5));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
