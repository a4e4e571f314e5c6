/* SPDX-License-Identifier: MIT */
/*
 * contract_tls - modules with thread-local storage of their own: variables of
 * every model, their first values, a stack protector at %fs:0x28, for each
 * thread, at each level. What the host has in FS is its own again behind each
 * gate, service, signal and fault.
 */
#include "contract/trace.h"
#include "support/world.h"
#include "support/proc.h"

#include "backend/backend.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static const char *const compilers[] = {"gcc", "clang"};
static const char *const files[] = {"tls", "tls_program"};
static const uint32_t levels[] = {
	MODISO_CONFINE_GUARD,
	MODISO_CONFINE_READONLY,
	MODISO_CONFINE_SEALED,
};
/* Every file at every level, by one compiler and then by the other one. */
#define SCENES 12

/* What start() of modules/tls.c does. */
enum { BEGIN, ADD, SMASH, ERROR, POINTER, SELECTOR, WRITE_BLOCK, LOAD, STAY };

static const char *compiler;
static bool program; /* no service is called from it */
static struct modiso_module *module;
static struct modiso_service *noter;
static struct modiso_image *image;
static struct modiso_gate *gate;
static uintptr_t host_pointer;
static _Thread_local volatile long host_local = 77;
static long (*volatile on_note)(long event);

static uintptr_t thread_pointer(void)
{
	return W(__builtin_thread_pointer());
}

static long note(long event)
{
	int was = errno;

	must_eq(thread_pointer(), host_pointer);
	errno = 5;
	event = on_note != NULL ? on_note(event) : host_local + event;
	must_eq(errno, 5);
	errno = was;
	return event;
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "modules/%s-%s.so", name, compiler);
	if (access(path, R_OK) != 0)
		test_skip(compiler, "the tests were built without it");
	return path;
}

static uint32_t time_limit; /* of the module */

static struct modiso_module *make_level(uint32_t level)
{
	const struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = level,
		.time_limit_ms = time_limit,
	};
	struct modiso_module *made = NULL;

	if (level != MODISO_CONFINE_GUARD && !on_pkey())
		test_skip("READONLY, SEALED", "they need protection keys");
	expect(MODISO_OK, modiso_module_create("tls", &options, &made));
	return made;
}

static int load(const char *name, struct modiso_image **out)
{
	const struct modiso_export exports[] = {{"note", noter}};
	const struct modiso_image_options options = {
		.struct_size = sizeof(options),
		.exports = exports,
		.export_count = 1,
	};

	return modiso_image_load(module, path_of(name), &options, out);
}

static void open_gate(uint32_t flags)
{
	const struct modiso_gate_options options = {
		.struct_size = sizeof(options),
		.word_args = 2,
		.flags = flags,
	};

	expect(MODISO_OK, modiso_image_gate(image, program ? NULL : "start",
					    &options, &gate));
}

static void begin_file(const char *name, int which, uint32_t level)
{
	compiler = compilers[which];
	program = strcmp(name, "tls_program") == 0;
	world_start();
	module = make_level(level);
	expect(MODISO_OK,
	       modiso_service_create("note", (modiso_fn)note, NULL, &noter));
	expect(MODISO_OK, load(name, &image));
	open_gate(0);
	host_pointer = thread_pointer();
}

static void begin(int scene)
{
	begin_file(files[scene % 2], scene / 6, levels[scene / 2 % 3]);
}

static void finish(void)
{
	must_eq(thread_pointer(), host_pointer);
	must_eq(host_local, 77);
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_service_destroy(noter));
	world_stop();
}

START_TEST(variables)
{
	begin(_i);
	must_eq((int)enter(gate, BEGIN, 0), 1);
	must_eq((int)enter(gate, ADD, 1), 11 + 21 + 22 + 31 + 4);
	must_eq((int)enter(gate, ADD, 0), 11 + 21 + 22 + 31 + 4);
	must_eq((int)enter(gate, BEGIN, 0), 0);
	must(enter(gate, POINTER, 0) != host_pointer);
	must_eq(enter(gate, POINTER, 0) % 64, 0);
	finish();
}
END_TEST

/* One that scrubs has another way in and out. */
START_TEST(scrubbed)
{
	begin(_i);
	open_gate(MODISO_GATE_SCRUB);
	must_eq((int)enter(gate, BEGIN, 0), 1);
	if (!program)
		must_eq((int)enter(gate, ERROR, 9), (77 + 9) * 1000 + 9);
	must_eq((int)enter(gate, ADD, 1), 11 + 21 + 22 + 31 + 4);
	finish();
}
END_TEST

/* errno of the module is one, and the host's is another one. */
START_TEST(services)
{
	begin(_i);
	must_eq((int)enter(gate, ERROR, 9), program ? 9009 : 86009);
	finish();
}
END_TEST

