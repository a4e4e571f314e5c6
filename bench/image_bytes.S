/* SPDX-License-Identifier: MIT */
/* The modules of image_module.c and heap_module.c, to be loaded from memory. */
	.section .rodata
	.globl bench_image_small, bench_image_small_end
	.globl bench_image_large, bench_image_large_end
	.globl bench_image_heap, bench_image_heap_end
	.balign 16
bench_image_small:
	.incbin "image_small.so"
bench_image_small_end:
	.balign 16
bench_image_large:
	.incbin "image_large.so"
bench_image_large_end:
	.balign 16
bench_image_heap:
	.incbin "image_heap.so"
bench_image_heap_end:

	.section .note.GNU-stack, "", @progbits
