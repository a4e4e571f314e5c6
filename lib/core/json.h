/* SPDX-License-Identifier: MIT */
/*
 * core/json.h - text as JSON.
 */
#ifndef MDI_CORE_JSON_H
#define MDI_CORE_JSON_H

#include <stdio.h>

/* In quotes; what is no printable ASCII as an escape. */
static inline void mdi_json_string(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

#endif /* MDI_CORE_JSON_H */
