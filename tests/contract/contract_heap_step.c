/* SPDX-License-Identifier: MIT */
/*
 * contract_heap_step - a handler of the host's at each instruction of what
 * modiso-cc --heap makes of malloc(): no lock that a thread could leave taken.
 */
#include "contract/heap_image.h"
#include "support/proc.h"
#include "support/step.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static int compiler;
static struct modiso_image_info *place; /* the tracer asks as well */
static atomic_uint handled;
static sigjmp_buf way_out;
static bool jumps;

/* Where each round takes long, those of each eighth address. */
static bool in_image(uintptr_t pc)
{
	return pc - (uintptr_t)place->start < place->length &&
	       (!emulated() || pc % 8 == 0);
}

static void handle(int signo)
{
	(void)signo;
	atomic_fetch_add(&handled, 1);
	if (jumps)
		siglongjmp(way_out, 1);
	must_eq(enter(churn, 30, 9, 1024), 0);
}

static void set_scene(void)
{
	struct sigaction action = {.sa_handler = handle};

	heap_image_begin(compiler, HEAP);
	place->struct_size = sizeof(*place);
	expect(MODISO_OK, modiso_image_get_info(image, place));
	must_eq(enter(churn, 30, 1, 1024), 0);
	expect(MODISO_OK, modiso_snapshot_take(module));
	must_eq(sigaction(SIGUSR1, &action, NULL), 0);
}

/*
 * The same state each time. Of these blocks each fourth begins at a page, and
 * takes all others back with it: so each way is gone.
 */
static void round_of_pairs(void)
{
	expect(MODISO_OK, modiso_snapshot_restore(module));
	if (sigsetjmp(way_out, 1) == 0) {
		step_begin();
		enter(pairs, 6, 1024);
	}
	step_end();
}

/* Whatever a call had in its hands is lost, and nothing else. */
static void check_round(unsigned sent, bool stepped)
{
	uint64_t before = info_of(module).blocks;

	(void)stepped;
	must_eq(atomic_load(&handled), sent);
	must_eq(info_of(module).refused, 0);
	must_eq(enter(churn, 200, 2, 1024), 0);
	must_eq(info_of(module).refused, 0);
	/* All that waits goes back to the host. */
	must_eq(enter(take, HEAP + 1), 0);
	must(info_of(module).blocks <= (jumps ? 33 : 0));
	must(before >= info_of(module).blocks);
}

/* What is stepped through is the same code in a module of either compiler. */
static void step_through(bool leaving, const char *name)
{
	const struct step_plan plan = {
		.name = name, .setup = set_scene, .round = round_of_pairs,
		.check = check_round, .signo = SIGUSR1, .wanted = in_image,
		.only = true, .stride = emulated() ? 29 : 1,
	};
	struct step_count count;

	compiler = access("modules/heap-gcc.so", R_OK) == 0 ? 0 : 1;
	(void)heap_image_path(compiler);
	place = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(place != MAP_FAILED);
	jumps = leaving;
	count = step_run(&plan);
	must(count.points > 10);
}

START_TEST(test_interrupted)
{
	step_through(false, "heap, in the module");
}
END_TEST

/* The call never comes back. */
START_TEST(test_abandoned)
{
	step_through(true, "heap, left in the module");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("heap_step");
	TCase *tcase = tcase_create("heap");

	add_test_but_tsan(tcase, test_interrupted, "a round is 200000 steps");
	add_test_but_tsan(tcase, test_abandoned, "a round is 200000 steps");
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
