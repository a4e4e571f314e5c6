/* SPDX-License-Identifier: MIT */
#include "base/settings.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* One of "name=value:name=value", not ended by a zero. */
struct item {
	const char *name, *value;
	size_t name_length, value_length;
};

static bool is(const char *text, size_t length, const char *word)
{
	return strlen(word) == length && memcmp(text, word, length) == 0;
}

static int refuse(const struct item *item, const char *what)
{
	return mdi_fail(MODISO_ERR_INVAL,
			"MODISO_OPTIONS in the environment: %.*s=%.*s: %s",
			(int)item->name_length, item->name,
			(int)item->value_length, item->value, what);
}

static int take_switch(const struct item *item, bool *to)
{
	if (!is(item->value, item->value_length, "0") &&
	    !is(item->value, item->value_length, "1"))
		return refuse(item, "it is 0 or 1");
	*to = item->value[0] == '1';
	return 0;
}

/* Who asks for reports has them whole; "objdump=0" behind it says otherwise. */
static int take_report(const struct item *item,
		       struct mdi_settings_state *settings)
{
	int result = take_switch(item, &settings->report);

	settings->objdump = settings->report;
	return result;
}

static int take_format(const struct item *item,
		       struct mdi_settings_state *settings)
{
	static const char *const names[] = {"text", "json", "sarif", "summary"};

	for (uint32_t i = 0; i < MDI_COUNT(names); i++)
		if (is(item->value, item->value_length, names[i])) {
			settings->format = i;
			return 0;
		}
	return refuse(item, "it is text, json, sarif or summary");
}

static int take_text(const struct item *item, char *to, size_t size)
{
	if (item->value_length == 0 || item->value_length >= size)
		return refuse(item, "it is empty or too long");
	memcpy(to, item->value, item->value_length);
	to[item->value_length] = '\0';
	return 0;
}

static int take(const struct item *item, struct mdi_settings_state *settings)
{
	if (is(item->name, item->name_length, "report"))
		return take_report(item, settings);
	if (is(item->name, item->name_length, "map"))
		return take_switch(item, &settings->map);
	if (is(item->name, item->name_length, "objdump"))
		return take_switch(item, &settings->objdump);
	if (is(item->name, item->name_length, "permissive"))
		return take_switch(item, &settings->permissive);
	if (is(item->name, item->name_length, "known_sites"))
		return take_text(item, settings->known_sites,
				 sizeof(settings->known_sites));
	if (is(item->name, item->name_length, "format"))
		return take_format(item, settings);
	if (is(item->name, item->name_length, "log_path"))
		return take_text(item, settings->log_path,
				 sizeof(settings->log_path));
	if (is(item->name, item->name_length, "record"))
		return take_switch(item, &settings->record);
	if (is(item->name, item->name_length, "record_path"))
		return take_text(item, settings->record_path,
				 sizeof(settings->record_path));
	if (is(item->name, item->name_length, "picture"))
		return take_text(item, settings->picture,
				 sizeof(settings->picture));
	if (is(item->name, item->name_length, "backend"))
		return take_text(item, settings->backend,
				 sizeof(settings->backend));
	return refuse(item, "there is no such option; there are report, "
			    "map, objdump, format, log_path, permissive, "
			    "known_sites, record, record_path, picture and "
			    "backend");
}

int mdi_settings_read(void)
{
	const char *next = secure_getenv("MODISO_OPTIONS");
	struct mdi_settings_state settings = {.report = false};
	struct item item;
	int result = 0;

	for (; result == 0 && next != NULL && *next != '\0';
	     next += *next == ':') {
		size_t length = strcspn(next, ":");
		const char *equals = memchr(next, '=', length);

		item.name = next;
		item.name_length = equals ? (size_t)(equals - next) : length;
		item.value = equals ? equals + 1 : "";
		item.value_length = equals ? length - item.name_length - 1 : 0;
		next += length;
		if (length != 0)
			result = take(&item, &settings);
	}
	if (result == 0)
		mdi_base_state.settings = settings;
	return result;
}
