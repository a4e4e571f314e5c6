/* SPDX-License-Identifier: MIT */
/*
 * modiso/bind.hpp - a library in a module, for C++17: what modiso-bind writes
 * for C++ includes it. modiso-bind(1) is the manual.
 */
#ifndef MODISO_BIND_HPP
#define MODISO_BIND_HPP

#include <modiso.hpp>
#include <modiso/bind.h>
#include <modiso/tainted.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace modiso {

/* What modiso-bind has written about a function: its name, and a call of it. */
template <auto Function> struct binding;

/* Of the module's C library, where it is bound: the address of its errno. */
int *module_errno();

namespace detail {
template <class F> struct signature_of;
template <class R, class... A> struct signature_of<R (*)(A...)> {
	using type = R(A...);
};
template <class R, class... A> struct signature_of<R (*)(A...) noexcept> {
	using type = R(A...);
};
template <auto Function>
using type_of = typename signature_of<decltype(Function)>::type;
template <auto Function> using gate_of = gate<type_of<Function>>;

template <auto Function, auto Other>
constexpr bool same_function =
	std::is_same_v<std::integral_constant<decltype(Function), Function>,
		       std::integral_constant<decltype(Other), Other>>;

/* Where in a list; its size, if it is not there. */
template <auto Function, auto... List> constexpr std::size_t place_in()
{
	const bool same[] = { same_function<Function, List>..., true };
	std::size_t place = 0;

	while (!same[place])
		place++;
	return place;
}
}

/*
 * callback<int(const char *)> - a function of the host's where the module wants
 * a pointer to one; nullptr stands for none. The module may call it while a
 * copy of this lives.
 */
template <class Signature> class callback;

template <class R, class... A> class callback<R(A...)> {
public:
	callback(std::nullptr_t) noexcept
	{
	}
	explicit callback(detail::shared<modiso_service> of) noexcept
	    : service_(std::move(of))
	{
	}
	explicit callback(R (*inside)(A...)) noexcept : inside_(inside)
	{
	}
	/* What module code calls, for a structure that wants it. */
	R (*pointer() const)(A...)
	{
		if (!service_)
			return inside_;
		return detail::function_cast<R (*)(A...)>(
			modiso_service_thunk(service_->handle));
	}

private:
	detail::shared<modiso_service> service_{};
	R (*inside_)(A...) = nullptr; /* a function of the module */
};

namespace detail {
/* A whole word: what a module leaves in the upper half counts for nothing. */
template <class T>
using in_register = std::conditional_t<is_number<T>, T, std::uintptr_t>;

template <class T> tainted<T> from_register(in_register<T> word) noexcept
{
	if constexpr (is_number<T>)
		return tainted<T>(word);
	else
		return tainted<T>(from_word<T>(word));
}

template <class T> struct untainted {
	using type = T;
	static T of(const T &value)
	{
		return value;
	}
};
template <> struct untainted<void> {
	using type = void;
};
template <class T> struct untainted<tainted<T>> {
	using type = T;
	static T of(const tainted<T> &value)
	{
		return value.unverified();
	}
};
template <class T> struct is_tainted : std::false_type {};
template <class T> struct is_tainted<tainted<T>> : std::true_type {};

/* A host function that takes what a module says, and the service of it. */
template <auto Function, class F = decltype(Function)> struct entry_of {
	static_assert(refuse<F>::value,
		      "modiso: a callback is a function whose arguments are "
		      "modiso::tainted<...>");
};
template <auto Function, class R, class... A>
struct entry_of<Function, R (*)(A...)> {
	static_assert((is_tainted<A>::value && ...),
		      "modiso: the arguments of a callback come from the "
		      "module, and are modiso::tainted<...>");
	static_assert(!std::is_pointer_v<R>,
		      "modiso: a pointer that goes to the module is "
		      "modiso::tainted<...>, of its own memory");
	using result = typename untainted<R>::type;
	using type = result(typename untainted<A>::type...);
	static result call(in_register<typename untainted<A>::type>... words)
	{
		if constexpr (std::is_void_v<R>)
			Function(from_register<typename untainted<A>::type>(
				words)...);
		else
			return untainted<R>::of(Function(
				from_register<typename untainted<A>::type>(
					words)...));
	}
};
template <auto Function, class R, class... A>
struct entry_of<Function, R (*)(A...) noexcept>
    : entry_of<Function, R (*)(A...)> {};
}

