/* SPDX-License-Identifier: MIT */
/*
 * check_keeper - who may run when rights are the process's: first come, first
 * served. Its operations only write down that they were called.
 */
#include "support/proc.h"
#include "support/test.h"
#include "support/world.h"

#include "backend/backend.h"
#include "backend/keeper.h"
#include "backend/state.h"

#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LEASE_NS 50000u

static struct mdi_domain domains[3];
#define A (&domains[0])
#define B (&domains[1])

/*
 * One letter for each operation: a, b, c for to_domain, "h" for to_host, "o"
 * for open; threads add their own digit. Written under the keeper's lock, or
 * by the one thread that runs.
 */
static char events[4096];
static size_t length;
static int refuse; /* what to_domain and open return */

static void log_event(char c)
{
	size_t at = __atomic_fetch_add(&length, 1, __ATOMIC_SEQ_CST);

	must(at + 1 < sizeof(events));
	__atomic_store_n(&events[at], c, __ATOMIC_RELEASE);
}

/* Until so many have been noted: the place is taken first, then written. */
static void wait_for_events(size_t count)
{
	while (!__atomic_load_n(&events[count - 1], __ATOMIC_ACQUIRE))
		sched_yield();
}

static int to_domain(struct mdi_domain *domain)
{
	log_event((char)('a' + (domain - domains)));
	errno = refuse ? ENOMEM : 0;
	return refuse;
}

static void to_host(void)
{
	log_event('h');
}

static int open_domain(struct mdi_domain *domain)
{
	(void)domain;
	log_event('o');
	errno = refuse ? ENOMEM : 0;
	return refuse;
}

static void setup(void)
{
	static const struct mdi_keeper_ops ops = {
		.to_domain = to_domain,
		.to_host = to_host,
		.open = open_domain,
	};

	mdi_keeper_start(&ops);
}

static void must_log(const char *want)
{
	must_str(events, want);
}

static int enter_domain(struct mdi_domain *domain)
{
	return mdi_keeper_wish(MDI_WISH_ENTER, domain, false);
}

static int hold(struct mdi_domain *domain, bool again)
{
	return mdi_keeper_wish(MDI_WISH_HOLD, domain, again);
}

static int touch(struct mdi_domain *domain)
{
	return mdi_keeper_wish(MDI_WISH_TOUCH, domain, false);
}

/* --- a thread that wishes --- */

struct wisher {
	enum mdi_wish wish;
	struct mdi_domain *domain;
	char digit;
	int result, error;
	pid_t tid;
	uint32_t granted, go; /* 1: yes */
	pthread_t thread;
};

