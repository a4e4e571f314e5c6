/* SPDX-License-Identifier: MIT */
/* The library behind shelf.hpp, as a module without a C++ library. */
#include "shelf.hpp"

extern "C" {
void *malloc(std::size_t size);
void free(void *block);
void __cxa_pure_virtual();
}

void __cxa_pure_virtual()
{
	__builtin_trap();
}

void *operator new(std::size_t size)
{
	return malloc(size);
}

void operator delete(void *block) noexcept
{
	free(block);
}

void operator delete(void *block, std::size_t) noexcept
{
	free(block);
}

namespace shelf {

static int made;

book::book(const char *title, kind of) : title_(title), kind_(of)
{
	made++;
	count = made;
}

book::~book()
{
	made--;
}

int book::living()
{
	return made;
}

int book::weight() const
{
	return pages * 10;
}

void book::put(const char *text, std::size_t length)
{
	for (std::size_t i = 0; i < length && used_ < sizeof(text_); i++)
		text_[used_++] = text[i];
}

int book::put(int number, int times)
{
	while (times-- > 0)
		put(&"0123456789"[number], 1);
	return -number;
}

std::size_t book::get(char *to, std::size_t room) const
{
	std::size_t i = 0;

	for (; i < used_ && i < room; i++)
		to[i] = text_[i];
	return i;
}

const char *book::title() const
{
	return title_;
}

void book::move(const spot &by, long &distance)
{
	place_.x += by.x;
	place_.y += by.y;
	distance += by.x + by.y;
}

bool book::heavier(const thing &other) const
{
	return weight() > other.weight();
}

book &book::self()
{
	return *this;
}

kind book::of() const
{
	return kind_;
}

double book::cost(float factor, double more) const
{
	return double(factor) * weight() + more;
}

int book::each(int (*visit)(const book *of, kind what, int number)) const
{
	return visit(this, kind_, 4) + visit(nullptr, kind::tape, 5);
}

}

int shelf_free(int number)
{
	return number + 1;
}

int shelf_version(int number)
{
	return number + 2;
}

int shelf_closed(const struct shelf_door *door)
{
	return !door;
}
