/* SPDX-License-Identifier: MIT */
/*
 * modiso/result.hpp - a value, or the error that stands in its place.
 */
#ifndef MODISO_RESULT_HPP
#define MODISO_RESULT_HPP

#include <modiso/error.h>
#include <modiso/export.h>
#include <modiso/fault.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#if defined(__cpp_exceptions)
#	define MODISO_HPP_EXCEPTIONS 1
#else
#	define MODISO_HPP_EXCEPTIONS 0
#endif

namespace std {
/* So that an error_code compares with MODISO_ERR_FAULT and its like. */
template <> struct is_error_code_enum<::modiso_error> : true_type {};
}

namespace modiso {

namespace detail {
class codes final : public std::error_category {
public:
	const char *name() const noexcept override
	{
		return "modiso";
	}
	std::string message(int code) const override
	{
		return modiso_strerror(code);
	}
	std::error_condition
	default_error_condition(int code) const noexcept override
	{
		switch (code) {
		case MODISO_ERR_INVAL:
			return std::errc::invalid_argument;
		case MODISO_ERR_NOMEM:
			return std::errc::not_enough_memory;
		case MODISO_ERR_NOTSUP:
			return std::errc::not_supported;
		case MODISO_ERR_BUSY:
			return std::errc::device_or_resource_busy;
		case MODISO_ERR_ACCESS:
			return std::errc::permission_denied;
		case MODISO_ERR_FORMAT:
			return std::errc::executable_format_error;
		default:
			return { code, *this };
		}
	}
};
}

/* The category of the codes in modiso/error.h. One in all shared objects. */
MODISO_API inline const std::error_category &category() noexcept
{
	/* Never destroyed: whoever ends last may still ask. */
	static const std::error_category *const only = new detail::codes;

	return *only;
}

/* What a call that failed says, copied when it failed. */
class error {
public:
	/* Of the C function that has just returned @code on this thread. */
	explicit error(int code)
	    : code_(code), os_(code == MODISO_ERR_OS ? errno : 0),
	      text_(modiso_last_error_text())
	{
	}
	error(modiso_error code, std::string text)
	    : code_(code), os_(0), text_(std::move(text))
	{
	}
	/* MODISO_ERR_... */
	std::error_code code() const noexcept
	{
		return { code_, category() };
	}
	/* After MODISO_ERR_OS why the kernel refused; else no error. */
	std::error_code os() const noexcept
	{
		return { os_, std::generic_category() };
	}
	/* The sentence: what was asked for, what stands in the way. */
	const std::string &text() const noexcept
	{
		return text_;
	}

private:
	int code_;
	int os_;
	std::string text_;
};

#if MODISO_HPP_EXCEPTIONS
/* What result::value() throws when there is no value. */
class failure : public std::system_error {
public:
	explicit failure(const error &why)
	    : std::system_error(why.code(), why.text()),
	      why_(std::make_shared<error>(why))
	{
	}
	const error &why() const noexcept
	{
		return *why_;
	}

private:
	std::shared_ptr<const error> why_; /* copying must not throw */
};
#endif

namespace detail {
[[noreturn]] inline void no_value(const error &why)
{
#if MODISO_HPP_EXCEPTIONS
	throw failure(why);
#else
	std::fprintf(stderr, "modiso: %s\n", why.text().c_str());
	std::abort();
#endif
}

inline const error &why(const error *there)
{
	if (there == nullptr) {
		std::fputs("modiso: error() of a result that has a value\n",
			   stderr);
		std::abort();
	}
	return *there;
}

[[noreturn]] inline void out_of_range()
{
#if MODISO_HPP_EXCEPTIONS
	throw std::out_of_range("modiso::span");
#else
	std::fputs("modiso: an index past the end of a span\n", stderr);
	std::abort();
#endif
}
}

/*
 * A value, or the error that stands in its place; as std::expected of C++23.
 * Who takes the value where there is none gets the exception modiso::failure,
 * or abort() in a program without exceptions.
 */
template <class T> class [[nodiscard]] result {
public:
	result(const T &value) : is_(std::in_place_index<0>, value)
	{
	}
	result(T &&value) : is_(std::in_place_index<0>, std::move(value))
	{
	}
	result(::modiso::error why)
	    : is_(std::in_place_index<1>, std::move(why))
	{
	}
	bool has_value() const noexcept
	{
		return is_.index() == 0;
	}
	explicit operator bool() const noexcept
	{
		return has_value();
	}
	/* Where there is a value this is the program's mistake: abort(). */
	const ::modiso::error &error() const
	{
		return detail::why(std::get_if<1>(&is_));
	}
	const T &value() const &
	{
		if (!has_value())
			detail::no_value(error());
		return *std::get_if<0>(&is_);
	}
	T &value() &
	{
		if (!has_value())
			detail::no_value(error());
		return *std::get_if<0>(&is_);
	}
	T &&value() &&
	{
		return std::move(value());
	}
	template <class U> T value_or(U &&otherwise) const
	{
		return has_value() ? value()
				   : static_cast<T>(std::forward<U>(otherwise));
	}
	const T &operator*() const &
	{
		return value();
	}
	T &operator*() &
	{
		return value();
	}
	T &&operator*() &&
	{
		return std::move(value());
	}
	const T *operator->() const
	{
		return &value();
	}
	T *operator->()
	{
		return &value();
	}

private:
	std::variant<T, ::modiso::error> is_;
};

template <> class [[nodiscard]] result<void> {
public:
	result() : is_()
	{
	}
	result(::modiso::error why) : is_(std::move(why))
	{
	}
	bool has_value() const noexcept
	{
		return is_.index() == 0;
	}
	explicit operator bool() const noexcept
	{
		return has_value();
	}
	const ::modiso::error &error() const
	{
		return detail::why(std::get_if<1>(&is_));
	}
	void value() const
	{
		if (!has_value())
			detail::no_value(error());
	}

private:
	std::variant<std::monostate, ::modiso::error> is_;
};

/* What a function of C has returned on this thread just now, as a result. */
inline result<void> check(int code)
{
	if (code != MODISO_OK)
		return error(code);
	return {};
}

/* The record of this thread's last fault. */
inline result<modiso_fault> last_fault()
{
	modiso_fault fault = MODISO_FAULT_INIT;
	const int code = modiso_fault_last(&fault);

	if (code != MODISO_OK)
		return error(code);
	return fault;
}

}

inline std::error_code make_error_code(::modiso_error code) noexcept
{
	return { code, modiso::category() };
}

#endif /* MODISO_RESULT_HPP */
