/* SPDX-License-Identifier: MIT */
/* io_uring.h - it lets tests compile: what asks for a ring is skipped. */
#ifndef TESTS_SUPPORT_WINDOWS_IO_URING_H
#define TESTS_SUPPORT_WINDOWS_IO_URING_H

struct io_uring_params {
	unsigned flags;
};

#define IORING_SETUP_SQPOLL 2u
#define IORING_OFF_SQ_RING  0

#endif /* TESTS_SUPPORT_WINDOWS_IO_URING_H */
