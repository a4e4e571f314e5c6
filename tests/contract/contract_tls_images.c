/* SPDX-License-Identifier: MIT */
/*
 * contract_tls_images - which images a module's thread-local storage comes and
 * goes with: what needs it keeps it, a gate that was made while an image was
 * loaded that then failed, a thread that is inside, another image.
 */
#include "support/world.h"
#include "support/proc.h"

#include "backend/backend.h"
#include "core/gate.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const compilers[] = {"gcc", "clang"};
static const char *compiler;
static struct modiso_module *module;
static struct modiso_service *noter;
static struct modiso_image *first;
static struct modiso_gate *gate;
static uintptr_t host_pointer;
static long (*volatile on_note)(long event);

static uintptr_t thread_pointer(void)
{
	return W(__builtin_thread_pointer());
}

static long note(long event)
{
	return on_note != NULL ? on_note(event) : event;
}

static int load(const char *name, struct modiso_image **out)
{
	const struct modiso_export exports[] = {{"note", noter}};
	const struct modiso_image_options options = {
		.struct_size = sizeof(options),
		.exports = exports,
		.export_count = 1,
	};
	char path[128];

	snprintf(path, sizeof(path), "modules/%s-%s.so", name, compiler);
	if (access(path, R_OK) != 0)
		test_skip(compiler, "the tests were built without it");
	return modiso_image_load(module, path, &options, out);
}

static struct modiso_gate *gate_of(struct modiso_image *image,
				   const char *name, uint32_t words,
				   uint32_t flags)
{
	const struct modiso_gate_options options = {
		.struct_size = sizeof(options),
		.word_args = words,
		.flags = flags,
	};
	struct modiso_gate *made = NULL;

	expect(MODISO_OK, modiso_image_gate(image, name, &options, &made));
	return made;
}

static void begin(int which, uint32_t level)
{
	const struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = level,
	};

	compiler = compilers[which];
	world_start();
	expect(MODISO_OK, modiso_module_create("tls", &options, &module));
	expect(MODISO_OK,
	       modiso_service_create("note", (modiso_fn)note, NULL, &noter));
	host_pointer = thread_pointer();
	on_note = NULL;
}

static void finish(void)
{
	must_eq(thread_pointer(), host_pointer);
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_service_destroy(noter));
	world_stop();
}

static void must_say(const char *what)
{
	if (strstr(modiso_last_error_text(), what) == NULL)
		ck_abort_msg("\"%s\" does not say \"%s\"",
			     modiso_last_error_text(), what);
}

/* SEALED where that can be had: there a canary's image needs a block. */
static uint32_t closed(void)
{
	return on_pkey() ? MODISO_CONFINE_SEALED : MODISO_CONFINE_GUARD;
}

/* Words on the stack find the way where FS is the module's, too. */
START_TEST(many)
{
	static const uint32_t flags[] = {0, MODISO_GATE_SCRUB};
	struct modiso_image *image = NULL;

	begin(_i, MODISO_CONFINE_GUARD);
	expect(MODISO_OK, load("tls_init", &image));
	for (int i = 0; i < 4; i++) {
		gate = gate_of(image, "many", 9, flags[i / 2]);
		must_eq(enter(gate, 1, 2, 3, 4, 5, 6, 7, 8, 9), 6 + 285);
		expect(MODISO_OK, modiso_gate_destroy(gate));
	}
	finish();
}
END_TEST

static long make_gate_and_fail(long event)
{
	(void)event;
	gate = gate_of(first, "start", 1, 0);
	return 1;
}

/* An image that fails while it is loaded does not take a gate's pointer. */
START_TEST(failed)
{
	struct modiso_image *second = UNTOUCHED;

	begin(_i, MODISO_CONFINE_GUARD);
	expect(MODISO_OK, load("canary", &first));
	on_note = make_gate_and_fail;
	expect(MODISO_ERR_FAULT, load("tls_init", &second));
	must(second == UNTOUCHED);
	on_note = NULL;
	for (int i = 0; i < 2; i++)
		must_eq(enter(gate, 8), 'x');
	must_eq(enter_fault(module, gate, 40)->kind, MODISO_FAULT_ILLEGAL);
	expect(MODISO_ERR_BUSY, load("tls_init", &second));
	must_say("has gates already");
	expect(MODISO_OK, modiso_gate_destroy(gate));
	/* And is in nobody's way. */
	expect(MODISO_OK, load("tls_init", &second));
	gate = gate_of(second, "start", 1, 0);
	must_eq(enter(gate, 1), 5 + 1 + 1);
	finish();
}
END_TEST

static sem_t is_inside, may_go_on;
static pthread_t other;

static long wait_inside(long event)
{
	must_eq(sem_post(&is_inside), 0);
	while (sem_wait(&may_go_on) != 0)
		must_eq(errno, EINTR);
	return event;
}

static void *load_other(void *arg)
{
	expect(MODISO_OK, load("tls_init_without", &first));
	gate = gate_of(first, "start", 1, 0);
	must_eq(enter(gate, 1), 5 + 1 + 1);
	expect(MODISO_OK, modiso_gate_destroy(gate));
	return arg;
}

static long let_another_in(long event)
{
	on_note = wait_inside;
	must_eq(pthread_create(&other, NULL, load_other, NULL), 0);
	while (sem_wait(&is_inside) != 0)
		must_eq(errno, EINTR);
	on_note = NULL;
	return event + 1;
}

