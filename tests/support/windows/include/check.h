/* SPDX-License-Identifier: MIT */
/*
 * check.h - as much of Check as the tests use, for Windows: Check itself cannot
 * give each test a process of its own there, so one that crashes would take
 * all of its program with it. support/windows/test.c runs them.
 */
#ifndef TESTS_SUPPORT_WINDOWS_CHECK_H
#define TESTS_SUPPORT_WINDOWS_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
	const char *name;
	void (*run)(int _i);
};

typedef struct test_case TTest;
typedef struct test_suite {
	const char *name;
} Suite;
typedef struct test_group {
	void (*setup)(void), (*teardown)(void);
} TCase;

#define START_TEST(test)                                                       \
	static void test##_run(int _i);                                        \
	static const struct test_case test[1] = {{#test, test##_run}};         \
	static void test##_run(int _i __attribute__((unused)))
#define END_TEST

Suite *suite_create(const char *name);
TCase *tcase_create(const char *name);
void suite_add_tcase(Suite *suite, TCase *group);
void tcase_add_checked_fixture(TCase *group, void (*setup)(void),
			       void (*teardown)(void));
#define tcase_add_test(group, test)                                            \
	tcase_add_loop_test((group), test, 0, 1)
void tcase_add_loop_test(TCase *group, const struct test_case *test, int first,
			 int end);
#define tcase_set_timeout(group, seconds) ((void)(group), (void)(seconds))

void test_failed(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(gnu_printf, 3, 4)));

#define ck_abort_msg(...) test_failed(__FILE__, __LINE__, __VA_ARGS__)
#define ck_assert_msg(condition, ...)                                          \
	((condition) ? (void)0 : ck_abort_msg(__VA_ARGS__))
#define ck_assert(condition) ck_assert_msg(condition, "not so: %s", #condition)
#define ck_assert_related(type, a, relation, b)                                \
	ck_assert_msg((type)(a)relation(type)(b), "not so: %s %s %s", #a,      \
		      #relation, #b)
#define ck_assert_int_eq(a, b)      ck_assert_related(long long, a, ==, b)
#define ck_assert_int_ne(a, b)      ck_assert_related(long long, a, !=, b)
#define ck_assert_int_ge(a, b)      ck_assert_related(long long, a, >=, b)
#define ck_assert_int_gt(a, b)      ck_assert_related(long long, a, >, b)
#define ck_assert_int_le(a, b)      ck_assert_related(long long, a, <=, b)
#define ck_assert_int_lt(a, b)      ck_assert_related(long long, a, <, b)
#define ck_assert_uint_eq(a, b)     ck_assert_related(size_t, a, ==, b)
#define ck_assert_uint_ne(a, b)     ck_assert_related(size_t, a, !=, b)
#define ck_assert_uint_ge(a, b)     ck_assert_related(size_t, a, >=, b)
#define ck_assert_uint_gt(a, b)     ck_assert_related(size_t, a, >, b)
#define ck_assert_uint_le(a, b)     ck_assert_related(size_t, a, <=, b)
#define ck_assert_uint_lt(a, b)     ck_assert_related(size_t, a, <, b)
#define ck_assert_ptr_eq(a, b)      ck_assert_related(const void *, a, ==, b)
#define ck_assert_ptr_ne(a, b)      ck_assert_related(const void *, a, !=, b)
#define ck_assert_ptr_null(a)       ck_assert_ptr_eq(a, NULL)
#define ck_assert_ptr_nonnull(a)    ck_assert_ptr_ne(a, NULL)
#define ck_assert_str_eq(a, b)      ck_assert(strcmp(a, b) == 0)
#define ck_assert_str_ne(a, b)      ck_assert(strcmp(a, b) != 0)
#define ck_assert_mem_eq(a, b, n)   ck_assert(memcmp(a, b, n) == 0)
#define ck_assert_double_eq(a, b)                                              \
	ck_assert_msg((a) == (b), "%s is not %s", #a, #b)
#define ck_assert_float_eq(a, b) ck_assert_double_eq(a, b)

#endif /* TESTS_SUPPORT_WINDOWS_CHECK_H */
