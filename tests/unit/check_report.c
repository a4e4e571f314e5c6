/* SPDX-License-Identifier: MIT */
/*
 * check_report - a record that nothing has caused, in words and as JSON; and
 * names that would like to be more than names.
 */
#include "support/json.h"
#include "support/test.h"
#include "support/world.h"

#include "core/disassemble.h"
#include "core/report.h"
#include "core/state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct modiso_fault record;

static void setup(void)
{
	record = (struct modiso_fault){
		.struct_size = sizeof(record),
		.kind = MODISO_FAULT_ACCESS,
		.number = 7,
		.time_ns = 123456789,
		.module_id = 3,
		.module_name = "parser",
		.thread = 4711,
		.access = MODISO_WRITE,
		.signo = SIGSEGV,
		.code = 4,
		.address = 0x12340010,
		.pc = 0x1000,
		.region_base = 0x12340000,
		.region_length = 8192,
		.region_offset = 0x10,
		.region_name = "ledger",
		.owner_name = "host",
		.pkey = 5,
		.pkru = 0x55555550,
		.depth = 2,
	};
}

static char *print(bool json)
{
	FILE *stream = tmpfile();

	must(stream);
	expect(MODISO_OK, json ? modiso_fault_print_json(&record, stream)
			       : modiso_fault_print(&record, stream));
	return stream_text(stream);
}

static void must_print(bool json, const char *words)
{
	char *text = print(json);

	if (!strstr(text, words))
		ck_abort_msg("no \"%s\" in: %s", words, text);
	free(text);
}

static void must_not_print(bool json, const char *words)
{
	char *text = print(json);

	if (strstr(text, words))
		ck_abort_msg("\"%s\" in: %s", words, text);
	free(text);
}

START_TEST(test_text)
{
	must_print(false, "fault 7: module \"parser\" wrote to memory that is "
			  "not its own\n");
	must_print(false, "  address    0x12340010 (write), region \"ledger\" "
			  "+ 0x10 of 8192 bytes, owner the host\n");
	must_print(false, "  instruction 0x1000\n");
	must_print(false, "  thread     4711, in module \"parser\" (id 3), "
			  "2 gates deep\n");
	must_print(false, "  signal     SIGSEGV, code 4 (SEGV_PKUERR)\n"
			  "  key        5: no access (PKRU 0x55555550)\n");
	must_print(false, "  registers  rax    0000000000000000  rbx ");
	must_print(false, "  hint       if the module is meant to do this: ");
}
END_TEST

/* Whatever a key is of, while the library does not run: what is open, by key */
START_TEST(test_rights)
{
	must_print(false, "(PKRU 0x55555550)\n"
			  "  rights     key 0: read and write\n"
			  "             key 1: read and write\n"
			  "             all other keys: no access\n");
	must_print(true, "\"rights\":[{\"key\":0,\"access\":"
			 "\"read and write\",\"role\":\"\"},");
	must_print(true, "{\"key\":15,\"access\":\"no access\"");
	record.pkru = 0x55555559;
	must_print(false, "  rights     key 1: read only\n"
			  "             all other keys: no access\n");
	record.pkru = 0;
	must_not_print(false, "  rights ");
	must_print(true, "\"rights\":[],");
}
END_TEST

/* In words, where capstone is there; else the command that says them. */
START_TEST(test_assembly)
{
	static const uint8_t code[] = {0xc6, 0x07, 0x01, 0xc3};
	char text[64], line[96];

	record.pc = (uintptr_t)must_print;
	memcpy(record.instruction, code, sizeof(code));
	record.instruction_length = sizeof(code);
	must_print(false, "  code       c6 07 01 c3\n");
	if (mdi_disassemble(code, sizeof(code), record.pc, text,
			    sizeof(text))) {
		must_str(text, "movb $1, (%rdi)");
		must_print(false, "  assembly   movb $1, (%rdi)\n");
		must_print(true, "\"assembly\":\"movb $1, (%rdi)\"");
		must(!mdi_disassemble((const uint8_t *)"\x0f", 1, 0, text,
				      sizeof(text)));
		must_str(text, "");
	}
	/* Bytes that are none have no words: objdump says what is around. */
	record.instruction[0] = 0x0f;
	record.instruction_length = 1;
	snprintf(line, sizeof(line), "  assembly   objdump -d --start-address=");
	must_print(false, line);
}
END_TEST

