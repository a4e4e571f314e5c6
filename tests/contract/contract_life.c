/* SPDX-License-Identifier: MIT */
/*
 * contract_life - the library begins and ends beside threads that begin and
 * end it as well, and beside threads that fork.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include "front/state.h"
#include "os/linux/actions.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8

static pthread_barrier_t barrier;
static atomic_int succeeded;
static const struct modiso_options shared = {
	.struct_size = sizeof(shared),
	.flags = MODISO_INIT_SHARED,
};

/* --- at once --- */

static void *begin_alone(void *unused)
{
	int result;

	pthread_barrier_wait(&barrier);
	result = modiso_init(NULL);
	if (result == MODISO_OK)
		atomic_fetch_add(&succeeded, 1);
	else
		must_eq(result, MODISO_ERR_STATE);
	/* Whoever has started it: it is there for all. */
	expect(MODISO_OK, modiso_module_destroy(make_module("module")));
	return unused;
}

static void *end_alone(void *unused)
{
	int result;

	pthread_barrier_wait(&barrier);
	result = modiso_fini();
	if (result == MODISO_OK)
		atomic_fetch_add(&succeeded, 1);
	else
		must_eq(result, MODISO_ERR_STATE);
	return unused;
}

static int run_all(void *(*body)(void *arg))
{
	pthread_t threads[THREADS];

	atomic_store(&succeeded, 0);
	must(!pthread_barrier_init(&barrier, NULL, THREADS));
	for (int i = 0; i < THREADS; i++)
		threads[i] = thread_start(body, NULL);
	for (int i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	must(!pthread_barrier_destroy(&barrier));
	return atomic_load(&succeeded);
}

START_TEST(test_at_once)
{
	unsigned long rounds = run_times(40, 5);

	while (rounds-- > 0) {
		must_eq(run_all(begin_alone), 1);
		must_eq(run_all(end_alone), 1);
	}
}
END_TEST

static void *begin_shared(void *unused)
{
	pthread_barrier_wait(&barrier);
	expect(MODISO_OK, modiso_init(&shared));
	atomic_fetch_add(&succeeded, 1);
	return unused;
}

static void *use_shared(void *unused)
{
	struct modiso_module *module = make_module("module");

	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	expect(MODISO_OK, modiso_module_destroy(module));
	pthread_barrier_wait(&barrier);
	expect(MODISO_OK, modiso_fini());
	atomic_fetch_add(&succeeded, 1);
	return unused;
}

/* Threads that have entered modules are detached when the last user goes. */
static void *use_and_leave(void *unused)
{
	struct modiso_module *module = make_module("module");

	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_thread_detach());
	pthread_barrier_wait(&barrier);
	expect(MODISO_OK, modiso_fini());
	atomic_fetch_add(&succeeded, 1);
	return unused;
}

START_TEST(test_shared_at_once)
{
	unsigned long rounds = run_times(40, 5);

	while (rounds-- > 0) {
		must_eq(run_all(begin_shared), THREADS);
		must_eq(run_all(use_and_leave), THREADS);
		expect(MODISO_ERR_STATE, modiso_fini());
	}
	must_eq(run_all(begin_shared), THREADS);
	expect(MODISO_OK, modiso_init(&shared));
	must_eq(run_all(use_shared), THREADS);
	expect(MODISO_OK, modiso_fini());
	expect(MODISO_ERR_STATE, modiso_fini());
}
END_TEST

/* --- beside code that knows nothing of it --- */

static atomic_bool asked_enough;
static atomic_ulong asked;

static void first(int signo)
{
	(void)signo;
}

static void second(int signo)
{
	(void)signo;
}

/* Its handlers are its own each time, whoever stands in front of them. */
static void *ask_all_the_time(void *unused)
{
	static const int signals[] = { SIGUSR1, SIGURG, SIGSEGV };
	struct sigaction one = { .sa_handler = first };
	struct sigaction two = { .sa_handler = second };
	struct sigaction old;
	stack_t stack;

	for (int i = 0; i < 3; i++)
		must_eq(sigaction(signals[i], &one, NULL), 0);
	while (!atomic_load(&asked_enough)) {
		for (int i = 0; i < 3; i++) {
			must_eq(sigaction(signals[i], &two, &old), 0);
			must(old.sa_handler == first);
			must_eq(sigaction(signals[i], &one, &old), 0);
			must(old.sa_handler == second);
		}
		must_eq(sigaltstack(NULL, &stack), 0);
		must(modiso_backend_current() >= MODISO_BACKEND_AUTO);
		atomic_fetch_add(&asked, 1);
	}
	for (int i = 0; i < 3; i++) {
		must_eq(sigaction(signals[i], NULL, &old), 0);
		must(old.sa_handler == first);
	}
	return unused;
}

