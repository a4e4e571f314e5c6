/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include "bench.h"

#include <dirent.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define VULNERABILITIES "/sys/devices/system/cpu/vulnerabilities"
#define CLOCK_SOURCE                                                           \
	"/sys/devices/system/clocksource/clocksource0/current_clocksource"

/* The first line of a file; "" when there is none. */
static void read_line(const char *path, char line[FACT_SIZE])
{
	FILE *file = fopen(path, "r");

	line[0] = '\0';
	if (file == NULL)
		return;
	if (fgets(line, FACT_SIZE, file) != NULL)
		line[strcspn(line, "\n")] = '\0';
	fclose(file);
}

static void cpu_model(char model[FACT_SIZE])
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	char line[FACT_SIZE];
	char *colon;

	snprintf(model, FACT_SIZE, "unknown");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) != 0 || colon == NULL)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(model, FACT_SIZE, "%s", colon + 2);
		break;
	}
	if (file != NULL)
		fclose(file);
}

static void add_backend(struct fact *facts, unsigned *count,
			enum modiso_backend backend)
{
	struct modiso_backend_info info = {.struct_size = sizeof(info)};
	char name[32];

	if (modiso_backend_query(backend, &info) != 0)
		return;
	snprintf(name, sizeof(name), "backend %s", info.name);
	machine_add(facts, count, name, "%s%s%s",
		    info.usable ? "usable" : "not usable",
		    info.reason[0] != '\0' ? ": " : "", info.reason);
}

/* Those that the CPU has; "Not affected" costs nothing. */
static void add_mitigations(struct fact *facts, unsigned *count)
{
	DIR *directory = opendir(VULNERABILITIES);
	struct dirent *entry;
	char path[sizeof(VULNERABILITIES) + 256], name[48], line[FACT_SIZE];
	unsigned before = *count;

	if (directory == NULL) {
		machine_add(facts, count, "mitigations", "unknown: no %s",
			    VULNERABILITIES);
		return;
	}
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", VULNERABILITIES,
			 entry->d_name);
		read_line(path, line);
		snprintf(name, sizeof(name), "mitigation %.32s", entry->d_name);
		if (strcmp(line, "Not affected") != 0)
			machine_add(facts, count, name, "%s", line);
	}
	closedir(directory);
	if (*count == before)
		machine_add(facts, count, "mitigations",
			    "none: nothing in %s affects this CPU",
			    VULNERABILITIES);
}

unsigned machine_facts(struct fact facts[FACTS_MAX])
{
	unsigned count = 0;
	struct utsname system;
	char line[FACT_SIZE];

	machine_add(facts, &count, "libmodiso", "%s", modiso_version());
	cpu_model(line);
	machine_add(facts, &count, "cpu", "%s, %ld online", line,
		    sysconf(_SC_NPROCESSORS_ONLN));
	if (uname(&system) == 0)
		machine_add(facts, &count, "kernel", "%s %s %s", system.sysname,
			    system.release, system.version);
	read_line("/proc/loadavg", line);
	machine_add(facts, &count, "load", "%s", line);
	add_backend(facts, &count, MODISO_BACKEND_PKEY);
	add_backend(facts, &count, MODISO_BACKEND_MPROTECT);
	add_mitigations(facts, &count);
	read_line(CLOCK_SOURCE, line);
	machine_add(facts, &count, "clock source", "%s", line);
	return count;
}
