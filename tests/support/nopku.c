/* SPDX-License-Identifier: MIT */
#include "support/nopku.h"
#include "support/poke.h"
#include "support/world.h"

#include <cpuid.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What pkey_alloc(2) is to answer; 0: whatever the kernel says. */
static const int answers[] = {0, EPERM, ENOSYS, ENOSPC, EINVAL};
#define ANSWERS ((int)(sizeof(answers) / sizeof(*answers)))

static void deny_pkey_alloc(int answer)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pkey_alloc, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof(code) / sizeof(*code), code};

	if (!answer)
		return;
	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		test_skip("seccomp", "this kernel takes no seccomp filter");
	must_eq(syscall(SYS_pkey_alloc, 0, 0), -1);
	must_eq(errno, answer);
}

/* Does the operating system offer keys, by the CPU's own word? */
static bool os_has_keys(void)
{
	unsigned eax, ebx, ecx, edx;

	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) &&
	       (ecx & 1u << 4);
}

/* Without a filter the case is about a machine that has no keys. */
static void prepare(int which)
{
	if (!answers[which] && os_has_keys())
		test_skip("no-pkey", "this machine has protection keys");
	deny_pkey_alloc(answers[which]);
	unsetenv("MODISO_BACKEND");
}

static struct modiso_backend_info query(void)
{
	struct modiso_backend_info info = {.struct_size = sizeof(info)};

	expect(MODISO_OK, modiso_backend_query(MODISO_BACKEND_PKEY, &info));
	return info;
}

START_TEST(test_query)
{
	struct modiso_backend_info info;

	prepare(_i);
	info = query();
	must_eq(info.usable, 0);
	must_eq(info.caps, 0);
	must_eq(info.keys_free, 0);
	must(*info.reason);
	/* Asked again it says the same. */
	must_str(query().reason, info.reason);
}
END_TEST

/* What every module needs, done with mprotect. */
static void use(void)
{
	struct modiso_module *module = make_module("module");
	struct modiso_region *hosts = make_region(NULL, PAGE, "host's");
	struct modiso_region *own = make_region(module, PAGE, "own");
	struct modiso_gate *load = make_gate(module, poke_load1);
	unsigned char *byte = region_bytes(hosts);
	const struct modiso_fault *fault;

	region_bytes(own)[0] = 5;
	must_eq(enter(load, W(region_bytes(own))), 5);
	fault = enter_fault(module, load, W(byte));
	must_blame(fault, MODISO_READ, byte, hosts);
	must_eq(fault->pkey, -1);
	byte[0]++;
	enter_fault(module, make_gate(module, poke_ud2), 0);
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_region_destroy(hosts));
}

/* No key to be had is another thing than no keys at all. */
static int refusal(int answer)
{
	return os_has_keys() && answer == ENOSPC &&
			       !strstr(query().reason, "--disable-pkey") ?
		       MODISO_ERR_NOKEY :
		       MODISO_ERR_NOTSUP;
}

/* Of pkey's, where there is nothing to fall back to. */
static int auto_refusal(int which)
{
	return MDI_MPROTECT_FALLBACK ? MODISO_ERR_NOTSUP :
				       refusal(answers[which]);
}

/* --disable-mprotect-fallback: whoever names nothing gets nothing. */
static void check_no_fallback(const struct modiso_options *options, int which)
{
	expect(auto_refusal(which), modiso_init(options));
	must_eq(modiso_backend_current(), MODISO_BACKEND_AUTO);
}

START_TEST(test_auto)
{
	prepare(_i);
	if (!MDI_MPROTECT_FALLBACK) {
		check_no_fallback(NULL, _i);
		return;
	}
	expect(MODISO_OK, modiso_init(NULL));
	must_eq(modiso_backend_current(), MODISO_BACKEND_MPROTECT);
	use();
	expect(MODISO_OK, modiso_fini());
	setenv("MODISO_BACKEND", "auto", 1);
	expect(MODISO_OK, modiso_init(NULL));
	must_eq(modiso_backend_current(), MODISO_BACKEND_MPROTECT);
	use();
	expect(MODISO_OK, modiso_fini());
}
END_TEST

START_TEST(test_asked_for)
{
	struct modiso_options options = {.struct_size = sizeof(options),
					 .backend = MODISO_BACKEND_PKEY};
	int want = refusal(answers[_i]);
	char reason[MODISO_REASON_SIZE];

	prepare(_i);
	snprintf(reason, sizeof(reason), "%s", query().reason);
	expect(want, modiso_init(&options));
	must(strstr(modiso_last_error_text(), reason));
	must_eq(modiso_backend_current(), MODISO_BACKEND_AUTO);
	setenv("MODISO_BACKEND", "pkey", 1);
	expect(want, modiso_init(NULL));
	must(strstr(modiso_last_error_text(), reason));
	/* Nothing is left of the attempts. */
	setenv("MODISO_BACKEND", "mprotect", 1);
	expect(MODISO_OK, modiso_init(NULL));
	use();
	expect(MODISO_OK, modiso_fini());
}
END_TEST

/* What only pkey can do, asked for without naming it. */
START_TEST(test_capability)
{
	struct modiso_options options = {.struct_size = sizeof(options)};

	prepare(_i);
	options.require = MODISO_CAP_PER_THREAD;
	expect(auto_refusal(_i), modiso_init(&options));
	options.require = MODISO_CAP_SEALED;
	expect(auto_refusal(_i), modiso_init(&options));
	options.require = MODISO_CAP_GUARD;
	if (!MDI_MPROTECT_FALLBACK) {
		check_no_fallback(&options, _i);
		return;
	}
	expect(MODISO_OK, modiso_init(&options));
	use();
	expect(MODISO_OK, modiso_fini());
}
END_TEST

TCase *nopku_cases(bool without_filter)
{
	TCase *tcase = tcase_create("nopku");
	int first = without_filter ? 0 : 1;

	tcase_add_loop_test(tcase, test_query, first, ANSWERS);
	tcase_add_loop_test(tcase, test_auto, first, ANSWERS);
	tcase_add_loop_test(tcase, test_asked_for, first, ANSWERS);
	tcase_add_loop_test(tcase, test_capability, first, ANSWERS);
	return tcase;
}
