/* SPDX-License-Identifier: MIT */
/* use IMAGE - calls all of shapes.h in a module, from C. */
#include "shapes_sandbox.h"

#include <stdio.h>

#define WANT(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "line %d: %s: %s\n", __LINE__,         \
				#condition, modiso_last_error_text());         \
			return 1;                                              \
		}                                                              \
	} while (0)

static int points, lasts, nowhere;

/* Host code, with what a module says. */
static int visit(struct modiso_module *module,
		 struct shapes_tainted_void_ptr arg,
		 struct shapes_tainted_shape_point_ptr at,
		 struct shapes_tainted_short weight,
		 struct shapes_tainted_bool last)
{
	struct shapes_tainted_shape_point point;

	(void)arg;
	if (shapes_load_shape_point(module, at, &point) != MODISO_OK)
		nowhere++;
	else
		points += point.unverified.x + point.unverified.y;
	lasts += last.unverified != 0;
	return weight.unverified;
}
SHAPES_CALLBACK_shape_visitor(make_visitor, visit);

static double square(struct modiso_module *module,
		     struct shapes_tainted_double x)
{
	(void)module;
	return x.unverified * x.unverified;
}
SHAPES_CALLBACK_shape_integrate_of(make_square, square);

static int data(const struct shapes_sandbox *box)
{
	static const int values[4] = {1, 2, 3, 4};
	static const double numbers[2] = {1, 2};
	struct shapes_tainted_int sum;
	struct shapes_tainted_double mean;
	struct shapes_tainted_unsigned_long length = {8};
	struct shapes_tainted_long bytes;
	unsigned char buffer[8] = "........";
	char text[5] = "abcd";
	int squares[3] = {9, 9, 9};
	size_t checked = 0;
	int value = 0;

	WANT(shapes_call_shape_sum(box, values, 4, &sum) == 0);
	WANT(shapes_verify_int(sum, 0, 9, &value) == MODISO_ERR_INVAL);
	WANT(shapes_verify_int(sum, 0, 10, &value) == 0 && value == 10);
	WANT(shapes_call_shape_first(box, values, &sum) == 0 &&
	     sum.unverified == 1);
	WANT(shapes_call_shape_first(box, NULL, &sum) == 0 &&
	     sum.unverified == -1);
	WANT(shapes_call_shape_named(box, 1, 2, 3, "a", &sum) == 0 &&
	     sum.unverified == 6 + 'a');
	WANT(shapes_call_shape_unnamed(box, buffer, &length, values, 4) == 0 &&
	     length.unverified == 3 && memcmp(buffer, "\2\3\4.....", 8) == 0);
	length.unverified = 8;
	memset(buffer, '.', 8);
	WANT(shapes_call_shape_mean(box, numbers, 2, 2, &mean) == 0 &&
	     mean.unverified > 2.9 && mean.unverified < 3.1);
	WANT(shapes_call_shape_fill(box, buffer, &length, 'x') == 0);
	WANT(shapes_verify_unsigned_long(length, 0, 8, &checked) == 0 &&
	     checked == 4 && memcmp(buffer, "xxxx....", 8) == 0);
	length.unverified = 3;
	WANT(shapes_call_shape_boast(box, buffer, &length) == 0);
	WANT(shapes_verify_unsigned_long(length, 0, 8, &checked) ==
		     MODISO_ERR_INVAL &&
	     memcmp(buffer, "!!!x....", 8) == 0);
	WANT(shapes_call_shape_upper(box, text, 2, 2) == 0 &&
	     strcmp(text, "ABCD") == 0);
	WANT(shapes_call_shape_upper(box, text, -1, 2) == MODISO_ERR_LIMIT);
	WANT(shapes_call_shape_upper(box, text, 1, -1) == MODISO_ERR_LIMIT);
	WANT(shapes_call_shape_bytes(box, buffer, "abc", 3, &bytes) == 0 &&
	     bytes.unverified == 3 && memcmp(buffer, "bcdx", 4) == 0);
	WANT(shapes_call_shape_digits(box, text, 4, 123, &sum) == 0 &&
	     sum.unverified == 3 && strcmp(text, "321D") == 0);
	WANT(shapes_call_shape_digits(box, text, 4, -1, &sum) == 0 &&
	     strcmp(text, "321D") == 0);
	WANT(shapes_call_shape_squares(box, squares, 3, &length) == 0 &&
	     length.unverified == 2 && squares[1] == 1 && squares[2] == 9);
	return 0;
}