START_TEST(test_handlers_meanwhile)
{
	unsigned long rounds = run_times(1000, 20), before;
	pthread_t thread = thread_start(ask_all_the_time, NULL);

	for (unsigned long i = 0; i < rounds; i++) {
		before = atomic_load(&asked);
		expect(MODISO_OK, modiso_init(NULL));
		expect(MODISO_OK, modiso_fini());
		while (atomic_load(&asked) == before)
			sched_yield();
	}
	atomic_store(&asked_enough, true);
	thread_join(thread);
}
END_TEST

/* --- shared --- */

static void must_say(const char *word)
{
	if (!strstr(modiso_last_error_text(), word))
		ck_abort_msg("no %s in \"%s\"", word, modiso_last_error_text());
}

START_TEST(test_shared)
{
	struct modiso_module *module;

	expect(MODISO_OK, modiso_init(&shared));
	module = make_module("module");
	expect(MODISO_OK, modiso_init(&shared));
	expect(MODISO_ERR_STATE, modiso_init(NULL));
	/* One user goes, and what another one has stays. */
	expect(MODISO_OK, modiso_fini());
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	expect(MODISO_ERR_BUSY, modiso_fini());
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_fini());
	expect(MODISO_ERR_STATE, modiso_fini());
	must_eq(modiso_backend_current(), MODISO_BACKEND_AUTO);
}
END_TEST

START_TEST(test_not_shared)
{
	expect(MODISO_OK, modiso_init(NULL));
	expect(MODISO_ERR_STATE, modiso_init(&shared));
	must_say("MODISO_INIT_SHARED");
	expect(MODISO_OK, modiso_fini());
	expect(MODISO_ERR_STATE, modiso_fini());
}
END_TEST

/* Who asks for a fault's stack must not be without. */
START_TEST(test_without_stacks)
{
	struct modiso_options less = shared;

	less.flags |= MODISO_INIT_NO_STACKS;
	expect(MODISO_OK, modiso_init(&shared));
	expect(MODISO_OK, modiso_init(&less));
	expect(MODISO_OK, modiso_fini());
	expect(MODISO_OK, modiso_fini());
	expect(MODISO_OK, modiso_init(&less));
	expect(MODISO_ERR_STATE, modiso_init(&shared));
	must_say("flags 3, not 1");
	expect(MODISO_OK, modiso_fini());
}
END_TEST

/* What is asked for must be what there is; the refusal says what is not. */
START_TEST(test_other_options)
{
	struct modiso_options first = shared, second;
	struct modiso_backend_info info = { .struct_size = sizeof(info) };

	first.max_keys = 7;
	first.max_threads = 100;
	first.key_wait_ms = 5;
	expect(MODISO_OK, modiso_init(&first));
	second = first;
	second.max_keys = 8;
	expect(MODISO_ERR_STATE, modiso_init(&second));
	must_say("max_keys 7, not 8");
	second = first;
	second.max_threads = 0;
	expect(MODISO_ERR_STATE, modiso_init(&second));
	must_say("max_threads 100, not 0");
	second = first;
	second.key_wait_ms = 6;
	expect(MODISO_ERR_STATE, modiso_init(&second));
	must_say("key_wait_ms 5, not 6");
	second = first;
	second.exclusion = MODISO_EXCLUSION_EXTERNAL;
	expect(MODISO_ERR_STATE, modiso_init(&second));
	must_say("exclusion 0, not 1");
	second = first;
	second.backend = on_pkey() ? MODISO_BACKEND_MPROTECT :
				     MODISO_BACKEND_PKEY;
	expect(MODISO_ERR_STATE, modiso_init(&second));
	must_say("backend");
	expect(MODISO_OK,
	       modiso_backend_query(modiso_backend_current(), &info));
	second = first;
	second.require = on_pkey() ? info.caps : MODISO_CAP_PER_THREAD;
	if (on_pkey()) {
		expect(MODISO_OK, modiso_init(&second));
		expect(MODISO_OK, modiso_fini());
	} else {
		expect(MODISO_ERR_STATE, modiso_init(&second));
		must_say("capabilities");
	}
	/* The first one could take any backend; the second names it. */
	second = first;
	second.backend = modiso_backend_current();
	expect(MODISO_OK, modiso_init(&second));
	expect(MODISO_OK, modiso_fini());
	expect(MODISO_OK, modiso_fini());
	expect(MODISO_ERR_STATE, modiso_fini());
}
END_TEST

static void child_of_two(void *unused)
{
	(void)unused;
	expect(MODISO_OK, modiso_fini());
	expect(MODISO_OK, modiso_module_destroy(make_module("module")));
	expect(MODISO_OK, modiso_fini());
	expect(MODISO_ERR_STATE, modiso_fini());
}

START_TEST(test_shared_fork)
{
	expect(MODISO_OK, modiso_init(&shared));
	expect(MODISO_OK, modiso_init(&shared));
	must_exit(child_status(child_of_two, NULL), 0);
	child_of_two(NULL);
}
END_TEST

