/* SPDX-License-Identifier: MIT */
/*
 * What a C++ library needs of its run-time part: exceptions through frames with
 * destructors, run-time types, new, constructors of static objects, and some of
 * the standard library. Each byte of the input chooses what is thrown and from
 * how deep. With LEAVES an exception of a number leaves the module.
 */
extern "C" {
#include "work.h"
}

#include <algorithm>
#include <cstring>
#include <exception>
#include <functional>
#include <iomanip>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct shape {
	virtual ~shape() = default;
	virtual int corners() const = 0;
};
struct marked {
	virtual ~marked() = default;
	int mark = 7;
};
struct triangle : shape {
	int corners() const override { return 3; }
};
struct square : shape, virtual marked {
	int corners() const override { return 4; }
};

struct problem : std::runtime_error {
	problem(const std::string &text, int code)
		: std::runtime_error(text), code(code)
	{
	}
	int code;
};
struct large_problem : problem, marked {
	using problem::problem;
};

/* Made when the module is loaded. */
const std::map<int, std::string> names = {
	{3, "triangle"}, {4, "square"}, {0, "nothing"}};
std::ostringstream *told;

struct trail {
	explicit trail(int depth) : depth(depth) {}
	~trail()
	{
		*told << '~' << depth;
		if (std::uncaught_exceptions() != 0)
			*told << '!';
	}
	int depth;
};

void raise(unsigned kind)
{
	std::unique_ptr<shape> shape;
	std::vector<int> few(3);
	volatile size_t much = (size_t)1 << 46;

	if (kind & 1)
		shape = std::make_unique<square>();
	else
		shape = std::make_unique<triangle>();
	switch (kind & 7) {
	case 0:
		few.at(kind) = 1;
		break;
	case 1:
		throw problem(names.at(shape->corners()), 1);
	case 2:
		*told << dynamic_cast<marked &>(*shape).mark;
		break;
	case 3:
		*told << dynamic_cast<marked &>(*shape).mark;
		throw large_problem("large", 8);
	case 4:
		delete[] new char[much];
		break;
	case 5:
		*told << std::stoi("words");
		break;
	case 6:
		throw (int)kind;
	default:
		*told << names.at((int)kind);
	}
}

void fall(int depth, unsigned kind)
{
	trail trail(depth);

	if (depth == 0)
		raise(kind);
	else if (depth % 3 != 0)
		fall(depth - 1, kind);
	else
		try {
			fall(depth - 1, kind);
		} catch (const large_problem &problem) {
			*told << "again";
			throw;
		} catch (const problem &problem) {
			*told << "larger";
			throw large_problem(problem.what(), problem.code + 1);
		}
}

void take(unsigned char byte)
{
	try {
		fall(byte >> 4, byte & 15);
	} catch (const problem &problem) {
		auto *marked = dynamic_cast<const struct marked *>(&problem);
		*told << "problem " << problem.what() << problem.code
		     << (marked != nullptr ? marked->mark : -1);
	} catch (const std::bad_alloc &) {
		*told << "no memory";
	} catch (const std::bad_cast &) {
		*told << "no cast";
	} catch (const std::logic_error &) {
		*told << "logic";
#ifndef LEAVES
	} catch (int number) {
		*told << "number " << number;
#endif
	}
	*told << '\n';
}

size_t calls()
{
	static thread_local size_t count;

	return ++count;
}

/* The standard library, with what both of its makers must answer alike. */
void count_words(const std::string &text)
{
	static std::mutex mutex;
	static std::once_flag once;
	static std::shared_ptr<const int> least;
	std::lock_guard<std::mutex> lock(mutex);
	std::istringstream words(text);
	std::map<std::string, int> counts;
	std::vector<std::pair<int, std::string>> order;
	std::function<bool(int)> often = [](int count) {
		return count > *least;
	};
	std::string word;
	long sum = 0, number;

	std::call_once(once, [] { least = std::make_shared<int>(1); });
	*told << (calls() > 0) << '\n';
	while (words >> word) {
		if (std::istringstream(word) >> number)
			sum += number % 1000;
		counts[word]++;
	}
	for (const auto &entry : counts)
		order.emplace_back(-entry.second, entry.first);
	std::stable_sort(order.begin(), order.end());
	for (const auto &entry : order)
		if (often(-entry.first))
			*told << std::setw(4) << std::setfill('.')
			     << -entry.first << ' ' << entry.second << '\n';
	*told << std::fixed << std::setprecision(3)
	      << (double)sum / 7 << '\n';
}

} // namespace

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	std::ostringstream text;
	std::string result;

	told = &text;
	for (unsigned long i = 0; i < length && i < 256; i++)
		take(in[i]);
	count_words(std::string((const char *)in, length));
	result = text.str();
	length = std::min<unsigned long>(result.size(), room);
	std::memcpy(out, result.data(), length);
	return (long)length;
}
