/* SPDX-License-Identifier: MIT */
/*
 * contract_notify - who is told of a module's fault, where and when: filters in
 * the handler, landings as ordinary host code; what a filter answers.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct modiso_module *module, *other;
static struct modiso_region *hosts;

static void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	hosts = make_region(NULL, PAGE, "host's");
	memset(region_bytes(hosts), 0x77, PAGE);
}

/* After any of the faults: nothing has changed, and all works. */
static void check_scene(void)
{
	must(all_bytes(region_bytes(hosts), 0x77, PAGE));
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	must_eq(enter(make_gate(other, module_add_one), 1), 2);
}

/* --- who is told --- */

struct told {
	int filtered, landed;
	struct modiso_fault in_filter, in_landing;
	const void *filter_stack, *landing_stack;
	sigset_t filter_mask, landing_mask;
	enum modiso_verdict verdict;
	int retries; /* RETRY so often before @verdict */
	struct modiso_gate *then;
	int then_code;
};

static enum modiso_verdict tell_filter(const struct modiso_fault *fault,
				       void *arg)
{
	struct told *told = arg;
	int local;

	told->filtered++;
	told->in_filter = *fault;
	told->filter_stack = (const void *)W(&local);
	pthread_sigmask(SIG_SETMASK, NULL, &told->filter_mask);
	if (told->retries-- > 0)
		return MODISO_VERDICT_RETRY;
	return told->verdict;
}

static void tell_landing(const struct modiso_fault *fault, void *arg)
{
	struct told *told = arg;
	struct modiso_gate *then = told->then;
	int local;

	told->landed++;
	told->in_landing = *fault;
	told->landing_stack = (const void *)W(&local);
	pthread_sigmask(SIG_SETMASK, NULL, &told->landing_mask);
	region_bytes(hosts)[0] = 0x77;
	if (!then)
		return;
	told->then = NULL;
	told->then_code = modiso_gate_call(then, WORDS(5), NULL);
}

static bool raised_by_cpu(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGILL ||
	       signo == SIGFPE || signo == SIGTRAP || signo == SIGSYS;
}

/*
 * Blocked: all that can be, but for those with which a fault of the filter
 * itself makes itself known. Else: what the caller of the gate had.
 */
static void check_mask(const sigset_t *mask, bool blocked)
{
	int signo;

	for (signo = 1; signo < 65; signo++) {
		if (signo == SIGKILL || signo == SIGSTOP)
			continue;
		/* Two of the C library's own it does not tell about. */
		if (signo == 32 || signo == 33)
			continue;
		if (blocked && raised_by_cpu(signo))
			continue;
		must_eq(sigismember(mask, signo), blocked || signo == SIGUSR1);
	}
}

START_TEST(test_notify)
{
	static struct told told;
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	const struct modiso_fault *fault;
	sigset_t mine;

	make_scene();
	sigemptyset(&mine);
	sigaddset(&mine, SIGUSR1);
	must_eq(pthread_sigmask(SIG_SETMASK, &mine, NULL), 0);
	expect(MODISO_OK,
	       modiso_fault_notify(module, tell_filter, tell_landing, &told));
	fault = enter_fault(module, make_gate(module, poke_load1),
			    W(region_bytes(hosts)));
	must_eq(told.filtered, 1);
	must_eq(told.landed, 1);
	/* The same, but for who called: that comes when it has ended. */
	must(!memcmp(&told.in_filter, fault,
		     offsetof(struct modiso_fault, host_pc)));
	must(!memcmp(&told.in_landing, fault,
		     offsetof(struct modiso_fault, host_pc)));
	/* The filter: on a stack for signals, with all of them blocked. */
	must(!thread_owns_stack(told.filter_stack));
	expect(MODISO_ERR_NOENT, modiso_region_find(told.filter_stack, &info));
	check_mask(&told.filter_mask, true);
	/* The landing: ordinary host code. */
	must(thread_owns_stack(told.landing_stack));
	check_mask(&told.landing_mask, false);
	/* Not for the other module; and nobody any more when taken off. */
	enter_fault(other, make_gate(other, poke_ud2), 0);
	must_eq(told.filtered, 1);
	must_eq(told.landed, 1);
	expect(MODISO_OK, modiso_fault_notify(module, NULL, NULL, NULL));
	enter_fault(module, make_gate(module, poke_ud2), 0);
	must_eq(told.filtered, 1);
	must_eq(told.landed, 1);
	check_scene();
}
END_TEST