static void spin_until(const uint32_t *flag)
{
	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void *wish_body(void *arg)
{
	struct wisher *self = arg;

	__atomic_store_n(&self->tid, proc_gettid(), __ATOMIC_RELEASE);
	self->result = mdi_keeper_wish(self->wish, self->domain, false);
	self->error = errno;
	if (self->result == 0)
		log_event(self->digit);
	__atomic_store_n(&self->granted, 1, __ATOMIC_RELEASE);
	spin_until(&self->go);
	if (self->result != 0)
		return NULL;
	if (self->wish == MDI_WISH_ENTER)
		mdi_keeper_leave();
	else if (self->wish == MDI_WISH_HOLD)
		mdi_keeper_unhold();
	return NULL;
}

static void start(struct wisher *self)
{
	self->thread = thread_start(wish_body, self);
	spin_until((uint32_t *)&self->tid);
}

/* In line, after all that were there before it. */
static void start_waiting(struct wisher *self)
{
	start(self);
	proc_wait_asleep(self->tid);
	must(!__atomic_load_n(&self->granted, __ATOMIC_ACQUIRE));
}

static void finish(struct wisher *self)
{
	__atomic_store_n(&self->go, 1, __ATOMIC_RELEASE);
	thread_join(self->thread);
}

/* --- the cases --- */

/* The same module again: the keeper asks, the operation may find it open. */
START_TEST(test_alone)
{
	must_eq(enter_domain(A), 0);
	must_log("a");
	mdi_keeper_leave();
	must_log("ah");
	must_eq(enter_domain(B), 0);
	mdi_keeper_leave();
	must_log("ahbh");
	must_eq(hold(A, false), 0);
	mdi_keeper_unhold();
	must_log("ahbho");
	must_eq(enter_domain(B), 0);
	must_log("ahbhob");
	mdi_keeper_leave();
}
END_TEST

/* A thread joins the domain that is entered: no operation, no waiting. */
START_TEST(test_join)
{
	struct wisher second = {MDI_WISH_ENTER, A, '2', 0, 0, 0, 0, 0, 0};

	must_eq(enter_domain(A), 0);
	start(&second);
	spin_until(&second.granted);
	must_log("a2");
	mdi_keeper_leave();
	/* Not the last one out. */
	must_log("a2");
	finish(&second);
	must_log("a2h");
}
END_TEST

/* First come, first served; a joiner too stands in line behind others. */
START_TEST(test_order)
{
	struct wisher second = {MDI_WISH_ENTER, B, '2', 0, 0, 0, 0, 0, 0};
	struct wisher third = {MDI_WISH_ENTER, A, '3', 0, 0, 0, 0, 0, 0};
	struct wisher fourth = {MDI_WISH_ENTER, B, '4', 0, 0, 0, 0, 0, 0};

	must_eq(enter_domain(A), 0);
	start_waiting(&second);
	start_waiting(&third);
	start_waiting(&fourth);
	must_log("a");
	mdi_keeper_leave();
	spin_until(&second.granted);
	/* From module to module without the host's state in between. */
	must_log("ab2");
	must(!__atomic_load_n(&third.granted, __ATOMIC_ACQUIRE));
	must(!__atomic_load_n(&fourth.granted, __ATOMIC_ACQUIRE));
	finish(&second);
	spin_until(&third.granted);
	must(!__atomic_load_n(&fourth.granted, __ATOMIC_ACQUIRE));
	must_log("ab2a3");
	finish(&third);
	finish(&fourth);
	must_log("ab2a3b4h");
}
END_TEST

/* Those at the head of the line that want the same enter together. */
START_TEST(test_together)
{
	struct wisher second = {MDI_WISH_ENTER, B, '2', 0, 0, 0, 0, 0, 0};
	struct wisher third = {MDI_WISH_ENTER, B, '2', 0, 0, 0, 0, 0, 0};

	must_eq(enter_domain(A), 0);
	start_waiting(&second);
	start_waiting(&third);
	mdi_keeper_leave();
	spin_until(&second.granted);
	spin_until(&third.granted);
	must_log("ab22");
	finish(&second);
	must_log("ab22");
	finish(&third);
	must_log("ab22h");
}
END_TEST

START_TEST(test_hold)
{
	struct wisher holder = {MDI_WISH_HOLD, B, '2', 0, 0, 0, 0, 0, 0};
	struct wisher third = {MDI_WISH_ENTER, A, '3', 0, 0, 0, 0, 0, 0};

	must_eq(enter_domain(A), 0);
	start_waiting(&holder);
	mdi_keeper_leave();
	spin_until(&holder.granted);
	must_log("aho2");
	/* Again at once, though somebody waits: or both would for ever. */
	start_waiting(&third);
	must_eq(hold(A, true), 0);
	must_log("aho2o");
	finish(&holder);
	proc_wait_asleep(third.tid);
	must(!__atomic_load_n(&third.granted, __ATOMIC_ACQUIRE));
	mdi_keeper_unhold();
	finish(&third);
	must_log("aho2oa3h");
}
END_TEST

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *touch_body(void *arg)
{
	(void)arg;
	must_eq(touch(B), 0);
	return NULL;
}

/* A thread that has touched keeps others out for the lease, and no longer. */
START_TEST(test_lease)
{
	uint64_t before;
	int i;

	for (i = 0; i < 100; i++) {
		before = now_ns();
		thread_join(thread_start(touch_body, NULL));
		must_eq(enter_domain(A), 0);
		must(now_ns() - before >= LEASE_NS);
		mdi_keeper_leave();
	}
	must(!strncmp(events, "oahoah", 6));
}
END_TEST

/* It does not keep itself out: a signal could begin the next one meanwhile. */
START_TEST(test_lease_own)
{
	static const struct mdi_keeper_state *keeper =
		&mdi_backend_state.keeper;
	int i;

	for (i = 0; i < 100; i++) {
		must_eq(touch(B), 0);
		must(keeper->lease_end_ns != 0);
		must_eq(enter_domain(A), 0);
		must_eq(keeper->lease_end_ns, 0);
		must_eq(keeper->lease.length_ns, LEASE_NS);
		mdi_keeper_leave();
	}
}
END_TEST

/* Nor does it end what another thread has been given. */
START_TEST(test_lease_shared)
{
	struct mdi_keeper_state *keeper = &mdi_backend_state.keeper;
	uint64_t end;

	must_eq(touch(B), 0);
	/* As if that had been another one, which has much of it left. */
	keeper->lease.thread++;
	end = keeper->lease_end_ns = now_ns() + 1000 * LEASE_NS;
	must_eq(touch(A), 0);
	must_eq(touch(A), 0);
	must_eq(enter_domain(A), 0);
	must(now_ns() >= end);
	mdi_keeper_leave();
}
END_TEST

/* A touch waits for the module to leave; others wait behind it. */
START_TEST(test_touch)
{
	struct wisher toucher = {MDI_WISH_TOUCH, B, '2', 0, 0, 0, 0, 0, 0};
	struct wisher third = {MDI_WISH_ENTER, A, '3', 0, 0, 0, 0, 0, 0};

	must_eq(enter_domain(A), 0);
	start_waiting(&toucher);
	start_waiting(&third);
	must_log("a");
	mdi_keeper_leave();
	spin_until(&toucher.granted);
	finish(&toucher);
	spin_until(&third.granted);
	/* In which order the two say their names is the scheduler's. */
	finish(&third);
	must(strncmp(events, "aho", 3) == 0);
}
END_TEST

/* What the operation said comes back, errno too; the host goes on. */
START_TEST(test_refused)
{
	refuse = MODISO_ERR_OS;
	must_eq(enter_domain(A), MODISO_ERR_OS);
	must_eq(errno, ENOMEM);
	must_log("ah");
	must_eq(hold(B, false), MODISO_ERR_OS);
	must_eq(errno, ENOMEM);
	must_log("aho");
	must_eq(touch(B), MODISO_ERR_OS);
	refuse = 0;
	/* No hold and nobody inside is left over. */
	must_eq(enter_domain(B), 0);
	mdi_keeper_leave();
	must_log("ahoobh");
}
END_TEST

/* The same for one that waited; the next in line gets its turn. */
START_TEST(test_refused_in_line)
{
	struct wisher second = {MDI_WISH_ENTER, B, '2', 0, 0, 0, 0, 0, 0};
	struct wisher third = {MDI_WISH_HOLD, A, '3', 0, 0, 0, 0, 0, 0};

	must_eq(enter_domain(A), 0);
	start_waiting(&second);
	start_waiting(&third);
	refuse = MODISO_ERR_OS;
	mdi_keeper_leave();
	refuse = 0;
	spin_until(&second.granted);
	spin_until(&third.granted);
	must_eq(second.result, MODISO_ERR_OS);
	must_eq(third.result, MODISO_ERR_OS);
	must_eq(third.error, ENOMEM);
	finish(&second);
	finish(&third);
	must_log("abho");
	must_eq(enter_domain(A), 0);
	mdi_keeper_leave();
}
END_TEST

/* Whatever the next in line is opened with. */
START_TEST(test_errno)
{
	struct wisher second = {MDI_WISH_ENTER, B, '2', 0, 0, 0, 0, 0, 0};

	must_eq(enter_domain(A), 0);
	start_waiting(&second);
	errno = EPIPE;
	mdi_keeper_leave();
	must_eq(errno, EPIPE);
	spin_until(&second.granted);
	finish(&second);
	must_eq(hold(A, false), 0);
	errno = EPIPE;
	mdi_keeper_unhold();
	must_eq(errno, EPIPE);
}
END_TEST

static int look(void *arg, bool entered)
{
	*(bool *)arg = entered;
	return 77;
}

START_TEST(test_locked)
{
	bool entered = true;

	must_eq(mdi_keeper_locked(look, &entered), 77);
	must(!entered);
	must_eq(enter_domain(A), 0);
	must_eq(mdi_keeper_locked(look, &entered), 77);
	must(entered);
	mdi_keeper_leave();
	must_eq(mdi_keeper_locked(look, &entered), 77);
	must(!entered);
}
END_TEST

/* No switch is half done while a fork is under way. */
START_TEST(test_before_fork)
{
	struct wisher second = {MDI_WISH_ENTER, B, '2', 0, 0, 0, 0, 0, 0};

	mdi_keeper_before_fork();
	start(&second);
	proc_wait_asleep(second.tid);
	must_log("");
	mdi_keeper_after_fork_parent();
	spin_until(&second.granted);
	finish(&second);
	must_log("b2h");
}
END_TEST

/* The child has neither the others' wishes nor their stays. */
START_TEST(test_after_fork)
{
	int status = 0;
	struct wisher second = {MDI_WISH_ENTER, B, '2', 0, 0, 0, 0, 0, 0};

	must_eq(enter_domain(A), 0);
	start_waiting(&second);
	mdi_keeper_before_fork();
	if (fork()) {
		mdi_keeper_after_fork_parent();
		mdi_keeper_leave();
		finish(&second);
		must(wait(&status) > 0);
		must_exit(status, 0);
		return;
	}
	if (_i == 0) {
		/* The forking thread was a host thread. */
		mdi_keeper_after_fork(NULL, 0);
		must_eq(enter_domain(B), 0);
		mdi_keeper_leave();
		must_log("abh");
	} else if (_i == 1) {
		/* It was in the module, and alone there now. */
		mdi_keeper_after_fork(A, 0);
		mdi_keeper_leave();
		must_eq(enter_domain(B), 0);
		must_log("ahb");
	} else {
		/* It had two windows open. */
		mdi_keeper_after_fork(NULL, 2);
		start_waiting(&(struct wisher){MDI_WISH_ENTER, B, '2', 0, 0, 0,
					       0, 0, 0});
		mdi_keeper_unhold();
		must_log("a");
		mdi_keeper_unhold();
		wait_for_events(3);
		must_log("ab2");
	}
	_exit(0);
}
END_TEST

/* --- many at once --- */

#define THREADS 6

static uint32_t inside[3], violations;

static void *churn(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg, which;
	int i;

	for (i = 0; i < 3000; i++) {
		which = (unsigned)rand_r(&seed) % 3;
		if (which == 2) {
			must_eq(hold(B, false), 0);
			if (inside[0] || inside[1])
				violations++;
			mdi_keeper_unhold();
			continue;
		}
		must_eq(enter_domain(&domains[which]), 0);
		__atomic_fetch_add(&inside[which], 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&inside[1 - which], __ATOMIC_SEQ_CST))
			violations++;
		if (i % 8 == 0)
			sched_yield();
		__atomic_fetch_sub(&inside[which], 1, __ATOMIC_SEQ_CST);
		mdi_keeper_leave();
	}
	return NULL;
}

