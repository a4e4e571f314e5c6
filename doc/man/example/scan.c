/* SPDX-License-Identifier: MIT */
/* Would these bytes do as code of a module? */
#include <modiso.h>
#include <stdio.h>

/* mov $0xef010f, %eax: harmless, until somebody jumps to its second byte. */
static const unsigned char code[] = { 0xb8, 0x0f, 0x01, 0xef, 0x00, 0xc3 };

static int tell(const struct modiso_scan_hit *hit, void *arg)
{
	(void)arg;
	printf("%s at offset %llu\n", modiso_scan_kind_name(hit->kind),
	       (unsigned long long)hit->offset);
	return 0; /* go on */
}

int main(void)
{
	int result = modiso_scan_memory(code, sizeof(code), MODISO_SCAN_ALL,
					tell, NULL);

	printf("%s: %s\n", modiso_error_name(result), modiso_last_error_text());
	return result != MODISO_ERR_GADGET;
}
