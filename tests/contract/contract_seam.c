/* SPDX-License-Identifier: MIT */
/*
 * contract_seam - pieces of code that lie side by side hold no instruction that
 * neither of them holds, whatever they are and in whatever order they came; and
 * what was looked at is what runs.
 */
#include "support/poke.h"
#include "support/proc.h"
#include "support/scan_samples.h"
#include "support/world.h"

#include <stdatomic.h>
#include <string.h>

static struct modiso_module *module;
static unsigned char first[PAGE], second[PAGE];

/* The strictest level that there is here. */
static uint32_t strictest(void)
{
	return on_pkey() ? MODISO_CONFINE_SEALED : MODISO_CONFINE_GUARD;
}

static void begin(uint32_t confinement)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = confinement,
	};

	world_start();
	expect(MODISO_OK, modiso_module_create("m", &options, &module));
}

static void finish(void)
{
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}

/* --- ways to become code --- */

struct piece {
	struct modiso_image *image;
	struct modiso_region *region;
};

static int prepare_piece(const unsigned char *bytes, struct piece *piece)
{
	struct modiso_flat flat = {
		.struct_size = sizeof(flat),
		.code_size = PAGE,
	};

	return modiso_image_prepare(module, bytes, PAGE, &flat, NULL,
				    &piece->image);
}

static int image_piece(const unsigned char *bytes, struct piece *piece)
{
	int code = prepare_piece(bytes, piece);

	return code != 0 ? code : modiso_image_seal(piece->image);
}

static int region_piece(const unsigned char *bytes, struct piece *piece)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.becomes = RX,
	};

	expect(MODISO_OK, modiso_region_create(module, PAGE, RW, &options,
					       &piece->region));
	memcpy(modiso_region_base(piece->region), bytes, PAGE);
	return modiso_region_protect(piece->region, RX);
}

static void drop_piece(struct piece *piece)
{
	if (piece->image != NULL)
		expect(MODISO_OK, modiso_image_unload(piece->image));
	if (piece->region != NULL)
		expect(MODISO_OK, modiso_region_destroy(piece->region));
	*piece = (struct piece){0};
}

static int (*const ways[])(const unsigned char *bytes,
			   struct piece *piece) = {image_piece, region_piece};

static bool is_code(const char *at)
{
	struct modiso_region_info info = {.struct_size = sizeof(info)};

	return modiso_region_find(at, &info) == MODISO_OK &&
	       info.access & MODISO_EXEC;
}

/*
 * Code around @piece, whoever's it is, as far as it lies side by side. What
 * the host may read it may look at.
 */
static void must_be_clean(const struct piece *piece)
{
	struct modiso_image_info image = {.struct_size = sizeof(image)};
	char *from, *to;

	if (piece->image != NULL) {
		expect(MODISO_OK,
		       modiso_image_get_info(piece->image, &image));
		from = image.start;
	} else {
		from = modiso_region_base(piece->region);
	}
	must(is_code(from));
	for (to = from; is_code(to);)
		to += PAGE;
	while (is_code(from - PAGE))
		from -= PAGE;
	expect(MODISO_OK,
	       modiso_scan_memory(from, (size_t)(to - from),
				  on_pkey() ? MODISO_SCAN_ALL
					    : MODISO_SCAN_PKRU,
				  NULL, NULL));
}

/*
 * Two pieces of @sample, cut at @cut, in both orders: pieces are placed below
 * those that are there, so the second one is the lower one.
 */
