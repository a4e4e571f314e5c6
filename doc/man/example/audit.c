/* SPDX-License-Identifier: MIT */
/* Somebody else makes a module's memory read-only; the audit tells. */
#include <modiso.h>
#include <stdio.h>
#include <sys/mman.h>

int main(void)
{
	struct modiso_audit_finding findings[8];
	struct modiso_module *module;
	struct modiso_region *region;
	size_t count = 0, i;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("uart", NULL, &module) != 0 ||
	    modiso_region_create(module, 8192, MODISO_READ | MODISO_WRITE,
				 NULL, &region) != 0 ||
	    modiso_report(stdout) != 0)
		return 1;
	mprotect(modiso_region_base(region), 4096, PROT_READ);
	if (modiso_audit(findings, 8, &count) != 0)
		return 1;
	for (i = 0; i < count && i < 8; i++)
		printf("%s of %s at %#zx\n",
		       modiso_audit_kind_name(findings[i].kind),
		       findings[i].module_name, (size_t)findings[i].base);
	return count != 1 || modiso_module_destroy(module) != 0 ||
	       modiso_fini() != 0;
}