/* Some objects in a module's heap, until the end of the scope. */
template <class T> class [[nodiscard]] block {
public:
	block(detail::shared<modiso_module> of, T *address) noexcept
	    : module_(std::move(of)), address_(address)
	{
	}
	block(block &&) noexcept = default;
	block(const block &) = delete;
	block &operator=(const block &) = delete;
	~block()
	{
		if (module_)
			static_cast<void>(check(modiso_heap_free(
				module_->handle, address_.unverified())));
	}
	tainted<T *> pointer() const noexcept
	{
		return address_;
	}

private:
	detail::shared<modiso_module> module_;
	tainted<T *> address_;
};

/* Zeroed it asks for the defaults. */
struct sandbox_options {
	const char *name = "library"; /* for reports */
	std::size_t heap = MODISO_SANDBOX_HEAP;
	modiso_module_options module = MODISO_MODULE_OPTIONS_INIT;
	/* Its exports come before those that every sandbox has. */
	modiso_image_options image = MODISO_IMAGE_OPTIONS_INIT;
};

/* A module with a heap and an image. */
class sandbox_base : public module_memory {
public:
	const module &inside() const noexcept
	{
		return module_;
	}
	const modiso::image &loaded() const noexcept
	{
		return image_;
	}
	/* @count objects in the module's heap, all bytes zero. */
	template <class T> result<block<T>> make(std::size_t count = 1) const
	{
		static_assert(std::is_trivially_copyable_v<T>,
			      "modiso: only what can be copied byte by byte "
			      "may lie in memory that a module writes");
		void *address = nullptr;
		const int code = modiso_heap_alloc(
			module_.handle(), modiso_loan_count(count, sizeof(T)),
			alignof(T), MODISO_HEAP_ZERO, &address);

		if (code != MODISO_OK)
			return error(code);
		return block<T>(module_.node(), static_cast<T *>(address));
	}
	/* The same, with a copy of what the host has. */
	template <class T>
	result<block<T>> copy(const T *from, std::size_t count = 1) const
	{
		auto made = make<T>(count);

		if (!made)
			return made;
		const int code = modiso_copy_out(
			module_.handle(), made->pointer().unverified(), from,
			modiso_loan_count(count, sizeof(T)));
		if (code != MODISO_OK)
			return error(code);
		return made;
	}
	/* For this module alone; in reports it is called @name. */
	template <auto Function>
	result<callback<typename detail::entry_of<Function>::type>>
	make_callback(const char *name) const
	{
		using entry = detail::entry_of<Function>;
		modiso_service_options options = MODISO_SERVICE_OPTIONS_INIT;

		options.flags = MODISO_SERVICE_LISTED;
		const auto made =
			library_.make_service(name, entry::call, options);
		if (!made)
			return made.error();
		const auto allowed = made->allow(module_);
		if (!allowed)
			return allowed.error();
		return callback<typename entry::type>(made->node());
	}

protected:
	sandbox_base(modiso::library library, modiso::module module,
		     modiso::image image,
		     std::vector<detail::shared<modiso_service>> services)
	    : module_memory(module.handle()), library_(std::move(library)),
	      services_(std::move(services)), module_(std::move(module)),
	      image_(std::move(image))
	{
	}
	static result<sandbox_base> bring(const modiso::library &library,
					 const char *path,
					 const sandbox_options &options)
	{
		std::vector<detail::shared<modiso_service>> services;
		std::vector<modiso_export> exports(
			options.image.exports,
			options.image.exports + options.image.export_count);
		auto module =
			library.make_module(options.name, options.module);

		if (!module)
			return module.error();
		const int code = modiso_heap_create(module->handle(),
						    options.heap, nullptr);
		if (code != MODISO_OK)
			return error(code);
		const auto failed =
			offer_all(library, exports, services);
		if (!failed)
			return failed.error();
		modiso_image_options image = options.image;
		image.exports = exports.data();
		image.export_count = exports.size();
		auto loaded = module->load(path, {}, image);
		if (!loaded)
			return loaded.error();
		return sandbox_base(library, std::move(*module),
				    std::move(*loaded), std::move(services));
	}

private:
	static bool named(const std::vector<modiso_export> &exports,
			  const char *name)
	{
		for (const auto &each : exports)
			if (std::strcmp(each.name, name) == 0)
				return true;
		return false;
	}
	static result<void>
	offer_all(const modiso::library &library,
		  std::vector<modiso_export> &exports,
		  std::vector<detail::shared<modiso_service>> &services)
	{
		for (std::size_t i = 0; i < MODISO_SANDBOX_EXPORTS; i++) {
			modiso_fn function = nullptr;
			const char *name = modiso_sandbox_export(i, &function);

			if (named(exports, name))
				continue;
			auto made = detail::make<modiso_service>(
				library.node(), [&](modiso_service **out) {
					return modiso_service_create(
						name, function, nullptr, out);
				});
			if (!made)
				return made.error();
			exports.push_back({ name, (*made)->handle });
			services.push_back(std::move(*made));
		}
		return {};
	}

