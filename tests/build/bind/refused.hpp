/* SPDX-License-Identifier: MIT */
/*
 * What of C++ cannot be bound: what is asked for, a bar, and the beginning of
 * what is said of the line below.
 */
#include <string>

namespace no {

struct flat {
	int a;
};
/* no::flats::get | it is a template, or of one */
template <class T> class box {
public:
	T get() const;
};
using flats = box<flat>;

class made {
public:
/* no::made::made(int,char) | none has (int,char), there are made(int, int); */
	made(int a, int b = 2);
	made(const made &);
	made(made &&);
/* no::made::get | only its arguments say which one is meant: get(); */
	int get();
	int get() const;
/* x=no::made::set(int) | none has (int), there are set(int, int) */
	void set(int one, int two);
/* no::made::put const | none has const, there are put(int) */
	void put(int one);
/* no::made::template_of | it is a template, or of one */
	template <class T> void template_of(T);
/* no::made::takes | argument 1, one, is no::flat by value */
	void takes(flat one);
/* no::made::text | argument 1, of, is std::basic_string<char> by value */
	void text(std::string of);
/* no::made::gives | its result is no::flat by value */
	flat gives();
/* no::made::moved | argument 1, one, is no::made &&, and a gate passes */
	void moved(made &&one);
/* no::made::member_of | argument 1, which, is int (no::made::*)(), and a */
	void member_of(int (made::*which)());
/* no::made::variable | it has variable arguments */
	void variable(int one, ...);
/* no::made::returns | its result is a pointer to a function */
	int (*returns())(int);
/* no::made::operator== | no function of C beside it can have its name */
	bool operator==(int) const;
/* no::made::object one=in | one points to an object, no_made_object, which */
	void object(made *one);
/* no::made::twice this=in | this points to an object, no_made_object, which */
	void twice();
/* no::made::bits | address of bit-field requested */
	int bits : 3;

private:
/* no::made::secret | 'secret' is a private member of 'no::made' */
	int secret();

	int takes();

protected:
/* no::made::hidden | 'hidden' is a protected member of 'no::made' */
	int hidden;
};

class gone {
public:
/* no::gone::gone | call to deleted constructor of 'no::gone' */
	gone() = delete;
};

class own {
/* no::own::own | calling a private constructor of class 'no::own' */
	own();
/* no::own::~own | calling a private destructor of class 'no::own' */
	~own();
};

/* no::shape::shape | allocating an object of abstract class type 'no::shape' */
class shape {
public:
	virtual int area() = 0;
};

/* no::held::held | call to implicitly-deleted default constructor of */
class held {
public:
	int &of;
};

/* no::right::flat | cannot cast 'no::right' to its private base class */
class right : private flat {
public:
	int of();
};

/* no::bare::bare(int) | none has (int), there are none */
class bare {
};

/* no::inner | it is a class: say what of it, as its constructor */
class inner {
public:
/* inner::f | it is no::inner::f or no::deep::inner::f: say which one */
	int f();
};

namespace deep {
class inner {
public:
	int f();
};
}

}

/* ::no_space | no function of C beside it can have its name: say NAME= */
int no_space(int one);
