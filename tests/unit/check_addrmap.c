/* SPDX-License-Identifier: MIT */
/*
 * check_addrmap - which range holds an address: against a table with one entry
 * for each page, and beside a thread that changes it.
 */
#include "support/proc.h"
#include "support/test.h"
#include "support/world.h"

#include "core/addrmap.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES  ((uintptr_t)128)
#define ROUNDS 20000
#define BASE   ((uintptr_t)0x7f0000000000)

/* node[i] is in the table from page i on while it has a length. */
static struct mdi_addrnode node[PAGES];
static struct mdi_addrnode *holder[PAGES];

static uintptr_t address(uintptr_t page)
{
	return BASE + page * MDI_PAGE_SIZE;
}

static void insert(uintptr_t page, uintptr_t pages)
{
	uintptr_t i;

	node[page].base = address(page);
	node[page].end = address(page + pages);
	mdi_addrmap_insert(&node[page]);
	for (i = page; i < page + pages; i++)
		holder[i] = &node[page];
}

static void take_out(struct mdi_addrnode *old)
{
	uintptr_t i;

	mdi_addrmap_remove(old);
	for (i = 0; i < PAGES; i++)
		if (holder[i] == old)
			holder[i] = NULL;
}

/* The holder of a page, or the first one above it. */
static struct mdi_addrnode *next(uintptr_t page)
{
	while (page < PAGES && !holder[page])
		page++;
	return page < PAGES ? holder[page] : NULL;
}

/* The last one that is over before the page begins. */
static struct mdi_addrnode *last(uintptr_t page)
{
	const struct mdi_addrnode *here = holder[page];

	while (page > 0 && (!holder[page] || holder[page] == here))
		page--;
	return holder[page] != here ? holder[page] : NULL;
}

/* The first one that begins behind the page. */
static struct mdi_addrnode *first(uintptr_t page)
{
	const struct mdi_addrnode *here = holder[page];

	while (page < PAGES - 1 && (!holder[page] || holder[page] == here))
		page++;
	return holder[page] != here ? holder[page] : NULL;
}

static void compare_place(uintptr_t page)
{
	struct mdi_addrmap_place place;

	mdi_addrmap_find_place(address(page), &place);
	must_eq(place.at, holder[page]);
	must_eq(place.below, last(page));
	must_eq(place.above, first(page));
}

static void compare(void)
{
	uintptr_t i;

	for (i = 0; i < PAGES; i++) {
		must_eq(mdi_addrmap_find(address(i)), holder[i]);
		must_eq(mdi_addrmap_find(address(i + 1) - 1), holder[i]);
		must_eq(mdi_addrmap_find_next(address(i)), next(i));
		compare_place(i);
	}
}

static bool overlaps(uintptr_t page, uintptr_t pages)
{
	const struct mdi_addrnode *found = next(page);

	return found && found->base < address(page + pages);
}

START_TEST(test_empty)
{
	ck_assert_ptr_null(mdi_addrmap_find(0));
	ck_assert_ptr_null(mdi_addrmap_find_next(0));
	ck_assert_ptr_null(mdi_addrmap_overlap(0, UINTPTR_MAX));
}
END_TEST

START_TEST(test_edges)
{
	insert(3, 2);
	ck_assert_ptr_null(mdi_addrmap_find(address(3) - 1));
	ck_assert_ptr_eq(mdi_addrmap_find(address(3)), &node[3]);
	ck_assert_ptr_eq(mdi_addrmap_find(address(5) - 1), &node[3]);
	ck_assert_ptr_null(mdi_addrmap_find(address(5)));
	ck_assert_ptr_null(mdi_addrmap_find_next(address(5)));
	ck_assert_ptr_eq(mdi_addrmap_find_next(0), &node[3]);
	ck_assert_ptr_null(mdi_addrmap_overlap(address(1), address(3)));
	ck_assert_ptr_null(mdi_addrmap_overlap(address(5), address(9)));
	ck_assert_ptr_eq(mdi_addrmap_overlap(address(1), address(3) + 1),
			 &node[3]);
	ck_assert_ptr_eq(mdi_addrmap_overlap(address(5) - 1, address(9)),
			 &node[3]);
}
END_TEST

START_TEST(test_random)
{
	uintptr_t page, pages;
	int i;

	srand(1);
	for (i = 0; i < ROUNDS; i++) {
		page = (uintptr_t)rand() % PAGES;
		pages = 1 + (uintptr_t)rand() % 4;
		if (holder[page])
			take_out(holder[page]);
		else if (page + pages <= PAGES) {
			ck_assert((mdi_addrmap_overlap(address(page),
						       address(page + pages)) !=
				   NULL) == overlaps(page, pages));
			if (!overlaps(page, pages))
				insert(page, pages);
		}
		if (i % 16 == 0)
			compare();
	}
	compare();
}
END_TEST

