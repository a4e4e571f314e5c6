/* SPDX-License-Identifier: MIT */
/*
 * contract_grant - regions that modules have rights to which they do not own:
 * these rights and no others, at once, on every thread, and with few keys.
 */
#include "contract/actors.h"
#include "support/world.h"
#include "support/proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_rights)
{
	struct modiso_region *region = make_scene();

	through_all_rights(region, RW);
	expect(MODISO_OK, modiso_region_destroy(region));
	expect(MODISO_OK, modiso_module_destroy(a.module));
	expect(MODISO_OK, modiso_module_destroy(b.module));
	expect(MODISO_OK, modiso_module_destroy(c.module));
	world_stop();
}
END_TEST

/* No module may touch what is the host's, but for those that were told so. */
START_TEST(test_host_region)
{
	struct modiso_region *region, *guarded;

	make_scene();
	region = make_region(NULL, 2 * PAGE, "host's");
	guarded = make_region(NULL, 2 * PAGE, "guarded");
	through_all_rights(region, 0);
	expect(MODISO_OK, modiso_region_grant(region, b.module, MODISO_READ));
	must_be(guarded, 0, 0, 0);
	must_be(region, 0, MODISO_READ, 0);
	expect(MODISO_OK, modiso_region_revoke(region, b.module));
	expect(MODISO_OK, modiso_region_destroy(region));
}
END_TEST

START_TEST(test_adopted)
{
	struct modiso_region *region;
	unsigned char *pages;

	make_scene();
	pages = pages_map(2, RW);
	expect(MODISO_OK, modiso_region_adopt(a.module, pages, 2 * PAGE, RW,
					      NULL, &region));
	through_all_rights(region, RW);
	expect(MODISO_OK, modiso_region_destroy(region));
	must_eq(*pages, 0);
	pages_unmap(pages, 2);
}
END_TEST

/* Pages that are read-only are so for all, whatever they were granted. */
START_TEST(test_protect)
{
	struct modiso_region *region = make_scene();

	expect(MODISO_OK, modiso_region_grant(region, b.module, RW));
	expect(MODISO_OK, modiso_region_protect(region, MODISO_READ));
	must_blame(enter_fault(b.module, b.store, W(region_bytes(region)), 1),
		   MODISO_WRITE, region_bytes(region), region);
	must_eq(enter(b.load, W(region_bytes(region))), 0);
	must_blame(enter_fault(c.module, c.load, W(region_bytes(region))),
		   MODISO_READ, region_bytes(region), region);
	must_be_clean();
	expect(MODISO_ERR_BUSY, modiso_region_protect(region, RX));
	expect(MODISO_OK, modiso_region_protect(region, RW));
	must_be(region, RW, RW, 0);
}
END_TEST

static void must_refuse(int code, struct modiso_region *region)
{
	unsigned char *byte = region_bytes(region);

	expect(code, modiso_region_grant(region, b.module, RW));
	must_eq(region_info(region).granted, 0);
	must_blame(enter_fault(b.module, b.load, W(byte)), MODISO_READ, byte,
		   region);
}

static void refuse_arguments(struct modiso_region *region)
{
	expect(MODISO_ERR_INVAL, modiso_region_grant(NULL, b.module, RW));
	expect(MODISO_ERR_INVAL, modiso_region_grant(region, NULL, RW));
	expect(MODISO_ERR_INVAL, modiso_region_revoke(NULL, b.module));
	expect(MODISO_ERR_INVAL, modiso_region_revoke(region, NULL));
	expect(MODISO_ERR_INVAL, modiso_region_grant(region, a.module, RW));
	expect(MODISO_ERR_INVAL, modiso_region_revoke(region, a.module));
	expect(MODISO_ERR_INVAL, modiso_region_grant(region, b.module, 0));
	expect(MODISO_ERR_INVAL,
	       modiso_region_grant(region, b.module, MODISO_WRITE));
	expect(MODISO_ERR_INVAL, modiso_region_grant(region, b.module, RX));
	expect(MODISO_ERR_NOENT, modiso_region_revoke(region, b.module));
}

