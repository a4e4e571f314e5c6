/* SPDX-License-Identifier: MIT */
/* Every event of an XML document, one after the other. */
#include "work.h"

#include <expat.h>
#include <string.h>

struct events {
	unsigned char *out;
	unsigned long used, room;
};

static void put(struct events *events, const char *text, unsigned long length)
{
	if (length > events->room - events->used)
		length = events->room - events->used;
	memcpy(events->out + events->used, text, length);
	events->used += length;
}

static void start(void *arg, const XML_Char *name, const XML_Char **attribute)
{
	put(arg, "<", 1);
	put(arg, name, strlen(name));
	for (; *attribute != NULL; attribute++) {
		put(arg, " ", 1);
		put(arg, *attribute, strlen(*attribute));
	}
}

static void end(void *arg, const XML_Char *name)
{
	put(arg, ">", 1);
	put(arg, name, strlen(name));
}

static void text(void *arg, const XML_Char *name, int length)
{
	put(arg, name, (unsigned long)length);
}

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	struct events events = {out, 0, room};
	XML_Parser parser = XML_ParserCreate(NULL);
	int result;

	if (parser == NULL)
		return -1;
	/* The salt of its hash tables changes nothing that can be seen. */
	XML_SetHashSalt(parser, 1);
	XML_SetUserData(parser, &events);
	XML_SetElementHandler(parser, start, end);
	XML_SetCharacterDataHandler(parser, text);
	result = XML_Parse(parser, (const char *)in, (int)length, 1);
	result = result == XML_STATUS_OK ? 0 : (int)XML_GetErrorCode(parser);
	put(&events, (const char *)&result, sizeof(result));
	XML_ParserFree(parser);
	return (long)events.used;
}