/* Nor that of a thread that another image's initialiser has brought there. */
START_TEST(failed_around)
{
	struct modiso_image *second = UNTOUCHED;

	begin(_i, MODISO_CONFINE_GUARD);
	must_eq(sem_init(&is_inside, 0, 0), 0);
	must_eq(sem_init(&may_go_on, 0, 0), 0);
	on_note = let_another_in;
	expect(MODISO_ERR_FAULT, load("tls_init", &second));
	must_eq(sem_post(&may_go_on), 0);
	must_eq(pthread_join(other, NULL), 0);
	expect(MODISO_OK, load("tls_init", &second));
	finish();
}
END_TEST

/* Who needs a block has it, whichever image it came with. */
START_TEST(needed)
{
	struct modiso_image *second = UNTOUCHED;

	begin(_i, closed());
	expect(MODISO_OK, load("tls_init", &first));
	expect(MODISO_OK, load("canary", &second));
	gate = gate_of(second, "start", 1, 0);
	must_eq(enter(gate, 8), 'x');
	if (on_pkey()) {
		expect(MODISO_OK, modiso_image_unload(first));
		must_eq(enter(gate, 8), 'x');
		expect(MODISO_ERR_NOTSUP, load("tls_init", &first));
		must_say("of another image already");
		expect(MODISO_ERR_BUSY, modiso_image_unload(second));
	} else {
		expect(MODISO_ERR_BUSY, modiso_image_unload(first));
		must_say("thread-local storage goes with image");
	}
	expect(MODISO_OK, modiso_gate_destroy(gate));
	expect(MODISO_OK, modiso_image_unload(on_pkey() ? second : first));
	expect(MODISO_OK, load("tls_init", &first));
	finish();
}
END_TEST

/* Its stack protector would read the host's word, and must not; no more. */
START_TEST(late)
{
	struct modiso_image *second = NULL;
	struct modiso_gate *protected;

	begin(_i, MODISO_CONFINE_SEALED);
	expect(MODISO_OK, load("tls_init_without", &first));
	gate = gate_of(first, "same", 1, 0);
	must_eq(enter(gate, 3), 3);
	expect(MODISO_OK, load("canary", &second));
	protected = gate_of(second, "start", 1, 0);
	(void)enter_fault(module, protected, 8);
	must_eq(enter(gate, 3), 3);
	finish();
}
END_TEST

/* A selector makes FS 0: no frame may say that it is. */
START_TEST(never_zero)
{
	struct mdi_thread *thread;

	begin(_i, MODISO_CONFINE_GUARD);
	expect(MODISO_OK, load("tls_init", &first));
	gate = gate_of(first, "same", 1, 0);
	must_eq(enter(gate, 3), 3);
	thread = mdi_thread_self();
	mdi_thread_link(thread, gate->own.tls)->stack = 0;
	must_eq(enter(gate, 3), 3);
	must(mdi_thread_frames(thread)[0].module_pointer != 0);
	finish();
}
END_TEST

/* The library called by a pointer: what it finds at FS is the module's. */
START_TEST(library)
{
	struct modiso_module *made = UNTOUCHED;
	uintptr_t result = 0;
	int code;

	begin(_i, MODISO_CONFINE_GUARD);
	expect(MODISO_OK, load("tls_init", &first));
	gate = gate_of(first, "call_host", 6, 0);
	code = modiso_gate_call(gate,
				WORDS(W(modiso_module_create),
				      W(&mdi_here) - host_pointer,
				      MDI_UNATTACHED, W("other"), 0, W(&made)),
				&result);
	/* To say why it may need variables of the C library's. */
	must(code == MODISO_ERR_FAULT || (int)result == MODISO_ERR_STATE);
	must(made == UNTOUCHED);
	finish();
}
END_TEST

static void refuse_arch_prctl(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_arch_prctl, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	must_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(77);
}

static void call_without_arch_prctl(void *arg)
{
	uintptr_t word = 0;
	int code;

	compiler = arg;
	mdi_arch_state.fsgsbase = 0;
	must_eq(enter(gate, 1), 5 + 1 + 1);
	refuse_arch_prctl();
	code = modiso_gate_call(gate, WORDS(1), &word);
	printf("the call went on: %d, %zu\n", code, (size_t)word);
}

/* Where it is the kernel that sets FS, its no is the end of the process. */
START_TEST(no_arch_prctl)
{
	char text[512];
	int status;

	begin(_i, MODISO_CONFINE_GUARD);
	expect(MODISO_OK, load("tls_init", &first));
	gate = gate_of(first, "start", 1, 0);
	status = child_output(call_without_arch_prctl,
			      (void *)(uintptr_t)compiler, text, sizeof(text));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		test_skip("seccomp", "not in this kernel");
	if (strstr(text, "arch_prctl(ARCH_SET_FS) is refused") == NULL)
		ck_abort_msg("status %#x: %s", (unsigned)status, text);
	must(WIFEXITED(status) && WEXITSTATUS(status) == 134);
	finish();
}
END_TEST

static Suite *make_suite(void)
{
	const TTest *const tests[] = {many, failed, failed_around, needed};
	Suite *suite = suite_create("tls_images");
	TCase *tcase = tcase_create("tls_images");

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_loop_test(tcase, tests[i], 0, 2);
	if (on_pkey()) {
		tcase_add_loop_test(tcase, late, 0, 2); /* SEALED */
		tcase_add_loop_test(tcase, never_zero, 0, 2);
	} else {
		tcase_add_loop_test(tcase, no_arch_prctl, 0, 2);
		add_loop_test_but_tsan(tcase, library, 0, 2,
				       "its code in the library would use FS");
	}
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
