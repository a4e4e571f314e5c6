// SPDX-License-Identifier: MIT
// use_shelf IMAGE - calls all of shelf.hpp in a module.
#include "shelf_sandbox.hpp"

#include <cstdio>
#include <cstring>

namespace {

using book = modiso::tainted<shelf_book_object *>;

// What is written in an object says where its base is: the host does not ask.
template <class From, class To>
constexpr bool becomes =
	std::is_convertible_v<modiso::tainted<From *>, modiso::tainted<To *>>;
static_assert(std::is_convertible_v<shelf::book *, shelf::thing *> &&
	      !becomes<shelf::book, shelf::thing> &&
	      !becomes<shelf::book, shelf::counted>);
static_assert(becomes<shelf::book, const shelf::book> &&
	      becomes<shelf::book, void> && becomes<char *, char *const> &&
	      !becomes<const int, int> && !becomes<int, unsigned>);

int seen;
book expected;

int visit(modiso::tainted<const shelf_book_object *> of,
	  modiso::tainted<shelf::kind> what, modiso::tainted<int> number)
{
	if (of.unverified() == expected.unverified() || of.is_null())
		seen += static_cast<int>(what.unverified());
	return number.unverified();
}

int line;
#define WANT(condition)                                                        \
	do {                                                                   \
		line = __LINE__;                                               \
		if (!(condition))                                              \
			return false;                                          \
	} while (false)

bool texts(const shelf_sandbox &box, book it)
{
	char text[] = "........";

	WANT(box.call<&shelf_book_put_text>(it, "abc", 2ul));
	WANT(box.call<&shelf_book_put_twice>(it, 7).value().between(-7, -7));
	WANT(box.call<&shelf_book_put>(it, 8, 1).value().between(-8, -8));
	WANT(box.call<&shelf_book_get>(it, text, 8ul).value().between(5, 5));
	WANT(std::strcmp(text, "ab778...") == 0);
	const auto title = box.call<&shelf_book_title>(it).value();
	WANT(box.string(title, 100).value() == "none");
	return true;
}

bool values(const shelf_sandbox &box, book it)
{
	const shelf::spot by = {3, 4};
	modiso::tainted<long> distance(100);
	const auto place = box.call<&shelf_book_place>(it).value();
	const auto kind = box.call<&shelf_book_of>(it).value();

	WANT(box.call<&shelf_book_move>(it, &by, &distance));
	WANT(distance.between(107, 107));
	WANT(box.load(place).value().unverified().y == 6);
	WANT(box.call<&shelf_book_placed>(it).value().unverified() ==
	     place.unverified());
	WANT(kind.unverified() == shelf::kind::paper);
	WANT(box.call<&shelf_book_cost>(it, 0.5f, 1).value().between(36, 36));
	const auto visitor = box.make_callback<&visit>("visit").value();
	expected = it;
	WANT(box.call<&shelf_book_each>(it, visitor).value().between(9, 9));
	WANT(seen == 3 + 9);
	return true;
}

bool members(const shelf_sandbox &box, book it)
{
	const auto pages = box.call<&shelf_book_pages>(it).value();
	const auto rows = box.call<&shelf_book_rows>(it).value();
	const auto first = box.call<&shelf_book_first>(it).value();
	const auto plain = box.call<&shelf_plain_new>().value();
	const auto value = box.call<&shelf_plain_value>(plain).value();

	WANT(box.load(pages).value().between(7, 7) && box.store(pages, 8));
	WANT(box.load(rows + 5).value().between(6, 6));
	WANT(box.load(first).value().is_null());
	const modiso::tainted<const shelf_book_object *> fixed = it;
	const modiso::tainted<const int *> number =
		box.call<&shelf_book_pages_of>(fixed).value();
	WANT(number.unverified() == pages.unverified());
	WANT(box.load(box.call<&shelf_book_first_of>(fixed).value())
		     .value()
		     .is_null());
	WANT(box.load(value).value().between(5, 5) && box.store(value, 6));
	WANT(box.call<&shelf_plain_plus>(plain, 1).value().between(7, 7));
	WANT(box.call<&shelf_plain_delete>(plain));
	return true;
}

// A book's first base is where it is itself, the second one is not.
bool bases(const shelf_sandbox &box, book it, book other)
{
	const auto thing = box.call<&shelf_book_thing>(it).value();
	const auto second = box.call<&shelf_book_thing>(other).value();
	const auto counted = box.call<&shelf_book_counted>(it).value();

	WANT(static_cast<void *>(thing.unverified()) !=
	     static_cast<void *>(it.unverified()));
	const modiso::tainted<const shelf_thing_object *> fixed =
		box.call<&shelf_book_as_thing>(it).value();
	WANT(fixed.unverified() == thing.unverified());
	WANT(static_cast<void *>(counted.unverified()) ==
	     static_cast<void *>(it.unverified()));
	WANT(box.call<&shelf_book_counts>(it).value().between(1, 1));
	WANT(box.call<&shelf_thing_weight>(thing).value().between(80, 80));
	WANT(box.call<&shelf_thing_twice>(thing).value().between(160, 160));
	WANT(box.call<&shelf_weights>(thing, second).value().between(150, 150));
	WANT(box.call<&shelf_book_heavier>(it, second).value().unverified());
	WANT(box.call<&shelf_book_self>(it).value().unverified() ==
	     it.unverified());
	WANT(box.call<&shelf_sum>(1, 2).value().between(3, 3));
	WANT(box.call<&shelf_freed>(1).value().between(2, 2));
	WANT(box.call<&shelf_version>(1).value().between(3, 3));
	WANT(box.call<&shelf_closed>(nullptr).value().between(1, 1));
	WANT(box.call<&shelf_closes>(nullptr).value().between(1, 1));
	return true;
}

// An object that is none: its table of virtual functions is the host's.
bool faults(const shelf_sandbox &box)
{
	static const int host = 1;
	const modiso::tainted<shelf_thing_object *> thing(
		reinterpret_cast<shelf_thing_object *>(
			const_cast<int *>(&host)));

	WANT(box.call<&shelf_thing_weight>(thing).error().code() ==
	     MODISO_ERR_FAULT);
	return true;
}

bool run(const char *path)
{
	const auto library = modiso::library::start().value();
	const auto box = shelf_sandbox::open(library, path).value();
	const auto title = box.copy("a title", 8).value();
	const auto it = box.call<&shelf_book_none>().value();
	const auto other = box.call<&shelf_book_titled>(title.pointer());
	const auto tape = box.call<&shelf_book_new>(title.pointer(),
						    shelf::kind::tape);

	WANT(box.call<&shelf_book_living>().value().between(3, 3));
	WANT(box.call<&shelf_book_of>(tape.value()).value().unverified() ==
	     shelf::kind::tape);
	if (!texts(box, it) || !values(box, it) || !members(box, it) ||
	    !bases(box, it, other.value()))
		return false;
	WANT(box.call<&shelf_book_delete>(it));
	WANT(box.call<&shelf_book_living>().value().between(2, 2));
	return faults(box);
}

}

int main(int argc, char **argv)
{
	if (argc == 2 && run(argv[1]) && modiso_init(nullptr) == MODISO_OK)
		return 0;
	std::fprintf(stderr, "line %d: %s\n", line, modiso_last_error_text());
	return 1;
}
