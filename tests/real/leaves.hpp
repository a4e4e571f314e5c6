/* SPDX-License-Identifier: MIT */
/* A class that throws more than it catches. */
#ifndef TESTS_REAL_LEAVES_HPP
#define TESTS_REAL_LEAVES_HPP

#include <stdexcept>
#include <string>

class thrower {
public:
	explicit thrower(int most) : most_(most)
	{
		if (most < 0)
			throw std::invalid_argument("below zero");
	}
	/* -1 is one that it has caught. */
	int over(int value, bool caught) const
	{
		const std::string text(std::size_t(most_), '!');

		try {
			if (value > most_)
				throw std::out_of_range(text);
		} catch (const std::out_of_range &) {
			if (!caught)
				throw;
			return -1;
		}
		return value;
	}

private:
	int most_;
};

#endif /* TESTS_REAL_LEAVES_HPP */
