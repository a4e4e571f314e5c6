/* SPDX-License-Identifier: MIT */
#include "contract/jump_scene.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

struct modiso_module *module;
static struct modiso_region *own, *hosts;
struct modiso_gate *jump[BASES], *add;
struct poke_registers *state; /* in the module's region */
unsigned char *zeros;         /* a page of it: a context, too */
static uint64_t secret;

volatile uintptr_t stale_frame; /* where a signal's frame has been */

/* All of it: a return address, the context, the siginfo, vector registers. */
static char genuine[12 * 1024];
static size_t genuine_size, genuine_vectors;

static void note_frame(int signo, siginfo_t *info, void *context)
{
	const char *frame = (char *)context - 8;
	const ucontext_t *uc = context;
	const char *vectors = (void *)uc->uc_mcontext.fpregs;

	(void)signo;
	(void)info;
	if (stale_frame)
		return;
	stale_frame = W(frame);
	genuine_vectors = (size_t)(vectors - frame);
	/* struct _fpx_sw_bytes: what lies there, the second magic included */
	genuine_size = genuine_vectors + *(const uint32_t *)(vectors + 468);
	if (genuine_size <= sizeof(genuine))
		memcpy(genuine, frame, genuine_size);
}

struct target *target;

bool guarded, started;

void make_scene(void)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = on_pkey() ? MODISO_CONFINE_SEALED
					 : MODISO_CONFINE_GUARD,
		.syscalls = guarded ? MODISO_SYSCALLS_NONE
				    : MODISO_SYSCALLS_OPEN,
		/* Some bytes are a loop without end. */
		.time_limit_ms = 20,
	};
	struct sigaction action = {.sa_sigaction = note_frame,
				   .sa_flags = SA_SIGINFO};

	target = mmap(NULL, sizeof(*target), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(target != MAP_FAILED);
	if (!started)
		world_start();
	expect(MODISO_OK, modiso_module_create("jumper", &options, &module));
	own = make_region(module, 9 * PAGE, "own");
	hosts = make_region(NULL, PAGE, "hosts");
	memset(region_bytes(hosts), 0x5e, PAGE);
	memcpy(&secret, region_bytes(hosts), sizeof(secret));
	poke_secret = region_bytes(hosts);
	state = (void *)region_bytes(own);
	zeros = region_bytes(own) + PAGE;
	jump[WITH_BASES] = make_gate(module, poke_jump_with);
	jump[WITHOUT_GS] = make_gate(module, poke_jump_without_gs);
	jump[WITHOUT_BASES] = make_gate(module, poke_jump_without_bases);
	add = make_gate(module, module_add_one);
	must_eq(enter(add, 1), 2);
	must(!sigaction(SIGUSR1, &action, NULL));
	must(!raise(SIGUSR1));
	must(stale_frame && genuine_size <= sizeof(genuine));
}

/*
 * It has returned from its own frame by rt_sigreturn(2), which it may call, and
 * was not let in, as an entry takes back an arrival before anything else.
 */
static bool called_itself(void)
{
	return target->variant == 5 && !guarded &&
	       mdi_arrival_at(state->word[7])->count == 1;
}

void check_module(void)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	struct modiso_gate *load;
	uintptr_t result = 0;

	if (modiso_gate_call(add, WORDS(1), &result) || result != 2)
		_exit(BROKEN);
	if (modiso_gate_create(module, (modiso_fn)poke_load1, NULL, &load) ||
	    modiso_gate_call(load, WORDS(W(hosts)), NULL) !=
		    (on_pkey() ? MODISO_ERR_FAULT : MODISO_OK) ||
	    modiso_gate_call(load, WORDS(W(region_bytes(hosts))), NULL) !=
		    MODISO_ERR_FAULT ||
	    modiso_fault_last(&fault) || fault.module != module ||
	    modiso_gate_destroy(load))
		_exit(BROKEN);
}

void check_host(uintptr_t rights)
{
	if (poke_leaked || poke_leak == secret)
		_exit(called_itself() ? 0 : LEAKED);
	if (on_pkey() && poke_rdpkru() != rights)
		_exit(RIGHTS_LEFT);
	if (!all_bytes(region_bytes(hosts), 0x5e, PAGE))
		_exit(BROKEN);
}

uintptr_t own_frame(void)
{
	return W(region_bytes(own)) + 5 * PAGE + stale_frame % 64;
}

/* A return from it would go where the module likes, with the host's rights. */
static uintptr_t forge_frame(void)
{
	uintptr_t frame = own_frame();
	ucontext_t *context = (void *)(frame + 8);

	memcpy((void *)frame, genuine, genuine_size);
	context->uc_mcontext.fpregs = (void *)(frame + genuine_vectors);
	context->uc_mcontext.gregs[REG_RIP] = (greg_t)W(poke_jump_landed);
	context->uc_mcontext.gregs[REG_RSP] = (greg_t)(W(zeros) + PAGE);
	return frame;
}

void note_arrivals(uint64_t count)
{
	for (size_t i = 0; i < MDI_ARRIVALS; i++)
		mdi_arrivals.of[i].count = count;
}

bool choose(unsigned variant, const void *place)
{
	uint64_t *word = state->word;
	unsigned i;

	for (i = 0; i < 16; i++)
		word[i] = W(zeros);
	/* rax rbx rcx rdx rsi rdi rbp rsp: as WRPKRU wants them. */
	word[0] = 0;
	word[2] = 0;
	word[3] = 0;
	word[5] = SIGHUP;
	word[7] = 0;
	word[11] = W(place);
	switch (variant) {
	case 0:
		return true;
	case 1: /* the rights that the host has */
		word[0] = on_pkey() ? poke_rdpkru() : 0;
		return true;
	case 2: /* as if the kernel called a handler */
		word[3] = W(zeros) + 512;
		return true;
	case 3: /* the same, where the kernel writes its frames */
		word[7] = stale_frame;
		word[3] = stale_frame + 8;
		return true;
	case 5: /* the same on a stack of its own, and the frame is whole */
		word[7] = forge_frame();
		word[8] = word[7] + 8; /* where rdx waits for a WRPKRU */
		word[5] = SIGUSR1;
		return true;
	case 4: /* a fault that the library would have tried again */
		word[3] = W(zeros) + 512;
		word[5] = SIGSEGV;
		return true;
	default:
		return false;
	}
}

void forge_context(void)
{
	ucontext_t *context = (void *)(zeros + 512);
	siginfo_t *info = (void *)zeros;
	char *area = (char *)zeros + 2048;

	memset(zeros, 0, PAGE);
	/* variants 0 to 3 find zeros here: no handler, no fault */
	info->si_signo = SIGSEGV;
	info->si_code = SEGV_PKUERR;
	info->si_addr = (void *)(W(zeros) + 2 * PAGE);
	context->uc_mcontext.fpregs = (void *)area;
	context->uc_mcontext.gregs[REG_TRAPNO] = 14;
	memset(area, 0x55, 3 * PAGE - 2048 - PAGE);
	*(uint32_t *)(void *)(area + 464) = 0x46505853; /* FP_XSTATE_MAGIC1 */
}

void limit_time(void)
{
	setrlimit(RLIMIT_CPU, &(struct rlimit){60, 60});
}
