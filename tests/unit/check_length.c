/* SPDX-License-Identifier: MIT */
/*
 * check_length - where instructions end: one of each form, and what is none.
 */
#include "support/test.h"

#include "arch/length.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *bytes;
	size_t given, length; /* 0: none */
} samples[] = {
	{"\x90", 1, 1},
	{"\xc3", 1, 1},
	{"\x0f\x01\xef", 3, 3},             /* wrpkru */
	{"\x0f\xae\x6c\x24\x40", 5, 5},     /* xrstor 0x40(%rsp) */
	{"\x48\x0f\xae\x2f", 4, 4},         /* xrstor64 (%rdi) */
	{"\xf3\x48\x0f\xae\xd8", 5, 5},     /* wrgsbase %rax */
	{"\xf3\x0f\x1e\xfa", 4, 4},         /* endbr64 */
	{"\xb8\xee\x00\x00\x00", 5, 5},     /* mov $0xee, %eax */
	{"\x66\xb8\x01\x00", 4, 4},         /* mov $1, %ax */
	{"\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08", 10, 10},
	{"\x31\xd2", 2, 2},
	{"\x8b\x04\x25\x00\x00\x00\x00", 7, 7},     /* mov 0x0, %eax */
	{"\x48\x8b\x05\x01\x02\x03\x04", 7, 7},     /* mov n(%rip), %rax */
	{"\x8b\x44\x24\x08", 4, 4},                 /* mov 8(%rsp), %eax */
	{"\x8b\x84\x24\x08\x00\x00\x00", 7, 7},
	{"\x8b\x04\x65\x00\x00\x00\x00", 7, 7},     /* no base */
	{"\xf7\xc0\x01\x00\x00\x00", 6, 6},         /* test $1, %eax */
	{"\xf7\xd8", 2, 2},                         /* neg %eax */
	{"\xf6\x00\x01", 3, 3},                     /* testb $1, (%rax) */
	{"\xe8\x00\x00\x00\x00", 5, 5},
	{"\x66\x48\xe8\x00\x00\x00\x00", 7, 7},     /* a call for TLS */
	{"\x0f\x84\x00\x00\x00\x00", 6, 6},
	{"\xc8\x10\x00\x00", 4, 4},                 /* enter */
	{"\xa1\x01\x02\x03\x04\x05\x06\x07\x08", 9, 9},
	{"\x67\xa1\x01\x02\x03\x04", 6, 6},
	{"\xc5\xf8\x77", 3, 3},                     /* vzeroupper */
	{"\xc5\xf9\x70\xc0\x01", 5, 5},             /* vpshufd $1 */
	{"\xc4\xe2\x7d\x58\x00", 5, 5},             /* vpbroadcastd */
	{"\xc4\xe3\x7d\x39\xc0\x01", 6, 6},         /* vextracti128 $1 */
	{"\x62\xf1\x7d\x48\xef\xc0", 6, 6},         /* vpxord */
	{"\x62\xf3\x7d\x48\x25\xc0\xff", 7, 7},     /* vpternlogd $255 */
	{"\x66\x0f\x38\x00\xc1", 5, 5},             /* pshufb */
	{"\x66\x0f\x3a\x0f\xc1\x08", 6, 6},         /* palignr $8 */
	{"\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00", 10, 10},
	/* None in 64-bit code. */
	{"\x06", 1, 0},
	{"\x9a\x00\x00\x00\x00\x00\x00", 7, 0},
	{"\xd5\x80\x05", 3, 0},
	{"\x40\x66\x90", 3, 0},
	{"\x0f\x04", 2, 0},
	{"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90",
	 16, 0},
};

START_TEST(test_lengths)
{
	uint8_t bytes[16];

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		memset(bytes, 0x90, sizeof(bytes));
		memcpy(bytes, samples[i].bytes, samples[i].given);
		if (mdi_code_length(bytes, sizeof(bytes)) != samples[i].length)
			ck_abort_msg("sample %zu: %zu, not %zu", i,
				     mdi_code_length(bytes, sizeof(bytes)),
				     samples[i].length);
	}
}
END_TEST

/* What ends before it is whole is none, and nothing behind it is read. */
START_TEST(test_cut_off)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		for (size_t room = 0; room < samples[i].length; room++) {
			uint8_t *bytes = malloc(room + 1);

			memcpy(bytes + 1, samples[i].bytes, room);
			ck_assert(mdi_code_length(bytes + 1, room) == 0);
			free(bytes);
		}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("length");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_lengths);
	tcase_add_test(tcase, test_cut_off);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
