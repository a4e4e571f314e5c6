/* SPDX-License-Identifier: MIT */
#include "support/windows/again.h"

#include "support/proc.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define SIGNALLED 0x100

struct run {
	HANDLE process, output;
};

/* This program, with the environment as it is now. */
static struct run start(bool errors)
{
	SECURITY_ATTRIBUTES inherited = {sizeof(inherited), NULL, TRUE};
	STARTUPINFOA how = {.cb = sizeof(how), .dwFlags = STARTF_USESTDHANDLES};
	PROCESS_INFORMATION child;
	char path[MAX_PATH];
	struct run run;
	HANDLE end;

	GetModuleFileNameA(NULL, path, sizeof(path));
	if (!CreatePipe(&run.output, &end, &inherited, 0))
		ck_abort_msg("CreatePipe: error %lu", GetLastError());
	SetHandleInformation(run.output, HANDLE_FLAG_INHERIT, 0);
	how.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
	how.hStdOutput = errors ? GetStdHandle(STD_OUTPUT_HANDLE) : end;
	how.hStdError = errors ? end : GetStdHandle(STD_ERROR_HANDLE);
	if (!CreateProcessA(path, NULL, NULL, NULL, TRUE, 0, NULL, NULL, &how,
			    &child))
		ck_abort_msg("CreateProcess: error %lu", GetLastError());
	CloseHandle(child.hThread);
	CloseHandle(end);
	run.process = child.hProcess;
	return run;
}

static DWORD finish(struct run *run)
{
	DWORD code = 1;

	CloseHandle(run->output);
	WaitForSingleObject(run->process, INFINITE);
	GetExitCodeProcess(run->process, &code);
	CloseHandle(run->process);
	return code;
}

/* The next line, without its end; false: there is none. */
static bool next_line(HANDLE from, char *line, size_t size)
{
	size_t length = 0;
	DWORD got;
	char c;

	while (ReadFile(from, &c, 1, &got, NULL) && got == 1 && c != '\n')
		if (c != '\r' && length + 1 < size)
			line[length++] = c;
	line[length] = '\0';
	return got == 1 || length != 0;
}

static void set_number(const char *name, unsigned number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	SetEnvironmentVariableA(name, text);
}

bool again_run_case(unsigned number, char *skipped, size_t size)
{
	bool done = false;
	char line[1024];
	struct run run;
	DWORD code;

	set_number(AGAIN_CASE, number);
	run = start(false);
	while (next_line(run.output, line, sizeof(line))) {
		done = strcmp(line, AGAIN_DONE) == 0;
		if (strncmp(line, AGAIN_SKIPPED, strlen(AGAIN_SKIPPED)) == 0) {
			snprintf(skipped, size, "%s",
				 line + strlen(AGAIN_SKIPPED));
			done = true;
		} else if (!done) {
			printf("%s\n", line);
		}
	}
	code = finish(&run);
	if (code != 0)
		printf("# it has ended with %#lx\n", code);
	else if (!done)
		printf("# it has ended without a word\n");
	return done && code == 0;
}

/* As Linux would say it. */
static int status_of(DWORD code)
{
	switch (code) {
	case 3: /* abort() */
		return SIGNALLED | 6;
	case EXCEPTION_ACCESS_VIOLATION:
	case EXCEPTION_STACK_OVERFLOW:
	case EXCEPTION_PRIV_INSTRUCTION:
		return SIGNALLED | 11;
	case EXCEPTION_ILLEGAL_INSTRUCTION:
		return SIGNALLED | 4;
	case EXCEPTION_INT_DIVIDE_BY_ZERO:
		return SIGNALLED | 8;
	default:
		return (int)(code & 0xff);
	}
}

/*
 * The child is the case once more, up to the same call of this function: all
 * that a case does before depends on nothing but itself. There the body runs.
 * Children that came before are not made again: how they ended is in the
 * environment.
 */
static int ended_before(unsigned which)
{
	const char *ends = getenv(AGAIN_ENDS);
	char *rest = (char *)(ends != NULL ? ends : "");
	long status = 0;

	while (which-- != 0)
		status = strtol(rest, &rest, 16);
	return (int)status;
}

static void note_end(int status)
{
	const char *ends = getenv(AGAIN_ENDS);
	char text[256];

	snprintf(text, sizeof(text), "%s %x", ends != NULL ? ends : "", status);
	_putenv_s(AGAIN_ENDS, text);
}

int child_output(void (*body)(void *arg), void *arg, char *text, size_t size)
{
	static unsigned count;
	const char *which = getenv(AGAIN_CHILD);
	size_t length = 0;
	struct run run;
	int status;
	DWORD got;

	text[0] = '\0';
	count++;
	if (which != NULL && strtoul(which, NULL, 10) == count) {
		body(arg);
		fflush(stdout);
		_Exit(EXIT_SUCCESS);
	}
	if (which != NULL)
		return ended_before(count);
	set_number(AGAIN_CHILD, count);
	run = start(true);
	while (length + 1 < size &&
	       ReadFile(run.output, text + length, (DWORD)(size - length - 1),
			&got, NULL) &&
	       got != 0)
		length += got;
	text[length] = '\0';
	SetEnvironmentVariableA(AGAIN_CHILD, NULL);
	status = status_of(finish(&run));
	note_end(status);
	return status;
}