	/* An image that ends may want its services still. */
	modiso::library library_;
	std::vector<detail::shared<modiso_service>> services_;
	modiso::module module_;
	modiso::image image_;
};

/*
 * sandbox<&f, &g> - a library in a module, with these functions of it. A copy
 * is another handle of the same one, and the last one ends it.
 */
template <auto... Functions> class sandbox : public sandbox_base {
public:
	static result<sandbox> open(const modiso::library &library,
				    const char *path,
				    const sandbox_options &options = {})
	{
		auto base = bring(library, path, options);

		if (!base)
			return base.error();
		gates made{ base->loaded()
				    .template make_gate<
					    detail::type_of<Functions>>(
					    binding<Functions>::name)... };
		const error *why = nullptr;
		const auto look = [&why](const auto &each) {
			if (!each && !why)
				why = &each.error();
		};
		std::apply([&look](const auto &...each) { (look(each), ...); },
			   made);
		if (why)
			return *why;
		return sandbox(std::move(*base), std::move(made));
	}
	/* As f() is called; its result is tainted, or an error. */
	template <auto Function, class... A> auto call(A &&...arguments) const
	{
		static_assert(detail::place_in<Function, Functions...>() <
				      sizeof...(Functions),
			      "modiso: this function is not bound: name it "
			      "for modiso-bind");
		return binding<Function>::call(*this,
					       std::forward<A>(arguments)...);
	}
	/* This function of the module, where it wants a pointer to one. */
	template <auto Function>
	result<callback<detail::type_of<Function>>> function() const
	{
		using type = callback<detail::type_of<Function>>;
		static_assert(detail::place_in<Function, Functions...>() <
				      sizeof...(Functions),
			      "modiso: this function is not bound: name it "
			      "for modiso-bind");
		const auto address = this->loaded().template symbol<void>(
			binding<Function>::name);

		if (!address)
			return address.error();
		return type(
			detail::function_cast<decltype(Function)>(*address));
	}
	/* For bindings. */
	template <auto Function> const detail::gate_of<Function> &gate() const
	{
		return *std::get<detail::place_in<Function, Functions...>()>(
			gates_);
	}

private:
	using gates = std::tuple<result<detail::gate_of<Functions>>...>;

	sandbox(sandbox_base base, gates made)
	    : sandbox_base(std::move(base)), gates_(std::move(made))
	{
	}
	gates gates_;
};

/* How many objects are lent, of numbers of any type. */
template <class... T> std::size_t count_of(T... factors)
{
	std::size_t count = 1;

	((count = modiso_loan_count(count, static_cast<std::size_t>(factors))),
	 ...);
	return count;
}

/* How many of them have come back, as modiso_loan_used() says it of each. */
template <class... T> std::size_t used_of(T... factors)
{
	return count_of(modiso_loan_used(static_cast<long long>(factors))...);
}

/* What is lent to a module for one call. */
template <std::size_t Count> class loans {
public:
	explicit loans(const sandbox_base &to)
	    : module_(to.inside().handle())
	{
	}
	loans(const loans &) = delete;
	loans &operator=(const loans &) = delete;
	~loans()
	{
		modiso_loans_close(module_, all_.data(), Count);
	}
	template <class T>
	int open(std::size_t which, const T *host, std::size_t count,
		 std::uint32_t way)
	{
		return modiso_loan_open(module_, &all_[which], host, count,
					size_of<T>(), way);
	}
	int string(std::size_t which, const char *host)
	{
		return open(which, host, host ? std::strlen(host) + 1 : 0,
			    MODISO_LOAN_IN);
	}
	template <class T>
	int back(std::size_t which, T *host, std::size_t count) const
	{
		return modiso_loan_back(module_, &all_[which], host, count);
	}
	void *operator[](std::size_t which) const
	{
		return all_[which].block;
	}

private:
	template <class T> static constexpr std::size_t size_of()
	{
		if constexpr (std::is_void_v<T>) {
			return 1;
		} else {
			static_assert(std::is_trivially_copyable_v<T>);
			return sizeof(T);
		}
	}

	modiso_module *module_;
	std::array<modiso_loan, Count> all_{};
};

}

#endif /* MODISO_BIND_HPP */
