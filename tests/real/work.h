/* SPDX-License-Identifier: MIT */
/*
 * The same work in the module and in the host, each with its own library.
 * Returns how many bytes of @out are used, or a negative number.
 */
#ifndef TESTS_REAL_WORK_H
#define TESTS_REAL_WORK_H

__attribute__((visibility("default"))) long work(const unsigned char *in,
						 unsigned long length,
						 unsigned char *out,
						 unsigned long room);

#endif /* TESTS_REAL_WORK_H */