START_TEST(protector)
{
	const struct modiso_fault *fault;

	begin(_i);
	must_eq(enter(gate, SMASH, 8), 'x');
	fault = enter_fault(module, gate, SMASH, 40);
	must_eq(fault->kind, MODISO_FAULT_ILLEGAL);
	must_eq(thread_pointer(), host_pointer);
	/* A call that ended so leaves the next one what it needs. */
	must_eq((int)enter(gate, BEGIN, 0), 1);
	finish();
}
END_TEST

static void *thread_main(void *arg)
{
	long mine = (long)(intptr_t)arg;
	uintptr_t was = thread_pointer();

	must_eq((int)enter(gate, BEGIN, 0), 1);
	for (long i = 1; i <= 200; i++) {
		must_eq((int)enter(gate, ADD, mine), 85 + 4 * mine * i);
		must_eq(thread_pointer(), was);
	}
	return (void *)enter(gate, POINTER, 0);
}

/* Each thread has values of its own, and a new one the first ones. */
START_TEST(threads)
{
	pthread_t thread[4];
	void *pointer[4];
	struct modiso_region_info info = {.struct_size = sizeof(info)};

	begin(_i);
	must_eq((int)enter(gate, ADD, 1000), 85 + 4000);
	for (intptr_t i = 0; i < 4; i++)
		must_eq(pthread_create(&thread[i], NULL, thread_main,
				       (void *)(i + 1)), 0);
	for (int i = 0; i < 4; i++)
		must_eq(pthread_join(thread[i], &pointer[i]), 0);
	must_eq((int)enter(gate, ADD, 0), 85 + 4000);
	/* What a thread leaves stays until the next one comes. */
	expect(MODISO_OK, modiso_region_find(pointer[0], &info));
	must_str(info.name, "thread-local storage");
	must_eq(pthread_create(&thread[0], NULL, thread_main, (void *)7), 0);
	must_eq(pthread_join(thread[0], &pointer[0]), 0);
	finish();
}
END_TEST

static struct modiso_gate *nested;

static long call_again(long event)
{
	if (event == 1)
		event = enter(gate, ADD, 10);
	else
		must_eq(enter(nested, 5), 6);
	errno = 5; /* enter() marks it */
	return event;
}

/* A call in a service of the same module, and one of another without TLS. */
START_TEST(nest)
{
	struct modiso_module *other;

	begin_file("tls", _i, MODISO_CONFINE_GUARD);
	other = make_module("other");
	nested = make_gate(other, module_add_one);
	on_note = call_again;
	must_eq((int)enter(gate, ERROR, 1), (85 + 40) * 1000 + 1);
	must_eq((int)enter(gate, ERROR, 2), 2 * 1000 + 2);
	must_eq((int)enter(gate, ADD, 0), 85 + 40);
	expect(MODISO_OK, modiso_module_destroy(other));
	finish();
}
END_TEST

static volatile sig_atomic_t handled;

static void on_signal(int signo)
{
	(void)signo;
	handled += thread_pointer() == host_pointer && host_local == 77;
	handled += enter(nested, 1) == 2;
}

static long raise_one(long event)
{
	raise(SIGUSR1);
	return event;
}

/* Handlers run with the host's, here in a service: contract_tls_step has all */
START_TEST(handlers)
{
	const struct sigaction action = {.sa_handler = on_signal};
	struct modiso_module *other;

	begin_file("tls", _i, MODISO_CONFINE_GUARD);
	other = make_module("other");
	nested = make_gate(other, module_add_one);
	must_eq(sigaction(SIGUSR1, &action, NULL), 0);
	on_note = raise_one;
	handled = 0;
	must_eq((int)enter(gate, ERROR, 1), 1001);
	must_eq(handled, 2);
	expect(MODISO_OK, modiso_module_destroy(other));
	finish();
}
END_TEST

/* A signal in its own code, whenever it comes; and a landing from there. */
START_TEST(limited)
{
	time_limit = 5;
	begin(_i);
	must_eq(enter_fault(module, gate, STAY, 0)->kind, MODISO_FAULT_TIMEOUT);
	must_eq(thread_pointer(), host_pointer);
	must((int)enter(gate, ADD, 0) >= 85);
	finish();
}
END_TEST

static void fault_on_strange_stack(void *unused)
{
	static unsigned char room[65536] __attribute__((aligned(16)));
	const stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)};

	(void)unused;
	must_eq(syscall(SYS_sigaltstack, &stack, NULL), 0);
	/* Not another one, of a handler that had the module's variables. */
	must_eq(enter_fault(module, gate, LOAD, 8)->address, 8);
	must_eq(thread_pointer(), host_pointer);
	must_eq((int)enter(gate, ADD, 0), 85);
}

