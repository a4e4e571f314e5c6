/* SPDX-License-Identifier: MIT */
/*
 * contract_audit - whatever somebody else does to the mappings is found, named
 * and located; and where nobody has done anything, nothing is found.
 */
#include "support/world.h"
#include "support/json.h"
#include "support/poke.h"
#include "support/proc.h"

#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROOM = 64 };

static struct modiso_audit_finding findings[ROOM];
static struct modiso_module *module, *other;
static struct modiso_region *data, *constant, *hosts;
static struct modiso_gate *load;

static size_t audit(void)
{
	size_t count = 4711, i;

	expect(MODISO_OK, modiso_audit(findings, ROOM, &count));
	for (i = 0; i < count && i < ROOM; i++)
		must(*modiso_audit_kind_name(findings[i].kind));
	return count;
}

static void must_be_clean(void)
{
	size_t count = audit();

	if (count)
		ck_abort_msg("%zu findings; first: %s at %#zx (%zu), %s/%s, "
			     "access %u not %u, key %d not %d",
			     count, modiso_audit_kind_name(findings[0].kind),
			     (size_t)findings[0].base, findings[0].length,
			     findings[0].module_name, findings[0].region_name,
			     findings[0].access, findings[0].want_access,
			     findings[0].key, findings[0].want_key);
}

/* Exactly one, of this kind, at this place. */
static void must_find(uint32_t kind, const void *base, size_t length,
		      const char *owner, const char *region)
{
	size_t count = audit();

	must_eq(count, 1);
	must_eq(findings[0].kind, kind);
	must_eq(findings[0].base, base);
	must_eq(findings[0].length, length);
	must_str(findings[0].module_name, owner);
	must_str(findings[0].region_name, region);
}

static void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	data = make_region(module, 4 * PAGE, "data");
	constant = make_region(module, 2 * PAGE, "constant");
	expect(MODISO_OK, modiso_region_protect(constant, MODISO_READ));
	hosts = make_region(NULL, 2 * PAGE, "hosts");
	load = make_gate(module, poke_load1);
	must_eq(enter(load, W(region_bytes(data))), 0);
	enter_fault(other, make_gate(other, poke_ud2), 0);
	/* All of it is open to the host now, whatever the backend. */
	region_bytes(data)[0] = 0;
	(void)*(volatile unsigned char *)region_bytes(constant);
	region_bytes(hosts)[0] = 0;
}

START_TEST(test_clean)
{
	int i;

	world_start();
	must_be_clean();
	expect(MODISO_OK, modiso_fini());
	make_scene();
	must_be_clean();
	for (i = 0; i < 40; i++) {
		struct modiso_module *more = make_module("more");

		make_region(more, PAGE, "more");
		enter(make_gate(more, poke_load1), W(&i));
	}
	must_be_clean();
	expect(MODISO_OK, modiso_region_destroy(constant));
	must_be_clean();
	expect(MODISO_OK, modiso_snapshot_take(module));
	must_eq(enter(load, W(region_bytes(data))), 0);
	must_be_clean();
	expect(MODISO_OK, modiso_snapshot_restore(module));
	must_be_clean();
	expect(MODISO_OK, modiso_module_destroy(module));
	must_be_clean();
}
END_TEST

START_TEST(test_rights)
{
	make_scene();
	must(!mprotect(region_bytes(data) + PAGE, PAGE, PROT_READ));
	must_find(MODISO_AUDIT_RIGHTS, region_bytes(data) + PAGE, PAGE,
		  "module", "data");
	must_eq(findings[0].access, MODISO_READ);
	must_eq(findings[0].want_access, RW);
	must(!mprotect(region_bytes(data) + PAGE, PAGE,
		       PROT_READ | PROT_WRITE));
	must_be_clean();
	must(!mprotect(region_bytes(constant), PAGE, PROT_READ | PROT_WRITE));
	must_find(MODISO_AUDIT_RIGHTS, region_bytes(constant), PAGE, "module",
		  "constant");
}
END_TEST

START_TEST(test_write_exec)
{
	void *page;

	make_scene();
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(page != MAP_FAILED);
	must_find(MODISO_AUDIT_WRITE_EXEC, page, PAGE, "", "");
	must(!munmap(page, PAGE));
	must_be_clean();
}
END_TEST

START_TEST(test_unmapped)
{
	make_scene();
	must(!munmap(region_bytes(data) + 3 * PAGE, PAGE));
	must_find(MODISO_AUDIT_UNMAPPED, region_bytes(data) + 3 * PAGE, PAGE,
		  "module", "data");
	must(!munmap(region_bytes(data), PAGE));
	must_eq(audit(), 2);
	must_eq(findings[0].base, region_bytes(data));
	must_eq(findings[1].base, region_bytes(data) + 3 * PAGE);
}
END_TEST

