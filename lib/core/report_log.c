/* SPDX-License-Identifier: MIT */
/* What the environment asks for at a fault: MODISO_OPTIONS=report=1. */
#include "core/report.h"

#include "base/settings.h"
#include "core/picture.h"
#include "os/process.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/*
 * Each report opens the file anew: a program may close what it does not know,
 * and may fork. @number: of a fault; 0: none.
 */
static FILE *open_log(uint64_t number)
{
	const char *path = mdi_settings()->log_path;
	char name[sizeof(mdi_settings()->log_path) + 40];
	FILE *log;

	if (path[0] == '\0')
		return NULL;
	/* A SARIF log is a file: what lies behind its end makes it none. */
	if (mdi_settings()->format == MDI_FORMAT_SARIF && number != 0)
		snprintf(name, sizeof(name), "%s.%d.%llu", path,
			 (int)mdi_os_process_id(), (unsigned long long)number);
	else
		snprintf(name, sizeof(name), "%s.%d", path,
			 (int)mdi_os_process_id());
	log = fopen(name, "ae");
	if (log == NULL)
		fprintf(stderr,
			"libmodiso: log_path %s cannot be opened (%s); the "
			"report goes to standard error\n",
			name, strerrorname_np(errno));
	return log;
}

static int print_text(const struct modiso_fault *fault, FILE *out)
{
	int result = modiso_fault_print(fault, out);

	if (result == 0 && mdi_settings()->map)
		result = modiso_fault_print_map(fault, out);
	return result != 0 ? result : modiso_fault_print_summary(fault, out);
}

static int print(const struct modiso_fault *fault, FILE *out)
{

	switch (mdi_settings()->format) {
	case MDI_FORMAT_JSON:
		return modiso_fault_print_json(fault, out);
	case MDI_FORMAT_SARIF:
		return modiso_fault_print_sarif(fault, out);
	case MDI_FORMAT_SUMMARY:
		return modiso_fault_print_summary(fault, out);
	default:
		return print_text(fault, out);
	}
}

/* What is printed may come to call modules: the copy is not the thread's. */
static __attribute__((noinline)) void log_copy(struct modiso_fault fault)
{
	FILE *log = open_log(fault.number);

	(void)!print(&fault, log != NULL ? log : stderr);
	if (log != NULL)
		fclose(log);
}

void mdi_report_log(const struct modiso_fault *fault)
{
	if (mdi_settings()->report)
		log_copy(*fault);
	if (!fault->permitted)
		mdi_picture_fault(fault->number);
}

void mdi_report_log_text(const char *text)
{
	FILE *log = open_log(0);

	fputs(text, log != NULL ? log : stderr);
	if (log != NULL)
		fclose(log);
}
