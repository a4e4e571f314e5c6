/* SPDX-License-Identifier: MIT */
#include "tinyxml2_c.h"

#include <tinyxml2.h>

struct xml {
	tinyxml2::XMLDocument document;
	tinyxml2::XMLPrinter printer;
};

xml *xml_parse(const char *text, size_t length)
{
	xml *made = new xml;

	made->document.Parse(text, length);
	return made;
}

const char *xml_error(const xml *document)
{
	return document->document.Error() ? document->document.ErrorStr() :
					    nullptr;
}

const char *xml_print(xml *document, const char *comment, size_t *length)
{
	document->document.Print(&document->printer);
	if (comment != nullptr)
		document->printer.PushComment(comment);
	*length = (size_t)document->printer.CStrSize() - 1;
	return document->printer.CStr();
}

void xml_delete(xml *document)
{
	delete document;
}
