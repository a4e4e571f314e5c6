/* SPDX-License-Identifier: MIT */
/*
 * modiso/memory.hpp - what lies in regions, and what modules point to.
 */
#ifndef MODISO_MEMORY_HPP
#define MODISO_MEMORY_HPP

#include <modiso/mailbox.h>
#include <modiso/module.h>
#include <modiso/range.h>
#include <modiso/region.h>
#include <modiso/result.hpp>
#include <modiso/typed.hpp>
#include <modiso/window.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

namespace modiso {

/*
 * Some objects side by side. Another thread that runs in the module can change
 * them at any time: what is looked at twice is copied first.
 */
template <class T> class span {
public:
	span(T *data, std::size_t size) noexcept : data_(data), size_(size)
	{
	}
	T *data() const noexcept
	{
		return data_;
	}
	std::size_t size() const noexcept
	{
		return size_;
	}
	T *begin() const noexcept
	{
		return data_;
	}
	T *end() const noexcept
	{
		return data_ + size_;
	}
	/* std::out_of_range past the end, or abort() without exceptions. */
	T &operator[](std::size_t index) const
	{
		if (index >= size_)
			detail::out_of_range();
		return data_[index];
	}
	/* The part that begins at @from; @count objects of it at most. */
	span subspan(std::size_t from,
		     std::size_t count = static_cast<std::size_t>(-1)) const
	{
		if (from > size_)
			detail::out_of_range();
		return span(data_ + from,
			    count < size_ - from ? count : size_ - from);
	}

private:
	T *data_;
	std::size_t size_;
};

/* A region open to this thread, until the end of the scope. */
class [[nodiscard]] window {
public:
	explicit window(detail::shared<modiso_region> of) noexcept
	    : region_(std::move(of))
	{
	}
	window(window &&) noexcept = default;
	window(const window &) = delete;
	window &operator=(const window &) = delete;
	~window()
	{
		if (region_)
			static_cast<void>(
				check(modiso_window_close(region_->handle)));
	}

private:
	detail::shared<modiso_region> region_;
};

/* A module's rights to a region that is not its own, while this lives. */
class [[nodiscard]] grant {
public:
	grant(detail::shared<modiso_region> of,
	      detail::shared<modiso_module> to) noexcept
	    : region_(std::move(of)), module_(std::move(to))
	{
	}
	grant(grant &&) noexcept = default;
	grant(const grant &) = delete;
	grant &operator=(const grant &) = delete;
	~grant()
	{
		if (region_)
			static_cast<void>(revoke());
	}
	/* Now, to hear whether that went well; a second call does nothing. */
	result<void> revoke()
	{
		if (!region_)
			return {};
		const int code = modiso_region_revoke(region_->handle,
						      module_->handle);

		if (code != MODISO_OK)
			return error(code);
		region_.reset();
		return {};
	}

private:
	detail::shared<modiso_region> region_;
	detail::shared<modiso_module> module_;
};

/*
 * Some objects in this thread's mailbox in a module, until the end of the
 * scope: what was put last goes first.
 */
template <class T> class [[nodiscard]] mail {
	static_assert(std::is_trivially_copyable_v<T>,
		      "modiso: only what can be copied byte by byte may lie in "
		      "memory that a module writes");

public:
	static result<mail> put(detail::shared<modiso_module> to, const T *from,
				std::size_t count)
	{
		const std::size_t most = static_cast<std::size_t>(-1);
		void *address = nullptr;
		/* No mailbox has that many bytes. */
		const int code = modiso_mailbox_put(
			to->handle, from,
			count <= most / sizeof(T) ? count * sizeof(T) : most,
			&address);

		if (code != MODISO_OK)
			return error(code);
		return mail(std::move(to), static_cast<T *>(address), count);
	}
	mail(mail &&) noexcept = default;
	mail(const mail &) = delete;
	mail &operator=(const mail &) = delete;
	~mail()
	{
		if (module_)
			static_cast<void>(check(modiso_mailbox_reset(
				module_->handle, address_)));
	}
	/* What the module is to be handed. */
	T *pointer() const noexcept
	{
		return address_;
	}
	/* What the module has left there, as many objects as were put. */
	result<void> get(T *to) const
	{
		return check(modiso_mailbox_get(module_->handle, to, address_,
						count_ * sizeof(T)));
	}

private:
	mail(detail::shared<modiso_module> of, T *address,
	     std::size_t count) noexcept
	    : module_(std::move(of)), address_(address), count_(count)
	{
	}

	detail::shared<modiso_module> module_;
	T *address_;
	std::size_t count_;
};

constexpr std::uint32_t read_write = MODISO_READ | MODISO_WRITE;

class region : public detail::user<modiso_region> {
public:
	explicit region(detail::shared<modiso_region> of)
	    : detail::user<modiso_region>(std::move(of))
	{
	}
	void *base() const noexcept
	{
		return modiso_region_base(handle());
	}
	std::size_t size() const noexcept
	{
		return modiso_region_length(handle());
	}
	span<std::byte> bytes() const noexcept
	{
		return { static_cast<std::byte *>(base()), size() };
	}
	/* As many objects of the type as there is room for. */
	template <class T> span<T> as() const noexcept
	{
		static_assert(std::is_trivially_copyable_v<T>,
			      "modiso: only what can be copied byte by byte "
			      "may lie in memory that a module writes");
		return { static_cast<T *>(base()), size() / sizeof(T) };
	}
	/* One object, copied out of the region or into it. */
	template <class T> result<T> load(std::size_t offset) const
	{
		static_assert(std::is_trivially_copyable_v<T>,
			      "modiso: only what can be copied byte by byte "
			      "may come from memory that a module writes");
		T value;

		if (!holds(offset, sizeof(T)))
			return beyond();
		std::memcpy(&value, bytes().data() + offset, sizeof(T));
		return value;
	}
	template <class T>
	result<void> store(std::size_t offset, const T &value) const
	{
		static_assert(std::is_trivially_copyable_v<T>,
			      "modiso: only what can be copied byte by byte "
			      "may go into memory that a module reads");
		if (!holds(offset, sizeof(T)))
			return beyond();
		std::memcpy(bytes().data() + offset, &value, sizeof(T));
		return {};
	}
	result<void> protect(std::uint32_t access) const
	{
		return check(modiso_region_protect(handle(), access));
	}
	result<window> open(std::uint32_t access = read_write) const
	{
		const int code = modiso_window_open(handle(), access);

		if (code != MODISO_OK)
			return error(code);
		return window(node());
	}
	result<grant> grant_to(const detail::user<modiso_module> &who,
			       std::uint32_t access) const
	{
		const int code = modiso_region_grant(handle(), who.handle(),
						     access);

		if (code != MODISO_OK)
			return error(code);
		return grant(node(), who.node());
	}

private:
	bool holds(std::size_t offset, std::size_t length) const noexcept
	{
		return offset <= size() && length <= size() - offset;
	}
	static error beyond()
	{
		return { MODISO_ERR_INVAL,
			 "the object does not lie in the region" };
	}
};

/*
 * What a module handed over, by a pointer: copied once, after a check that the
 * module could have touched it itself. In a service the module is its caller.
 */
template <class T>
result<T> copy_in(const T *from, modiso_module *of = modiso_module_caller())
{
	static_assert(std::is_trivially_copyable_v<T>,
		      "modiso: only what can be copied byte by byte may come "
		      "from memory that a module writes");
	T value;
	const int code = modiso_copy_in(of, &value, from, sizeof(T));

	if (code != MODISO_OK)
		return error(code);
	return value;
}

/* A string of less than @max bytes. */
inline result<std::string>
copy_in_string(const char *from, std::size_t max,
	       modiso_module *of = modiso_module_caller())
{
	std::size_t length = 0;
	int code = modiso_strnlen(of, from, max, &length);

	if (code != MODISO_OK)
		return error(code);
	std::string value(length, '\0');
	code = modiso_copy_in(of, value.data(), from, length);
	if (code != MODISO_OK)
		return error(code);
	return value;
}

template <class T>
result<void> copy_out(T *to, const T &value,
		      modiso_module *of = modiso_module_caller())
{
	static_assert(std::is_trivially_copyable_v<T>,
		      "modiso: only what can be copied byte by byte may go "
		      "into memory that a module reads");
	return check(modiso_copy_out(of, to, &value, sizeof(T)));
}

}

#endif /* MODISO_MEMORY_HPP */