static int values(const struct shapes_sandbox *box)
{
	struct shapes_tainted_bool odd, one = {1}, two = {0}, each[2];
	const long longs[] = {5, 6};
	struct shapes_tainted_shape_color next;
	struct shapes_tainted_shape_point point = {{1, 2}};
	const struct shape_point by = {10, 20};
	const shape_pair pair = {3, 4};
	struct shapes_tainted_shape_pair_ptr nothing = {NULL};
	struct shapes_tainted_unsigned_long length;
	struct shapes_tainted_int value = {0};
	struct shapes_tainted_char_ptr name, names[2];
	enum shape_color color;
	char text[16];

	WANT(shapes_call_shape_is_odd(box, 3, &odd) == 0 &&
	     odd.unverified == 1);
	WANT(shapes_call_shape_is_odd(box, 4, &odd) == 0 &&
	     odd.unverified == 0);
	WANT(shapes_call_shape_next(box, SHAPE_RED, &next) == 0);
	WANT(shapes_verify_shape_color(next, SHAPE_RED, SHAPE_RED, &color) ==
	     MODISO_ERR_INVAL);
	WANT(shapes_call_shape_move(box, &point, &by) == 0 &&
	     point.unverified.x == 11 && point.unverified.y == 22);
	WANT(shapes_call_shape_length(box, "twelve bytes", &length) == 0 &&
	     length.unverified == 12);
	WANT(shapes_call_shape_length(box, NULL, &length) == 0 &&
	     length.unverified == (size_t)-1);
	WANT(shapes_call_shape_name(box, &name) == 0);
	WANT(modiso_sandbox_string(box->sandbox.module, name.unverified, text,
				   sizeof(text)) == 0 &&
	     strcmp(text, "shapes") == 0);
	WANT(modiso_sandbox_string(box->sandbox.module, name.unverified, text,
				   6) == MODISO_ERR_LIMIT);
	names[0] = names[1] = name;
	WANT(shapes_call_shape_total(box, names, 2, &length) == 0 &&
	     length.unverified == 12);
	WANT(shapes_call_shape_nowhere(box, &name) == 0);
	WANT(modiso_sandbox_string(box->sandbox.module, name.unverified, text,
				   sizeof(text)) == MODISO_ERR_ACCESS);
	WANT(shapes_call_shape_pair_sum(box, &pair, &value) == 0 &&
	     value.unverified == 7);
	WANT(shapes_call_shape_pair_stays(box, nothing, &value) == 0 &&
	     value.unverified == -1);
	WANT(shapes_call_shape_twice(box, 21, &value) == 0 &&
	     value.unverified == 42);
	WANT(shapes_call_shape_many(box, 1, 1, 1, 1, 1, 1, 2, 3.5, "a",
				    &value) == 0 &&
	     value.unverified == 6 + 20 + 3 + 'a');
	WANT(shapes_call_shape_flags(box, &one, &two, NULL) == 0 &&
	     one.unverified == 0 && two.unverified != 0);
	WANT(shapes_call_shape_odd_each(box, longs, each, 2) == 0 &&
	     each[0].unverified != 0 && each[1].unverified == 0);
	WANT(shapes_call_shape_crash(box, 1, &value) == MODISO_ERR_FAULT &&
	     value.unverified == 6 + 20 + 3 + 'a');
	return 0;
}

