/* SPDX-License-Identifier: MIT */
/* What a host wants of the library, for C: it is in the module beside it. */
#ifndef TESTS_REAL_TINYXML2_C_H
#define TESTS_REAL_TINYXML2_C_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct xml xml;

xml *xml_parse(const char *text, size_t length);
const char *xml_error(const xml *document); /* NULL: there is none */
const char *xml_print(xml *document, const char *comment, size_t *length);
void xml_delete(xml *document);

#ifdef __cplusplus
}
#endif

#endif /* TESTS_REAL_TINYXML2_C_H */
