/* SPDX-License-Identifier: MIT */
/* fnmatch.h - with * and ? alone. */
#ifndef BENCH_WINDOWS_FNMATCH_H
#define BENCH_WINDOWS_FNMATCH_H

/* 0: it matches. */
static inline int fnmatch(const char *pattern, const char *text, int flags)
{
	for (; *pattern != '\0' && *pattern != '*'; pattern++, text++)
		if (*text == '\0' || (*pattern != '?' && *pattern != *text))
			return 1;
	if (*pattern == '\0')
		return *text != '\0';
	for (;; text++) {
		if (fnmatch(pattern + 1, text, flags) == 0)
			return 0;
		if (*text == '\0')
			return 1;
	}
}

#endif /* BENCH_WINDOWS_FNMATCH_H */