START_TEST(test_notify_all)
{
	static struct told everywhere, here;

	make_scene();
	expect(MODISO_OK, modiso_fault_notify(NULL, tell_filter, tell_landing,
					      &everywhere));
	enter_fault(module, make_gate(module, poke_ud2), 0);
	enter_fault(other, make_gate(other, poke_ud2), 0);
	must_eq(everywhere.filtered, 2);
	must_eq(everywhere.landed, 2);
	/* A module's own pair comes instead. */
	expect(MODISO_OK,
	       modiso_fault_notify(other, tell_filter, tell_landing, &here));
	enter_fault(other, make_gate(other, poke_ud2), 0);
	must_eq(here.filtered, 1);
	must_eq(here.landed, 1);
	must_eq(everywhere.filtered, 2);
	enter_fault(module, make_gate(module, poke_ud2), 0);
	must_eq(everywhere.filtered, 3);
	must_eq(everywhere.landed, 3);
	/* Half a pair: the landing alone. */
	expect(MODISO_OK,
	       modiso_fault_notify(module, NULL, tell_landing, &everywhere));
	enter_fault(module, make_gate(module, poke_ud2), 0);
	must_eq(everywhere.filtered, 3);
	must_eq(everywhere.landed, 4);
}
END_TEST

START_TEST(test_landing_calls_gates)
{
	static struct told told;
	struct modiso_gate *gates[2];
	int i;

	make_scene();
	gates[0] = make_gate(module, module_add_one);
	gates[1] = make_gate(other, module_add_one);
	expect(MODISO_OK,
	       modiso_fault_notify(module, tell_filter, tell_landing, &told));
	for (i = 0; i < 2; i++) {
		told.then = gates[i];
		told.then_code = -1;
		enter_fault(module, make_gate(module, poke_load1), 0);
		must_eq(told.then_code, MODISO_OK);
	}
	must_eq(told.landed, 2);
	/* A gate that faults as well: the landing is told once more. */
	told.then = make_gate(module, poke_ud2);
	(void)!modiso_gate_call(make_gate(module, poke_load1), WORDS(0), NULL);
	must_eq(told.then_code, MODISO_ERR_FAULT);
	must_eq(told.landed, 4);
	must_eq(told.in_landing.kind, MODISO_FAULT_ILLEGAL);
	must_eq(modiso_fault_count(), 4);
	check_scene();
}
END_TEST

/* The module's call is over when the landing runs: it may end the module. */
static int landing_code;

static void destroying_landing(const struct modiso_fault *fault, void *arg)
{
	(void)arg;
	landing_code = modiso_module_destroy(fault->module);
}

START_TEST(test_landing_destroys)
{
	make_scene();
	expect(MODISO_OK,
	       modiso_fault_notify(NULL, NULL, destroying_landing, NULL));
	landing_code = -1;
	must_eq(modiso_gate_call(make_gate(other, poke_ud2), NULL, 0, NULL),
		MODISO_ERR_FAULT);
	must_eq(landing_code, MODISO_OK);
	expect(MODISO_OK, modiso_fault_notify(NULL, NULL, NULL, NULL));
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
}
END_TEST

/* --- what a filter answers --- */

static enum modiso_verdict map_it(const struct modiso_fault *fault, void *arg)
{
	void *page = (void *)(fault->address & ~(PAGE - 1));

	++*(int *)arg;
	if (mmap(page, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page)
		return MODISO_VERDICT_END;
	*(volatile uintptr_t *)fault->address = 4711;
	return MODISO_VERDICT_RETRY;
}

START_TEST(test_retry)
{
	uintptr_t nowhere = W(pages_nowhere());
	int calls = 0;

	make_scene();
	expect(MODISO_OK, modiso_fault_notify(module, map_it, NULL, &calls));
	must_eq(enter(make_gate(module, poke_load8), nowhere), 4711);
	must_eq(calls, 1);
	/* Mended for good. */
	must_eq(enter(make_gate(module, poke_load8), nowhere), 4711);
	must_eq(calls, 1);
	check_scene();
}
END_TEST


static enum modiso_verdict always_again(const struct modiso_fault *fault,
					void *arg)
{
	must_eq(fault->retries, *(unsigned *)arg);
	++*(unsigned *)arg;
	return MODISO_VERDICT_RETRY;
}

/* The header's number. */
#define RETRIES 10000u

/* A filter that knows no other answer does not keep the thread for ever. */
START_TEST(test_retry_for_ever)
{
	const struct modiso_fault *fault;
	char text[4096] = "";
	unsigned asked = 0;
	FILE *out;

	make_scene();
	expect(MODISO_OK,
	       modiso_fault_notify(module, always_again, NULL, &asked));
	fault = enter_fault(module, make_gate(module, poke_load1),
			    W(region_bytes(hosts)));
	must_eq(asked, RETRIES + 1);
	must_eq(fault->retries, RETRIES);
	must_eq(fault->kind, MODISO_FAULT_ACCESS);
	out = fmemopen(text, sizeof(text), "w");
	must(out);
	expect(MODISO_OK, modiso_fault_print(fault, out));
	fclose(out);
	must(strstr(text, "tried again 10000 times"));
	/* Another fault is another one. */
	asked = 0;
	fault = enter_fault(module, make_gate(module, poke_load1),
			    W(region_bytes(hosts)) + 1);
	must_eq(fault->retries, RETRIES);
	check_scene();
}
END_TEST

/* --- changed while faults are under way --- */

struct pair {
	int number;
	unsigned told;
};

static struct pair pairs[2] = {{0, 0}, {1, 0}};
static atomic_bool enough;

#define PAIR(n)                                                                \
	static enum modiso_verdict filter_##n(                                 \
		const struct modiso_fault *fault, void *arg)                   \
	{                                                                      \
		(void)fault;                                                   \
		must_eq(arg, &pairs[n]);                                       \
		pairs[n].told++;                                               \
		return MODISO_VERDICT_END;                                     \
	}                                                                      \
	static void landing_##n(const struct modiso_fault *fault, void *arg)   \
	{                                                                      \
		(void)fault;                                                   \
		must_eq(arg, &pairs[n]);                                       \
	}
