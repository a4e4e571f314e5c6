// SPDX-License-Identifier: MIT
// use IMAGE - calls all of shapes.h in a module, from C++.
#include "shapes_sandbox.hpp"

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

int points, lasts, nowhere;
const shape_point point_of_host{5, 6};

// Host code, with what a module says.
int visit(modiso::tainted<void *>, modiso::tainted<const shape_point *> at,
	  modiso::tainted<short> weight, modiso::tainted<bool> last)
{
	const auto point = modiso::module_memory().load(at);

	if (!point)
		nowhere++;
	else
		points += point->unverified().x + point->unverified().y;
	lasts += last.unverified() ? 1 : 0;
	return weight.unverified();
}

double square(modiso::tainted<double> x)
{
	return x.unverified() * x.unverified();
}

void hear(modiso::tainted<void *>, modiso::tainted<int> value)
{
	points += value.unverified();
}

int line;
#define WANT(condition)                                                        \
	do {                                                                   \
		line = __LINE__;                                               \
		if (!(condition))                                              \
			return false;                                          \
	} while (false)

bool data(const shapes_sandbox &box)
{
	const int values[] = {1, 2, 3, 4};
	const double numbers[] = {1, 2};
	modiso::tainted<std::size_t> length(8);
	unsigned char buffer[] = "........";
	char text[] = "abcd";

	const auto sum = box.call<&shape_sum>(values, 4u).value();
	WANT(!sum.between(0, 9) && sum.between(0, 10).value() == 10);
	WANT(sum.verify([](int value) { return value == 10; }).value() == 10);
	WANT(box.call<&shape_named>(1, 2, 3, "a").value().between('g', 'g'));
	WANT(box.call<&shape_first>(nullptr).value().between(-1, -1));
	const auto mean = box.call<&shape_mean>(numbers, 2u, 2.0f).value();
	WANT(mean.between(2.9, 3.1));
	WANT(box.call<&shape_fill>(buffer, &length, shape_byte{'x'}));
	WANT(length.between(0, 8).value() == 4 &&
	     std::memcmp(buffer, "xxxx....", 8) == 0);
	length = modiso::tainted<std::size_t>(3);
	WANT(box.call<&shape_boast>(buffer, &length));
	WANT(!length.between(0, 8) && std::memcmp(buffer, "!!!x", 4) == 0);
	WANT(box.call<&shape_upper>(text, 2, 2) &&
	     std::strcmp(text, "ABCD") == 0);
	WANT(box.call<&shape_upper>(text, -1, 2).error().code() ==
	     MODISO_ERR_LIMIT);
	WANT(box.call<&shape_bytes>(buffer, "abc", 3u) &&
	     std::memcmp(buffer, "bcdx", 4) == 0);
	WANT(box.call<&shape_digits>(text, std::size_t{4}, 123) &&
	     std::strcmp(text, "321D") == 0);
	WANT(box.call<&shape_digits>(text, std::size_t{4}, -1) &&
	     std::strcmp(text, "321D") == 0);
	int squares[] = {9, 9, 9};
	WANT(box.call<&shape_squares>(squares, std::size_t{3}, &length) &&
	     length.between(2, 2) && squares[1] == 1 && squares[2] == 9);
	return true;
}

// A list of strings that is the module's, as long as it says, and lies.
bool colors(const shapes_sandbox &box)
{
	modiso::tainted<const char **> list;

	for (int lie = 0; lie < 4; lie++) {
		const auto count =
			box.call<&shape_colors>(&list, lie).value();
		const auto names = box.strings(
			list, std::size_t(count.unverified()), 16);

		WANT(bool(names) == (lie == 0));
		if (names)
			WANT(*names ==
			     (std::vector<std::string>{"red", "blue", ""}));
		else
			WANT(names.error().code() == (lie == 2 ?
				     MODISO_ERR_LIMIT : MODISO_ERR_ACCESS));
	}
	WANT(box.strings(nullptr, 0, 16).value().empty());
	WANT(box.strings(nullptr, 1, 16).error().code() == MODISO_ERR_ACCESS);
	return true;
}

bool values(const shapes_sandbox &box)
{
	modiso::tainted<bool> one(true), two;
	modiso::tainted<shape_point> point(shape_point{1, 2});
	const shape_point by{10, 20};

	WANT(box.call<&shape_is_odd>(3).value().unverified());
	WANT(!box.call<&shape_is_odd>(4).value().unverified());
	WANT(!box.call<&shape_next>(SHAPE_RED).value().between(SHAPE_RED,
							       SHAPE_RED));
	WANT(box.call<&shape_move>(&point, &by) && point.unverified().y == 22);
	WANT(box.call<&shape_length>("twelve bytes").value().between(12, 12));
	const auto name = box.call<&shape_name>().value();
	WANT(box.string(name, 16).value() == "shapes");
	WANT(box.string(name, 6).error().code() == MODISO_ERR_LIMIT);
	const modiso::tainted<const char *> names[] = {name, name};
	WANT(box.call<&shape_total>(names, 2u).value().between(12, 12));
	const auto lie = box.call<&shape_nowhere>().value();
	WANT(box.string(lie, 16).error().code() == MODISO_ERR_ACCESS);
	WANT(colors(box));
	const shape_pair pair{3, 4};
	WANT(box.call<&shape_pair_sum>(&pair).value().between(7, 7));
	WANT(box.call<&shape_pair_stays>(nullptr).value().between(-1, -1));
	WANT(box.call<&shape_twice>(21).value().between(42, 42));
	WANT(box.call<&shape_many>(1, 1, 1, 1, 1, 1, 2, 3.5, "a")
		     .value()
		     .between(29 + 'a', 29 + 'a'));
	WANT(box.call<&shape_flags>(&one, &two) && !one.unverified() &&
	     two.unverified());
	const long longs[] = {5, 6};
	modiso::tainted<bool> each[2];
	WANT(box.call<&shape_odd_each>(longs, each, 2u) &&
	     each[0].unverified() && !each[1].unverified());
	WANT(box.call<&shape_crash>(1).error().code() == MODISO_ERR_FAULT);
	return true;
}

