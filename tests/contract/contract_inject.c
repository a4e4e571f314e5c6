/* SPDX-License-Identifier: MIT */
/*
 * contract_inject - the kernel refuses, at each call in turn: a code and a
 * sentence, everything as before, the same call succeeds afterwards, and
 * nothing is open that should be closed.
 */
#include "contract/inject_acts.h"
#include "contract/inject_phases.h"
#include "contract/inject_scene.h"
#include "support/elf.h"
#include "support/inject.h"
#include "support/proc.h"
#include "support/world.h"

#include "core/vault.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VAULT = INJECT_WRAPPED, HEAP, SPECIFIC };

void *__real_mdi_vault_alloc(size_t size);
void *__wrap_mdi_vault_alloc(size_t size);
void *__real_mdi_vault_alloc_raw(size_t size);
void *__wrap_mdi_vault_alloc_raw(size_t size);
void *__real_mdi_vault_take(enum mdi_vault_kind kind, size_t size);
void *__wrap_mdi_vault_take(enum mdi_vault_kind kind, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __real_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);

void *__wrap_mdi_vault_alloc(size_t size)
{
	return inject_here(VAULT) ? NULL : __real_mdi_vault_alloc(size);
}

void *__wrap_mdi_vault_alloc_raw(size_t size)
{
	return inject_here(VAULT) ? NULL : __real_mdi_vault_alloc_raw(size);
}

void *__wrap_mdi_vault_take(enum mdi_vault_kind kind, size_t size)
{
	return inject_here(VAULT) ? NULL : __real_mdi_vault_take(kind, size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	if (!inject_here(HEAP))
		return __real_calloc(count, size);
	errno = ENOMEM;
	return NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
	if (!inject_here(HEAP))
		return __real_realloc(memory, size);
	errno = ENOMEM;
	return NULL;
}

/* To take a value back needs no memory. */
int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
	if (value && inject_here(SPECIFIC))
		return ENOMEM;
	return __real_pthread_setspecific(key, value);
}

static uint32_t keys_free(void)
{
	struct modiso_backend_info info = {.struct_size = sizeof(info)};

	if (!on_pkey())
		return 0;
	expect(MODISO_OK, modiso_backend_query(MODISO_BACKEND_PKEY, &info));
	return info.keys_free;
}

/* A sentence that says what failed, and the limit where it can be one. */
static void check_refusal(const struct phase *phase, int code)
{
	const char *text = phase->act == act_attach ? thread_text
						    : modiso_last_error_text();

	if (!*text)
		ck_abort_msg("%s: no sentence", phase->name);
	if (code != MODISO_ERR_OS && errno != ERRNO_MARK)
		ck_abort_msg("%s: errno has become %d", phase->name, errno);
	if (!(phase->codes & CODE(code)))
		ck_abort_msg("%s: %s of %s is not documented: %s", phase->name,
			     modiso_error_name(code), inject_failed(), text);
	if (code == MODISO_ERR_OS && errno == ENOMEM &&
	    !strstr(text, "vm.max_map_count"))
		ck_abort_msg("%s: no limit in \"%s\"", phase->name, text);
	if (code == MODISO_ERR_NOMEM && !strstr(text, "memory"))
		ck_abort_msg("%s: nothing of memory in \"%s\"", phase->name,
			     text);
	if (code == MODISO_ERR_OS && errno == EMFILE &&
	    !strstr(text, "RLIMIT_NOFILE"))
		ck_abort_msg("%s: no limit in \"%s\"", phase->name, text);
}

/*
 * Twice the same: the second time takes nothing more. Returns the code, 0 when
 * it went well, and whether there was such a call.
 */
static int fail_twice(const struct phase *phase, uint32_t at, bool *hit)
{
	size_t fds = proc_fds(), mappings = 0, now;
	/* A thread attaches in the end, and leaves memory for the next one. */
	int code = 0, i, code_errno, rounds = phase->act == act_attach ? 1 : 2;

	*hit = false;
	for (i = 0; i < rounds; i++) {
		where = at;
		inject_arm(at, 1);
		errno = ERRNO_MARK;
		code = phase->act();
		code_errno = errno;
		inject_disarm();
		errno = code_errno;
		*hit = *hit || inject->failed;
		if (!code)
			break;
		must(inject->failed);
		check_refusal(phase, code);
		must_eq(proc_fds(), fds);
		now = proc_mappings();
		if (i == 0)
			mappings = now;
		if (!TEST_SANITIZED && now > mappings)
			ck_abort_msg("%s: %s number %u: %zu mappings are %zu",
				     phase->name, inject_failed(), at,
				     mappings, now);
		if (phase->keep)
			phase->keep();
	}
	return code;
}

#define NEVER (~0u)