static void join(const struct sample *sample, size_t cut, int one, int two)
{
	const unsigned char *begins, *ends;
	size_t rest = sample->length - cut;

	memset(first, 0xcc, PAGE);
	memset(second, 0xcc, PAGE);
	memcpy(first + PAGE - cut, sample->bytes, cut);
	memcpy(second, sample->bytes + cut, rest);
	begins = first;
	ends = second;
	for (int round = 0; round < 2; round++) {
		struct piece a = {0}, b = {0};
		int code_a = ways[one](round ? begins : ends, &a);
		int code_b = ways[two](round ? ends : begins, &b);

		must(code_a != 0 || code_b != 0);
		must(code_a == 0 || code_a == MODISO_ERR_GADGET);
		must(code_b == 0 || code_b == MODISO_ERR_GADGET);
		if (code_a == 0)
			must_be_clean(&a);
		if (code_b == 0)
			must_be_clean(&b);
		drop_piece(&a);
		drop_piece(&b);
	}
}

START_TEST(test_sides)
{
	begin(strictest());
	for (int i = 0; i < SAMPLES; i++) {
		if (!on_pkey() && !(samples[i].kind & MODISO_SCAN_PKRU))
			continue;
		for (size_t cut = 1; cut < samples[i].length; cut++)
			join(&samples[i], cut, _i / 2, _i % 2);
	}
	finish();
}
END_TEST