/* With a signal stack of the program's own; and in a child, a new thread. */
START_TEST(strange_stack)
{
	begin(_i);
	must_eq((int)enter(gate, ADD, 0), 85);
	/* Where the kernel writes there with the module's rights it cannot. */
	if (mdi_open.state.signal_key == MDI_NO_KEY ||
	    !mdi_open.state.signal_key_used) {
		for (int i = 0; i < 3; i++)
			fault_on_strange_stack(NULL);
		must_eq(child_status(fault_on_strange_stack, NULL), 0);
	}
	finish();
}
END_TEST

static long fork_here(long event)
{
	pid_t child = fork();
	int status = 0;

	must(child >= 0);
	if (child == 0)
		return event + 1;
	must_eq(waitpid(child, &status, 0), child);
	must_eq(status, 0);
	errno = 5;
	return event;
}

/* The child goes on in the module, with a copy of all that it had. */
START_TEST(forks)
{
	int got;

	begin_file("tls", _i, MODISO_CONFINE_GUARD);
	must_eq((int)enter(gate, ADD, 1), 89);
	on_note = fork_here;
	got = (int)enter(gate, ERROR, 1);
	on_note = NULL;
	must_eq((int)enter(gate, ADD, 1), 93);
	must_eq(thread_pointer(), host_pointer);
	if (got == 2001)
		_exit(0);
	must_eq(got, 1001);
	finish();
}
END_TEST

static struct modiso_fiber *fibers[2];
static ucontext_t contexts[2], scheduler;
static long sums[2];
static int running;

/* Back to the scheduler, and later on again. */
static long wait_in_service(long event)
{
	int me = running;

	expect(MODISO_OK, modiso_fiber_switch(NULL));
	must_eq(swapcontext(&contexts[me], &scheduler), 0);
	errno = 5;
	return event;
}

static void fiber_main(void)
{
	int me = running;

	must_eq((int)enter(gate, BEGIN, 0), 1);
	must_eq((int)enter(gate, ADD, me + 1), 85 + 4 * (me + 1));
	must_eq((int)enter(gate, ERROR, me), me * 1000 + me);
	sums[me] = (int)enter(gate, ADD, 0);
	expect(MODISO_OK, modiso_fiber_switch(NULL));
	swapcontext(&contexts[me], &scheduler);
}

static void go_on_with(int number)
{
	running = number;
	expect(MODISO_OK, modiso_fiber_switch(fibers[number]));
	must_eq(swapcontext(&scheduler, &contexts[number]), 0);
}

static void *go_on_elsewhere(void *arg)
{
	uintptr_t was = host_pointer;

	host_pointer = thread_pointer();
	for (int i = 0; i < 2; i++)
		go_on_with(i);
	must_eq(thread_pointer(), host_pointer);
	host_pointer = was;
	return arg;
}

/* Each fiber has a block; it waits on one thread and goes on on another. */
START_TEST(fiber_blocks)
{
	static unsigned char stacks[2][131072] __attribute__((aligned(16)));
	pthread_t thread;

	begin_file("tls", _i, MODISO_CONFINE_GUARD);
	on_note = wait_in_service;
	must_eq((int)enter(gate, ADD, 100), 85 + 400);
	for (int i = 0; i < 2; i++) {
		expect(MODISO_OK, modiso_fiber_create(&fibers[i]));
		must_eq(getcontext(&contexts[i]), 0);
		contexts[i].uc_stack.ss_sp = stacks[i];
		contexts[i].uc_stack.ss_size = sizeof(stacks[i]);
		makecontext(&contexts[i], fiber_main, 0);
		go_on_with(i);
	}
	must_eq(pthread_create(&thread, NULL, go_on_elsewhere, NULL), 0);
	must_eq(pthread_join(thread, NULL), 0);
	for (int i = 0; i < 2; i++) {
		must_eq(sums[i], 85 + 4 * (i + 1));
		expect(MODISO_OK, modiso_fiber_destroy(fibers[i]));
	}
	must_eq((int)enter(gate, ADD, 0), 85 + 400);
	finish();
}
END_TEST

/* What it may not do ends its call and nothing else. */
START_TEST(hostile)
{
	int code;

	begin(_i);
	if (!program && on_pkey()) {
		/* Some CPUs leave the base as it is. */
		code = modiso_gate_call(gate, WORDS(SELECTOR, 0), NULL);
		must(code == MODISO_ERR_FAULT || code == MODISO_OK);
		must_eq(thread_pointer(), host_pointer);
		enter_fault(module, gate, WRITE_BLOCK, 0);
		/* What lies there is only believed where the frame agrees. */
		must_eq((int)enter(gate, ADD, 0), 85);
		enter_fault(module, gate, WRITE_BLOCK, 1);
	}
	code = modiso_gate_call(gate, WORDS(LOAD, 8), NULL);
	must_eq(code, MODISO_ERR_FAULT);
	must_eq((int)enter(gate, ADD, 0), 85);
	finish();
}
END_TEST

