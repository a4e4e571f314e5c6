/* SPDX-License-Identifier: MIT */
/*
 * check_latch - a reader that is stopped behind any instruction while others
 * write, and one that comes behind any instruction of a writer, has what was
 * written as one.
 */
#include "support/proc.h"
#include "support/test.h"
#include "support/trap_flag.h"
#include "support/world.h"

#include "base/latch.h"

#include <signal.h>
#include <stdatomic.h>

struct words {
	uint64_t word[4];
};

static MDI_LATCH(struct words) latch;
static volatile unsigned steps, stop_at, writes, torn, seen[2];
static uint64_t written;

static struct words all(uint64_t value)
{
	return (struct words){{value, value, value, value}};
}

static bool is_one(const struct words *words)
{
	for (int i = 1; i < 4; i++)
		if (words->word[i] != words->word[0])
			return false;
	return true;
}

static void write_next(void)
{
	struct words next = all(++written);

	mdi_latch_set(&latch, &next);
}

static void set_up(void (*handler)(int signo))
{
	struct sigaction action = {.sa_handler = handler};

	must(!sigaction(SIGTRAP, &action, NULL));
	written = 0;
	write_next();
}

/* Others write so often while the reader stands behind that instruction. */
static void write_here(int signo)
{
	(void)signo;
	if (steps++ == stop_at)
		for (unsigned i = 0; i < writes; i++)
			write_next();
}

START_TEST(test_reader)
{
	struct words read;

	set_up(write_here);
	writes = (unsigned)_i;
	do {
		uint64_t before = written;

		steps = 0;
		trap_flag_set();
		mdi_latch_get(&latch, &read);
		trap_flag_clear();
		must(is_one(&read));
		must(read.word[0] >= before && read.word[0] <= written);
	} while (stop_at++ < steps);
	must(steps > 20);
}
END_TEST

static void read_here(int signo)
{
	struct words read;

	(void)signo;
	mdi_latch_get(&latch, &read);
	if (is_one(&read) && read.word[0] - 1 < 2)
		seen[read.word[0] - 1]++;
	else
		torn++;
}

START_TEST(test_writer)
{
	struct words second = all(2);

	set_up(read_here);
	trap_flag_set();
	mdi_latch_set(&latch, &second);
	trap_flag_clear();
	must_eq(torn, 0);
	must(seen[0] != 0 && seen[1] != 0);
}
END_TEST

/* Both at once on two CPUs: for the memory order, which no step shows. */
static atomic_bool done;

static void *keep_writing(void *unused)
{
	(void)unused;
	while (!atomic_load(&done))
		write_next();
	return NULL;
}

START_TEST(test_threads)
{
	pthread_t writer;
	struct words read;
	uint64_t last = 0;

	write_next();
	writer = thread_start(keep_writing, NULL);
	for (unsigned long n = run_times(1000000, 100000);
	     n != 0 || last < 1000; n -= n != 0) {
		mdi_latch_get(&latch, &read);
		must(is_one(&read));
		must(read.word[0] >= last);
		last = read.word[0];
	}
	atomic_store(&done, true);
	thread_join(writer);
}
END_TEST

static Suite *make_suite(void)
{
	static const char inside[] = "a step inside its own records hangs";
	Suite *suite = suite_create("latch");
	TCase *tcase = tcase_create("unit");

	add_loop_test_but_tsan(tcase, test_reader, 1, 5, inside);
	add_test_but_tsan(tcase, test_writer, inside);
	tcase_add_test(tcase, test_threads);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
