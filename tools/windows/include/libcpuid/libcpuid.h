/* SPDX-License-Identifier: MIT */
/*
 * libcpuid/libcpuid.h - as much of libcpuid as modiso-info asks, by the
 * compiler's own <cpuid.h>.
 */
#ifndef MODISO_TOOLS_LIBCPUID_H
#define MODISO_TOOLS_LIBCPUID_H

#include <stdint.h>

enum { EAX, EBX, ECX, EDX };

struct cpu_raw_data_t {
	uint32_t basic_cpuid[8][4];
};

struct cpu_id_t {
	char vendor_str[16], brand_str[64];
};

int cpuid_get_raw_data(struct cpu_raw_data_t *raw);
int cpu_identify(const struct cpu_raw_data_t *raw, struct cpu_id_t *cpu);
const char *cpuid_error(void);

#endif /* MODISO_TOOLS_LIBCPUID_H */