/* One that is not there: nothing happens. */
START_TEST(test_remove_stranger)
{
	struct mdi_addrnode stranger = {address(3), address(4), NULL, NULL};

	mdi_addrmap_remove(&stranger);
	insert(2, 1);
	insert(9, 1);
	mdi_addrmap_remove(&stranger);
	compare();
	mdi_addrmap_reset();
	ck_assert_ptr_null(mdi_addrmap_find(address(2)));
}
END_TEST

/* A million in order of address: the tree must not become a list. */
START_TEST(test_in_order)
{
	const size_t count = 1000000;
	struct mdi_addrnode *many = calloc(count, sizeof(*many));
	size_t i;

	ck_assert_ptr_nonnull(many);
	for (i = 0; i < count; i++) {
		many[i].base = address(i);
		many[i].end = address(i + 1);
		mdi_addrmap_insert(&many[i]);
	}
	for (i = 0; i < count; i += 7)
		must_eq(mdi_addrmap_find(address(i) + 5), &many[i]);
	mdi_addrmap_reset();
	free(many);
}
END_TEST

/* --- readers beside a writer --- */

static uint32_t done, changes;

/* Odd pages come and go; even ones stay. */
static void *write_odd(void *arg)
{
	uintptr_t i;

	(void)arg;
	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		for (i = 1; i < PAGES; i += 2)
			mdi_addrmap_insert(&node[i]);
		for (i = 1; i < PAGES; i += 2)
			mdi_addrmap_remove(&node[i]);
		__atomic_fetch_add(&changes, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *read_even(void *arg)
{
	struct mdi_addrnode *found;
	uintptr_t i;

	(void)arg;
	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		for (i = 0; i < PAGES; i += 2) {
			/* A region that is there is never overlooked. */
			found = mdi_addrmap_find(address(i) + 1);
			if (found != &node[i])
				ck_abort_msg("%p, not %p", (void *)found,
					     (void *)&node[i]);
			found = mdi_addrmap_find(address(i + 1));
			if (found && found != &node[i + 1])
				ck_abort_msg("a neighbour's");
		}
	}
	return NULL;
}

START_TEST(test_readers)
{
	pthread_t reader[2], writer;
	uintptr_t i;

	for (i = 0; i < PAGES; i++) {
		node[i].base = address(i);
		node[i].end = address(i + 1);
		if (i % 2 == 0)
			mdi_addrmap_insert(&node[i]);
	}
	writer = thread_start(write_odd, NULL);
	for (i = 0; i < 2; i++)
		reader[i] = thread_start(read_even, NULL);
	while (__atomic_load_n(&changes, __ATOMIC_RELAXED) < 20000)
		sched_yield();
	__atomic_store_n(&done, 1, __ATOMIC_RELAXED);
	thread_join(writer);
	for (i = 0; i < 2; i++)
		thread_join(reader[i]);
}
END_TEST

/* --- a writer whose CPU is taken away in the midst of a change --- */

static struct mdi_addrnode *half;
static uint32_t half_way, go_on;
static pid_t reader_tid;

/* At the first write to the new node: there the writer stays. */
static void stay_half_way(int signo)
{
	(void)signo;
	__atomic_store_n(&half_way, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&go_on, __ATOMIC_ACQUIRE))
		sched_yield();
	if (mprotect(half, MDI_PAGE_SIZE, PROT_READ | PROT_WRITE))
		_exit(1);
}

static void *insert_half(void *unused)
{
	mdi_addrmap_insert(half);
	return unused;
}

static void *find_first(void *unused)
{
	(void)unused;
	__atomic_store_n(&reader_tid, proc_gettid(), __ATOMIC_RELEASE);
	return mdi_addrmap_find(address(0));
}

/* However long it takes, what is there is found. */
START_TEST(test_writer_stays)
{
	const struct sigaction action = {.sa_handler = stay_half_way};
	pthread_t writer, reader;

	insert(0, 1);
	half = (struct mdi_addrnode *)(void *)pages_map(
		1, PROT_READ | PROT_WRITE);
	half->base = address(1);
	half->end = address(2);
	must(!mprotect(half, MDI_PAGE_SIZE, PROT_READ));
	must(!sigaction(SIGSEGV, &action, NULL));
	writer = thread_start(insert_half, NULL);
	while (!__atomic_load_n(&half_way, __ATOMIC_ACQUIRE))
		sched_yield();
	reader = thread_start(find_first, NULL);
	while (!__atomic_load_n(&reader_tid, __ATOMIC_ACQUIRE))
		sched_yield();
	proc_wait_asleep(reader_tid);
	__atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
	must_eq(thread_join(reader), &node[0]);
	thread_join(writer);
	must_eq(mdi_addrmap_find(address(1)), half);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("addrmap");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_empty);
	tcase_add_test(tcase, test_edges);
	tcase_add_test(tcase, test_random);
	tcase_add_test(tcase, test_remove_stranger);
	tcase_add_test(tcase, test_in_order);
	tcase_add_test(tcase, test_readers);
	tcase_add_test(tcase, test_writer_stays);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
