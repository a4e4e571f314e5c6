/* SPDX-License-Identifier: MIT */
/*
 * System calls that are logged: a place for each instruction, noted in the
 * handler, printed when somebody asks.
 */
#include "core/policy.h"

#include "base/error.h"
#include "core/call_names.h"
#include "core/lines.h"
#include "core/report.h"
#include "core/runtime.h"
#include "core/vault.h"

#include <inttypes.h>
#include <string.h>

#define SITES 256

struct mdi_call_site {
	uint64_t hash; /* 0: free. Claimed without a lock */
	uint64_t count;
	uint32_t ready; /* the first call is whole */
	uint32_t number, arch;
	uint32_t unused;
	uintptr_t pc, args[6];
	intptr_t result;
};

struct mdi_call_log {
	uint64_t lost; /* calls from further instructions */
	struct mdi_call_site sites[SITES];
};

int mdi_policy_log_begin(struct modiso_module *module)
{
	if (module->call_log != NULL)
		return 0;
	module->call_log = mdi_vault_alloc(sizeof(*module->call_log));
	return module->call_log != NULL ?
		       0 :
		       mdi_fail_memory("a log of system calls");
}

void mdi_policy_log_free(struct modiso_module *module)
{
	if (module->call_log != NULL)
		mdi_vault_free(module->call_log, sizeof(*module->call_log));
	module->call_log = NULL;
}

static uint64_t hash_of(const struct modiso_syscall *call)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, by words */

	hash = (hash ^ call->pc) * 0x100000001b3u;
	hash = (hash ^ call->number) * 0x100000001b3u;
	hash = (hash ^ call->arch) * 0x100000001b3u;
	return hash | 1;
}

void mdi_policy_log(const struct modiso_syscall *call, intptr_t result)
{
	struct mdi_call_log *log = call->module->call_log;
	uint64_t hash = hash_of(call), seen;

	for (uint32_t i = 0; i < SITES; i++) {
		struct mdi_call_site *site = &log->sites[(hash + i) % SITES];

		seen = __atomic_load_n(&site->hash, __ATOMIC_RELAXED);
		if (seen == 0 &&
		    __atomic_compare_exchange_n(&site->hash, &seen, hash, false,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED)) {
			site->number = call->number;
			site->arch = call->arch;
			site->pc = call->pc;
			memcpy(site->args, call->args, sizeof(site->args));
			site->result = result;
			__atomic_store_n(&site->ready, 1, __ATOMIC_RELEASE);
			seen = hash;
		}
		if (seen == hash) {
			__atomic_add_fetch(&site->count, 1, __ATOMIC_RELAXED);
			return;
		}
	}
	__atomic_add_fetch(&log->lost, 1, __ATOMIC_RELAXED);
}

/* --- in words --- */

static void print_place(uintptr_t pc, struct mdi_lines *lines, FILE *out)
{
	struct mdi_report_place place = {.line = 0};

	mdi_report_find(lines, pc - 1, &place);
	if (place.function[0] != '\0') {
		fprintf(out, " in ");
		mdi_report_name(place.function, out);
	}
	if (place.line != 0 || place.file[0] != '\0') {
		fprintf(out, " at ");
		mdi_report_name(place.line != 0 ? place.source : place.file,
				out);
	}
	if (place.line != 0)
		fprintf(out, ":%u", place.line);
	else if (place.file[0] != '\0')
		fprintf(out, " + %#" PRIxPTR, place.file_offset);
	else
		fprintf(out, " at %#" PRIxPTR, pc);
}

static void print_site(const struct mdi_call_site *site,
		       struct mdi_lines *lines, FILE *out)
{
	const char *error = site->result < 0 && site->result > -4096 ?
				    strerrorname_np((int)-site->result) :
				    NULL;

	fprintf(out, "%" PRIu64 " ", site->count);
	mdi_call_print(site->arch, site->number, site->args, out);
	if (error != NULL)
		fprintf(out, " = %s", error);
	else
		fprintf(out, " = %" PRIdPTR, site->result);
	print_place(site->pc, lines, out);
	fputc('\n', out);
}

void mdi_policy_print(const struct modiso_module *module, FILE *out)
{
	struct mdi_lines lines = {NULL};
	const struct mdi_call_log *log;

	/* Not longer: who describes an address of an image's takes the lock. */
	mdi_runtime_lock();
	log = module->call_log;
	mdi_runtime_unlock();
	fprintf(out, "# system calls of module ");
	mdi_report_quoted(module->name, out);
	fprintf(out, ": how often, the first one, its result, from where\n");
	for (uint32_t i = 0; log != NULL && i < SITES; i++)
		if (__atomic_load_n(&log->sites[i].ready, __ATOMIC_ACQUIRE))
			print_site(&log->sites[i], &lines, out);
	if (log != NULL && log->lost != 0)
		fprintf(out, "# and %" PRIu64 " from further instructions\n",
			log->lost);
	mdi_lines_end(&lines);
}
