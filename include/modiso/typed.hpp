/* SPDX-License-Identifier: MIT */
/*
 * modiso/typed.hpp - handles that clean up (RAII); gates and services with the
 * types of their functions.
 */
#ifndef MODISO_TYPED_HPP
#define MODISO_TYPED_HPP

#include <modiso/gate.h>
#include <modiso/image.h>
#include <modiso/init.h>
#include <modiso/module.h>
#include <modiso/region.h>
#include <modiso/result.hpp>
#include <modiso/service.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

namespace modiso {

namespace detail {
/* The process has one library, and no handle of it. */
struct running {};

inline int end(running *)
{
	return modiso_fini();
}
inline int end(modiso_module *module)
{
	return modiso_module_destroy(module);
}
inline int end(modiso_region *region)
{
	return modiso_region_destroy(region);
}
inline int end(modiso_gate *gate)
{
	return modiso_gate_destroy(gate);
}
inline int end(modiso_service *service)
{
	return modiso_service_destroy(service);
}
inline int end(modiso_image *image)
{
	return modiso_image_unload(image);
}

/* What ends with its last user, and before what it is part of. */
template <class Handle> struct node {
	explicit node(std::shared_ptr<void> of) noexcept
	    : part_of(std::move(of))
	{
	}
	node(const node &) = delete;
	node &operator=(const node &) = delete;
	~node()
	{
		/* What is refused here stays: modiso_fini() says so. */
		if (handle != nullptr)
			static_cast<void>(end(handle) == MODISO_OK);
	}
	std::shared_ptr<void> part_of;
	Handle *handle = nullptr;
};

template <class Handle> using shared = std::shared_ptr<node<Handle>>;

template <class Handle, class Create>
result<shared<Handle>> make(std::shared_ptr<void> part_of, Create create)
{
	auto made = std::make_shared<node<Handle>>(std::move(part_of));
	const int code = create(&made->handle);

	if (code != MODISO_OK)
		return error(code);
	return made;
}

/* What all handles can do. A copy is another user of the same thing. */
template <class Handle> class user {
public:
	Handle *handle() const noexcept
	{
		return node_ ? node_->handle : nullptr;
	}
	/*
	 * Ends it now, to hear whether that went well: MODISO_ERR_BUSY where
	 * something else is part of it or another copy uses it.
	 */
	result<void> end()
	{
		if (node_ && node_.use_count() > 1)
			return error(MODISO_ERR_BUSY,
				     "a copy, or something that is part of it, "
				     "exists still");
		if (handle() != nullptr) {
			const int code = detail::end(handle());

			if (code != MODISO_OK)
				return error(code);
			node_->handle = nullptr;
		}
		node_.reset();
		return {};
	}
	const shared<Handle> &node() const noexcept
	{
		return node_;
	}

protected:
	explicit user(shared<Handle> of) : node_(std::move(of))
	{
	}

private:
	shared<Handle> node_;
};
}

namespace detail {
template <class T>
constexpr bool is_word =
	std::is_enum_v<T> || std::is_pointer_v<T> ||
	(std::is_integral_v<T> &&
	 sizeof(std::conditional_t<std::is_integral_v<T>, T, char>) <=
		 sizeof(std::uintptr_t));

template <class T>
constexpr bool is_number = std::is_same_v<T, float> ||
			   std::is_same_v<T, double>;

template <class T> constexpr bool passes = is_word<T> || is_number<T>;

template <class... T>
constexpr std::uint32_t words = (0u + ... + (is_word<T> ? 1u : 0u));
template <class... T>
constexpr std::uint32_t numbers = (0u + ... + (is_number<T> ? 1u : 0u));

/* Its members are what the compiler says when it refuses. */
template <class R, class... A> struct signature {
	static_assert((passes<A> && ...),
		      "modiso: an argument passes neither as a word nor as a "
		      "float or double: integers of up to 64 bits, enums, bool "
		      "and pointers do; hand anything else over by a pointer "
		      "to memory that the module may touch");
	static_assert(std::is_void_v<R> || passes<R>,
		      "modiso: a result is void, an integer of up to 64 bits, "
		      "an enum, bool, a pointer, float or double");
	static_assert(words<A...> <= MODISO_WORDS_MAX,
		      "modiso: more than sixteen integers and pointers");
	static_assert(numbers<A...> <= 8,
		      "modiso: more than eight floats and doubles");
};

template <class T> struct refuse : std::false_type {};

/* Any function pointer as any other one. */
template <class To, class From> To function_cast(From from) noexcept
{
	static_assert(sizeof(To) == sizeof(From));
	To to;

	std::memcpy(&to, &from, sizeof(to));
	return to;
}

/* The result in a register; of a bool the module may have left any byte. */
template <class R> R from_word(std::uintptr_t word) noexcept
{
	if constexpr (std::is_same_v<R, bool>) {
		return (word & 0xff) != 0;
	} else {
		R value;

		std::memcpy(&value, &word, sizeof(value));
		return value;
	}
}

/* What a failed call returns; the status is asked for when this comes back. */
constexpr std::uintptr_t perhaps_failed = 0x9d3bc6f1a5e8427b;
}

/*
 * gate<int(const char *, size_t)> - one entry of one module. A call is a value
 * or an error; an exception that a service throws comes out of it.
 */
template <class Signature> class gate {
	static_assert(detail::refuse<Signature>::value,
		      "modiso: a gate has the type of a function without "
		      "variable arguments: modiso::gate<int(const char *)>");
};

template <class R, class... A>
class gate<R(A...)> : public detail::user<modiso_gate>,
		      private detail::signature<R, A...> {
public:
	using entry = R (MODISO_CALL *)(A...);

	/* With modiso_gate_create() or modiso_image_gate() as @create. */
	template <class Create>
	static result<gate> make(std::shared_ptr<void> part_of,
				 modiso_gate_options options, Create create)
	{
		modiso_fn thunk = nullptr;

		options.word_args = detail::words<A...>;
		options.float_args = detail::numbers<A...>;
		options.fault_value = detail::perhaps_failed;
		auto made = detail::make<modiso_gate>(
			std::move(part_of), [&](modiso_gate **out) {
				const int code = create(&options, out);

				if (code != MODISO_OK)
					return code;
				return modiso_gate_thunk(*out, &thunk);
			});
		if (!made)
			return made.error();
		return gate(std::move(*made), thunk);
	}

	result<R> operator()(A... arguments) const
	{
		if constexpr (detail::is_number<R>) {
			/* No value is special: the status before is not its. */
			int code = modiso_gate_status();
			const R value = detail::function_cast<entry>(thunk_)(
				arguments...);

			code = modiso_gate_status();
			if (code != MODISO_OK)
				return error(code);
			return value;
		} else {
			using returns_word =
				std::uintptr_t (MODISO_CALL *)(A...);
			const auto word = detail::function_cast<returns_word>(
				thunk_)(arguments...);

			if (word == detail::perhaps_failed) {
				const int code = modiso_gate_status();

				if (code != MODISO_OK)
					return error(code);
			}
			if constexpr (std::is_void_v<R>)
				return {};
			else
				return detail::from_word<R>(word);
		}
	}

private:
	gate(detail::shared<modiso_gate> of, modiso_fn thunk)
	    : detail::user<modiso_gate>(std::move(of)), thunk_(thunk)
	{
	}
	modiso_fn thunk_;
};

/*
 * service<int(const char *)> - a host function that modules may call.
 */
template <class Signature> class service {
	static_assert(detail::refuse<Signature>::value,
		      "modiso: a service has the type of a function without "
		      "variable arguments: modiso::service<int(const char *)>");
};

template <class R, class... A>
class service<R(A...)> : public detail::user<modiso_service>,
			 private detail::signature<R, A...> {
public:
	using function = R (MODISO_CALL *)(A...);

	explicit service(detail::shared<modiso_service> of)
	    : detail::user<modiso_service>(std::move(of))
	{
	}
	/* What module code calls. */
	function pointer() const
	{
		return detail::function_cast<function>(
			modiso_service_thunk(handle()));
	}
	/* For image loading: it is what images import as @name. */
	modiso_export as(const char *name) const
	{
		return { name, handle() };
	}
	/* For a service with a list, MODISO_SERVICE_LISTED. */
	result<void> allow(const detail::user<modiso_module> &caller) const
	{
		return check(modiso_service_allow(handle(), caller.handle()));
	}
	result<void> deny(const detail::user<modiso_module> &caller) const
	{
		return check(modiso_service_deny(handle(), caller.handle()));
	}
};

}

#endif /* MODISO_TYPED_HPP */
