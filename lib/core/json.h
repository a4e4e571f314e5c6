/* SPDX-License-Identifier: MIT */
/*
 * core/json.h - text as JSON.
 */
#ifndef MDI_CORE_JSON_H
#define MDI_CORE_JSON_H

#include "base/text.h"

#include <stdio.h>

/*
 * In quotes, as UTF-8: a name that is UTF-8 comes out as it is, and a file's
 * can be opened by it. A byte that is not becomes U+FFFD, as JSON cannot have
 * it.
 */
static inline void mdi_json_string(const char *text, FILE *out)
{
	uint32_t code;
	size_t length;

	fputc('"', out);
	for (; *text != '\0'; text += length) {
		length = mdi_text_character(text, &code);
		if (length == 0) {
			fputs("\\ufffd", out);
			length = 1;
		} else if (code == '"' || code == '\\') {
			fprintf(out, "\\%c", (int)code);
		} else if (code <= 0xffff && !mdi_text_prints(code)) {
			fprintf(out, "\\u%04x", code);
		} else {
			fwrite(text, 1, length, out);
		}
	}
	fputc('"', out);
}

#endif /* MDI_CORE_JSON_H */