PAIR(0)
PAIR(1)

static void *change_all_the_time(void *of)
{
	unsigned i = 0;

	while (!enough)
		must_eq(i++ % 2 ? modiso_fault_notify(of, filter_0, landing_0,
						      &pairs[0]) :
				  modiso_fault_notify(of, filter_1, landing_1,
						      &pairs[1]),
			MODISO_OK);
	return NULL;
}

/* Each is called with its own argument, of all modules and of one. */
START_TEST(test_notify_together)
{
	struct modiso_gate *gate;
	unsigned long faults = run_times(20000, 2000);
	pthread_t thread;

	make_scene();
	gate = make_gate(module, poke_ud2);
	thread = thread_start(change_all_the_time, _i ? module : NULL);
	while (!__atomic_load_n(&pairs[0].told, __ATOMIC_RELAXED) ||
	       !__atomic_load_n(&pairs[1].told, __ATOMIC_RELAXED) ||
	       modiso_fault_count() < faults)
		must_eq(modiso_gate_call(gate, NULL, 0, NULL),
			MODISO_ERR_FAULT);
	enough = true;
	thread_join(thread);
}
END_TEST

START_TEST(test_retry_in_vain)
{
	static struct told told;

	make_scene();
	told.retries = 5;
	expect(MODISO_OK,
	       modiso_fault_notify(module, tell_filter, tell_landing, &told));
	must_eq(modiso_gate_call(make_gate(module, poke_load1),
				 WORDS(W(region_bytes(hosts))), NULL),
		MODISO_ERR_FAULT);
	must_eq(told.filtered, 6);
	must_eq(told.landed, 1);
	must_blame(&told.in_landing, MODISO_READ, region_bytes(hosts), hosts);
	check_scene();
}
END_TEST

static struct told passing = {.verdict = MODISO_VERDICT_PASS};

static void pass_to_default(void *entry)
{
	make_scene();
	expect(MODISO_OK,
	       modiso_fault_notify(module, tell_filter, NULL, &passing));
	(void)!modiso_gate_call(make_gate(module, W(entry)),
				WORDS(W(region_bytes(hosts))), NULL);
}

static void exit_handler(int signo, siginfo_t *info, void *context)
{
	(void)context;
	if (signo != SIGSEGV || info->si_code <= 0)
		_exit(50);
	_exit(info->si_addr == region_bytes(hosts) ? 33 : 51);
}

static void pass_to_handler(void *entry)
{
	struct sigaction action = {.sa_sigaction = exit_handler,
				   .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &action, NULL);
	pass_to_default(entry);
}

START_TEST(test_pass)
{
	must_die(child_status(pass_to_default, (void *)W(poke_load1)), SIGSEGV);
	must_die(child_status(pass_to_default, (void *)W(poke_ud2)), SIGILL);
	must_die(child_status(pass_to_default, (void *)W(poke_div0)), SIGFPE);
}
END_TEST

START_TEST(test_pass_to_handler)
{
	must_exit(child_status(pass_to_handler, (void *)W(poke_load1)), 33);
}
END_TEST

static enum modiso_verdict bad_filter(const struct modiso_fault *fault,
				      void *arg)
{
	(void)fault;
	return (enum modiso_verdict)poke_load1(arg);
}

static void fault_in_filter(void *address)
{
	make_scene();
	expect(MODISO_OK,
	       modiso_fault_notify(module, bad_filter, NULL, address));
	(void)!modiso_gate_call(make_gate(module, poke_ud2), NULL, 0, NULL);
}

START_TEST(test_fault_in_filter)
{
	char text[1024];
	int status =
		child_output(fault_in_filter, (void *)8, text, sizeof(text));

	must(WIFSIGNALED(status));
	must(WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGSEGV);
	must(strchr(text, '\n'));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("notify");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_notify);
	tcase_add_test(tcase, test_notify_all);
	tcase_add_test(tcase, test_landing_calls_gates);
	tcase_add_test(tcase, test_landing_destroys);
	tcase_add_test(tcase, test_retry);
	tcase_add_test(tcase, test_retry_for_ever);
	tcase_add_loop_test(tcase, test_notify_together, 0, 2);
	tcase_add_test(tcase, test_retry_in_vain);
	tcase_add_test(tcase, test_pass);
	tcase_add_test(tcase, test_pass_to_handler);
	tcase_add_test(tcase, test_fault_in_filter);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
