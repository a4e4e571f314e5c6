/* SPDX-License-Identifier: MIT */
/*
 * contract_image_flat, where the library has no name for its list that gdb
 * finds: the case that reads it is left out (support/windows/test.c).
 */
extern char __jit_debug_descriptor[32];
char __jit_debug_descriptor[32];