/* Memory that appears in the middle of a module's range. */
START_TEST(test_stray)
{
	unsigned char *base;

	make_scene();
	base = region_bytes(constant) + 512 * PAGE;
	must_eq(mmap(base, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		base);
	must_find(MODISO_AUDIT_STRAY, base, PAGE, "module", "");
}
END_TEST

START_TEST(test_alias)
{
	struct modiso_region *shared = NULL;
	void *second;
	int fd = memfd_create("shared", MFD_CLOEXEC);

	make_scene();
	must(fd >= 0 && !ftruncate(fd, 4 * (off_t)PAGE));
	expect(MODISO_OK, modiso_region_map_shared(module, fd, PAGE, 2 * PAGE,
						   RW, NULL, &shared));
	region_bytes(shared)[0] = 1;
	must_be_clean();
	/* Beside the part that is the region: not the same bytes. */
	second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	must(second != MAP_FAILED);
	must_be_clean();
	must(!munmap(second, PAGE));
	second =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(second != MAP_FAILED);
	must_find(MODISO_AUDIT_ALIAS, second, 2 * PAGE, "", "");
	must(!munmap(second, 2 * PAGE));
	must_be_clean();
	close(fd);
}
END_TEST

/* --- ways that need no system call --- */

/* As often as they were found; how many other findings there are. */
static size_t count_kind(uint32_t kind, size_t *others)
{
	size_t all = audit(), found = 0;

	for (size_t i = 0; i < all && i < ROOM; i++)
		found += findings[i].kind == kind;
	*others = all - found;
	return found;
}

static int setup_ring(uint32_t flags, struct io_uring_params *params)
{
	*params = (struct io_uring_params){.flags = flags};
	return (int)syscall(SYS_io_uring_setup, 4, params);
}

START_TEST(test_ring)
{
	struct io_uring_params params;
	size_t others, found;
	void *ring;
	int fd;

	make_scene();
	must_be_clean();
	fd = setup_ring(0, &params);
	if (fd < 0)
		test_skip("io_uring", strerror(errno));
	must_find(MODISO_AUDIT_URING, NULL, 0, "", "");
	must_eq(findings[0].number, fd);
	ring = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    IORING_OFF_SQ_RING);
	must(ring != MAP_FAILED);
	found = count_kind(MODISO_AUDIT_URING, &others);
	must(found == 2 && others == 0);
	must_eq(findings[0].base, ring);
	must_eq(findings[0].length, PAGE);
	must_eq(findings[0].access, MODISO_READ | MODISO_WRITE);
	/* The mapping keeps the ring, without its descriptor. */
	close(fd);
	must_find(MODISO_AUDIT_URING, ring, PAGE, "", "");
	must(!munmap(ring, PAGE));
	must_be_clean();
}
END_TEST

START_TEST(test_polled_ring)
{
	struct io_uring_params params;
	size_t others, found;
	int fd;

	make_scene();
	fd = setup_ring(IORING_SETUP_SQPOLL, &params);
	if (fd < 0)
		test_skip("io_uring", strerror(errno));
	/* It takes its name when it runs for the first time. */
	do
		found = count_kind(MODISO_AUDIT_SQPOLL, &others);
	while (found == 0);
	must(found == 1 && others == 1);
	must_eq(findings[1].kind, MODISO_AUDIT_SQPOLL);
	must(findings[1].number != (uint32_t)getpid());
	close(fd);
}
END_TEST

START_TEST(test_aio)
{
	unsigned long context = 0;
	size_t others, found;

	make_scene();
	if (syscall(SYS_io_setup, 4, &context) != 0)
		test_skip("aio", strerror(errno));
	found = count_kind(MODISO_AUDIT_AIO, &others);
	must(found == 1 && others == 0);
	must_eq(findings[0].base, context);
	must(!syscall(SYS_io_destroy, context));
	must_be_clean();
}
END_TEST

static int retag(void *base, int key)
{
	return (int)syscall(SYS_pkey_mprotect, base, PAGE,
			    PROT_READ | PROT_WRITE, key);
}

START_TEST(test_key)
{
	int key;

	make_scene();
	must_be_clean();
	must(!retag(region_bytes(data), 0));
	must_find(MODISO_AUDIT_KEY, region_bytes(data), PAGE, "module", "data");
	must_eq(findings[0].key, 0);
	key = findings[0].want_key;
	must(key > 0);
	must(!retag(region_bytes(hosts), key));
	must_eq(audit(), 2);
	must(!retag(region_bytes(data), key));
	must_find(MODISO_AUDIT_KEY, region_bytes(hosts), PAGE, "host", "hosts");
	must_eq(findings[0].key, key);
}
END_TEST

/* The tables that gates go by lose their key. */
START_TEST(test_library)
{
	extern char mdi_arch_state[];

	make_scene();
	must(!retag(mdi_arch_state, 0));
	must_eq(audit(), 1);
	must_eq(findings[0].kind, MODISO_AUDIT_LIBRARY);
	/* The kernel may merge it with a neighbour. */
	must(findings[0].base <= W(mdi_arch_state));
	must(findings[0].base + findings[0].length > W(mdi_arch_state));
}
END_TEST

