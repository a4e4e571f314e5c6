/* SPDX-License-Identifier: MIT */
/* What the measurer asks of the system; there are no pictures. */
#include "../bench.h"

#include "../machine.h"
#include "../plot.h"

#include <cpuid.h>
#include <windows.h>

int bench_getaffinity(int pid, size_t size, cpu_set_t *set)
{
	DWORD_PTR own = 0, all = 0;

	(void)pid;
	(void)size;
	if (!GetProcessAffinityMask(GetCurrentProcess(), &own, &all))
		return -1;
	*set = own;
	return 0;
}

int bench_setaffinity(int pid, size_t size, const cpu_set_t *set)
{
	(void)pid;
	(void)size;
	return SetThreadAffinityMask(GetCurrentThread(), (DWORD_PTR)*set) != 0 ?
		       0 :
		       -1;
}

static void cpu_model(char model[FACT_SIZE])
{
	unsigned text[13] = {0};

	for (unsigned i = 0; i < 3; i++)
		__get_cpuid(0x80000002u + i, &text[4 * i], &text[4 * i + 1],
			    &text[4 * i + 2], &text[4 * i + 3]);
	snprintf(model, FACT_SIZE, "%s", (const char *)text);
}

unsigned machine_facts(struct fact facts[FACTS_MAX])
{
	struct modiso_backend_info info = {.struct_size = sizeof(info)};
	unsigned count = 0;
	SYSTEM_INFO system;
	char line[FACT_SIZE];

	GetSystemInfo(&system);
	machine_add(facts, &count, "libmodiso", "%s", modiso_version());
	cpu_model(line);
	machine_add(facts, &count, "cpu", "%s, %lu online", line,
		    system.dwNumberOfProcessors);
	machine_add(facts, &count, "kernel", "Windows%s",
		    GetProcAddress(GetModuleHandleA("ntdll.dll"),
				   "wine_get_version") != NULL ?
			    ", which is Wine" :
			    "");
	if (modiso_backend_query(MODISO_BACKEND_MPROTECT, &info) == 0)
		machine_add(facts, &count, "backend mprotect", "%s",
			    info.usable ? "usable" : info.reason);
	return count;
}

bool plot_possible(void)
{
	return false;
}

bool plot_draws(const struct plan *plan)
{
	(void)plan;
	return false;
}

int plot_write(const struct plan *plan, const struct fact *facts,
	       const char *path)
{
	(void)plan;
	(void)facts;
	(void)path;
	return -1;
}
