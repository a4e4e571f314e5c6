/* SPDX-License-Identifier: MIT */
/*
 * contract_grant_keys - granted regions and the keys that there are: equal
 * rights share one, rights that are not in use give theirs up, and a thread
 * that the library does not know keeps none by it.
 */
#include "contract/actors.h"
#include "support/world.h"
#include "support/proc.h"
#include "support/stayer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static struct modiso_region *make_scene_with(uint32_t keys)
{
	struct modiso_options options = {.struct_size = sizeof(options),
					 .max_keys = keys};

	expect(MODISO_OK, modiso_init(&options));
	return make_actors();
}

START_TEST(test_equal_rights_share)
{
	struct modiso_region *one = make_scene(), *same, *less;

	same = make_region(a.module, PAGE, "same");
	less = make_region(a.module, PAGE, "less");
	expect(MODISO_OK, modiso_region_grant(one, b.module, RW));
	expect(MODISO_OK, modiso_region_grant(same, b.module, RW));
	expect(MODISO_OK, modiso_region_grant(less, b.module, MODISO_READ));
	enter(b.store, W(region_bytes(one)), 1);
	enter(b.store, W(region_bytes(same)), 1);
	must_eq(enter(b.load, W(region_bytes(less))), 0);
	must_blame(enter_fault(b.module, b.store, W(region_bytes(less)), 1),
		   MODISO_WRITE, region_bytes(less), less);
	if (on_pkey()) {
		must_eq(proc_key(region_bytes(one)),
			proc_key(region_bytes(same)));
		must(proc_key(region_bytes(one)) !=
		     proc_key(region_bytes(less)));
		must(proc_key(region_bytes(one)) != 0 &&
		     proc_key(region_bytes(less)) != 0);
	}
	must_be_clean();
}
END_TEST

/* Each region is its owner's, readable for the next, writable for the third. */
static void make_many(void)
{
	char name[16];
	int i;

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		make_actor(&many[i], name);
		regions[i] = make_region(many[i].module, PAGE, name);
	}
	for (i = 0; i < MANY; i++) {
		expect(MODISO_OK,
		       modiso_region_grant(regions[i],
					   many[(i + 1) % MANY].module,
					   MODISO_READ));
		expect(MODISO_OK,
		       modiso_region_grant(regions[i],
					   many[(i + 2) % MANY].module, RW));
	}
}

static void check_many(int i, int stranger)
{
	const struct actor *owner = &many[i], *reader = &many[(i + 1) % MANY],
			   *writer = &many[(i + 2) % MANY];
	unsigned char *byte = region_bytes(regions[i]);

	*byte = 0;
	enter(owner->store, W(byte), 1);
	must_eq(enter(reader->load, W(byte)), 1);
	enter(writer->store, W(byte), 2);
	must_eq(enter(owner->load, W(byte)), 2);
	must_blame(enter_fault(reader->module, reader->store, W(byte), 3),
		   MODISO_WRITE, byte, regions[i]);
	must_blame(enter_fault(many[stranger].module, many[stranger].load,
			       W(byte)),
		   MODISO_READ, byte, regions[i]);
	must_eq(*byte, 2);
}

/* More sets than keys, and each module needs four of them at a time. */
START_TEST(test_more_sets_than_keys)
{
	int round, i;

	world_start();
	make_many();
	for (round = 3; round < 6; round++)
		for (i = 0; i < MANY; i++)
			check_many(i, (i + round) % MANY);
	must_be_clean();
	for (i = 0; i < MANY; i++) {
		expect(MODISO_OK,
		       modiso_region_revoke(regions[i],
					    many[(i + 1) % MANY].module));
		expect(MODISO_OK,
		       modiso_region_revoke(regions[i],
					    many[(i + 2) % MANY].module));
	}
	must_be_clean();
	for (i = 0; i < MANY; i++)
		expect(MODISO_OK, modiso_module_destroy(many[i].module));
	world_stop();
}
END_TEST

/*
 * Two keys in all, one for modules: what a module may write goes there with it,
 * for what it may only read there is none.
 */
