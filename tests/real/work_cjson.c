/* SPDX-License-Identifier: MIT */
/* Read a JSON document and write it again. */
#include "work.h"

#include <cJSON.h>
#include <string.h>

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	cJSON *value = cJSON_ParseWithLength((const char *)in, length);
	int done = value != NULL &&
		   cJSON_PrintPreallocated(value, (char *)out, (int)room, 0);

	cJSON_Delete(value);
	return done ? (long)strlen((char *)out) : -1;
}