/* --- beside fork --- */

static void child_lives(void *unused)
{
	int result = modiso_init(NULL);

	(void)unused;
	must(result == MODISO_OK || result == MODISO_ERR_STATE);
	expect(MODISO_OK, modiso_module_destroy(make_module("module")));
	expect(MODISO_OK, modiso_fini());
	world_start();
	must_eq(enter(make_gate(make_module("module"), module_add_one), 1), 2);
}

/* One fork for each round, a little later in it each time. */
static void *fork_on(void *rounds)
{
	for (size_t i = 0; i < (size_t)rounds; i++) {
		pthread_barrier_wait(&barrier);
		for (volatile size_t spin = i * 200; spin > 0;)
			spin = spin - 1;
		must_exit(child_status(child_lives, NULL), 0);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

/* A fork between any two steps of the library's life: its child has one. */
START_TEST(test_lives_beside_fork)
{
	size_t rounds = run_times(500, 40);
	pthread_t thread;

	must(!pthread_barrier_init(&barrier, NULL, 2));
	thread = thread_start(fork_on, (void *)rounds);
	for (size_t i = 0; i < rounds; i++) {
		pthread_barrier_wait(&barrier);
		for (int life = 0; life < 3; life++) {
			world_start();
			world_stop();
		}
		pthread_barrier_wait(&barrier);
	}
	thread_join(thread);
}
END_TEST

/* --- beside a thread that has a lock --- */

static struct modiso_module *module;
static atomic_int registrations, slow, go_on;

/* In place of the library's: as slow as a program's own can be. */
void __jit_debug_register_code(void);
void __jit_debug_register_code(void)
{
	atomic_fetch_add(&registrations, 1);
	while (atomic_load(&slow) && !atomic_load(&go_on))
		usleep(100);
}

static void *load_image(void *unused)
{
	struct modiso_image_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_IMAGE_DEBUGGER,
	};
	struct modiso_image *image;

	expect(MODISO_OK, modiso_image_load(module, "modules/count-gcc.so",
					    &options, &image));
	return unused;
}

static void child_loads(void *unused)
{
	atomic_store(&slow, 0);
	expect(MODISO_OK, modiso_module_destroy(module));
	module = make_module("child's");
	load_image(unused);
	must_eq(atomic_load(&registrations), 3); /* one went, with the module */
	expect(MODISO_OK, modiso_module_destroy(module));
	must_eq(atomic_load(&registrations), 4);
}

START_TEST(test_fork_beside_debugger)
{
	pthread_t thread;

	module = world_module();
	if (access("modules/count-gcc.so", R_OK))
		test_skip("modules", "no module was compiled by gcc");
	atomic_store(&slow, 1);
	thread = thread_start(load_image, NULL);
	while (atomic_load(&registrations) == 0)
		usleep(100);
	must_exit(child_status(child_loads, NULL), 0);
	atomic_store(&go_on, 1);
	thread_join(thread);
	expect(MODISO_OK, modiso_module_destroy(module));
	must_eq(atomic_load(&registrations), 2);
}
END_TEST

static void *wait_for_end(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void child_cancels(void *unused)
{
	pthread_t thread = thread_start(wait_for_end, unused);

	must(!pthread_cancel(thread));
	must_eq(thread_join(thread), PTHREAD_CANCELED);
}

static void *have_locks(void *unused)
{
	uint64_t mask;

	mdi_lock(&mdi_front_state.cancel);
	mask = mdi_actions_lock();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	mdi_actions_unlock(mask);
	mdi_unlock(&mdi_front_state.cancel);
	return unused;
}

/* Locks that fork(2) does not take: who had them is not in the child. */
START_TEST(test_fork_beside_locks)
{
	pthread_t thread;

	module = world_module();
	must(!pthread_barrier_init(&barrier, NULL, 2));
	thread = thread_start(have_locks, NULL);
	pthread_barrier_wait(&barrier);
	must_exit(child_status(child_cancels, NULL), 0);
	pthread_barrier_wait(&barrier);
	thread_join(thread);
	child_cancels(NULL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("life");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_at_once);
	tcase_add_test(tcase, test_shared_at_once);
	tcase_add_test(tcase, test_handlers_meanwhile);
	tcase_add_test(tcase, test_shared);
	tcase_add_test(tcase, test_not_shared);
	tcase_add_test(tcase, test_without_stacks);
	tcase_add_test(tcase, test_other_options);
	tcase_add_test(tcase, test_shared_fork);
	add_test_but_tsan(tcase, test_lives_beside_fork,
			  "no threads in the child of a fork beside threads");
	add_test_but_tsan(tcase, test_fork_beside_debugger,
			  "no threads in the child of a fork beside threads");
	add_test_but_tsan(tcase, test_fork_beside_locks,
			  "no threads in the child of a fork beside threads");
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
