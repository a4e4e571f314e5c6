/* SPDX-License-Identifier: MIT */
/*
 * The module's own call-frame information, in front of each file of libunwind:
 * that of no other object is ever asked. cxx.ld defines these.
 */
#ifndef __ASSEMBLER__
#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)
extern char __eh_frame_start, __eh_frame_end;
extern char __eh_frame_hdr_start, __eh_frame_hdr_end;
#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
