/* SPDX-License-Identifier: MIT */
#ifndef MODISO_TOOLS_JSON_STRING_H
#define MODISO_TOOLS_JSON_STRING_H

/*
 * Print @text as a string of JSON, with its quotes, on standard output. A byte
 * that is no UTF-8 is written as the character of its number.
 */
void json_string(const char *text);

#endif /* MODISO_TOOLS_JSON_STRING_H */
