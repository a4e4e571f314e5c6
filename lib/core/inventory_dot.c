/* SPDX-License-Identifier: MIT */
/*
 * Modules, regions, rights and keys as a picture: a graph in the language of
 * Graphviz. What has the same key has the same colour.
 */
#include "core/audit.h"

#include "core/grant.h"
#include "core/inventory.h"
#include "core/region.h"
#include "core/thread.h"

#include <string.h>

/* As many as there are keys; behind them they begin again. */
static const char *const colours[] = {
	"#8dd3c7", "#ffffb3", "#bebada", "#fb8072", "#80b1d3", "#fdb462",
	"#b3de69", "#fccde5", "#bc80bd", "#ccebc5", "#ffed6f", "#a6cee3",
	"#b2df8a", "#fb9a99", "#fdbf6f", "#cab2d6",
};

#define NO_KEY_COLOUR "#eeeeee" /* parked, or a backend without keys */

/* Inside of quotes; a backslash would begin an escape sequence. */
static void put(const char *text, FILE *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
}

/* "key 7" is coloured by its number, all other words are not. */
static const char *colour(const char *state)
{
	unsigned key;

	return sscanf(state, "key %u", &key) == 1 ?
		       colours[key % MDI_COUNT(colours)] :
		       NO_KEY_COLOUR;
}

/* Names of regions are not unique, so they are nodes by their address. */
static void put_node(const struct modiso_region *region, FILE *out)
{
	fprintf(out, "r%zx", (size_t)region->node.base);
}

static void put_region(const struct modiso_region *region, FILE *out)
{
	char state[32];

	mdi_backend_now->describe(region->domain, state, sizeof(state));
	fputs("    ", out);
	put_node(region, out);
	fputs(" [label=\"", out);
	put(region->name, out);
	fprintf(out, "\\n%s %s\\n%#zx\\n%zu bytes\\n",
		mdi_inventory_rights(region->access),
		mdi_inventory_kind(region), (size_t)region->node.base,
		(size_t)(region->node.end - region->node.base));
	put(state, out);
	fprintf(out, "\", fillcolor=\"%s\"];\n", colour(state));
}

static void put_module(const struct modiso_module *module, FILE *out)
{
	const struct mdi_domain *domain = &module->domain;
	const struct modiso_region *region;
	char state[32];

	if (domain->kind != MDI_DOMAIN_MODULE && module->regions == NULL)
		return; /* nothing of the host's is closed in this way */
	mdi_backend_now->describe(domain, state, sizeof(state));
	fprintf(out, "  subgraph cluster_%u {\n    label=\"",
		mdi_link_index(domain->head.link));
	if (domain->kind == MDI_DOMAIN_MODULE)
		fputs("module ", out);
	put(module->name, out);
	fprintf(out, "\\n%s, %s%s\";\n",
		domain->kind == MDI_DOMAIN_MODULE ?
			mdi_inventory_confinement(domain->confinement) :
		domain->kind == MDI_DOMAIN_HOST ? "guarded" :
						  "closed",
		state, mdi_threads_inside(domain) ? ", entered" : "");
	/* Rights to others' regions begin here; and it is never empty. */
	fprintf(out, "    m%u [label=\"\", shape=point];\n",
		mdi_link_index(domain->head.link));
	for (region = module->regions; region != NULL; region = region->next)
		put_region(region, out);
	fputs("  }\n", out);
}

/* An arrow for each right of a module to a region of another owner. */
static void put_grants(const struct modiso_module *module, FILE *out)
{
	const struct mdi_share *share[MDI_SHARERS_MAX];
	const struct modiso_region *region;
	size_t count;

	for (region = module->regions; region != NULL; region = region->next) {
		count = mdi_grant_list(region, share, MDI_SHARERS_MAX);
		for (size_t i = 0; i < count; i++) {
			fprintf(out, "  m%u -> ",
				mdi_link_index(share[i]->module->head.link));
			put_node(region, out);
			fprintf(out, " [label=\"%s\"];\n",
				mdi_inventory_rights(share[i]->access));
		}
	}
}

void mdi_inventory_print_dot(FILE *out)
{
	const struct modiso_module *module;

	fprintf(out,
		"digraph modiso {\n"
		"  label=\"libmodiso, backend %s, %zu module%s\";\n"
		"  rankdir=LR;\n"
		"  fontname=\"sans-serif\";\n"
		"  node [shape=box, style=filled, fontname=\"sans-serif\"];\n"
		"  edge [fontname=\"sans-serif\"];\n",
		mdi_backend_now->name, mdi_module_count(),
		mdi_module_count() == 1 ? "" : "s");
	for (uint32_t i = 0; i < MDI_MODULES_MAX; i++) {
		module = mdi_inventory_module(i);
		if (module != NULL)
			put_module(module, out);
	}
	for (uint32_t i = 0; i < MDI_MODULES_MAX; i++) {
		module = mdi_inventory_module(i);
		if (module != NULL)
			put_grants(module, out);
	}
	fputs("}\n", out);
}