static int lists(const struct shapes_sandbox *box)
{
	struct modiso_module *module = box->sandbox.module;
	struct shapes_tainted_shape_list_ptr list, other;
	struct shapes_tainted_shape_node_ptr head;
	struct shapes_tainted_shape_node node;
	struct shapes_tainted_shape_point_ptr point;
	struct shapes_tainted_int sum;
	const struct shape_point at = {3, 4};
	struct shapes_tainted_shape_point copy;

	WANT(shapes_call_shape_list_new(box, &list) == 0);
	WANT(shapes_call_shape_list_make(box, &other, NULL) == 0);
	for (int i = 1; i <= 4; i++)
		WANT(shapes_call_shape_list_add(box, list, i) == 0);
	WANT(shapes_call_shape_list_sum(box, list, &sum) == 0 &&
	     sum.unverified == 10);
	WANT(shapes_call_shape_list_head(box, list, &head) == 0 &&
	     shapes_load_shape_node(module, head, &node) == 0 &&
	     node.unverified.value == 4);
	/* Not the module's: the module's fault, not the host's. */
	head.unverified = (struct shape_node *)8;
	WANT(shapes_load_shape_node(module, head, &node) == MODISO_ERR_ACCESS);
	WANT(shapes_call_shape_list_free(box, list) == 0);
	WANT(shapes_call_shape_list_free(box, other) == 0);
	WANT(shapes_new_shape_point(module, 2, &point) == 0 &&
	     shapes_store_shape_point(module, point, &at) == 0 &&
	     shapes_load_shape_point(module, point, &copy) == 0 &&
	     copy.unverified.y == 4);
	WANT(shapes_new_shape_point(module, (size_t)-1 / 4, &point) ==
	     MODISO_ERR_LIMIT);
	return modiso_heap_free(module, point.unverified);
}

static int number(const struct shapes_sandbox *box)
{
	struct modiso_module *module = box->sandbox.module;
	struct shapes_tainted_int_ptr at;
	struct shapes_tainted_int opened;
	const int zero = 0;
	int error = 1;

	WANT(shapes_call_module_errno(box, &at) == 0);
	WANT(shapes_call_shape_open(box, "/", &opened) == 0 &&
	     opened.unverified == 3);
	WANT(shapes_read_int(module, at, &error, 1) == 0 && error == 0);
	WANT(shapes_call_shape_open(box, "x", &opened) == 0 &&
	     opened.unverified == -1);
	WANT(shapes_read_int(module, at, &error, 1) == 0 && error == 2);
	WANT(shapes_write_int(module, at, &zero, 1) == 0);
	WANT(shapes_read_int(module, at, &error, 1) == 0 && error == 0);
	return 0;
}

static int callbacks(const struct shapes_sandbox *box)
{
	struct shapes_callback_shape_visitor visitor, inside = {0}, none = {0};
	struct shapes_callback_shape_integrate_of of;
	struct shapes_tainted_void_ptr nothing = {NULL};
	struct shapes_tainted_double area;
	struct shapes_tainted_int sum;

	WANT(make_visitor(box, "visit", &visitor) == 0);
	WANT(make_square(box, "square", &of) == 0);
	WANT(shapes_call_shape_each(box, visitor, nothing, &sum) == 0 &&
	     sum.unverified == -6 && points == 66 && lasts == 1);
	WANT(shapes_call_shape_each(box, none, nothing, &sum) == 0 &&
	     sum.unverified == -1);
	WANT(shapes_call_shape_each_dirty(box, visitor, &sum) == 0 &&
	     sum.unverified == -2 && nowhere == 1 && lasts == 2);
	WANT(shapes_call_shape_integrate(box, of, 1, 3, &area) == 0 &&
	     area.unverified > 9.9 && area.unverified < 10.1);
	/* One of the module's own, which is called without the host. */
	WANT(shapes_inside_shape_weigh(box, &inside.inside) == 0);
	WANT(shapes_call_shape_each(box, inside, nothing, &sum) == 0 &&
	     sum.unverified == -13);
	modiso_service_destroy(visitor.service);
	modiso_service_destroy(of.service);
	return 0;
}

int main(int argc, char **argv)
{
	struct modiso_heap_info before = MODISO_HEAP_INFO_INIT, after = before;
	struct shapes_sandbox box;

	WANT(argc == 2 && modiso_init(NULL) == 0);
	WANT(shapes_sandbox_open(&box, "/nonexistent", NULL) == MODISO_ERR_NOENT);
	WANT(shapes_sandbox_open(&box, argv[1], NULL) == 0);
	WANT(modiso_heap_get_info(box.sandbox.module, &before) == 0);
	if (data(&box) != 0 || values(&box) != 0 || lists(&box) != 0 ||
	    number(&box) != 0 || callbacks(&box) != 0)
		return 1;
	/* All that was lent is back. */
	WANT(modiso_heap_get_info(box.sandbox.module, &after) == 0 &&
	     after.blocks == before.blocks && after.refused == 0);
	WANT(shapes_sandbox_close(&box) == 0);
	WANT(modiso_fini() == 0);
	return 0;
}
