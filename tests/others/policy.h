/* SPDX-License-Identifier: MIT */
/*
 * policy.h - one program's worth of everything that the library does, for
 * systems that refuse a part of it.
 */
#ifndef OTHERS_POLICY_H
#define OTHERS_POLICY_H

#include "host.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void *policy_thread(void *unused)
{
	(void)unused;
	need("attach", modiso_thread_attach());
	use("on a thread");
	need("detach", modiso_thread_detach());
	return NULL;
}

/* From memory: lea (%rdi,%rdi), %eax; ret */
static inline void policy_image(void)
{
	static const unsigned char code[] = {0x8d, 0x04, 0x3f, 0xc3};
	struct modiso_flat_symbol symbol = {"twice", 0};
	struct modiso_flat flat = {.struct_size = sizeof(flat),
				   .code_size = sizeof(code),
				   .symbols = &symbol,
				   .symbol_count = 1};
	struct modiso_image *image;
	struct modiso_gate *gate;
	uintptr_t value = 21, result = 0;

	need("prepare", modiso_image_prepare(the_module, code, sizeof(code),
					     &flat, NULL, &image));
	need("seal", modiso_image_seal(image));
	need("gate", modiso_image_gate(image, "twice", NULL, &gate));
	need("call", modiso_gate_call(gate, &value, 1, &result));
	if (result != 42)
		fail("an image: 2 * 21 is %d", (int)result);
	need("destroy", modiso_gate_destroy(gate));
	need("unload", modiso_image_unload(image));
}

static inline void policy_shared(void)
{
	struct modiso_region *region;
	int fd = memfd_create("shared", MFD_ALLOW_SEALING);

	if (fd < 0)
		return; /* the program's own call, not the library's */
	if (ftruncate(fd, 4096) == 0) {
		need("map shared",
		     modiso_region_map_shared(the_module, fd, 0, 0, MODISO_READ,
					      NULL, &region));
		need("destroy", modiso_region_destroy(region));
	}
	close(fd);
}

static inline void policy_adopt(void)
{
	const size_t length = 8192;
	struct modiso_region *region;
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return; /* as above */
	need("adopt", modiso_region_adopt(the_module, memory, length,
					  MODISO_READ | MODISO_WRITE, NULL,
					  &region));
	need("destroy", modiso_region_destroy(region));
	munmap(memory, length);
}

static inline void policy_modules(int threads)
{
	struct modiso_module *other;
	pthread_t thread;

	need("module", modiso_module_create("other", NULL, &other));
	need("grant", modiso_region_grant(its_region, other, MODISO_READ));
	need("revoke", modiso_region_revoke(its_region, other));
	need("window", modiso_window_open(its_region, MODISO_READ));
	need("window", modiso_window_close(its_region));
	need("snapshot", modiso_snapshot_take(the_module));
	need("snapshot", modiso_snapshot_restore(the_module));
	need("heap", modiso_heap_create(other, 65536, NULL));
	need("destroy", modiso_module_destroy(other));
	if (threads &&
	    pthread_create(&thread, NULL, policy_thread, NULL) == 0)
		pthread_join(thread, NULL);
	need("adopt", modiso_signal_adopt());
}

/* The program's own fault has nobody: it ends the process as ever. */
static inline void policy_default(void)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		*(volatile int *)64 = 1;
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return; /* as above */
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
		fail("the host's own fault ends with status %#x", status);
}

static inline void policy_audit(void)
{
	struct modiso_audit_finding findings[8];
	size_t count, found = 0;

	need("audit", modiso_audit(findings, 8, &count));
	for (size_t i = 0; i < count && i < 8; i++)
		found += findings[i].kind != MODISO_AUDIT_WRITE_EXEC;
	if (found > 0)
		fail("the audit finds %d differences", (int)found);
}

/* Everything after modiso_init(). @threads: the C library can make one. */
static inline void policy_work(int threads)
{
	make_module();
	use("at the beginning");
	policy_image();
	policy_shared();
	policy_adopt();
	policy_modules(threads);
	policy_audit();
	policy_default();
	use("at the end");
	need("destroy", modiso_module_destroy(the_module));
	need("destroy", modiso_region_destroy(host_region));
	need("fini", modiso_fini());
}

#endif /* OTHERS_POLICY_H */
