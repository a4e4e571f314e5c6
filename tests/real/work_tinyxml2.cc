/* SPDX-License-Identifier: MIT */
/* Read an XML document and print it again, or the error and its line. */
extern "C" {
#include "work.h"
}

#include <cstring>
#include <tinyxml2.h>

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	tinyxml2::XMLDocument document;
	tinyxml2::XMLPrinter printer;

	document.Parse((const char *)in, length);
	document.Print(&printer);
	if (document.Error())
		printer.PushComment(document.ErrorStr());
	length = (unsigned long)printer.CStrSize() - 1;
	if (length > room)
		length = room;
	std::memcpy(out, printer.CStr(), length);
	return (long)length;
}
