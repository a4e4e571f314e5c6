/* SPDX-License-Identifier: MIT */
/* What modiso-info asks of the system and of the CPU. */
#include <cpuid.h>
#include <libcpuid/libcpuid.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <windows.h>

/* ntdll's own, which tells a program no older version than there is. */
typedef LONG NTAPI version_fn(OSVERSIONINFOW *version);

int uname(struct utsname *name)
{
	OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof(version)};
	version_fn *get = (version_fn *)(void *)GetProcAddress(
		GetModuleHandleA("ntdll.dll"), "RtlGetVersion");

	strcpy(name->sysname, "Windows");
	strcpy(name->machine, "x86_64");
	name->release[0] = '\0';
	if (get == NULL || get(&version) != 0)
		return -1;
	snprintf(name->release, sizeof(name->release), "%lu.%lu.%lu",
		 version.dwMajorVersion, version.dwMinorVersion,
		 version.dwBuildNumber);
	return 0;
}

int cpuid_get_raw_data(struct cpu_raw_data_t *raw)
{
	memset(raw, 0, sizeof(*raw));
	for (uint32_t leaf = 0; leaf < 8; leaf++)
		__get_cpuid_count(leaf, 0, &raw->basic_cpuid[leaf][EAX],
				  &raw->basic_cpuid[leaf][EBX],
				  &raw->basic_cpuid[leaf][ECX],
				  &raw->basic_cpuid[leaf][EDX]);
	return 0;
}

int cpu_identify(const struct cpu_raw_data_t *raw, struct cpu_id_t *cpu)
{
	const uint32_t *leaf = raw->basic_cpuid[0];
	uint32_t text[12] = {0};

	memset(cpu, 0, sizeof(*cpu));
	memcpy(cpu->vendor_str, &leaf[EBX], 4);
	memcpy(cpu->vendor_str + 4, &leaf[EDX], 4);
	memcpy(cpu->vendor_str + 8, &leaf[ECX], 4);
	for (uint32_t i = 0; i < 3; i++)
		__get_cpuid(0x80000002u + i, &text[4 * i], &text[4 * i + 1],
			    &text[4 * i + 2], &text[4 * i + 3]);
	memcpy(cpu->brand_str, text, sizeof(text));
	return 0;
}

const char *cpuid_error(void)
{
	return "";
}
