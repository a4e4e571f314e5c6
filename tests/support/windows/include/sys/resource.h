/* SPDX-License-Identifier: MIT */
/* sys/resource.h - nothing: it lets tests compile, what asks it is skipped. */
