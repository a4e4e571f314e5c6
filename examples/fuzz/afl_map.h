/* SPDX-License-Identifier: MIT */
/* afl_map.h - places of the module in AFL's map. */
#ifndef FUZZ_AFL_MAP_H
#define FUZZ_AFL_MAP_H

void afl_map_start(void); /* before AFL begins */
void afl_map_add(void);   /* after each input */

#endif /* FUZZ_AFL_MAP_H */
