/* SPDX-License-Identifier: MIT */
/* The numbers of frame.h are those of its structures. */
#include "arch/x86_64/frame.h"

#include <modiso/gate.h>

#include "os/misuse.h"

#include <modiso/record.h>

#define SAME(type, member, number) \
	_Static_assert(offsetof(type, member) == (number), #number)

SAME(struct mdi_open_page, rights, RO_PKRU);
SAME(struct mdi_open_page, selector, RO_SELECTOR);
SAME(struct mdi_open_page, resume, RO_RESUME);
/* One store has both words. */
_Static_assert(RO_SELECTOR - RO_PKRU == L_SELECTOR - L_PKRU, "selector");
SAME(struct mdi_open_page, host_rights, RO_HOST_PKRU);
SAME(struct mdi_open_page, selectors, RO_SELECTORS);
SAME(struct mdi_open_page, thread_pointer, RO_FS_BASE);

/* What fiber.S copies from one to the other. */
_Static_assert(offsetof(struct mdi_open_page, tid) == RO_FS_BASE + 12 &&
		       T_TID == T_FS_BASE + 12 && T_HOST_PKRU == T_FS_BASE + 8,
	       "16 bytes that are the same in both");
_Static_assert(MDI_MARK_FIBER == FIBER_MARK, "FIBER_MARK");

#define T_SAME(member, number) SAME(struct mdi_thread, member, number - 4096)
T_SAME(thread_pointer, T_FS_BASE);
T_SAME(host_rights, T_HOST_PKRU);
T_SAME(tid, T_TID);
T_SAME(selectors, T_SELECTORS);
T_SAME(current, T_CURRENT);
T_SAME(frame, T_FRAME);
T_SAME(host, T_HOST);
T_SAME(mark, T_MARK);
T_SAME(window_count, T_WINDOW_COUNT);
T_SAME(abandoned, T_WINDOW_COUNT + 4);
_Static_assert(sizeof(struct mdi_thread) <= 4096 - F_SIZE,
	       "one page before frames, and in it the one that is none");

SAME(struct mdi_frame, rbx, F_RBX);
SAME(struct mdi_frame, rbp, F_RBP);
SAME(struct mdi_frame, r12, F_R12);
SAME(struct mdi_frame, r13, F_R13);
SAME(struct mdi_frame, r14, F_R14);
SAME(struct mdi_frame, r15, F_R15);
SAME(struct mdi_frame, sp, F_RSP);
SAME(struct mdi_frame, x87_control, F_X87);
SAME(struct mdi_frame, mxcsr, F_MXCSR);
SAME(struct mdi_frame, service_sp, F_SERVICE_SP);
SAME(struct mdi_frame, stack, F_STACK);
SAME(struct mdi_frame, link, F_LINK);
SAME(struct mdi_frame, service, F_SERVICE);
SAME(struct mdi_frame, module_mxcsr, F_MODULE_MXCSR);
SAME(struct mdi_frame, module_x87_control, F_MODULE_X87CW);
SAME(struct mdi_frame, module_pointer, F_TP);
/* With 48 bits of address, and with 57. */
_Static_assert(MDI_NO_POINTER >> 56 != 0 && MDI_NO_POINTER >> 56 != 0xff,
	       "MDI_NO_POINTER is no address");
_Static_assert(sizeof(struct mdi_frame) == F_SIZE, "F_SIZE");
_Static_assert(T_FRAMES + MDI_DEPTH_MAX * F_SIZE == T_FRAMES_END,
	       "the frames end where no memory follows");
_Static_assert(T_FRAMES_END < T_RESUME && T_RESUME + T_RESUME_SIZE <= T_RING &&
		       T_RING + T_RING_SIZE <= T_STACKS,
	       "T_RESUME, T_RING");

#define R_SAME(member, number) \
	SAME(struct modiso_record_ring, member, number - T_RING)
R_SAME(next, T_RING_NEXT);
R_SAME(calls, T_RING_CALLS);
R_SAME(calls[0].begin, T_FRAMES + O_BEGIN);
R_SAME(calls[0].gate, T_FRAMES + O_GATE);
R_SAME(calls[0].service_begin, T_FRAMES + O_SERVICE_BEGIN);
R_SAME(calls[0].service, T_FRAMES + O_SERVICE);
R_SAME(events, T_EVENTS);
_Static_assert(sizeof(struct modiso_record_ring) == T_RING_SIZE &&
		       sizeof(struct modiso_record_call) == F_SIZE &&
		       MODISO_RECORD_DEPTH == MDI_DEPTH_MAX,
	       "a call's record is found by its frame");
SAME(struct modiso_record_event, begin, E_BEGIN);
SAME(struct modiso_record_event, what, E_WHAT);
SAME(struct modiso_record_event, end, E_END);
SAME(struct modiso_record_event, place, E_PLACE);
_Static_assert(sizeof(struct modiso_record_event) == E_SIZE &&
		       MODISO_RECORD_EVENTS * E_SIZE == 65536,
	       "16 bits of a place are its offset in the ring");
_Static_assert(T_LINKS + (MDI_MODULES_MAX << L_SHIFT) == MDI_BLOCK_SIZE,
	       "T_LINKS");
_Static_assert(T_STACKS + MDI_MODULES_MAX * sizeof(void *) == T_LINKS,
	       "T_STACKS");
_Static_assert(sizeof(struct mdi_link) == 2 * sizeof(void *) &&
		       T_LINKS % 2 == 0,
	       "mdi_thread_first_stack()");
_Static_assert(MDI_BLOCK_SIZE == 1 << MDI_BLOCK_SHIFT, "MDI_BLOCK_SHIFT");
_Static_assert(MDI_BLOCK_MASK == MDI_BLOCK_SIZE * (MDI_THREADS_MAX - 1l),
	       "MDI_BLOCK_MASK");

SAME(struct mdi_link, stack, L_STACK);
SAME(struct mdi_link, rights, L_PKRU);
SAME(struct mdi_link, selector, L_SELECTOR);
SAME(struct mdi_link, scrub, L_SCRUB);
_Static_assert(sizeof(struct mdi_link) == 1 << L_SHIFT, "L_SHIFT");

SAME(struct mdi_gate_slot, enter, S_ENTER);
SAME(struct mdi_gate_slot, domain, S_DOMAIN);
SAME(struct mdi_gate_slot, entry, S_ENTRY);
SAME(struct mdi_gate_slot, value, S_VALUE);
SAME(struct mdi_gate_slot, inner, S_INNER);
SAME(struct mdi_gate_slot, words, S_WORDS);
SAME(struct mdi_gate_slot, floats, S_FLOATS);
SAME(struct mdi_gate_slot, next, S_NEXT);
SAME(struct mdi_gate_slot, link, S_LINK);
SAME(struct mdi_gate_slot, tls, S_TLS);
_Static_assert(sizeof(struct mdi_gate_slot) == S_SIZE, "S_SIZE");

SAME(struct mdi_service_slot, function, V_FUNCTION);
SAME(struct mdi_service_slot, flags, V_FLAGS);
_Static_assert(sizeof(struct mdi_service_slot) == 1 << V_SHIFT, "V_SHIFT");

SAME(struct mdi_arrival, count, N_COUNT);
SAME(struct mdi_arrival, sp, N_SP);
SAME(struct mdi_arrival, thread_pointer, N_FS_BASE);
SAME(struct mdi_arrival, token, N_TOKEN);
_Static_assert(sizeof(struct mdi_arrival) == 1 << N_SHIFT, "N_SHIFT");
SAME(struct mdi_arrivals, altstacks, N_ALTSTACKS);

SAME(struct mdi_arch_state, blocks, A_BLOCKS);
SAME(struct mdi_arch_state, fsgsbase, A_FSGSBASE);
SAME(struct mdi_arch_state, avx, A_AVX);
SAME(struct mdi_arch_state, avx512, A_AVX512);
SAME(struct mdi_arch_state, amx, A_AMX);
SAME(struct mdi_arch_state, apx, A_APX);
SAME(struct mdi_arch_state, wide, A_WIDE);
SAME(struct mdi_arch_state, altstacks, A_ALTSTACKS);
SAME(struct mdi_arch_state, handler_rights, A_HANDLER_PKRU);
SAME(struct mdi_arch_state, pid, A_PID);
SAME(struct mdi_arch_state, tokens_read, A_TOKENS_READ);
SAME(struct mdi_arch_state, flags, A_FLAGS);
SAME(struct mdi_arch_state, frames_open, A_FRAMES_OPEN);
_Static_assert(MDI_ALTSTACK_SIZE == 1 << MDI_ALTSTACK_SHIFT, "ALTSTACK");
_Static_assert(MDI_ALTSTACK_PART * MDI_ALTSTACK_PARTS == MDI_ALTSTACK_SIZE,
	       "ALTSTACK");
SAME(struct mdi_arch_state, gates, A_GATES);
SAME(struct mdi_arch_state, services, A_SERVICES);
SAME(struct mdi_arch_state, entries.gate_slow, A_GATE_SLOW);
SAME(struct mdi_arch_state, entries.gate_refuse, A_GATE_REFUSE);
SAME(struct mdi_arch_state, entries.gate_too_deep, A_GATE_TOO_DEEP);
SAME(struct mdi_arch_state, entries.gate_land, A_GATE_LAND);
SAME(struct mdi_arch_state, entries.orphan_end, A_ORPHAN_END);
SAME(struct mdi_arch_state, entries.plain_enter, A_PLAIN_ENTER);
SAME(struct mdi_arch_state, entries.plain_leave, A_PLAIN_LEAVE);
SAME(struct mdi_arch_state, entries.plain_service_enter, A_PLAIN_SERVICE_ENTER);
SAME(struct mdi_arch_state, entries.plain_service_leave, A_PLAIN_SERVICE_LEAVE);
SAME(struct mdi_arch_state, entries.service_direct, A_SERVICE_DIRECT);
SAME(struct mdi_arch_state, entries.service_allowed, A_SERVICE_ALLOWED);
SAME(struct mdi_arch_state, entries.fault_signal, A_FAULT_SIGNAL);
SAME(struct mdi_arch_state, entries.host_signal, A_HOST_SIGNAL);
SAME(struct mdi_arch_state, entries.unwind_over, A_UNWIND_OVER);
SAME(struct mdi_arch_state, entries.frames_switched, A_FRAMES_SWITCHED);
SAME(struct mdi_arch_state, entries.service_stacked, A_SERVICE_STACKED);
SAME(struct mdi_arch_state, cpu.rights_offset, A_RIGHTS_OFFSET);
SAME(struct mdi_arch_state, tids_end, A_TIDS_END);
SAME(struct mdi_arch_state, tids, A_TIDS);
_Static_assert(REGISTER_WORDS == MODISO_ARGS_MAX &&
		       REGISTER_WORDS + STACK_WORDS == MODISO_WORDS_MAX &&
		       STACK_WORDS_SIZE == STACK_WORDS * sizeof(uint64_t) &&
		       STACK_WORDS_SIZE % 16 == 0,
	       "words of a call");
