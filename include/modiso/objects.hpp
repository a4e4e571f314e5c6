/* SPDX-License-Identifier: MIT */
/*
 * modiso/objects.hpp - the library, its modules, and their images.
 */
#ifndef MODISO_OBJECTS_HPP
#define MODISO_OBJECTS_HPP

#include <modiso/gate.h>
#include <modiso/image.h>
#include <modiso/init.h>
#include <modiso/memory.hpp>
#include <modiso/module.h>
#include <modiso/region.h>
#include <modiso/result.hpp>
#include <modiso/service.h>
#include <modiso/typed.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <utility>

namespace modiso {

/* Code that was loaded into a module. */
class image : public detail::user<modiso_image> {
public:
	explicit image(detail::shared<modiso_image> of)
	    : detail::user<modiso_image>(std::move(of))
	{
	}
	/* image.make_gate<int(int)>("name"): nothing checks the type. */
	template <class Signature>
	result<gate<Signature>>
	make_gate(const char *name, const modiso_gate_options &options =
					    MODISO_GATE_OPTIONS_INIT) const
	{
		return gate<Signature>::make(
			node(), options,
			[&](const modiso_gate_options *exact,
			    modiso_gate **out) {
				return modiso_image_gate(handle(), name, exact,
							 out);
			});
	}
	/* The address of what it exports as @name, of type T. */
	template <class T> result<T *> symbol(const char *name) const
	{
		void *address = nullptr;
		const int code = modiso_image_symbol(handle(), name, &address);

		if (code != MODISO_OK)
			return error(code);
		return static_cast<T *>(address);
	}
};

class module : public detail::user<modiso_module> {
public:
	explicit module(detail::shared<modiso_module> of)
	    : detail::user<modiso_module>(std::move(of))
	{
	}
	const char *name() const noexcept
	{
		return modiso_module_name(handle());
	}
	/* A region of the module's. */
	result<region> make_region(std::size_t length,
				   std::uint32_t access = read_write,
				   const modiso_region_options &options =
					   MODISO_REGION_OPTIONS_INIT) const
	{
		return make_region_of(node(), handle(), length, access,
				      options);
	}
	/* Objects that the module has for this thread's next calls. */
	template <class T>
	result<mail<T>> put(const T *from, std::size_t count = 1) const
	{
		return mail<T>::put(node(), from, count);
	}
	/* The same, with anything in them. */
	template <class T> result<mail<T>> room(std::size_t count = 1) const
	{
		return mail<T>::put(node(), nullptr, count);
	}
	/* A gate into a function of the program, with its type. */
	template <class R, class... A>
	result<gate<R(A...)>>
	make_gate(R (*entry)(A...), const modiso_gate_options &options =
					    MODISO_GATE_OPTIONS_INIT) const
	{
		return gate<R(A...)>::make(
			node(), options,
			[&](const modiso_gate_options *exact,
			    modiso_gate **out) {
				return modiso_gate_create(
					handle(),
					detail::function_cast<modiso_fn>(entry),
					exact, out);
			});
	}
	/* An image from a file; @exports are services, by service::as(). */
	result<image> load(const char *path,
			   std::initializer_list<modiso_export> exports = {},
			   modiso_image_options options =
				   MODISO_IMAGE_OPTIONS_INIT) const
	{
		if (exports.size() != 0) {
			options.exports = exports.begin();
			options.export_count = exports.size();
		}
		auto made = detail::make<modiso_image>(
			node(), [&](modiso_image **out) {
				return modiso_image_load(handle(), path,
							 &options, out);
			});
		if (!made)
			return made.error();
		return image(std::move(*made));
	}

	static result<region> make_region_of(
		std::shared_ptr<void> part_of, modiso_module *owner,
		std::size_t length, std::uint32_t access,
		const modiso_region_options &options)
	{
		auto made = detail::make<modiso_region>(
			std::move(part_of), [&](modiso_region **out) {
				return modiso_region_create(owner, length,
							    access, &options,
							    out);
			});
		if (!made)
			return made.error();
		return region(std::move(*made));
	}
};

/*
 * The library, from modiso_init() to modiso_fini(), which the last of this and
 * of everything that was made with it calls.
 */
class library : public detail::user<detail::running> {
public:
	static result<library>
	start(const modiso_options &options = MODISO_OPTIONS_INIT)
	{
		static detail::running runs;
		auto made = detail::make<detail::running>(
			nullptr, [&](detail::running **out) {
				const int code = modiso_init(&options);

				*out = code == MODISO_OK ? &runs : nullptr;
				return code;
			});
		if (!made)
			return made.error();
		return library(std::move(*made));
	}
	result<module> make_module(const char *name,
				   const modiso_module_options &options =
					   MODISO_MODULE_OPTIONS_INIT) const
	{
		auto made = detail::make<modiso_module>(
			node(), [&](modiso_module **out) {
				return modiso_module_create(name, &options,
							    out);
			});
		if (!made)
			return made.error();
		return module(std::move(*made));
	}
	/* A region of the host's, which no module may touch. */
	result<region> make_region(std::size_t length,
				   std::uint32_t access = read_write,
				   const modiso_region_options &options =
					   MODISO_REGION_OPTIONS_INIT) const
	{
		return module::make_region_of(node(), nullptr, length, access,
					      options);
	}
	/* A function of the program that modules may call, with its type. */
	template <class R, class... A>
	result<service<R(A...)>>
	make_service(const char *name, R (*function)(A...),
		     modiso_service_options options =
			     MODISO_SERVICE_OPTIONS_INIT) const
	{
		if constexpr (detail::is_number<R>)
			options.flags |= MODISO_SERVICE_FLOAT;
		options.word_args = detail::words<A...>;
		auto made = detail::make<modiso_service>(
			node(), [&](modiso_service **out) {
				return modiso_service_create(
					name,
					detail::function_cast<modiso_fn>(
						function),
					&options, out);
			});
		if (!made)
			return made.error();
		return service<R(A...)>(std::move(*made));
	}

private:
	explicit library(detail::shared<detail::running> of)
	    : detail::user<detail::running>(std::move(of))
	{
	}
};


}

#endif /* MODISO_OBJECTS_HPP */
