/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include "base/state.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *text;
} codes[] = {
	{ "MODISO_OK", "done" },
	{ "MODISO_ERR_INVAL", "an argument is wrong" },
	{ "MODISO_ERR_NOMEM", "no memory for bookkeeping" },
	{ "MODISO_ERR_OS", "a system call failed; errno says how" },
	{ "MODISO_ERR_NOTSUP", "this machine, kernel or backend cannot" },
	{ "MODISO_ERR_NOKEY", "no protection key is free" },
	{ "MODISO_ERR_STATE", "not now: before init, inside a module..." },
	{ "MODISO_ERR_BUSY", "in use" },
	{ "MODISO_ERR_NOENT", "no such thing" },
	{ "MODISO_ERR_ACCESS", "not allowed: rights, protection" },
	{ "MODISO_ERR_FORMAT", "malformed image" },
	{ "MODISO_ERR_GADGET", "forbidden instruction found" },
	{ "MODISO_ERR_LIMIT", "a limit of this library is reached" },
	{ "MODISO_ERR_FAULT", "the module faulted" },
	{ "MODISO_ERR_ABANDONED", "modiso_thread_abandon() ended the call" },
};

static MDI_TLS struct mdi_error last;
static MDI_TLS struct {
	const char *call;
	int error;
} refused;

static bool known(int code)
{
	return code <= 0 && code > -(int)MDI_COUNT(codes);
}

const char *modiso_strerror(int code)
{
	return known(code) ? codes[-code].text : "not a code of libmodiso";
}

const char *modiso_error_name(int code)
{
	return known(code) ? codes[-code].name : "MODISO_ERR_?";
}

const char *modiso_last_error_text(void)
{
	if (last.later)
		mdi_base_state.error.later(last.text, sizeof(last.text));
	last.later = false;
	return last.text;
}

void mdi_error_save(struct mdi_error *error)
{
	*error = last;
}

void mdi_error_restore(const struct mdi_error *error)
{
	last = *error;
}

void mdi_error_later(const char *(*make)(char *text, size_t size))
{
	mdi_base_state.error.later = make;
}

int mdi_fail_later(int code)
{
	last.later = true;
	return code;
}

/*
 * Sentences name what an image or a module calls itself and its symbols, and
 * hosts print them: no line and no escape sequence comes from there.
 */
static void make_plain(char *text)
{
	size_t length;
	uint32_t code;

	for (; *text != '\0'; text += length) {
		length = mdi_text_character(text, &code);
		if (length != 0 && mdi_text_prints(code))
			continue;
		*text = '?';
		length = 1;
	}
}

int mdi_fail(int code, const char *format, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, format);
	vsnprintf(last.text, sizeof(last.text), format, args);
	va_end(args);
	make_plain(last.text);
	last.later = false;
	errno = saved;
	return code;
}

#define HINT 200 /* bytes */

/* What usually stands behind an errno; what the system says is better. */
static const char *hint(const char *call, int error, char *text, size_t size)
{
	text[0] = '\0';
	if (mdi_base_state.error.why != NULL)
		mdi_base_state.error.why(call, error, text, size);
	if (text[0] != '\0')
		return text;
	switch (error) {
	case ENOMEM:
		return "; raise vm.max_map_count (sysctl), RLIMIT_AS or "
		       "RLIMIT_DATA, or see vm.overcommit_memory";
	case EMFILE:
		return "; raise RLIMIT_NOFILE";
	case EPERM:
		return "; a security policy forbids it (seccomp)";
	case ENOSYS:
		return "; the kernel has no such call, or seccomp hides it";
	default:
		return "";
	}
}

void mdi_error_why(mdi_why_fn *why)
{
	mdi_base_state.error.why = why;
}

void mdi_memory_refused(const char *call)
{
	refused.call = call;
	refused.error = errno;
}

int mdi_fail_memory(const char *format, ...)
{
	char what[192], why[64], more[HINT];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (refused.call == NULL || refused.error == ENOMEM)
		mdi_fail(MODISO_ERR_NOMEM, "no memory for %s%s", what,
			 hint("mmap", ENOMEM, more, sizeof(more)));
	else
		mdi_fail(MODISO_ERR_NOMEM, "no memory for %s: %s: %s%s", what,
			 refused.call,
			 strerror_r(refused.error, why, sizeof(why)),
			 hint(refused.call, refused.error, more,
			      sizeof(more)));
	refused.call = NULL;
	return MODISO_ERR_NOMEM;
}

int mdi_fail_os(const char *call, const char *format, ...)
{
	int saved = errno;
	char what[192], why[64], more[HINT];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	/* The GNU strerror_r returns the text, wherever it put it. */
	mdi_fail(MODISO_ERR_OS, "%s for %s: %s%s", call, what,
		 strerror_r(saved, why, sizeof(why)),
		 hint(call, saved, more, sizeof(more)));
	errno = saved;
	return MODISO_ERR_OS;
}