/* A piece between two others, in each order of coming, and coming again. */
START_TEST(test_between)
{
	static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					 {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	unsigned char bytes[3][PAGE];
	struct piece piece[3] = {{0}}, again = {0};

	begin(strictest());
	memset(bytes, 0xcc, sizeof(bytes));
	memcpy(bytes[0] + PAGE - 2, "\x0f\x01", 2);
	memcpy(bytes[1], "\xef", 1);
	memcpy(bytes[1] + PAGE - 1, "\x0f", 1);
	memcpy(bytes[2], "\x01\xef", 2);
	for (int n = 0; n < 3; n++) {
		int which = orders[_i][n];

		(void)!ways[which % 2](bytes[which], &piece[which]);
		for (int k = 0; k < 3; k++)
			if (piece[k].image != NULL)
				must_be_clean(&piece[k]);
	}
	/* A hole is filled. */
	for (int n = 0; n < 3; n++) {
		drop_piece(&piece[n]);
		if (image_piece(bytes[orders[_i][n]], &again) == 0)
			must_be_clean(&again);
		drop_piece(&again);
	}
	finish();
}
END_TEST

/* Refused when it is prepared: sealing has nothing to say any more. */
START_TEST(test_prepared)
{
	struct piece piece = {0};

	begin(MODISO_CONFINE_GUARD);
	memset(first, 0xcc, PAGE);
	memcpy(first + PAGE - 2, "\x0f\x01", 2);
	expect(MODISO_ERR_GADGET, prepare_piece(first, &piece));
	must(piece.image == NULL);
	must(strstr(modiso_last_error_text(), "wrpkru (0f 01, its end"));
	first[PAGE - 1] = 0;
	expect(MODISO_OK, prepare_piece(first, &piece));
	expect(MODISO_OK, modiso_image_seal(piece.image));
	drop_piece(&piece);
	finish();
}
END_TEST

/* --- regions that become code --- */

START_TEST(test_own_bytes)
{
	struct modiso_region *region;
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	unsigned char *bytes;

	begin(MODISO_CONFINE_GUARD);
	region = make_region(module, 3 * PAGE, "code");
	bytes = region_bytes(region);
	memcpy(bytes + 2 * PAGE - 1, "\x0f\x01\xef", 3);
	expect(MODISO_ERR_GADGET, modiso_region_protect(region, RX));
	must(strstr(modiso_last_error_text(), "wrpkru (0f 01 ef)") != NULL);
	must(strstr(modiso_last_error_text(), "0x1fff") != NULL);
	/* As it was: for the module, for the host, and in words. */
	expect(MODISO_OK, modiso_region_get_info(region, &info));
	must_eq(info.access, RW);
	must_allow(module, bytes + PAGE);
	bytes[2 * PAGE] = 0;
	/* Only what GUARD forbids. */
	memcpy(bytes + 100, "\x0f\x05", 2);
	expect(MODISO_OK, modiso_region_protect(region, RX));
	expect(MODISO_OK, modiso_region_get_info(region, &info));
	must_eq(info.access, RX);
	finish();
}
END_TEST

START_TEST(test_own_bytes_sealed)
{
	struct modiso_region *region;
	unsigned char *bytes;

	if (!on_pkey()) {
		world_start();
		world_stop();
		return;
	}
	begin(MODISO_CONFINE_SEALED);
	region = make_region(module, PAGE, "code");
	bytes = region_bytes(region);
	memcpy(bytes + 100, "\x0f\x05", 2);
	expect(MODISO_ERR_GADGET, modiso_region_protect(region, RX));
	bytes[101] = 0;
	/* From one that is read alone as well. */
	expect(MODISO_OK, modiso_region_protect(region, MODISO_READ));
	expect(MODISO_OK, modiso_region_protect(region, RX));
	finish();
}
END_TEST

/* --- nobody writes in between --- */

static atomic_int done, entered;

/*
 * Now it is an instruction, now it is none; until the page is closed, or not
 * for ever: with page permissions the host waits for its turn.
 */
MODULE_CODE static uintptr_t flicker(volatile unsigned char *byte)
{
	for (int i = 0; i < 2000; i++) {
		*byte = 0xef;
		*byte = 0;
	}
	return 0;
}

static volatile unsigned char *target;

static void *keep_writing(void *gate)
{
	while (!atomic_load(&done)) {
		atomic_fetch_add(&entered, 1);
		(void)!modiso_gate_call(gate, WORDS(W(target)), NULL);
	}
	return NULL;
}

/*
 * A thread inside the module writes all the time, to where the code comes to
 * lie: in a GUARD module any memory of the host is open to it. What became
 * code is clean each time.
 */
START_TEST(test_no_gap)
{
	unsigned long n = run_times(3000, 60), loaded = 0;
	struct modiso_gate *gate;
	struct piece piece = {0};
	pthread_t writer;
	int code;

	begin(MODISO_CONFINE_GUARD);
	gate = make_gate(module, flicker);
	memset(first, 0xcc, PAGE);
	memcpy(first + 100, "\x0f\x01\x00", 3);
	expect(MODISO_OK, ways[_i](first, &piece));
	if (piece.image != NULL) {
		struct modiso_image_info info = {.struct_size = sizeof(info)};

		expect(MODISO_OK, modiso_image_get_info(piece.image, &info));
		target = (unsigned char *)info.start + 102;
	} else {
		target = region_bytes(piece.region) + 102;
	}
	drop_piece(&piece);
	atomic_store(&done, 0);
	writer = thread_start(keep_writing, gate);
	/* At least until the other is there: it has a CPU of its own rarely. */
	for (; n != 0 || atomic_load(&entered) == 0; n -= n != 0) {
		code = ways[_i](first, &piece);
		must(code == 0 || code == MODISO_ERR_GADGET);
		if (code == 0) {
			loaded++;
			must_be_clean(&piece);
		}
		while (piece.image != NULL || piece.region != NULL) {
			struct piece last = piece;

			code = last.image != NULL
				       ? modiso_image_unload(last.image)
				       : modiso_region_destroy(last.region);
			if (code == 0)
				piece = (struct piece){0};
			else
				must_eq(code, MODISO_ERR_BUSY);
		}
	}
	atomic_store(&done, 1);
	thread_join(writer);
	must(loaded != 0);
	finish();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("seam");
	TCase *tcase = tcase_create("seam");

	tcase_add_loop_test(tcase, test_sides, 0, 4);
	tcase_add_loop_test(tcase, test_between, 0, 6);
	tcase_add_test(tcase, test_prepared);
	tcase_add_test(tcase, test_own_bytes);
	tcase_add_test(tcase, test_own_bytes_sealed);
	add_loop_test_but_tsan(tcase, test_no_gap, 0, 2,
			       "a fault reads records that are freed meanwhile");
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