/* One life of the library. False: there was no call number @at. */
static bool one_point(const struct phase *phase, uint32_t at)
{
	struct proc_usage before = proc_usage();
	uint32_t keys = keys_free();
	bool hit, lost;
	int code;

	if (phase->prepare)
		phase->prepare();
	code = fail_twice(phase, at, &hit);
	/* What the kernel will not unmap is lost, and nothing else is. */
	lost = hit && !code && !strcmp(inject_failed(), "munmap");
	if (!hit)
		expect_code(code, MODISO_OK, phase->name, __FILE__, __LINE__);
	where = NEVER;
	if (hit && code)
		expect_code((errno = ERRNO_MARK, phase->act()), MODISO_OK,
			    phase->name, __FILE__, __LINE__);
	inject_disarm();
	if (phase->check)
		phase->check();
	end_scene();
	if (at != NEVER)
		proc_must_not_grow(&before, lost ? 3 : 0, 1024);
	must_eq(keys_free(), keys);
	return hit;
}

START_TEST(test_each_call)
{
	const struct phase *phase = &phases[_i];
	const struct elf_shape shape = {100, 200, 600, 300};
	uint32_t at = 1;
	int points;

	inject_start(phase->act == act_init || phase->act == adopt);
	elf_make(&elf, &shape);
	/* What a first life leaves for ever is none of a later one's. */
	one_point(phase, NEVER);
	while (one_point(phase, at))
		at++;
	printf("# %s: %u points\n", phase->name, at - 1);
	points = on_pkey() ? phase->on_pkey : phase->on_mprotect;
	if (points == NONE)
		must_eq(at, 1);
	else
		must((int)at - 1 >= points);
}
END_TEST

/* Phases in which two refusals in a row can be one too many, and on what. */
static const struct {
	const char *name;
	int on_mprotect, on_pkey; /* 1: the process must end at one place */
} ends[] = {
	{"enter", 0, 0},
	{"enter after another", 0, 0},
	{"enter two ranges", 1, 0},
	{"enter with many sets", 0, 1},
	{"adopt", 1, 1},
	{"protect adopted", 1, 1},
	{"release", 1, 1},
	{"module destroy", 1, 1},
	{"leave", 0, 0},
	{"service call", 0, 0},
	{"snapshot", 0, 0},
};

#define ENDS ((int)(sizeof(ends) / sizeof(*ends)))

struct pair {
	const struct phase *phase;
	uint32_t at;
};

#define NO_CALL 100

static void fail_pair(void *arg)
{
	const struct pair *pair = arg;
	const struct phase *phase = pair->phase;
	int code, code_errno;

	phase->prepare();
	where = pair->at;
	inject_arm(pair->at, 2);
	errno = ERRNO_MARK;
	code = phase->act();
	code_errno = errno;
	inject_disarm();
	errno = code_errno;
	if (!inject->failed)
		_exit(NO_CALL);
	if (code) {
		check_refusal(phase, code);
		if (phase->keep)
			phase->keep();
		where = NEVER;
		expect_code((errno = ERRNO_MARK, phase->act()), MODISO_OK,
			    phase->name, __FILE__, __LINE__);
		inject_disarm();
	}
	phase->check();
	end_scene();
}

static const struct phase *phase_of(const char *name)
{
	int i = 0;

	while (strcmp(phases[i].name, name))
		i++;
	return &phases[i];
}

/*
 * Two refusals in a row: the second one meets what puts back what the first
 * one left. Where memory would stay open the process ends, and says why; where
 * it would not, all is as after one.
 */
START_TEST(test_cannot_put_back)
{
	const struct elf_shape shape = {100, 200, 600, 300};
	struct pair pair = {phase_of(ends[_i].name), 1};
	char text[1024];
	int status, ended = 0;

	inject_start(false);
	elf_make(&elf, &shape);
	for (;; pair.at++) {
		status = child_output(fail_pair, &pair, text, sizeof(text));
		if (WIFEXITED(status) && WEXITSTATUS(status) == NO_CALL)
			break;
		if (WIFSIGNALED(status)) {
			must_die(status, SIGABRT);
			must(strstr(text, "going on"));
			ended++;
		} else {
			must_exit(status, EXIT_SUCCESS);
		}
	}
	printf("# %s: %u pairs, %d ends\n", ends[_i].name, pair.at - 1, ended);
	must_eq(ended > 0, on_pkey() ? ends[_i].on_pkey : ends[_i].on_mprotect);
}
END_TEST

MODULE_CODE static uintptr_t leave_refused(void)
{
	leave_armed(1);
	inject->count = NEVER;
	return 0;
}

static void touch_refused(void *unused)
{
	(void)unused;
	entered_scene();
	expect(MODISO_OK, modiso_gate_call(make_gate(module, leave_refused),
					   NULL, 0, NULL));
	region_bytes(hosts)[0] = 0x77;
	inject_disarm();
	closed();
	end_scene();
}

/* With page permissions host code may touch what no memory is left to open. */
START_TEST(test_cannot_open)
{
	char text[1024];
	int status;

	inject_start(false);
	status = child_output(touch_refused, NULL, text, sizeof(text));
	if (on_pkey()) {
		must_exit(status, EXIT_SUCCESS);
		return;
	}
	must_die(status, SIGABRT);
	must(strstr(text, "host code touched memory"));
	must(strstr(text, "vm.max_map_count"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("inject");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_each_call, 0, phase_count);
	tcase_add_loop_test(tcase, test_cannot_put_back, 0, ENDS);
	tcase_add_test(tcase, test_cannot_open);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