START_TEST(test_too_few_keys)
{
	struct modiso_region *region = make_scene_with(2);

	if (on_pkey()) {
		expect(MODISO_ERR_NOKEY,
		       modiso_region_grant(region, b.module, MODISO_READ));
		must_be(region, RW, 0, 0);
		expect(MODISO_OK, modiso_region_grant(region, b.module, RW));
		must_be(region, RW, RW, 0);
		expect(MODISO_ERR_NOKEY,
		       modiso_region_grant(region, c.module, MODISO_READ));
		must_be(region, RW, RW, 0);
		expect(MODISO_OK, modiso_region_grant(region, c.module, RW));
		must_be(region, RW, RW, RW);
		expect(MODISO_OK, modiso_region_revoke(region, b.module));
		must_be(region, RW, 0, RW);
		expect(MODISO_OK, modiso_region_revoke(region, c.module));
		must_be(region, RW, 0, 0);
	} else {
		through_all_rights(region, RW);
	}
	expect(MODISO_OK, modiso_module_destroy(a.module));
	expect(MODISO_OK, modiso_module_destroy(b.module));
	expect(MODISO_OK, modiso_module_destroy(c.module));
	world_stop();
}
END_TEST

/* As few as there can be with sets: they and the modules take turns. */
START_TEST(test_few_keys)
{
	struct modiso_region *region = make_scene_with(7);
	int round;

	for (round = 0; round < 3; round++)
		through_all_rights(region, RW);
	expect(MODISO_OK, modiso_region_grant(region, b.module, RW));
	for (round = 0; round < 8; round++) {
		struct actor *more = &many[round];

		make_actor(more, "more");
		must_have(more, region, 0);
		must_be(region, RW, RW, 0);
	}
}
END_TEST

MODISO_CALL static uintptr_t revoke_and_enter_all(uintptr_t unused)
{
	(void)unused;
	expect(MODISO_OK, modiso_region_revoke(common, b.module));
	for (int i = 0; i < MANY; i++)
		enter(many[i].store, W(region_bytes(regions[i])), 1);
	return 0;
}

MODULE_CODE static uintptr_t spoil(volatile unsigned char *granted,
				   volatile unsigned char *foreign)
{
	*granted = 1;
	ask(0);
	*foreign = 2;
	return 0;
}

/*
 * The key of a set that ended is nobody's while a thread has its rights: every
 * other module is entered meanwhile, and takes a key.
 */
START_TEST(test_no_rights_left_over)
{
	struct modiso_gate *gate;
	unsigned char *byte;
	int i;

	common = make_scene();
	for (i = 0; i < MANY; i++) {
		make_actor(&many[i], "more");
		regions[i] = make_region(many[i].module, PAGE, "theirs");
	}
	ask = (CALLED(uintptr_t, uintptr_t))make_service("revoke",
							revoke_and_enter_all);
	gate = make_gate(b.module, spoil);
	for (i = 0; i < MANY; i++) {
		byte = region_bytes(regions[i]);
		expect(MODISO_OK, modiso_region_grant(common, b.module, RW));
		must_blame(enter_fault(b.module, gate, W(region_bytes(common)),
				       W(byte)),
			   MODISO_WRITE, byte, regions[i]);
		must_eq(*byte, 1);
	}
	must_be_clean();
}
END_TEST

enum { REVOKED, ENDED, WAYS };

/* The thread looks until its module has no rights any more. */
static void look_until(void *way)
{
	static pthread_t thread;

	common = make_scene();
	expect(MODISO_OK, modiso_region_grant(common, b.module, MODISO_READ));
	expect(MODISO_OK, modiso_region_grant(common, c.module, RW));
	must_have(&b, common, MODISO_READ);
	must_eq(enter(make_gate(b.module, leave_looker), W(&thread),
		      W(region_bytes(common))),
		0);
	ask_for_look();
	if (*(int *)way == REVOKED)
		expect(MODISO_OK, modiso_region_revoke(common, b.module));
	else
		expect(MODISO_OK, modiso_module_destroy(b.module));
	must_have(&a, common, RW);
	must_have(&c, common, RW);
	atomic_fetch_add(&wanted_looks, 1);
	atomic_store(&look_no_more, true);
	thread_join(thread); /* its fault ends it, or all */
	must_eq(atomic_load(&looks), 1);
	exit(*(int *)way == REVOKED ? 3 : 4);
}

