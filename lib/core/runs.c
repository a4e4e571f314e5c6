/* SPDX-License-Identifier: MIT */
#include "core/runs.h"

#include "core/vault.h"
#include "os/memory.h"

static void append(struct mdi_runs *runs, char *base, char *end, uint32_t prot,
		   bool outside)
{
	struct mdi_run *last = runs->count ? &runs->run[runs->count - 1] : NULL;

	if (base == end)
		return;
	if (last != NULL && last->base + last->length == base &&
	    last->prot == prot && !outside && !last->outside) {
		last->length += (size_t)(end - base);
		return;
	}
	runs->run[runs->count++] = (struct mdi_run){
		.base = base,
		.length = (size_t)(end - base),
		.prot = prot,
		.outside = outside,
	};
}

static void sum_up(struct mdi_runs *runs)
{
	runs->outside = 0;
	runs->own_base = NULL;
	runs->own_length = 0;
	for (size_t i = 0; i < runs->count; i++) {
		const struct mdi_run *run = &runs->run[i];

		if (run->outside) {
			runs->outside++;
			continue;
		}
		if (runs->own_base == NULL)
			runs->own_base = run->base;
		runs->own_length =
			(size_t)(run->base + run->length - runs->own_base);
	}
}

bool mdi_runs_set(const struct mdi_runs *runs, char *base, size_t length,
		  uint32_t prot, bool outside, struct mdi_runs *out)
{
	char *end = base + length;
	bool done = prot == MDI_PROT_NONE;

	/* Setting a range can split one run in two and add one. */
	out->count = 0;
	out->room = runs->count + 2;
	out->run = mdi_vault_alloc(out->room * sizeof(*out->run));
	if (out->run == NULL)
		return false;
	for (size_t i = 0; i < runs->count; i++) {
		const struct mdi_run *run = &runs->run[i];
		char *run_end = run->base + run->length;

		if (run->base < base)
			append(out, run->base, run_end < base ? run_end : base,
			       run->prot, run->outside);
		if (!done && run_end > base) {
			append(out, base, end, prot, outside);
			done = true;
		}
		if (run_end > end)
			append(out, run->base > end ? run->base : end, run_end,
			       run->prot, run->outside);
	}
	if (!done)
		append(out, base, end, prot, outside);
	sum_up(out);
	return true;
}

void mdi_runs_free(struct mdi_runs *runs)
{
	mdi_vault_free(runs->run, runs->room * sizeof(*runs->run));
	*runs = (struct mdi_runs){ 0 };
}