/* The same by objdump, of bytes that are in no file. */
START_TEST(test_objdump)
{
	static const uint8_t code[] = {0xc6, 0x07, 0x01, 0xc3, 0x0f};
	uint8_t jump[] = {0xeb, 0xfe};
	char text[64], *path = strdup(getenv("PATH"));

	if (system("command -v objdump >/dev/null") == 0) {
		must(mdi_disassemble_objdump(code, 4, 0x7f1234560000, text,
					     sizeof(text)));
		must_str(text, "movb $0x1,(%rdi)");
		must(mdi_disassemble_objdump(jump, 2, 0x1000, text,
					     sizeof(text)));
		must_str(text, "jmp 0x1000");
		must(!mdi_disassemble_objdump(code + 4, 1, 0, text,
					      sizeof(text)));
		must_str(text, "");
		/* What does not fit is cut off, and the rest read. */
		must(mdi_disassemble_objdump(code, 4, 0, text, 5));
		must_str(text, "movb");
	}
	must(!mdi_disassemble_objdump(code, 0, 0, text, sizeof(text)));
	must(setenv("PATH", "/nowhere", 1) == 0);
	errno = EDOM;
	must(!mdi_disassemble_objdump(code, 4, 0, text, sizeof(text)));
	must_str(text, "");
	must(errno == EDOM);
	must(setenv("PATH", path, 1) == 0);
	free(path);
}
END_TEST

START_TEST(test_json)
{
	must_print(true, "{\"version\":1,\"fault\":7,\"time_ns\":123456789,"
			 "\"kind\":\"access\",\"module\":\"parser\","
			 "\"module_id\":3,\"thread\":4711,\"depth\":2,"
			 "\"access\":\"write\",\"address\":\"0x12340010\"");
	must_print(true, "\"region\":{\"name\":\"ledger\","
			 "\"base\":\"0x12340000\",\"length\":8192,"
			 "\"offset\":16,\"owner\":\"host\",\"owner_id\":0}");
	must_print(true, "\"pc\":\"0x1000\"");
	must_print(true, "\"signal\":11,\"code\":4,"
			 "\"code_name\":\"SEGV_PKUERR\",\"pkey\":5,"
			 "\"pkru\":\"0x55555550\",\"rights\":[");
	must_print(true, "],\"registers\":{\"rax\"");
	must_print(true, "\"retries\":0,\"hint\":");
}
END_TEST

START_TEST(test_own_region)
{
	record.owner_id = record.module_id;
	strcpy(record.owner_name, "parser");
	must_print(false, "wrote to its region \"ledger\", which it may not "
			  "write\n");
	must_print(false, "owner module \"parser\"\n");
	record.access = MODISO_EXEC;
	must_print(false, "executed its region \"ledger\", which it may not "
			  "execute\n");
}
END_TEST

START_TEST(test_no_region)
{
	record.region_length = 0;
	record.pkey = -1;
	must_print(false, "(write), in no region\n");
	must_not_print(false, "  key ");
	must_print(true, "\"region\":null,");
}
END_TEST

static const struct modiso_fault_beside store = {
	.base = 0x1233f000,
	.length = 4096,
	.distance = 0x10,
	.owner_id = 3,
	.name = "store",
	.owner_name = "parser",
};

/* The end of one's own region is what the report is about. */
START_TEST(test_overrun)
{
	record.overrun = MODISO_OVERRUN_PAST;
	record.below = store;
	must_print(false, "module \"parser\" wrote past the end of its region "
			  "\"store\"\n");
	must_print(false, "owner the host\n             16 bytes past the end "
			  "of region \"store\" (4096 bytes) of module "
			  "\"parser\"\n");
	must_print(true, "\"below\":{\"name\":\"store\","
			 "\"base\":\"0x1233f000\",\"length\":4096,"
			 "\"distance\":16,\"owner\":\"parser\","
			 "\"owner_id\":3},\"above\":null,"
			 "\"overrun\":\"past\"");
	record.region_length = 0;
	record.above = store;
	record.above.distance = 4080;
	record.above.owner_id = 0;
	strcpy(record.above.owner_name, "host");
	must_print(false, "(write), 16 bytes past the end of region \"store\" "
			  "(4096 bytes) of module \"parser\"\n"
			  "             4080 bytes below region \"store\" "
			  "(4096 bytes) of the host\n");
	must_not_print(false, "in no region");
	record.overrun = MODISO_OVERRUN_BEFORE;
	record.above.owner_id = 4;
	strcpy(record.above.owner_name, "disk");
	record.access = MODISO_READ;
	must_print(false, "read before the beginning of region \"store\" of "
			  "module \"disk\"\n");
	must_print(false, "(read), 4080 bytes below region");
	must_print(true, "\"overrun\":\"before\"");
}
END_TEST

