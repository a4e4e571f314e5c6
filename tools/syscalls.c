/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* strerrorname_np() */
#include "syscalls.h"

#include <errno.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULES_MAX 2048
#define ERRNO_MAX 4095

struct rule {
	uint32_t arch, number, action;
	int error;
	unsigned line, column;
};

static const char *const presets[] = {
	[MODISO_SYSCALLS_NONE] = "none",
	[MODISO_SYSCALLS_COMPUTE] = "compute",
	[MODISO_SYSCALLS_LOG] = "log",
};
static const char *const actions[] = {
	[MODISO_SYSCALL_DENY] = "deny",
	[MODISO_SYSCALL_ERRNO] = "errno",
	[MODISO_SYSCALL_ALLOW] = "allow",
	[MODISO_SYSCALL_LOG] = "log",
};
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct rule rules[RULES_MAX];
static size_t rule_count;
static uint32_t preset = MODISO_SYSCALLS_NONE;

/* Where in the file. */
static struct {
	const char *path;
	char *line; /* without its end */
	unsigned number, column;
} at;

static bool wrong(const char *what, const char *word)
{
	fprintf(stderr, "modiso-run: %s:%u:%u: %s%s%s\n", at.path, at.number,
		at.column, what, word ? ": " : "", word ? word : "");
	return false;
}

/* The place of a word in a table, or its size. */
static uint32_t choose(const char *word, const char *const *table, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (table[i] != NULL && strcmp(word, table[i]) == 0)
			return (uint32_t)i;
	return (uint32_t)size;
}

/* The next word of the line, which it is cut out of; NULL: there is none. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t");

	at.column = (unsigned)(word - at.line) + 1;
	if (*word == '\0' || *word == '#')
		return NULL;
	*rest = word + strcspn(word, " \t");
	if (**rest != '\0')
		*(*rest)++ = '\0';
	return word;
}

static bool is_number(const char *word, unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(word, &end, 0);
	return word[0] >= '0' && word[0] <= '9' && *end == '\0' && errno == 0;
}

/* "ENOSYS", or 38. */
static bool read_error(const char *word, int *error)
{
	unsigned long number;

	if (is_number(word, &number) && number >= 1 && number <= ERRNO_MAX) {
		*error = (int)number;
		return true;
	}
	for (int i = 1; i <= ERRNO_MAX; i++) {
		const char *name = strerrorname_np(i);

		if (name != NULL && strcmp(name, word) == 0) {
			*error = i;
			return true;
		}
	}
	return wrong("no error of errno.h", word);
}

/* "openat", 257, "i386:openat". */
static bool read_call(const char *word, struct rule *rule)
{
	const char *name = word;
	unsigned long number;

	rule->arch = AUDIT_ARCH_X86_64;
	if (strncmp(word, "i386:", 5) == 0) {
		rule->arch = AUDIT_ARCH_I386;
		name += 5;
	}
	if (is_number(name, &number)) {
		rule->number = number < UINT32_MAX ? (uint32_t)number :
						     UINT32_MAX;
		return true;
	}
	if (modiso_syscall_number(rule->arch, name, &rule->number) != 0)
		return wrong(modiso_last_error_text(), NULL);
	return true;
}

/* All other words of the line: ACTION CALL... */
static bool read_rules(uint32_t action, char *rest)
{
	struct rule rule = {.action = action, .line = at.number};
	unsigned first = (unsigned)rule_count;
	char *word;

	if (action == MODISO_SYSCALL_ERRNO) {
		word = next_word(&rest);
		if (word == NULL)
			return wrong("an error and calls are missing", NULL);
		if (!read_error(word, &rule.error))
			return false;
	}
	while ((word = next_word(&rest)) != NULL) {
		rule.column = at.column;
		if (rule_count == RULES_MAX)
			return wrong("too many calls", word);
		if (!read_call(word, &rule))
			return false;
		rules[rule_count++] = rule;
	}
	return rule_count != first || wrong("no call is named", NULL);
}

static bool read_line(void)
{
	char *rest = at.line, *word = next_word(&rest);
	uint32_t which;

	if (word == NULL)
		return true;
	if (strcmp(word, "default") == 0) {
		word = next_word(&rest);
		which = word ? choose(word, presets, COUNT(presets)) :
			       COUNT(presets);
		if (which == COUNT(presets))
			return wrong("no preset: none, compute or log", word);
		preset = which;
		return next_word(&rest) == NULL ||
		       wrong("more than a preset", NULL);
	}
	which = choose(word, actions, COUNT(actions));
	if (which == COUNT(actions))
		return wrong("no action: default, deny, errno, allow or log",
			     word);
	return read_rules(which, rest);
}

static bool read_file(FILE *file)
{
	size_t size = 0;
	ssize_t length;
	bool good = true;

	while (good && (length = getline(&at.line, &size, file)) >= 0) {
		at.number++;
		at.column = (unsigned)strlen(at.line) + 1;
		if (strlen(at.line) != (size_t)length)
			good = wrong("a zero byte", NULL);
		at.line[strcspn(at.line, "\r\n")] = '\0';
		good = good && read_line();
	}
	free(at.line);
	at.line = NULL;
	if (good && ferror(file)) {
		perror(at.path);
		good = false;
	}
	return good;
}

bool syscalls_read(const char *word)
{
	uint32_t which = choose(word, presets, COUNT(presets));
	FILE *file;
	bool good;

	if (which != COUNT(presets)) {
		preset = which;
		return true;
	}
	file = fopen(word, "re");
	if (file == NULL) {
		fprintf(stderr,
			"modiso-run: %s: %s; it is neither none, compute nor "
			"log, and no file\n",
			word, strerror(errno));
		return false;
	}
	at.path = word;
	good = read_file(file);
	fclose(file);
	return good;
}

uint32_t syscalls_preset(void)
{
	return preset;
}

bool syscalls_apply(struct modiso_module *module)
{
	for (size_t i = 0; i < rule_count; i++) {
		const struct rule *rule = &rules[i];

		at.number = rule->line;
		at.column = rule->column;
		if (modiso_syscall_set(module, rule->arch, rule->number,
				       rule->action, rule->error) != 0)
			return wrong(modiso_last_error_text(), NULL);
	}
	return true;
}

int syscalls_print(struct modiso_module *module)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int code;

	if (out == NULL)
		return -1;
	code = modiso_syscall_print(module, out);
	if (fclose(out) == 0 && code == 0 && strchr(text, '\n')[1] != '\0')
		fputs(text, stderr);
	free(text);
	return code;
}