START_TEST(test_refused)
{
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	struct modiso_region_options closed = {.struct_size = sizeof(closed)};
	struct modiso_region *region = make_scene(), *other;
	void *block;

	refuse_arguments(region);
	expect(MODISO_OK, modiso_region_protect(region, MODISO_READ));
	must_refuse(MODISO_ERR_ACCESS, region);
	expect(MODISO_OK, modiso_region_protect(region, RW));
	expect(MODISO_OK, modiso_window_open(region, RW));
	expect(MODISO_ERR_BUSY, modiso_region_grant(region, b.module, RW));
	expect(MODISO_OK, modiso_window_close(region));
	if (on_pkey()) {
		closed.flags = MODISO_REGION_CLOSED;
		expect(MODISO_OK,
		       modiso_region_create(NULL, PAGE, RW, &closed, &other));
		expect(MODISO_ERR_ACCESS,
		       modiso_region_grant(other, b.module, RW));
	}
	other = make_region(a.module, PAGE, "code");
	expect(MODISO_OK, modiso_region_protect(other, RX));
	expect(MODISO_ERR_ACCESS,
	       modiso_region_grant(other, b.module, MODISO_READ));
	enter(a.load, W(region_bytes(region)));
	expect(MODISO_OK, modiso_heap_create(a.module, 16 * PAGE, NULL));
	expect(MODISO_OK, modiso_heap_alloc(a.module, 16, 0, 0, &block));
	expect(MODISO_OK, modiso_region_find(block, &info));
	must_refuse(MODISO_ERR_BUSY, info.region);
}
END_TEST

START_TEST(test_snapshot_busy)
{
	struct modiso_region *region = make_scene();

	expect(MODISO_OK, modiso_snapshot_take(a.module));
	must_refuse(MODISO_ERR_BUSY, region);
}
END_TEST

START_TEST(test_busy)
{
	struct modiso_region *region = make_scene(), *other;

	other = make_region(a.module, PAGE, "other");
	expect(MODISO_OK, modiso_region_grant(region, b.module, RW));
	expect(MODISO_OK, modiso_region_grant(other, b.module, RW));
	expect(MODISO_OK, modiso_region_grant(other, c.module, MODISO_READ));
	expect(MODISO_ERR_BUSY, modiso_region_destroy(region));
	expect(MODISO_ERR_BUSY, modiso_module_destroy(a.module));
	must_have(&b, region, RW);
	/* Its rights go with it; those of others stay. */
	expect(MODISO_OK, modiso_module_destroy(b.module));
	must_eq(region_info(region).granted, 0);
	must_eq(region_info(other).granted, 1);
	must_eq(enter(c.load, W(region_bytes(other))), 0);
	must_blame(enter_fault(c.module, c.store, W(region_bytes(other)), 1),
		   MODISO_WRITE, region_bytes(other), other);
	must_have(&a, region, RW);
	must_have(&c, region, 0);
	/* A new module, at the place of the old one perhaps, has none. */
	make_actor(&b, "new");
	must_have(&b, region, 0);
	must_blame(enter_fault(b.module, b.load, W(region_bytes(other))),
		   MODISO_READ, region_bytes(other), other);
	expect(MODISO_OK, modiso_region_revoke(other, c.module));
	expect(MODISO_OK, modiso_module_destroy(a.module));
	expect(MODISO_OK, modiso_module_destroy(b.module));
	expect(MODISO_OK, modiso_module_destroy(c.module));
	world_stop();
}
END_TEST

/* What others may write is not brought back. */
START_TEST(test_snapshot)
{
	struct modiso_region *region = make_scene(), *own;
	unsigned char *byte = region_bytes(region);

	own = make_region(a.module, PAGE, "saved");
	expect(MODISO_OK, modiso_region_grant(region, b.module, RW));
	*byte = *region_bytes(own) = 1;
	expect(MODISO_OK, modiso_snapshot_take(a.module));
	enter(b.store, W(byte), 2);
	enter(a.store, W(region_bytes(own)), 2);
	expect(MODISO_OK, modiso_snapshot_restore(a.module));
	must_eq(*byte, 2);
	must_eq(*region_bytes(own), 1);
	must_be(region, RW, RW, 0);
}
END_TEST

START_TEST(test_report)
{
	struct modiso_region *region = make_scene();
	FILE *out = tmpfile();
	char *text;

	must(out != NULL);
	expect(MODISO_OK, modiso_region_grant(region, b.module, RW));
	expect(MODISO_OK, modiso_region_grant(region, c.module, MODISO_READ));
	expect(MODISO_OK, modiso_report(out));
	text = stream_text(out);
	must(strstr(text, "granted:") != NULL);
	must(strstr(text, "b rw-") != NULL && strstr(text, "c r--") != NULL);
	free(text);
	out = tmpfile();
	must(out != NULL);
	expect(MODISO_OK, modiso_report_json(out));
	text = stream_text(out);
	must(strstr(text, "{\"module\":\"c\",\"access\":\"r--\"}") != NULL);
	free(text);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("grant");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_rights);
	tcase_add_test(tcase, test_host_region);
	tcase_add_test(tcase, test_adopted);
	tcase_add_test(tcase, test_protect);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_busy);
	tcase_add_test(tcase, test_snapshot);
	tcase_add_test(tcase, test_snapshot_busy);
	tcase_add_test(tcase, test_report);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
