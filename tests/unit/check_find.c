/* SPDX-License-Identifier: MIT */
/*
 * check_find - memchr(), memcmp(), strlen() and memmove() of a module's C
 * library answer as they should at every alignment, and touch no other page.
 */
#include "support/test.h"
#include "support/world.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *module_memchr(const void *bytes, int byte, size_t n);
int module_memcmp(const void *one, const void *other, size_t n);
size_t module_strlen(const char *text);
void *module_memmove(void *to, const void *from, size_t n);
void *module_memcpy(void *restrict to, const void *restrict from, size_t n);

#define memchr module_memchr
#define memcmp module_memcmp
#define strlen module_strlen
#include "../../runtime/libc/find.c"
#undef memchr
#undef memcmp
#undef strlen

#define memmove module_memmove
#define memcpy	module_memcpy
#define vector	moved
#include "../../runtime/libc/memmove.c"
#undef memmove
#undef memcpy
#undef vector

#define LONGEST 70

/* A page with nothing in front of it and behind it. */
static char *lonely_page(void)
{
	char *pages = mmap(NULL, 3 * PAGE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(pages != MAP_FAILED);
	must(mprotect(pages + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	return memset(pages + PAGE, 'x', PAGE);
}

/* From the beginning of the page on, and up to its end. */
static char *place(char *page, size_t i, size_t n)
{
	return i < LONGEST ? page + i : page + PAGE - n - (i - LONGEST);
}

START_TEST(test_find)
{
	char *page = lonely_page();

	for (size_t n = 0; n <= LONGEST; n++)
		for (size_t i = 0; i < (size_t)LONGEST + 20; i++) {
			char *at = place(page, i, n);

			must(module_memchr(at, 'y', n) == NULL);
			for (size_t k = 0; k < n; k++) {
				at[k] = (char)0x80;
				must(module_memchr(at, 0x180, n) == at + k);
				must(module_memchr(at, 0x80, k) == NULL);
				at[k] = '\0';
				must(module_strlen(at) == k);
				at[k] = 'x';
			}
		}
	/* More than there is memory, as long as it is found. */
	page[PAGE - 1] = 'y';
	must(module_memchr(page + 5, 'y', SIZE_MAX) == page + PAGE - 1);
	must(module_memchr(page + 16, 'y', SIZE_MAX - 1) == page + PAGE - 1);
}
END_TEST

START_TEST(test_compare)
{
	char *page = lonely_page(), *other = lonely_page();

	for (size_t n = 0; n <= LONGEST; n++)
		for (size_t i = 0; i < (size_t)LONGEST + 20; i++) {
			char *at = place(page, i, n);
			char *with = place(other, (i + 7) % LONGEST, n);

			must(module_memcmp(at, with, n) == 0);
			for (size_t k = 0; k < n; k++) {
				at[k] = (char)0x80;
				must(module_memcmp(at, with, n) > 0);
				must(module_memcmp(with, at, n) < 0);
				must(module_memcmp(at, with, k) == 0);
				/* The first one counts. */
				at[n - 1] = at[n - 1] == 'x' ? 'a' : (char)0x80;
				must(module_memcmp(at, with, n) > 0);
				at[k] = at[n - 1] = 'x';
			}
		}
}
END_TEST

/* Of that many bytes, from there to there, in one page. */
static void move(char *page, size_t n, size_t from, size_t to)
{
	char before[PAGE], after[PAGE];

	for (size_t i = 0; i < PAGE; i++)
		before[i] = after[i] = (char)(i * 7 + i / 256);
	for (size_t i = 0; i < n; i++)
		after[to + i] = before[from + i];
	memcpy(page, before, PAGE);
	must(module_memmove(page + to, page + from, n) == page + to);
	must(memcmp(page, after, PAGE) == 0);
}

/* Apart, near each other in both directions, and at both ends of a page. */
START_TEST(test_move)
{
	static const size_t apart[] = {0, 1, 15, 16, 17, 63, 64, 65, 500, 1500};
	char *page = lonely_page();

	for (size_t n = 0; n <= 1500; n += n < 300 ? 1 : 61)
		for (size_t i = 0; i < sizeof(apart) / sizeof(*apart); i++) {
			move(page, n, 0, apart[i]);
			move(page, n, apart[i], 0);
			move(page, n, PAGE - n, PAGE - n - apart[i]);
			move(page, n, PAGE - n - apart[i], PAGE - n);
		}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("find");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_find);
	tcase_add_test(tcase, test_compare);
	tcase_add_test(tcase, test_move);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
