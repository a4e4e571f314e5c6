/* SPDX-License-Identifier: MIT */
/*
 * contract_far - a module goes to 32-bit code by a far jump, for which it needs
 * no system call: faults there, host signals that come there, and the end of
 * its call from there.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#define USER32_CS 0x23
#define USER_CS   0x33

/* Below 4 GiB. What 32-bit code reads is all here. */
struct low {
	struct poke_far to;
	volatile uint8_t inside, leave;
};

enum { UD2 = 0, LOAD = 16, LOOP = 64, BACK = 128 };

static struct modiso_module *module;
static struct modiso_gate *gate;
static struct low *low;
static unsigned char *code, *hosts;

static unsigned char *low_pages(void)
{
	void *pages = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	must(pages != MAP_FAILED);
	return pages;
}

static void put32(unsigned char *at, const volatile void *value)
{
	uint32_t word = (uint32_t)W(value);

	memcpy(at, &word, sizeof(word));
}

/* Each begins where the enumeration says. */
static void write_code(void)
{
	static const unsigned char ud2[] = {0x0f, 0x0b};
	/* movb hosts, %al; ud2 */
	static const unsigned char load[] = {0xa0, 0, 0, 0, 0, 0x0f, 0x0b};
	/* movb $1, inside; 1: cmpb $0, leave; je 1b; ljmp $USER_CS, $BACK */
	static const unsigned char loop[] = {
		0xc6, 0x05, 0, 0, 0, 0, 1, 0x80, 0x3d, 0, 0, 0, 0, 0,
		0x74, 0xf7, 0xea, 0, 0, 0, 0, USER_CS, 0};
	/* 64-bit: movq low->to.rsp, %rsp; movl $7, %eax; ret */
	static const unsigned char back[] = {
		0x48, 0x8b, 0x24, 0x25, 0, 0, 0, 0, 0xb8, 7, 0, 0, 0, 0xc3};

	memcpy(code + UD2, ud2, sizeof(ud2));
	memcpy(code + LOAD, load, sizeof(load));
	put32(code + LOAD + 1, hosts);
	memcpy(code + LOOP, loop, sizeof(loop));
	put32(code + LOOP + 2, &low->inside);
	put32(code + LOOP + 9, &low->leave);
	put32(code + LOOP + 17, code + BACK);
	memcpy(code + BACK, back, sizeof(back));
	put32(code + BACK + 4, &low->to.rsp);
	must(!mprotect(code, PAGE, PROT_READ | PROT_EXEC));
}

static void make_scene(void)
{
	struct modiso_region *region;

	module = world_module();
	gate = make_gate(module, poke_far);
	low = (struct low *)(void *)low_pages();
	code = low_pages();
	hosts = low_pages();
	hosts[0] = 0x77;
	write_code();
	expect(MODISO_OK, modiso_region_adopt(NULL, hosts, PAGE, RW, NULL,
					      &region));
}

static uintptr_t far_to(unsigned where)
{
	low->to.offset = (uint32_t)W(code + where);
	low->to.selector = USER32_CS;
	return W(&low->to);
}

START_TEST(test_fault)
{
	const struct modiso_fault *fault;

	make_scene();
	for (int i = 0; i < 3; i++) {
		fault = enter_fault(module, gate, far_to(UD2));
		must_eq(fault->kind, MODISO_FAULT_ILLEGAL);
		must_eq(fault->pc, W(code + UD2));
		fault = enter_fault(module, gate, far_to(LOAD));
		must_eq(fault->kind, MODISO_FAULT_ACCESS);
		must_eq(fault->pc, W(code + LOAD));
		must_eq(fault->address, W(hosts));
	}
	must_eq(hosts[0], 0x77);
}
END_TEST

static int asked;

static enum modiso_verdict again(const struct modiso_fault *fault, void *arg)
{
	(void)arg;
	must_eq(fault->pc, W(code + LOAD));
	return ++asked < 4 ? MODISO_VERDICT_RETRY : MODISO_VERDICT_END;
}

/* What goes on goes on where it was, in 32-bit code. */
START_TEST(test_retry)
{
	make_scene();
	expect(MODISO_OK, modiso_fault_notify(NULL, again, NULL, NULL));
	enter_fault(module, gate, far_to(LOAD));
	must_eq(asked, 4);
}
END_TEST

static pthread_t victim;

/* Tells the thread when it has come to the 32-bit code. */
static void *send(void *signo)
{
	while (!low->inside)
		sched_yield();
	must_eq(pthread_kill(victim, (int)(intptr_t)signo), 0);
	return NULL;
}

static int heard;

static void hear(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	heard += hosts[0] == 0x77; /* with the host's rights */
	low->leave = 1;
}

/* A handler of the host comes in between, and the module goes on. */
START_TEST(test_signal)
{
	struct sigaction action = {.sa_sigaction = hear,
				   .sa_flags = SA_SIGINFO | SA_NODEFER};
	int signo = _i ? SIGSEGV : SIGUSR1;
	pthread_t sender;

	must(!sigaction(signo, &action, NULL));
	make_scene();
	victim = pthread_self();
	sender = thread_start(send, (void *)(intptr_t)signo);
	must_eq(enter(gate, far_to(LOOP)), 7);
	must_eq(heard, 1);
	thread_join(sender);
}
END_TEST

static struct modiso_thread *self;

static void give_up(int signo)
{
	(void)signo;
	heard = 1 + modiso_thread_abandon(self, NULL, NULL);
}

START_TEST(test_abandon)
{
	pthread_t sender;

	must(signal(SIGUSR1, give_up) != SIG_ERR);
	make_scene();
	expect(MODISO_OK, modiso_thread_self(&self));
	victim = pthread_self();
	sender = thread_start(send, (void *)(intptr_t)SIGUSR1);
	expect(MODISO_ERR_ABANDONED,
	       modiso_gate_call(gate, WORDS(far_to(LOOP)), NULL));
	must_eq(heard, 1);
	thread_join(sender);
	low->leave = 1;
	must_eq(enter(gate, far_to(LOOP)), 7);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("far");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_fault);
	tcase_add_test(tcase, test_retry);
	tcase_add_loop_test(tcase, test_signal, 0, 2);
	tcase_add_test(tcase, test_abandon);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
