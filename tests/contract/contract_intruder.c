/* SPDX-License-Identifier: MIT */
/*
 * contract_intruder - handlers that come in by a system call of their own: the
 * library notices, faults of modules are its own again, and the intruder is
 * passed what is no module's, hands it on, or gives back what he has taken.
 */
#include "support/proc.h"
#include "support/stayer.h"
#include "support/world.h"

#include "arch/x86_64/signal.h"
#include "backend/backend.h"
#include "backend/state.h"
#include "core/runtime.h"
#include "os/critical.h"
#include "os/linux/actions.h"
#include "os/linux/sys.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef void handler_fn(int signo, siginfo_t *info, void *context);

static struct modiso_module *module;
static struct modiso_region *guarded;
static struct modiso_gate *reader;
static unsigned char *closed;
static sigjmp_buf back;

/* Who has been called, in this order, one letter each. */
static char calls[32];
static siginfo_t seen;

MODULE_CODE static uintptr_t read_byte(const volatile unsigned char *byte)
{
	return *byte;
}

static void called(char who, const siginfo_t *info)
{
	calls[strlen(calls)] = who;
	seen = *info;
}

static void set_up(void)
{
	module = world_module();
	guarded = make_region(NULL, PAGE, "guarded");
	reader = make_gate(module, read_byte);
	enter_fault(module, reader, W(region_bytes(guarded)));
	closed = pages_map(1, PROT_NONE);
}

/* As sigaction(2) makes it, past every C library. */
static struct mdi_sigaction go_round(int signo, handler_fn *handler)
{
	struct mdi_sigaction before, action = {
		.handler = handler,
		.flags = SA_SIGINFO | MDI_SA_RESTORER,
		.restorer = mdi_signal_restorer,
	};

	must(!mdi_sys_sigaction(signo, &action, &before));
	return before;
}

/* A fault of the host's own; the last handler jumps out of it. */
static void host_fault(void)
{
	memset(calls, 0, sizeof(calls));
	if (sigsetjmp(back, 1) == 0) {
		(void)*(volatile unsigned char *)closed;
		ck_abort_msg("no fault");
	}
	must_eq(seen.si_signo, SIGSEGV);
	must_eq(seen.si_code, SEGV_ACCERR);
	must_eq(seen.si_addr, closed);
}

static void module_fault(void)
{
	memset(calls, 0, sizeof(calls));
	enter_fault(module, reader, W(region_bytes(guarded)));
	must_str(calls, "");
}

static void jump_out(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	called('J', info);
	siglongjmp(back, 1);
}

/* --- it is noticed --- */

static void *first_call(void *unused)
{
	module_fault();
	expect(MODISO_OK, modiso_thread_detach());
	return unused;
}

static void notice(int how)
{
	pthread_t thread;

	switch (how) {
	case 0:
		expect(MODISO_OK, modiso_signal_adopt());
		break;
	case 1:
		make_module("one more");
		break;
	case 2:
		make_gate(module, read_byte);
		break;
	case 3:
		make_region(NULL, PAGE, "one more");
		break;
	case 4:
		make_service("one more", read_byte);
		break;
	default:
		must(!pthread_create(&thread, NULL, first_call, NULL));
		must(!pthread_join(thread, NULL));
	}
}

START_TEST(test_noticed)
{
	set_up();
	go_round(SIGSEGV, jump_out);
	notice(_i);
	module_fault();
	host_fault();
	must_str(calls, "J");
	/* And again, as often as it likes. */
	for (int i = 0; i < 10; i++) {
		go_round(SIGSEGV, jump_out);
		notice(_i);
		module_fault();
		host_fault();
		must_str(calls, "J");
	}
}
END_TEST

/* --- it hands on what is not its own --- */

static struct mdi_sigaction before_one, before_two;
static volatile unsigned handed_on;

static void one(int signo, siginfo_t *info, void *context)
{
	called('1', info);
	before_one.handler(signo, info, context);
	handed_on++; /* no tail call, which the kernel's frame would be for */
}

static void two(int signo, siginfo_t *info, void *context)
{
	called('2', info);
	before_two.handler(signo, info, context);
	handed_on++;
}

static void by_sigaction(int signo, handler_fn *handler)
{
	struct sigaction action = {.sa_sigaction = handler,
				   .sa_flags = SA_SIGINFO};

	must(!sigaction(signo, &action, NULL));
}

