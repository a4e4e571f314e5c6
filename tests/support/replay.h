/* SPDX-License-Identifier: MIT */
/*
 * support/replay.h - a fuzzer's corpus once more, without the fuzzer.
 */
#ifndef TESTS_SUPPORT_REPLAY_H
#define TESTS_SUPPORT_REPLAY_H

#include <stddef.h>
#include <stdint.h>

typedef int (*replay_fn)(const uint8_t *bytes, size_t length);

/*
 * Hand each file of fuzz/corpus/@name to @one, in memory that ends where the
 * file does. Fails the test when the corpus is empty or @one is not content.
 */
void replay_corpus(const char *name, replay_fn one);

#endif /* TESTS_SUPPORT_REPLAY_H */
