/* SPDX-License-Identifier: MIT */
/*
 * check_thread - a thread's block: what lies where, what is mapped, and that
 * numbers of threads that ended are used again.
 */
#include "support/proc.h"
#include "support/test.h"
#include "support/world.h"

#include "core/thread.h"

#include <stdlib.h>
#include <string.h>

static const char *perms(const void *address)
{
	static struct proc_mapping mapping;

	return proc_mapping(address, &mapping) ? mapping.perms : "none";
}

START_TEST(test_layout)
{
	char *block = (char *)((uintptr_t)5 << MDI_BLOCK_SHIFT);
	struct mdi_thread *thread = mdi_block_thread(block);
	struct mdi_frame *frames = mdi_thread_frames(thread);
	uintptr_t last = T_LINKS + ((MDI_MODULES_MAX - 1) << L_SHIFT);

	must_eq(mdi_thread_block(thread), block);
	must_eq(mdi_thread_open_page(thread), block);
	/* The page that modules can read holds nothing else. */
	must(sizeof(struct mdi_open_page) <= PAGE);
	must_eq(W(thread) - W(block), PAGE);
	must((char *)(thread + 1) <= (char *)frames);
	must_eq(W(frames + MDI_DEPTH_MAX), W(block) + T_FRAMES_END);
	must(T_FRAMES_END + PAGE <= T_LINKS);
	must_eq(W(mdi_thread_link(thread, T_LINKS)), W(block) + T_LINKS);
	must_eq(W(mdi_thread_link(thread, (uint32_t)last) + 1),
		W(block) + MDI_BLOCK_SIZE);
}
END_TEST

/* Any number, masked, is a block's offset; and every block is one. */
START_TEST(test_mask)
{
	uintptr_t i, value;

	srand(1);
	for (i = 0; i < 10000; i++) {
		value = (uintptr_t)rand() << 33 ^ (uintptr_t)rand() << 11 ^
			(uintptr_t)rand();
		value &= MDI_BLOCK_MASK;
		must_eq(value % MDI_BLOCK_SIZE, 0);
		must(value / MDI_BLOCK_SIZE < MDI_THREADS_MAX);
	}
	for (i = 0; i < MDI_THREADS_MAX; i++)
		must_eq(i * MDI_BLOCK_SIZE & MDI_BLOCK_MASK,
			i * MDI_BLOCK_SIZE);
}
END_TEST

/* What a deep nest or a wild index would hit next is mapped to nothing. */
START_TEST(test_mapped)
{
	struct mdi_thread *thread;
	char *block;

	world_start();
	must_eq(mdi_thread_attach(&thread), 0);
	block = mdi_thread_block(thread);
	must_eq(W(block) % MDI_BLOCK_SIZE, 0);
	must_eq(mdi_arch_state.blocks, block - thread->index * MDI_BLOCK_SIZE);
	must_eq(W(mdi_arch_state.blocks) %
			((uintptr_t)MDI_BLOCK_SIZE * MDI_THREADS_MAX),
		0);
	/* Where a null selector in GS leads to. */
	must(thread->index >= MDI_BLOCK_FIRST);
	must_str(perms(mdi_arch_state.blocks), "---p");
	must_str(perms(block), "rw-p");
	must_str(perms(block + T_FRAMES_END - 1), "rw-p");
	must_str(perms(block + T_FRAMES_END), "---p");
	must_str(perms(block + T_STACKS - 1), "---p");
	must_str(perms(block + T_STACKS), "rw-p");
	must_str(perms(block + MDI_BLOCK_SIZE - 1), "rw-p");
	must_str(perms(block + MDI_BLOCK_SIZE), "---p");
}
END_TEST

/* A guard page below each. */
START_TEST(test_signal_stacks)
{
	struct mdi_thread *thread;
	char *stacks, *part;
	size_t i;

	world_start();
	must_eq(mdi_thread_attach(&thread), 0);
	stacks = mdi_arch_state.altstacks +
		 (size_t)thread->index * MDI_ALTSTACK_SIZE;
	for (i = 0; i < MDI_ALTSTACK_PARTS; i++) {
		part = stacks + i * MDI_ALTSTACK_PART;
		must_str(perms(part), "---p");
		must_str(perms(part + PAGE), "rw-p");
	}
	must_str(perms(stacks + MDI_ALTSTACK_SIZE), "---p");
}
END_TEST

START_TEST(test_fresh)
{
	struct mdi_thread *thread, *again;

	world_start();
	must(!mdi_threads_any());
	must_eq(mdi_thread_attach(&thread), 0);
	must(mdi_threads_any());
	must_eq(mdi_thread_attach(&again), 0);
	must_eq(again, thread);
	must_eq(mdi_thread_self(), thread);
	must_eq(thread->tid, proc_gettid());
	must_eq(thread->frame, mdi_thread_frames(thread));
	must(mdi_frame_top(thread) == NULL);
	must(!mdi_thread_inside(thread));
	must_eq(mdi_thread_detach(), 0);
	must(mdi_thread_self() == NULL);
	must(!mdi_threads_any());
	must_eq(mdi_thread_detach(), 0);
}
END_TEST

static void *index_of(void *arg)
{
	struct mdi_thread *thread;

	(void)arg;
	must_eq(mdi_thread_attach(&thread), 0);
	/* What the thread before it left behind is gone. */
	must_eq(thread->window_count, 0);
	must_eq(thread->fault.kind, 0);
	thread->fault.kind = MODISO_FAULT_STACK;
	return (void *)(uintptr_t)thread->index;
}

START_TEST(test_numbers)
{
	struct mdi_thread *self;
	uintptr_t first;
	int i;

	world_start();
	must_eq(mdi_thread_attach(&self), 0);
	first = W(thread_join(thread_start(index_of, NULL)));
	must(first != self->index);
	for (i = 0; i < 50; i++)
		must_eq(thread_join(thread_start(index_of, NULL)), first);
}
END_TEST

/* The library's tables are nobody's to adopt. */
START_TEST(test_overlap)
{
	uintptr_t blocks, stacks;
	size_t all = (size_t)MDI_BLOCK_SIZE * MDI_THREADS_MAX;

	world_start();
	blocks = W(mdi_arch_state.blocks);
	stacks = W(mdi_arch_state.altstacks);
	must(mdi_threads_overlap(blocks, blocks + 1));
	must(mdi_threads_overlap(blocks + all - 1, blocks + all));
	must(mdi_threads_overlap(stacks, stacks + 1));
	must(mdi_threads_overlap(0, UINTPTR_MAX));
	must(!mdi_threads_overlap(W(&blocks), W(&blocks) + 1));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("thread");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_layout);
	tcase_add_test(tcase, test_mask);
	tcase_add_test(tcase, test_mapped);
	tcase_add_test(tcase, test_signal_stacks);
	tcase_add_test(tcase, test_fresh);
	tcase_add_test(tcase, test_numbers);
	tcase_add_test(tcase, test_overlap);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	/* Tables are the same on both; the world must know which one it is. */
	setenv("MODISO_BACKEND", "mprotect", 1);
	return test_main(make_suite, TEST_ANYWHERE);
}
