/* SPDX-License-Identifier: MIT */
/*
 * contract_grant_threads - rights that change while threads are in modules, or
 * on their way: from then on these rights and no others, on each of them.
 */
#include "contract/actors.h"
#include "support/world.h"
#include "support/proc.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { GRANT_READ, GRANT_BOTH, REVOKE };

MODISO_CALL static uintptr_t change(uintptr_t what)
{
	switch (what) {
	case GRANT_READ:
	case GRANT_BOTH:
		expect(MODISO_OK,
		       modiso_region_grant(common, b.module,
					   what == GRANT_READ ? MODISO_READ
							      : RW));
		return 0;
	default:
		expect(MODISO_OK, modiso_region_revoke(common, b.module));
		return 0;
	}
}

/* Module code: after each change the thread that was inside all the while. */
MODULE_CODE static uintptr_t use_at_once(volatile unsigned char *byte)
{
	uintptr_t seen;

	ask(GRANT_READ);
	seen = *byte;
	ask(GRANT_BOTH);
	*byte = 5;
	seen += *byte;
	ask(REVOKE);
	ask(GRANT_BOTH);
	*byte = 6;
	return seen + *byte;
}

MODULE_CODE static uintptr_t write_after(uintptr_t what,
					 volatile unsigned char *byte)
{
	ask(GRANT_BOTH);
	*byte = 7;
	ask(what);
	*byte = 8;
	return 0;
}

START_TEST(test_inside)
{
	volatile unsigned char *byte;
	struct modiso_gate *gate;

	common = make_scene();
	byte = region_bytes(common);
	*byte = 3;
	ask = (CALLED(uintptr_t, uintptr_t))make_service("change", change);
	gate = make_gate(b.module, use_at_once);
	must_eq(enter(gate, W(byte)), 3 + 5 + 6);
	gate = make_gate(b.module, write_after);
	must_blame(enter_fault(b.module, gate, GRANT_READ, W(byte)),
		   MODISO_WRITE, byte, common);
	must_eq(*byte, 7);
	must_blame(enter_fault(b.module, gate, REVOKE, W(byte)), MODISO_WRITE,
		   byte, common);
	must_eq(*byte, 7);
	must_be(common, RW, 0, 0);
}
END_TEST

static atomic_uint *turn; /* in a region of the module's own */
static unsigned char *target;
static struct modiso_fault ended;

/* Reads until it is stopped by a fault. */
MODULE_CODE static uintptr_t read_on(atomic_uint *rounds,
				     volatile unsigned char *byte)
{
	for (;;) {
		(void)*byte;
		(*rounds)++;
	}
	return 0;
}

/* Waits inside until the rights are there. */
MODULE_CODE static uintptr_t wait_and_read(atomic_uint *state,
					   volatile unsigned char *byte)
{
	*state = 1;
	while (*state != 2)
		;
	return *byte;
}

static void *in_read_on(void *arg)
{
	ended = *enter_fault(b.module, arg, W(turn), W(target));
	return NULL;
}

static void *in_wait(void *arg)
{
	return (void *)enter(arg, W(turn), W(target));
}

static void make_turn(void)
{
	common = make_scene();
	target = region_bytes(common);
	turn = (atomic_uint *)region_bytes(make_region(b.module, PAGE, "turn"));
	*turn = 0;
	*target = 44;
}

static void await(unsigned value)
{
	while (atomic_load(turn) < value)
		sched_yield();
}

/* Another thread, in the middle of it. */
START_TEST(test_revoke_under)
{
	pthread_t thread;

	make_turn();
	expect(MODISO_OK, modiso_region_grant(common, b.module, RW));
	thread = thread_start(in_read_on, make_gate(b.module, read_on));
	await(10);
	expect(MODISO_OK, modiso_region_revoke(common, b.module));
	thread_join(thread);
	must_blame(&ended, MODISO_READ, target, common);
	must_be(common, RW, 0, 0);
}
END_TEST

START_TEST(test_less_under)
{
	struct modiso_gate *gate;
	unsigned before;
	pthread_t thread;

	make_turn();
	expect(MODISO_OK, modiso_region_grant(common, b.module, RW));
	gate = make_gate(b.module, read_on);
	thread = thread_start(in_read_on, gate);
	await(10);
	/* Reading goes on. */
	expect(MODISO_OK, modiso_region_grant(common, b.module, MODISO_READ));
	before = atomic_load(turn);
	await(before + 10);
	expect(MODISO_OK, modiso_region_grant(common, c.module, RW));
	before = atomic_load(turn);
	await(before + 10);
	expect(MODISO_OK, modiso_region_revoke(common, b.module));
	thread_join(thread);
	must_blame(&ended, MODISO_READ, target, common);
	must_be(common, RW, 0, RW);
}
END_TEST

START_TEST(test_grant_under)
{
	struct modiso_gate *gate;
	pthread_t thread;

	make_turn();
	gate = make_gate(b.module, wait_and_read);
	thread = thread_start(in_wait, gate);
	await(1);
	expect(MODISO_OK, modiso_region_grant(common, b.module, MODISO_READ));
	atomic_store(turn, 2);
	must_eq((uintptr_t)thread_join(thread), 44);
	must_be(common, RW, MODISO_READ, 0);
}
END_TEST

static atomic_bool stop_all;

/* What is not allowed just now is a fault, and nothing else happens. */
static void *use(void *arg)
{
	const struct actor *actor = arg;
	const uintptr_t words[] = {W(target), 9};
	int code;

	while (!atomic_load(&stop_all)) {
		code = modiso_gate_call(actor->load, words, 1, NULL);
		must(code == 0 || code == MODISO_ERR_FAULT ||
		     code == MODISO_ERR_NOKEY);
		code = modiso_gate_call(actor->store, words, 2, NULL);
		must(code == 0 || code == MODISO_ERR_FAULT ||
		     code == MODISO_ERR_NOKEY);
	}
	return NULL;
}

/* Rights may fail to change for want of a key: then they are as before. */
static uint32_t change_at_random(const struct actor *actor, uint32_t had,
				 uint32_t random)
{
	static const uint32_t rights[] = {0, MODISO_READ, RW};
	uint32_t next = rights[random % 3];
	int code = 0;

	if (next != 0)
		code = modiso_region_grant(common, actor->module, next);
	else if (had != 0)
		code = modiso_region_revoke(common, actor->module);
	must(code == 0 || code == MODISO_ERR_NOKEY);
	return code == 0 ? next : had;
}

START_TEST(test_threads)
{
	static struct actor *const users[] = {&a, &b, &c, &b};
	unsigned long rounds = run_times(300, 60);
	uint32_t of_b = 0, of_c = 0, random = 12345;
	pthread_t threads[4];
	int i;

	common = make_scene();
	target = region_bytes(common);
	for (i = 0; i < 4; i++)
		threads[i] = thread_start(use, users[i]);
	while (rounds--) {
		random = random * 1103515245u + 12345u;
		of_b = change_at_random(&b, of_b, random >> 16);
		of_c = change_at_random(&c, of_c, random >> 20);
	}
	atomic_store(&stop_all, true);
	for (i = 0; i < 4; i++)
		thread_join(threads[i]);
	must_be(common, RW, of_b, of_c);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("grant_threads");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_inside);
	add_test_but_tsan(tcase, test_revoke_under, HANDLER);
	add_test_but_tsan(tcase, test_less_under, HANDLER);
	add_test_but_tsan(tcase, test_grant_under, HANDLER);
	add_test_but_tsan(tcase, test_threads, HANDLER);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