static void must_say(const char *what)
{
	if (strstr(modiso_last_error_text(), what) == NULL)
		ck_abort_msg("\"%s\" does not say \"%s\"",
			     modiso_last_error_text(), what);
}

/* What would leave code without its thread pointer is refused. */
START_TEST(refused)
{
	struct modiso_image *second = UNTOUCHED;
	struct modiso_gate *host = UNTOUCHED;

	begin_file("tls", _i, MODISO_CONFINE_GUARD);
	expect(MODISO_ERR_NOTSUP, load("tls", &second));
	must_say("of another image already");
	expect(MODISO_ERR_NOTSUP,
	       modiso_gate_create(module, (modiso_fn)module_add_one, NULL,
				  &host));
	must_say("is host code");
	expect(MODISO_ERR_BUSY, modiso_image_unload(image));
	must(second == UNTOUCHED && host == UNTOUCHED);
	expect(MODISO_OK, modiso_gate_destroy(gate));
	/* It goes, and another one may come. */
	expect(MODISO_OK, modiso_image_unload(image));
	gate = make_gate(module, module_add_one);
	expect(MODISO_ERR_BUSY, load("tls", &second));
	must_say("has gates already");
	expect(MODISO_OK, modiso_gate_destroy(gate));
	for (int i = 0; i < 5; i++) {
		expect(MODISO_OK, load("tls", &image));
		open_gate(0);
		must_eq((int)enter(gate, BEGIN, 0), 1);
		must_eq((int)enter(gate, ADD, 1), 89);
		expect(MODISO_OK, modiso_gate_destroy(gate));
		expect(MODISO_OK, modiso_image_unload(image));
	}
	finish();
}
END_TEST

/* Debian's archives: no variable, but the stack protector's word. */
START_TEST(canary)
{
	begin_file("canary", _i % 2, levels[_i / 2]);
	must_eq(enter(gate, 8), 'x');
	must_eq(enter_fault(module, gate, 40)->kind, MODISO_FAULT_ILLEGAL);
	must_eq(enter(gate, 8), 'x');
	finish();
}
END_TEST

/* A snapshot has the variables too. */
START_TEST(snapshot)
{
	begin_file("tls", _i, MODISO_CONFINE_GUARD);
	must_eq((int)enter(gate, ADD, 1), 89);
	expect(MODISO_OK, modiso_snapshot_take(module));
	must_eq((int)enter(gate, ADD, 1), 93);
	expect(MODISO_OK, modiso_snapshot_restore(module));
	must_eq((int)enter(gate, ADD, 0), 89);
	finish();
}
END_TEST

/* --- what it costs --- */

static bool beside; /* in a module that has TLS of another image */

static void call_canary(void)
{
	uintptr_t (*thunk)(uintptr_t);
	modiso_fn function;
	struct modiso_image *tls;

	world_start();
	module = make_module("steps");
	expect(MODISO_OK,
	       modiso_service_create("note", (modiso_fn)note, NULL, &noter));
	if (beside)
		expect(MODISO_OK, load("tls", &tls));
	expect(MODISO_OK, load("canary", &image));
	open_gate(0);
	expect(MODISO_OK, modiso_gate_thunk(gate, &function));
	thunk = (uintptr_t(*)(uintptr_t))function;
	must_eq(thunk(3), 'x');
	stop_here();
	thunk(3);
	stop_here();
}

/* The same code, with the host's pointer and with one of its own. */
#define POINTER_STEPS 6

START_TEST(steps)
{
	unsigned without = 0, with = 0;

	compiler = compilers[access("modules/tls-gcc.so", R_OK) != 0];
	(void)path_of("tls");
	count_steps(call_canary, &without, 1);
	beside = true;
	count_steps(call_canary, &with, 1);
	printf("# a thread pointer: %u instructions of %u\n", with - without,
	       with);
	must(!on_pkey() || with == without + POINTER_STEPS);
}
END_TEST

static Suite *make_suite(void)
{
	const TTest *const scenes[] = {variables, scrubbed, services, protector,
				       threads, hostile, limited,
				       strange_stack};
	const TTest *const twice[] = {nest, handlers, refused, snapshot, forks};
	Suite *suite = suite_create("tls");
	TCase *tcase = tcase_create("tls");

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		tcase_add_loop_test(tcase, scenes[i], 0,
				    (int)run_times(SCENES, SCENES / 2));
	for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++)
		tcase_add_loop_test(tcase, twice[i], 0, 2);
	tcase_add_loop_test(tcase, canary, 0, 6);
	add_loop_test_but_tsan(tcase, fiber_blocks, 0, 2,
			       "it knows no stacks but its own");
	if (!TEST_SANITIZED)
		tcase_add_test(tcase, steps);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
