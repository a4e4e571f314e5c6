/* SPDX-License-Identifier: MIT */
/* fuzz_afl.h - places of the module in AFL++'s map. */
#ifndef FUZZ_AFL_H
#define FUZZ_AFL_H

void fuzz_afl_start(void); /* before AFL++ begins */
void fuzz_afl_add(void);   /* after each input */

#endif /* FUZZ_AFL_H */