/* A name in UTF-8 is the name, in JSON as in words; the rest stays harmless. */
START_TEST(test_utf8)
{
	static const struct {
		const char *name, *words, *json;
	} names[] = {
		{"jos\xc3\xa9", "jos\xc3\xa9", "jos\xc3\xa9"},
		{"\xe6\xbc\xa2\xf0\x9f\x98\x80", "\xe6\xbc\xa2\xf0\x9f\x98\x80",
		 "\xe6\xbc\xa2\xf0\x9f\x98\x80"},
		{"\xc3", "\\xc3", "\\ufffd"},
		{"\xc0\xaf", "\\xc0\\xaf", "\\ufffd\\ufffd"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80",
		 "\\ufffd\\ufffd\\ufffd"},
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80",
		 "\\ufffd\\ufffd\\ufffd\\ufffd"},
		{"\xc2\x9b" "2J", "\\xc2\\x9b2J", "\\u009b2J"},
		{"\xe2\x80\xae", "\\xe2\\x80\\xae", "\\u202e"},
	};
	char words[80];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		strcpy(record.module_name, names[i].name);
		snprintf(words, sizeof(words), "module \"%s\" wrote",
			 names[i].words);
		must_print(false, words);
		snprintf(words, sizeof(words), "\"module\":\"%s\",",
			 names[i].json);
		must_print(true, words);
	}
}
END_TEST

/* Nothing was touched: no address is made up. */
START_TEST(test_no_address)
{
	record.kind = MODISO_FAULT_ILLEGAL;
	record.signo = SIGILL;
	record.access = 0;
	record.address = 0;
	record.region_length = 0;
	must_not_print(false, "address ");
	must_print(false, "SIGILL");
	record.signo = 0;
	record.kind = MODISO_FAULT_SERVICE;
	record.service_words = 6;
	strcpy(record.region_name, "reboot");
	must_print(false, "may not call: \"reboot\"\n");
	must_not_print(false, "signal ");
	must_print(true, "\"service\":\"reboot\",\"service_args\":[\"0x0\",");
}
END_TEST

/* What the service was called with from which the module was entered. */
START_TEST(test_service_words)
{
	record.call_count = 2;
	strcpy(record.calls[1].service_name, "ask");
	record.syscall_args[5] = 0x16;
	must_not_print(false, "  arguments ");
	must_not_print(true, "service_args");
	record.service_words = 6;
	must_print(false, "  arguments  0, 0, 0, 0, 0, 0x16\n"
			  "             of service \"ask\"; the service may "
			  "take fewer\n");
	must_print(true, "\"service\":\"ask\",\"host_pc\":\"0\","
			 "\"service_request\":\"0\","
			 "\"service_args\":[\"0x0\",\"0x0\",\"0x0\",");
	/* Of one further out the first word. */
	record.call_count = 3;
	strcpy(record.calls[2].service_name, "outer");
	record.calls[2].service_request = 0x34;
	must_print(false, "its service \"outer\" (0x34, ...), into ");
	must_print(true, "\"service_request\":\"0x34\"}");
	record.service_words = 2;
	record.syscall_args[1] = 0x12;
	must_print(false, "  arguments  0, 0x12\n"
			  "             of service \"ask\"; the service may "
			  "take fewer, or more that are not known\n");
	must_print(true, "\"service_args\":[\"0x0\",\"0x12\"]");
}
END_TEST

