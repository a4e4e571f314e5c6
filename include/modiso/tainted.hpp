/* SPDX-License-Identifier: MIT */
/*
 * modiso/tainted.hpp - what a module says, until somebody has looked at it.
 */
#ifndef MODISO_TAINTED_HPP
#define MODISO_TAINTED_HPP

#include <modiso/bind.h>
#include <modiso/memory.hpp>
#include <modiso/module.h>
#include <modiso/range.h>
#include <modiso/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace modiso {

namespace detail {
inline error not_verified()
{
	return { MODISO_ERR_INVAL,
		 "what the module has said did not pass the check of it" };
}

/*
 * What a pointer to From may become without a look at what it points to. Where
 * a base of its class is may be written in the object, which is the module's.
 */
template <class From, class T>
constexpr bool same_place_v = std::conjunction_v<
	std::is_convertible<From *, T *>,
	std::disjunction<
		std::is_same<std::remove_cv_t<From>, std::remove_cv_t<T>>,
		std::negation<std::is_base_of<T, From>>>>;
}

/*
 * A value that a module has given. It becomes no other value by itself:
 * verify() takes a check of it, between() bounds, and unverified() says what it
 * is.
 */
template <class T> class tainted {
	static_assert(std::is_trivially_copyable_v<T>,
		      "modiso: only what can be copied byte by byte may come "
		      "from a module");

public:
	constexpr tainted() noexcept : value_()
	{
	}
	/* A value of the host's, where a module may write another one. */
	constexpr explicit tainted(const T &value) noexcept : value_(value)
	{
	}
	constexpr const T &unverified() const noexcept
	{
		return value_;
	}
	/* The value, if @check(value) is true; else MODISO_ERR_INVAL. */
	template <class Check> result<T> verify(Check check) const
	{
		if (!check(value_))
			return detail::not_verified();
		return value_;
	}
	/* The value, if it is one of @least to @most. */
	result<T> between(T least, T most) const
	{
		static_assert(!std::is_class_v<T>,
			      "modiso: a structure is verified by a function");
		if (!(value_ >= least && value_ <= most))
			return detail::not_verified();
		return value_;
	}

private:
	T value_;
};

/* A module may leave any byte in a bool. */
template <> class tainted<bool> {
public:
	constexpr tainted() noexcept = default;
	constexpr explicit tainted(bool value) noexcept : byte_(value ? 1 : 0)
	{
	}
	constexpr bool unverified() const noexcept
	{
		return byte_ != 0;
	}
	template <class Check> result<bool> verify(Check check) const
	{
		if (!check(unverified()))
			return detail::not_verified();
		return unverified();
	}

private:
	unsigned char byte_ = 0;
};

/*
 * Where something is in a module, as the module says. The host gives it back to
 * the module as it is, and reads what is there by module_memory.
 */
template <class T> class tainted<T *> {
public:
	constexpr tainted() noexcept = default;
	constexpr tainted(std::nullptr_t) noexcept
	{
	}
	constexpr explicit tainted(T *address) noexcept : address_(address)
	{
	}
	/* As pointers do, but from a class to its base. */
	template <class From,
		  class = std::enable_if_t<detail::same_place_v<From, T>>>
	constexpr tainted(const tainted<From *> &from) noexcept
	    : address_(from.unverified())
	{
	}
	constexpr T *unverified() const noexcept
	{
		return address_;
	}
	constexpr bool is_null() const noexcept
	{
		return !address_;
	}
	/* So many objects further on, in an array of the module's. */
	constexpr tainted operator+(std::ptrdiff_t count) const noexcept
	{
		return tainted(address_ + count);
	}
	template <class Check> result<T *> verify(Check check) const
	{
		if (!check(address_))
			return detail::not_verified();
		return address_;
	}

private:
	T *address_ = nullptr;
};

/*
 * member(at, &z_stream::avail_in) - where that member of a structure of the
 * module's is; of an array, where it begins. Nothing is read.
 */
template <class S, class M>
tainted<std::remove_extent_t<M> *> member(const tainted<S *> &at, M S::*which)
{
	using element = std::remove_extent_t<M>;

	if (at.is_null())
		return nullptr;
	if constexpr (std::is_array_v<M>)
		return tainted<element *>(&(at.unverified()->*which)[0]);
	else
		return tainted<element *>(&(at.unverified()->*which));
}

/*
 * The memory of a module, by addresses that it has named: each is checked, and
 * what is read is copied once. In a service it is that of the module that
 * calls.
 */
class module_memory {
public:
	explicit module_memory(
		modiso_module *module = modiso_module_caller()) noexcept
	    : memory_of_(module)
	{
	}
	template <class T>
	result<tainted<std::remove_const_t<T>>> load(tainted<T *> from) const
	{
		tainted<std::remove_const_t<T>> value;
		static_assert(sizeof(value) == sizeof(T));
		const int code = modiso_copy_in(memory_of_, &value,
						from.unverified(), sizeof(T));

		if (code != MODISO_OK)
			return error(code);
		return value;
	}
	template <class T>
	result<void> store(tainted<T *> to, const T &value) const
	{
		return modiso::copy_out(to.unverified(), value, memory_of_);
	}
	/* An address of the module's own, where it has a pointer. */
	template <class T, class From,
		  class = std::enable_if_t<detail::same_place_v<From, T>>>
	result<void> store(tainted<T **> to, tainted<From *> value) const
	{
		T *const address = value.unverified();

		return modiso::copy_out(to.unverified(), address, memory_of_);
	}
	/* Bytes and numbers in a row, which are the host's then. */
	template <class T>
	result<void> read(tainted<T *> from, std::remove_const_t<T> *to,
			  std::size_t count) const
	{
		static_assert(std::is_arithmetic_v<T>,
			      "modiso: numbers are read in a row; load() "
			      "takes other objects, one by one");
		return check(modiso_copy_in(memory_of_, to, from.unverified(),
					    modiso_loan_count(count,
							      sizeof(T))));
	}
	template <class T>
	result<void> write(tainted<T *> to, const T *from,
			   std::size_t count) const
	{
		static_assert(std::is_arithmetic_v<T>,
			      "modiso: numbers are written in a row; store() "
			      "takes other objects, one by one");
		return check(modiso_copy_out(memory_of_, to.unverified(), from,
					     modiso_loan_count(count,
							       sizeof(T))));
	}
	/* A string of less than @most bytes. */
	result<std::string> string(tainted<const char *> from,
				   std::size_t most) const
	{
		return copy_in_string(from.unverified(), most, memory_of_);
	}
	/*
	 * As many of these from an array of pointers. The count and the size of
	 * all are the module's to choose, up to what is said here.
	 */
	result<std::vector<std::string>>
	strings(tainted<const char *const *> from, std::size_t count,
		std::size_t most) const
	{
		std::vector<std::string> all;

		for (std::size_t i = 0; i < count; i++) {
			const auto at = load(from + std::ptrdiff_t(i));

			if (!at)
				return at.error();
			auto one = string(*at, most);
			if (!one)
				return one.error();
			all.push_back(std::move(*one));
		}
		return all;
	}

private:
	modiso_module *memory_of_;
};

}

#endif /* MODISO_TAINTED_HPP */
