/* SPDX-License-Identifier: MIT */
/*
 * contract_cstring_changed - what strstr() of modiso_libc_function() looks for
 * changes during the search: it ends nevertheless, and soon.
 */
#include "support/world.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static unsigned char *late; /* a page that each read of finds closed */
static unsigned reads;

static void open_late(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signo;
	must_eq(W(info->si_addr) & ~(PAGE - 1), W(late));
	must(!mprotect(late, PAGE, PROT_READ | PROT_WRITE));
	/* strlen() has read two bytes, and the search one. */
	if (++reads > 3)
		late[0] = 'b';
	uc->uc_mcontext.gregs[REG_EFL] |= 0x100;
}

static void close_late(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signo;
	(void)info;
	uc->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)0x100;
	must(!mprotect(late, PAGE, PROT_NONE));
}

static char *(*make_search(void))(const char *, const char *)
{
	struct modiso_service_options options = MODISO_SERVICE_OPTIONS_INIT;
	struct modiso_service *service;
	modiso_fn function = modiso_libc_function("strstr", &options.flags);

	must(function != NULL);
	expect(MODISO_OK, modiso_service_create("strstr", function, &options,
						&service));
	return (char *(*)(const char *, const char *))(uintptr_t)
		modiso_service_thunk(service);
}

/* Each place has the hash of what was wanted; no number of them is compared. */
START_TEST(test_search_changed)
{
	const struct sigaction opens = {.sa_sigaction = open_late,
					.sa_flags = SA_SIGINFO};
	const struct sigaction closes = {.sa_sigaction = close_late,
					 .sa_flags = SA_SIGINFO};
	char *(*search)(const char *, const char *);
	unsigned char *pages;
	char text[1000];

	world_start();
	search = make_search();
	pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(pages != MAP_FAILED);
	memset(pages, 'a', PAGE + 1);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	late = pages + PAGE;
	must(!sigaction(SIGSEGV, &opens, NULL));
	must(!sigaction(SIGTRAP, &closes, NULL));
	must(!mprotect(late, PAGE, PROT_NONE));
	must_eq(search(text, (char *)late - 9), 0);
	must(reads > 3 && reads < 40);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("cstring_changed");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_search_changed);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