/* What lies below a stack is no part of it. */
START_TEST(test_stack)
{
	record.kind = MODISO_FAULT_STACK;
	record.owner_id = record.module_id;
	strcpy(record.region_name, "stack");
	record.region_length = 65536 + 4096;
	record.region_offset = 0xff8;
	must_print(false, "parser\" ran off the end of its stack\n  address    "
			  "0x12340010 (write), in the guard page below its "
			  "stack of 65536 bytes\n");
	record.owner_id = 0;
	must_print(false, "region \"stack\" + 0xff8 of 69632 bytes");
}
END_TEST

START_TEST(test_every_kind)
{
	char *other = NULL, *text;

	for (record.kind = 1; record.kind < 20; record.kind++) {
		text = print(false);
		must(strlen(text) > 40);
		if (other && record.kind <= MODISO_FAULT_TIMEOUT &&
		    record.kind != MODISO_FAULT_BUS)
			must(strcmp(text, other));
		free(other);
		other = text;
		text = print(true);
		must(json_valid(text));
		must(json_has(text, modiso_fault_kind_name(record.kind)));
		free(text);
	}
	free(other);
}
END_TEST

/* Whatever a name holds, text has no line and no escape sequence of its own. */
START_TEST(test_control_characters)
{
	static const char *const names[] = {
		"a\nfault 8: module \"host\"",
		"\x1b[2J\x1b]0;title\x07",
		"\rgone",
		"tab\there",
		"\x7f\x80\xff",
		"\"quoted\"",
		"b\\s",
	};
	char *clean, *text, *c;
	size_t i, count, lines = 0;

	clean = print(false);
	for (c = clean; *c; c++)
		lines += *c == '\n';
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		strcpy(record.module_name, names[i]);
		strcpy(record.region_name, names[i]);
		strcpy(record.owner_name, names[i]);
		record.owner_id = i % 2;
		record.kind =
			i % 3 ? MODISO_FAULT_ACCESS : MODISO_FAULT_SERVICE;
		record.service_words = i % 3 ? 0 : 6;
		text = print(false);
		for (c = text; *c; c++)
			must(*c == '\n' || (*c >= ' ' && *c <= '~'));
		for (count = 0, c = text; *c; c++)
			count += *c == '\n';
		/* That of a service has a line of arguments more. */
		must_eq(count, lines + (record.kind == MODISO_FAULT_SERVICE));
		free(text);
		text = print(true);
		must(json_valid(text));
		must(strchr(text, '\n') == text + strlen(text) - 1);
		free(text);
	}
	free(clean);
}
END_TEST

/* An escaped name can be told from one that looks escaped. */
START_TEST(test_escapes_differ)
{
	char *one, *two;

	strcpy(record.module_name, "a\nb");
	one = print(false);
	strcpy(record.module_name, "a\\x0ab");
	two = print(false);
	must(strcmp(one, two));
	must(strstr(one, "\"a\\x0ab\""));
	must(strstr(two, "\"a\\\\x0ab\""));
	free(one);
	free(two);
}
END_TEST

static bool image(uintptr_t address, struct mdi_report_place *place)
{
	if (address != 0x1000)
		return false;
	strcpy(place->file, "device\n.so");
	place->file_offset = 0x40;
	strcpy(place->function, "re\"set");
	place->function_offset = 3;
	return true;
}

START_TEST(test_place)
{
	char *text;

	mdi_core_state.report.image = image;
	must_print(false, "  instruction 0x1000, re\\\"set + 0x3, "
			  "device\\x0a.so + 0x40\n");
	must_print(true, "\"function\":\"re\\\"set\",\"function_offset\":3");
	text = print(true);
	must(json_valid(text) && json_has(text, "device\n.so"));
	free(text);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("report");
	TCase *tcase = tcase_create("unit");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, test_text);
	tcase_add_test(tcase, test_rights);
	tcase_add_test(tcase, test_assembly);
	tcase_add_test(tcase, test_objdump);
	tcase_add_test(tcase, test_json);
	tcase_add_test(tcase, test_own_region);
	tcase_add_test(tcase, test_no_region);
	tcase_add_test(tcase, test_overrun);
	tcase_add_test(tcase, test_utf8);
	tcase_add_test(tcase, test_no_address);
	tcase_add_test(tcase, test_service_words);
	tcase_add_test(tcase, test_stack);
	tcase_add_test(tcase, test_every_kind);
	tcase_add_test(tcase, test_control_characters);
	tcase_add_test(tcase, test_escapes_differ);
	tcase_add_test(tcase, test_place);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
