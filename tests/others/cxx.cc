// SPDX-License-Identifier: MIT
//
// cxx.cc - a host in C++: std::thread, exceptions that leave services, and
// exceptions that modules do not catch.

#include <modiso.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

void need(int code)
{
	if (code == MODISO_OK)
		return;
	std::fprintf(stderr, "%s: %s\n", modiso_error_name(code),
		     modiso_last_error_text());
	std::exit(1);
}

struct destroy {
	void operator()(modiso_module *module) const
	{
		need(modiso_module_destroy(module));
	}
	void operator()(modiso_gate *gate) const
	{
		need(modiso_gate_destroy(gate));
	}
	void operator()(modiso_service *service) const
	{
		need(modiso_service_destroy(service));
	}
};

template <typename T> using owned = std::unique_ptr<T, destroy>;

owned<modiso_gate> make_gate(modiso_module *module, modiso_fn entry)
{
	modiso_gate *gate;

	need(modiso_gate_create(module, entry, nullptr, &gate));
	return owned<modiso_gate>(gate);
}

int throws(int value)
{
	throw std::runtime_error(std::to_string(value));
}

int calls(int (*function)(int), int value)
{
	return function(value) + 1;
}

int catches(int value)
{
	try {
		return throws(value);
	} catch (const std::exception &error) {
		return std::atoi(error.what());
	}
}

void work(modiso_gate *uncaught, modiso_gate *caught, modiso_gate *call,
	  modiso_service *service, std::atomic<int> &good)
{
	for (uintptr_t i = 1; i <= 50; i++) {
		uintptr_t result = 0, arguments[2];
		modiso_fault fault{};

		fault.struct_size = sizeof(fault);
		if (modiso_gate_call(uncaught, &i, 1, nullptr) !=
			    MODISO_ERR_FAULT ||
		    modiso_fault_last(&fault) != MODISO_OK ||
		    fault.kind != MODISO_FAULT_EXCEPTION)
			return;
		need(modiso_gate_call(caught, &i, 1, &result));
		if (result != i)
			return;
		arguments[0] = reinterpret_cast<uintptr_t>(
			modiso_service_thunk(service));
		arguments[1] = i;
		try {
			need(modiso_gate_call(call, arguments, 2, nullptr));
			return;
		} catch (const std::runtime_error &error) {
			if (error.what() != std::to_string(i))
				return;
		}
	}
	good++;
}

} // namespace

int main()
{
	std::atomic<int> good{0};
	modiso_module *raw;
	modiso_service *raw_service;

	need(modiso_init(nullptr));
	need(modiso_module_create("cxx", nullptr, &raw));
	{
		owned<modiso_module> module(raw);
		need(modiso_service_create("throws",
					   reinterpret_cast<modiso_fn>(throws),
					   nullptr, &raw_service));
		owned<modiso_service> service(raw_service);
		auto uncaught = make_gate(raw, reinterpret_cast<modiso_fn>(
						       throws));
		auto caught = make_gate(raw, reinterpret_cast<modiso_fn>(
						     catches));
		auto call = make_gate(raw, reinterpret_cast<modiso_fn>(calls));
		std::vector<std::thread> threads;

		for (int i = 0; i < 4; i++)
			threads.emplace_back([&] {
				work(uncaught.get(), caught.get(), call.get(),
				     service.get(), good);
			});
		for (auto &thread : threads)
			thread.join();
		work(uncaught.get(), caught.get(), call.get(), service.get(),
		     good);
	}
	need(modiso_fini());
	return good == 5 ? 0 : 1;
}