START_TEST(test_thread_of_module)
{
	char text[1024];
	int status = child_output(look_until, &_i, text, sizeof(text));

	if (_i == REVOKED)
		must_exit(status, 3);
	else
		must_die(status, SIGSEGV);
}
END_TEST

/* The key of a set that such a thread knows becomes nobody else's. */
START_TEST(test_key_of_set_kept)
{
	static pthread_t thread;
	int key, i;

	common = make_scene();
	expect(MODISO_OK, modiso_region_grant(common, b.module, MODISO_READ));
	must_have(&b, common, MODISO_READ);
	must_eq(enter(make_gate(b.module, leave_looker), W(&thread),
		      W(region_bytes(common))),
		0);
	ask_for_look();
	key = proc_key(region_bytes(common));
	if (_i == REVOKED)
		expect(MODISO_OK, modiso_region_revoke(common, b.module));
	else
		expect(MODISO_OK, modiso_module_destroy(b.module));
	for (i = 0; i < MANY; i++) {
		make_actor(&many[i], "more");
		regions[i] = make_region(many[i].module, PAGE, "theirs");
		enter(many[i].store, W(region_bytes(regions[i])), 1);
		must(proc_key(region_bytes(regions[i])) != key);
	}
	must_be_clean();
	atomic_store(&look_no_more, true);
	thread_join(thread);
}
END_TEST

/*
 * A thread stays in a module whose region is shared with one module after the
 * other: it has rights that nobody else has any more, and they keep one key.
 */
START_TEST(test_shared_in_turn)
{
	pthread_t thread;

	common = make_scene();
	thread = stayer_start(a.module);
	for (unsigned i = 0; i < MANY; i++) {
		struct actor *next = &many[i];

		make_actor(next, "next");
		expect(MODISO_OK, modiso_region_grant(common, next->module,
						      _i ? MODISO_READ : RW));
		must_eq(enter(next->load, W(region_bytes(common))), i);
		if (_i)
			must_blame(enter_fault(next->module, next->store,
					       W(region_bytes(common)), 1),
				   MODISO_WRITE, region_bytes(common), common);
		else
			enter(next->store, W(region_bytes(common)), i);
		region_bytes(common)[0] = (unsigned char)(i + 1);
		expect(MODISO_OK, modiso_region_revoke(common, next->module));
		must_blame(enter_fault(next->module, next->load,
				       W(region_bytes(common))),
			   MODISO_READ, region_bytes(common), common);
		expect(MODISO_OK, modiso_module_destroy(next->module));
	}
	must_have(&b, common, 0);
	must_be_clean();
	stayers_leave();
	thread_join(thread);
}
END_TEST

/*
 * The same for a thread that stays in the partner, whose rights go or become
 * less: the next set has another key than the one that it may have open.
 */
START_TEST(test_rights_not_inherited)
{
	pthread_t thread;
	int key;

	common = make_scene();
	expect(MODISO_OK, modiso_region_grant(common, b.module, RW));
	must_have(&b, common, RW);
	thread = stayer_start(b.module);
	key = proc_key(region_bytes(common));
	expect(MODISO_OK, modiso_region_revoke(common, b.module));
	expect(MODISO_OK,
	       modiso_region_grant(common, _i ? b.module : c.module,
				   _i ? MODISO_READ : RW));
	if (!_i)
		enter(c.store, W(region_bytes(common)), 1);
	enter(a.store, W(region_bytes(common)), 2);
	must(proc_key(region_bytes(common)) != key);
	must_have(&b, common, _i ? MODISO_READ : 0);
	must_be_clean();
	stayers_leave();
	thread_join(thread);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("grant_keys");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_equal_rights_share);
	tcase_add_test(tcase, test_more_sets_than_keys);
	tcase_add_test(tcase, test_too_few_keys);
	tcase_add_test(tcase, test_few_keys);
	tcase_add_test(tcase, test_no_rights_left_over);
	if (on_pkey()) {
		/* Without keys the others wait for the one that stays. */
		tcase_add_loop_test(tcase, test_shared_in_turn, 0, 2);
		tcase_add_loop_test(tcase, test_rights_not_inherited, 0, 2);
		tcase_add_loop_test(tcase, test_thread_of_module, 0, WAYS);
		add_loop_test_but_tsan(tcase, test_key_of_set_kept, 0, WAYS,
				       "a thread of its own");
	}
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
