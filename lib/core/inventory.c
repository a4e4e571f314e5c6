/* SPDX-License-Identifier: MIT */
/* Modules, regions, rights and keys, printed. */
#include "core/audit.h"

#include "core/grant.h"
#include "core/inventory.h"
#include "core/json.h"
#include "core/region.h"
#include "core/thread.h"
#include "os/memory.h"

const char *mdi_inventory_confinement(uint32_t level)
{
	static const char *const names[] = {
		[MODISO_CONFINE_GUARD] = "guard",
		[MODISO_CONFINE_READONLY] = "readonly",
		[MODISO_CONFINE_SEALED] = "sealed",
	};

	return names[level];
}

const char *mdi_inventory_rights(uint32_t access)
{
	static const char *const names[] = { "---", "r--", "-w-", "rw-",
					     "--x", "r-x", "-wx", "rwx" };

	return names[access & 7];
}

const char *mdi_inventory_kind(const struct modiso_region *region)
{
	if (region->stack)
		return "stack";
	if (region->image)
		return "image";
	if (region->shared)
		return "shared";
	return region->adopted ? "adopted" : "created";
}

static void print_state(const struct mdi_domain *domain, FILE *out)
{
	char text[32];

	mdi_backend_now->describe(domain, text, sizeof(text));
	fputs(text, out);
}

/* Who else may touch it: "  granted: uart rw-, parser r--; key 7" */
static void print_grants(const struct modiso_region *region, FILE *out)
{
	const struct mdi_share *share[MDI_SHARERS_MAX];
	size_t count = mdi_grant_list(region, share, MDI_SHARERS_MAX);

	if (count == 0)
		return;
	fputs("    granted:", out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s %s %s", i == 0 ? "" : ",",
			mdi_domain_module(share[i]->module)->name,
			mdi_inventory_rights(share[i]->access));
	fputs("; ", out);
	print_state(region->domain, out);
	fputc('\n', out);
}

struct modiso_module *mdi_inventory_module(uint32_t index)
{
	return mdi_domain_module(
		(struct mdi_domain *)mdi_arch_state.domains[index]);
}

static void print_module(const struct modiso_module *module, FILE *out)
{
	const struct mdi_domain *domain = &module->domain;
	const struct modiso_region *region;

	if (domain->kind == MDI_DOMAIN_MODULE)
		fprintf(out, "module %s (%llu), %s, ", module->name,
			(unsigned long long)module->id,
			mdi_inventory_confinement(domain->confinement));
	else
		fprintf(out, "host, %s, ",
			domain->kind == MDI_DOMAIN_HOST ? "guarded" :
							  "closed");
	print_state(domain, out);
	if (mdi_threads_inside(domain))
		fputs(", entered", out);
	fputc('\n', out);
	for (region = module->regions; region != NULL; region = region->next) {
		fprintf(out, "  %012zx-%012zx %s %-8s %s\n",
			(size_t)region->node.base, (size_t)region->node.end,
			mdi_inventory_rights(region->access),
			mdi_inventory_kind(region), region->name);
		print_grants(region, out);
	}
}

void mdi_inventory_print(FILE *out)
{
	fprintf(out, "libmodiso, backend %s, %zu modules\n",
		mdi_backend_now->name, mdi_module_count());
	for (uint32_t i = 0; i < MDI_MODULES_MAX; i++)
		if (mdi_inventory_module(i) != NULL)
			print_module(mdi_inventory_module(i), out);
}

static void json_grants(const struct modiso_region *region, FILE *out)
{
	const struct mdi_share *share[MDI_SHARERS_MAX];
	size_t count = mdi_grant_list(region, share, MDI_SHARERS_MAX);

	if (count == 0)
		return;
	fputs(",\"state\":\"", out);
	print_state(region->domain, out);
	fputs("\",\"granted\":[", out);
	for (size_t i = 0; i < count; i++) {
		fputs(i == 0 ? "{\"module\":" : ",{\"module\":", out);
		mdi_json_string(mdi_domain_module(share[i]->module)->name,
				out);
		fprintf(out, ",\"access\":\"%s\"}",
			mdi_inventory_rights(share[i]->access));
	}
	fputc(']', out);
}

static void json_region(const struct modiso_region *region, FILE *out)
{
	fputs("{\"name\":", out);
	mdi_json_string(region->name, out);
	fprintf(out,
		",\"base\":\"%#zx\",\"length\":%zu,\"access\":\"%s\","
		"\"kind\":\"%s\"",
		(size_t)region->node.base,
		(size_t)(region->node.end - region->node.base),
		mdi_inventory_rights(region->access),
		mdi_inventory_kind(region));
	json_grants(region, out);
	fputc('}', out);
}

static void json_module(const struct modiso_module *module, FILE *out)
{
	static const char *const kinds[] = {
		[MDI_DOMAIN_MODULE] = "module",
		[MDI_DOMAIN_HOST] = "guarded host regions",
		[MDI_DOMAIN_CLOSED] = "closed host regions",
	};
	const struct mdi_domain *domain = &module->domain;
	const struct modiso_region *region;

	fputs("{\"name\":", out);
	mdi_json_string(module->name, out);
	fprintf(out,
		",\"kind\":\"%s\",\"id\":%llu,\"confinement\":\"%s\","
		"\"state\":\"",
		kinds[domain->kind], (unsigned long long)module->id,
		mdi_inventory_confinement(domain->confinement));
	print_state(domain, out);
	fprintf(out, "\",\"entered\":%s,\"regions\":[",
		mdi_threads_inside(domain) ? "true" : "false");
	for (region = module->regions; region != NULL; region = region->next) {
		json_region(region, out);
		if (region->next != NULL)
			fputc(',', out);
	}
	fputs("]}", out);
}

void mdi_inventory_print_json(FILE *out)
{
	bool first = true;

	fprintf(out, "{\"backend\":\"%s\",\"modules\":[",
		mdi_backend_now->name);
	for (uint32_t i = 0; i < MDI_MODULES_MAX; i++) {
		if (mdi_inventory_module(i) == NULL)
			continue;
		if (!first)
			fputc(',', out);
		first = false;
		json_module(mdi_inventory_module(i), out);
	}
	fputs("]}\n", out);
}
