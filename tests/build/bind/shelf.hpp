/* SPDX-License-Identifier: MIT */
/* Every kind of member of a class that modiso-bind makes a function of. */
#ifndef SHELF_HPP
#define SHELF_HPP

#include <cstddef>

namespace shelf {

enum class kind { paper = 3, tape = 9 };
struct spot {
	int x, y;
};

class counted {
public:
	virtual ~counted()
	{
	}
	int count = 0;
	int counts() const
	{
		return count;
	}
};

class thing {
public:
	virtual ~thing()
	{
	}
	virtual int weight() const = 0;
	int twice() const
	{
		return 2 * weight();
	}
};

/* Only the object itself says where its second base is. */
class book : public counted, public virtual thing {
public:
	explicit book(const char *title = "none", kind of = kind::paper);
	book(const book &) = delete;
	book &operator=(const book &) = delete;
	~book() override;
	static int living();
	int weight() const override;
	void put(const char *text, std::size_t length);
	int put(int number, int times = 2);
	std::size_t get(char *to, std::size_t room) const;
	const char *title() const;
	spot &place()
	{
		return place_;
	}
	const spot &place() const
	{
		return place_;
	}
	void move(const spot &by, long &distance);
	bool heavier(const thing &other) const;
	book &self();
	kind of() const;
	template <class T> T of(T other) const
	{
		return other;
	}
	double cost(float factor, double more) const;
	int each(int (*visit)(const book *of, kind what, int number)) const;
	book *operator->();
	template <class T> T as() const
	{
		return T(weight());
	}
	int pages = 7;
	int rows[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
	struct mark {
		mark *next = nullptr;
		int line();
	};
	mark *first = nullptr;

private:
	char text_[64];
	std::size_t used_ = 0;
	const char *title_;
	kind kind_;
	spot place_ = { 1, 2 };
};

/* Nothing of it is written. */
struct plain {
	int value = 5;
	int plus(int more) const
	{
		return value + more;
	}
};
using other = plain;

inline int sum(const thing &one, const thing &two)
{
	return one.weight() + two.weight();
}
inline int sum(int one, int two)
{
	return one + two;
}

}

int shelf_free(int number);
struct shelf_door;
extern "C" int shelf_version(int number);
extern "C" int shelf_closed(const struct shelf_door *door);

#endif /* SHELF_HPP */