bool lists(const shapes_sandbox &box)
{
	const auto list = box.call<&shape_list_new>().value();
	modiso::tainted<shape_list *> other;

	WANT(box.call<&shape_list_make>(&other) && !other.is_null());
	for (int i = 1; i <= 4; i++)
		WANT(box.call<&shape_list_add>(list, i));
	WANT(box.call<&shape_list_sum>(list).value().between(10, 10));
	const auto head = box.call<&shape_list_head>(list).value();
	WANT(box.load(head).value().unverified().value == 4);
	WANT(box.call<&shape_list_free>(list));
	WANT(box.call<&shape_list_free>(other));
	const auto node = box.call<&shape_node_new>().value();
	const auto last = box.call<&shape_node_new>().value();
	const auto more = modiso::member(node, &shape_node::next);
	WANT(box.store(modiso::member(node, &shape_node::value), 5));
	WANT(box.store(more, last) && box.load(more).value().unverified() ==
					      last.unverified());
	WANT(box.load(node).value().unverified().value == 5);
	const auto point = box.make<shape_point>().value();
	WANT(box.store(point.pointer(), shape_point{3, 4}));
	WANT(box.load(point.pointer()).value().unverified().y == 4);
	const auto row = box.make<unsigned char>(3).value();
	const unsigned char in[] = {1, 2, 3};
	unsigned char out[3] = {};
	WANT(box.write(row.pointer(), in, 3));
	WANT(box.read(row.pointer(), out, 3));
	WANT(std::memcmp(in, out, 3) == 0);
	WANT(box.load(row.pointer() + 2).value().between(3, 3));
	WANT(box.read(row.pointer(), out, SIZE_MAX).error().code() ==
	     MODISO_ERR_ACCESS);
	WANT(box.make<int>(SIZE_MAX / 2).error().code() == MODISO_ERR_LIMIT);
	const auto three = box.copy(in, 3).value();
	const auto four = box.copy(&point_of_host).value();
	WANT(box.read(three.pointer(), out, 2) && out[1] == 2);
	WANT(box.load(four.pointer()).value().unverified().x == 5);
	WANT(box.copy(in, SIZE_MAX).error().code() == MODISO_ERR_LIMIT);
	return true;
}

bool numbers(const shapes_sandbox &box)
{
	const auto at = box.call<&modiso::module_errno>().value();

	WANT(box.call<&shape_open>("/").value().between(3, 3));
	WANT(box.load(at).value().between(0, 0));
	WANT(box.call<&shape_open>("x").value().between(-1, -1));
	WANT(box.load(at).value().between(2, 2));
	WANT(box.store(at, 0) && box.load(at).value().between(0, 0));
	return true;
}

bool callbacks(const shapes_sandbox &box)
{
	const auto visitor = box.make_callback<&visit>("visit").value();
	const auto of = box.make_callback<&square>("square").value();

	WANT(box.call<&shape_each>(visitor, nullptr).value().between(-6, -6));
	WANT(points == 66 && lasts == 1);
	WANT(box.call<&shape_each>(nullptr, nullptr).value().between(-1, -1));
	WANT(box.call<&shape_each_dirty>(visitor).value().between(-2, -2));
	WANT(nowhere == 1 && lasts == 2);
	const auto inside = box.function<&shape_weigh>().value();
	WANT(box.call<&shape_each>(inside, nullptr).value().between(-13, -13));
	const auto tell = box.make_callback<&hear>("hear").value();
	WANT(box.call<&shape_tell>(tell, nullptr) && points == 66 + 7);
	WANT(box.call<&shape_integrate>(of, 1, 3).value().between(9.9, 10.1));
	return true;
}

bool run(const char *path)
{
	const auto library = modiso::library::start().value();

	WANT(shapes_sandbox::open(library, "/nonexistent").error().code() ==
	     MODISO_ERR_NOENT);
	const auto box = shapes_sandbox::open(library, path).value();
	const auto copy = box;
	return data(box) && values(box) && lists(copy) && numbers(copy) &&
	       callbacks(copy);
}

}

int main(int argc, char **argv)
{
	if (argc == 2 && run(argv[1]) && modiso_init(nullptr) == MODISO_OK)
		return 0;
	std::fprintf(stderr, "line %d: %s\n", line, modiso_last_error_text());
	return 1;
}