START_TEST(test_arguments)
{
	size_t count = 7, i;

	expect(MODISO_ERR_STATE, modiso_audit(NULL, 0, &count));
	expect(MODISO_ERR_STATE, modiso_report(stdout));
	make_scene();
	expect(MODISO_ERR_INVAL, modiso_audit(NULL, 0, NULL));
	expect(MODISO_ERR_INVAL, modiso_audit(NULL, 1, &count));
	expect(MODISO_ERR_INVAL, modiso_report(NULL));
	expect(MODISO_ERR_INVAL, modiso_report_json(NULL));
	expect(MODISO_ERR_INVAL, modiso_report_dot(NULL));
	must_eq(count, 7);
	expect(MODISO_OK, modiso_audit(NULL, 0, &count));
	must_eq(count, 0);
	/* More than there is room for are counted. */
	for (i = 0; i < 4; i += 2)
		must(!mprotect(region_bytes(data) + i * PAGE, PAGE, PROT_READ));
	findings[1].kind = 99;
	expect(MODISO_OK, modiso_audit(findings, 1, &count));
	must_eq(count, 2);
	must_eq(findings[0].base, region_bytes(data));
	must_eq(findings[1].kind, 99);
	must_str(modiso_audit_kind_name(0), "unknown");
	must_str(modiso_audit_kind_name(99), "unknown");
}
END_TEST

START_TEST(test_report)
{
	FILE *out = tmpfile();
	char *text, line[128];

	must(out);
	make_scene();
	expect(MODISO_OK, modiso_report(out));
	text = stream_text(out);
	must(strstr(text, "module module (1), guard, "));
	must(strstr(text, "host, guarded"));
	snprintf(line, sizeof(line), "  %012zx-%012zx rw- created  data\n",
		 (size_t)W(region_bytes(data)),
		 (size_t)W(region_bytes(data)) + 4 * PAGE);
	must(strstr(text, line));
	must(strstr(text, "r-- created  constant\n"));
	must(strstr(text, "rw- stack    stack\n"));
	free(text);
	out = tmpfile();
	must(out);
	expect(MODISO_OK, modiso_report_json(out));
	text = stream_text(out);
	must(json_valid(text));
	must(strstr(text, "\"name\":\"constant\""));
	free(text);
}
END_TEST

START_TEST(test_report_full)
{
	FILE *out = fopen("/dev/full", "w");

	make_scene();
	must(out);
	expect_code(modiso_report(out), MODISO_ERR_OS, "modiso_report",
		    __FILE__, __LINE__);
	fclose(out);
}
END_TEST

/* What dot(1) does not take: quotes in a name, and braces left open. */
static void must_be_graph(const char *text)
{
	bool quoted = false;
	int depth = 0;

	must(strncmp(text, "digraph modiso {\n", 17) == 0);
	for (; *text != '\0'; text++) {
		if (quoted && *text == '\\')
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (!quoted)
			depth += (*text == '{') - (*text == '}');
		must(*text != '\0' && depth >= 0);
	}
	must(!quoted && depth == 0);
}

START_TEST(test_picture)
{
	struct modiso_module *reader;
	struct modiso_region *named;
	FILE *out = tmpfile();
	char *text, line[128];

	must(out);
	make_scene();
	reader = make_module("reader");
	named = make_region(module, PAGE, "a \"b\" \\n");
	expect(MODISO_OK, modiso_region_grant(named, reader, MODISO_READ));
	expect(MODISO_OK, modiso_report_dot(out));
	text = stream_text(out);
	must_be_graph(text);
	must(strstr(text, "label=\"module reader\\nguard, "));
	snprintf(line, sizeof(line), "    r%zx [label=\"data\\nrw- created\\n",
		 (size_t)W(region_bytes(data)));
	must(strstr(text, line));
	snprintf(line, sizeof(line), "-> r%zx [label=\"r--\"];\n",
		 (size_t)W(region_bytes(named)));
	must(strstr(text, line));
	must(strstr(text, "[label=\"a \\\"b\\\" \\\\n\\n"));
	if (on_pkey())
		must(strstr(text, "\\nkey ") != NULL);
	free(text);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("audit");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_clean);
	tcase_add_test(tcase, test_rights);
	tcase_add_test(tcase, test_write_exec);
	tcase_add_test(tcase, test_unmapped);
	tcase_add_test(tcase, test_stray);
	tcase_add_test(tcase, test_alias);
	tcase_add_test(tcase, test_ring);
	tcase_add_test(tcase, test_polled_ring);
	tcase_add_test(tcase, test_aio);
	if (on_pkey()) {
		tcase_add_test(tcase, test_key);
		tcase_add_test(tcase, test_library);
	}
	tcase_add_test(tcase, test_arguments);
	tcase_add_test(tcase, test_report);
	tcase_add_test(tcase, test_report_full);
	tcase_add_test(tcase, test_picture);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