START_TEST(test_hands_on)
{
	set_up();
	by_sigaction(SIGSEGV, jump_out);
	before_one = go_round(SIGSEGV, one);
	expect(MODISO_OK, modiso_signal_adopt());
	host_fault();
	must_str(calls, "1J");
	before_two = go_round(SIGSEGV, two);
	expect(MODISO_OK, modiso_signal_adopt());
	host_fault();
	must_str(calls, "21J");
	host_fault();
	must_str(calls, "21J");
	module_fault();
}
END_TEST

static void count(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	called('C', info);
}

/* Any other signal. */
START_TEST(test_hands_on_others)
{
	set_up();
	by_sigaction(SIGUSR1, count);
	before_one = go_round(SIGUSR1, one);
	expect(MODISO_OK, modiso_signal_adopt());
	raise(SIGUSR1);
	must_str(calls, "1C");
	before_two = go_round(SIGUSR1, two);
	expect(MODISO_OK, modiso_signal_adopt());
	raise(SIGUSR1);
	must_str(calls, "1C21C");
}
END_TEST

/* --- it gives back what it has taken --- */

static int way;

static void give_back(int signo, siginfo_t *info, void *context)
{
	struct sigaction action = {.sa_sigaction = before_one.handler,
				   .sa_flags = (int)before_one.flags};

	(void)context;
	called('1', info);
	if (way & 1)
		must(!sigaction(signo, &action, NULL));
	else
		must(!mdi_sys_sigaction(signo, &before_one, NULL));
	if (way & 2) /* on its way again when the mask allows */
		must(!mdi_sys_requeue(signo, info));
}

START_TEST(test_gives_back)
{
	way = _i;
	set_up();
	by_sigaction(SIGSEGV, jump_out);
	before_one = go_round(SIGSEGV, give_back);
	expect(MODISO_OK, modiso_signal_adopt());
	module_fault();
	host_fault();
	must_str(calls, "1J");
	host_fault();
	must_str(calls, "J");
	module_fault();
}
END_TEST

START_TEST(test_gives_back_others)
{
	int signo = _i & 4 ? SIGCHLD : SIGUSR1;

	way = _i;
	set_up();
	by_sigaction(signo, count);
	before_one = go_round(signo, give_back);
	expect(MODISO_OK, modiso_signal_adopt());
	raise(signo);
	raise(signo);
	must_str(calls, _i & 2 ? "1CC" : "1C");
}
END_TEST

/* --- what cannot be served is said --- */

static void must_end_saying(void (*body)(void *arg), const char *text)
{
	char said[1024];
	int status = child_output(body, NULL, said, sizeof(said));

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT ||
	    strstr(said, text) == NULL)
		ck_abort_msg("status %#x, \"%s\"", (unsigned)status, said);
}

static void take_on_stack(void)
{
	struct mdi_sigaction action = {
		.handler = one,
		.flags = SA_SIGINFO | SA_ONSTACK | MDI_SA_RESTORER,
		.restorer = mdi_signal_restorer,
	};

	must(!mdi_sys_sigaction(SIGSEGV, &action, &before_one));
}

static void fault_late(void *unused)
{
	(void)unused;
	take_on_stack();
	(void)!modiso_gate_call(reader,
				(uintptr_t[]){W(region_bytes(guarded))}, 1,
				NULL);
}

static void raise_late(void *unused)
{
	(void)unused;
	take_on_stack();
	raise(SIGSEGV);
}

static void raise_later(void *unused)
{
	(void)unused;
	before_one = go_round(SIGSEGV, one);
	raise(SIGSEGV);
}

/*
 * Handed on before the library has noticed: with keys it is said, where it
 * cannot be served.
 */
START_TEST(test_late)
{
	set_up();
	if (on_pkey()) {
		must_end_saying(fault_late, "contract_intruder");
		must_end_saying(raise_late, "contract_intruder");
		must_end_saying(raise_later, "contract_intruder");
		return;
	}
	before_one = go_round(SIGSEGV, one);
	enter_fault(module, reader, W(region_bytes(guarded)));
	must_str(calls, "1");
	by_sigaction(SIGSEGV, jump_out);
	host_fault();
	must_str(calls, "1J");
}
END_TEST

static void touch(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	region_bytes(guarded)[0]++;
}

static void create(int signo, siginfo_t *info, void *context)
{
	struct modiso_gate *gate;

	(void)signo;
	(void)info;
	(void)context;
	(void)!modiso_gate_create(module, (modiso_fn)read_byte, NULL, &gate);
}

static void interrupt_library(void *unused)
{
	(void)unused;
	go_round(SIGUSR1, create);
	mdi_runtime_lock();
	raise(SIGUSR1);
}