static int to_domain_quietly(struct mdi_domain *domain)
{
	(void)domain;
	return 0;
}

static void to_host_quietly(void)
{
}

START_TEST(test_churn)
{
	static const struct mdi_keeper_ops ops = {
		.to_domain = to_domain_quietly,
		.to_host = to_host_quietly,
		.open = to_domain_quietly,
	};
	pthread_t thread[THREADS];
	uintptr_t i;

	mdi_keeper_start(&ops);
	for (i = 0; i < THREADS; i++)
		thread[i] = thread_start(churn, (void *)(i + 1));
	for (i = 0; i < THREADS; i++)
		thread_join(thread[i]);
	must_eq(violations, 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("keeper");
	TCase *tcase = tcase_create("unit");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, test_alone);
	tcase_add_test(tcase, test_join);
	tcase_add_test(tcase, test_order);
	tcase_add_test(tcase, test_together);
	tcase_add_test(tcase, test_hold);
	tcase_add_test(tcase, test_lease);
	tcase_add_test(tcase, test_lease_own);
	tcase_add_test(tcase, test_lease_shared);
	tcase_add_test(tcase, test_touch);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_refused_in_line);
	tcase_add_test(tcase, test_errno);
	tcase_add_test(tcase, test_locked);
	tcase_add_test(tcase, test_before_fork);
	tcase_add_loop_test(tcase, test_after_fork, 0, 3);
	tcase_add_test(tcase, test_churn);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