/* While another thread is in a module the host's own memory is closed. */
static void interrupt_keeper(void *unused)
{
	(void)unused;
	stayer_start(module); /* which looks who is there */
	go_round(SIGUSR1, touch);
	mdi_critical_begin();
	mdi_lock(&mdi_backend_state.keeper.lock);
	raise(SIGUSR1);
}

static void interrupt_waiting(void *unused)
{
	static uint32_t word;

	(void)unused;
	stayer_start(module); /* which looks who is there */
	go_round(SIGUSR1, touch);
	mdi_critical_begin();
	mdi_critical_waits(&word);
	raise(SIGUSR1);
}

/* A handler that the library does not hold back finds a lock of its thread. */
START_TEST(test_own_lock)
{
	set_up();
	must_end_saying(interrupt_library, "a lock of the library");
	if (on_pkey())
		return;
	must_end_saying(interrupt_keeper, "a lock of the library");
	must_end_saying(interrupt_waiting, "wait for itself");
}
END_TEST

/* --- and when there is no library any more --- */

static void end_library(void)
{
	expect(MODISO_OK, modiso_region_destroy(guarded));
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_fini());
}

/* It was noticed, or not. */
static void come_and_end(int noticed, int signo, handler_fn *handler)
{
	before_one = go_round(signo, handler);
	if (noticed)
		expect(MODISO_OK, modiso_signal_adopt());
	end_library();
}

START_TEST(test_over_hands_on)
{
	set_up();
	by_sigaction(SIGSEGV, jump_out);
	by_sigaction(SIGUSR1, count);
	before_two = go_round(SIGUSR1, two);
	if (_i)
		expect(MODISO_OK, modiso_signal_adopt());
	come_and_end(_i, SIGSEGV, one);
	host_fault();
	must_str(calls, "1J");
	host_fault();
	must_str(calls, "1J");
	raise(SIGUSR1);
	must_str(calls, "1J2C");
	raise(SIGUSR1);
	must_str(calls, "1J2C2C");
}
END_TEST

START_TEST(test_over_gives_back)
{
	way = _i >> 1;
	set_up();
	by_sigaction(SIGSEGV, jump_out);
	come_and_end(_i & 1, SIGSEGV, give_back);
	host_fault();
	must_str(calls, "1J");
	host_fault();
	must_str(calls, "J");
}
END_TEST

START_TEST(test_over_gives_back_others)
{
	way = _i >> 1;
	set_up();
	by_sigaction(SIGUSR1, count);
	come_and_end(_i & 1, SIGUSR1, give_back);
	raise(SIGUSR1);
	raise(SIGUSR1);
	must_str(calls, way & 2 ? "1CC" : "1C");
}
END_TEST

static void fault_after(void *noticed)
{
	come_and_end(noticed != NULL, SIGSEGV, one);
	(void)*(volatile unsigned char *)closed;
}

static void give_back_after(void *noticed)
{
	way = 0;
	come_and_end(noticed != NULL, SIGSEGV, give_back);
	(void)*(volatile unsigned char *)closed;
}

/* There was nobody before it: the fault ends the process, as ever. */
START_TEST(test_over_default)
{
	set_up();
	must_die(child_status(_i & 1 ? fault_after : give_back_after,
			      _i & 2 ? closed : NULL),
		 SIGSEGV);
}
END_TEST

#define NO_SIGNALS "it stands in front of handlers by itself"

static Suite *make_suite(void)
{
	Suite *suite = suite_create("intruder");
	TCase *tcase = tcase_create("contract");

	add_loop_test_but_tsan(tcase, test_noticed, 0, 6, NO_SIGNALS);
	add_test_but_tsan(tcase, test_hands_on, NO_SIGNALS);
	add_test_but_tsan(tcase, test_hands_on_others, NO_SIGNALS);
	add_loop_test_but_tsan(tcase, test_gives_back, 0, 4, NO_SIGNALS);
	add_loop_test_but_tsan(tcase, test_gives_back_others, 0, 8, NO_SIGNALS);
	add_test_but_tsan(tcase, test_late, NO_SIGNALS);
	add_test_but_tsan(tcase, test_own_lock, NO_SIGNALS);
	add_loop_test_but_tsan(tcase, test_over_hands_on, 0, 2, NO_SIGNALS);
	add_loop_test_but_tsan(tcase, test_over_gives_back, 0, 4, NO_SIGNALS);
	add_loop_test_but_tsan(tcase, test_over_gives_back_others, 0, 8,
			       NO_SIGNALS);
	add_loop_test_but_tsan(tcase, test_over_default, 0, 4, NO_SIGNALS);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
