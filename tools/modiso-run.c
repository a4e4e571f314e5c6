/* SPDX-License-Identifier: MIT */
/*
 * modiso-run - load a module and call it, isolated from this program.
 *
 * For people who write modules, and for their CI: what the module may do to
 * this program is what it may do to any host. It is no jail: system calls are
 * kept from the module only where --syscalls asks for it.
 */
#define _GNU_SOURCE /* asprintf() */
#include "json_string.h"
#include "output.h"
#include "syscalls.h"

#include <modiso.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	STATUS_OK,
	STATUS_FAULT,
	STATUS_USAGE,
	STATUS_REFUSED,
	STATUS_RESULT,
	STATUS_OUTPUT
};
#define STATUS_MISSING 77
#define HEAP_SIZE      ((size_t)64 << 20) /* the most that can be in use */
#define NEEDED_MAX     16

static struct {
	const char *file;
	const char *call;
	uintptr_t args[MODISO_WORDS_MAX];
	const char *text[MODISO_WORDS_MAX]; /* instead of args, when not NULL */
	unsigned count;
	const char *abi;
	const char *needed[NEEDED_MAX]; /* directories */
	size_t needed_count;
	const char *syscalls; /* NULL: the module makes them */
	uint32_t confinement, backend, flags, timeout;
	bool json;
	bool check;
	uintptr_t expected;
	const char *behind; /* the word that ended the arguments of --call */
} run;

/* What a sentence of the library recommends, and what it is called here. */
static const struct {
	const char *word, *option;
} advice[] = {
	{"needed_dirs", "--needed DIR"},
	{"MODISO_IMAGE_IGNORE_NEEDED", "--ignore-needed"},
};

static const char usage[] =
	"usage: modiso-run [OPTION...] MODULE.so\n"
	"Load a module, run its initialisers, call it, unload it.\n"
	"\n"
	"  --call ENTRY [ARG...]  call an exported function with up to 16 "
	"arguments:\n"
	"                         numbers, or :TEXT for a string. Arguments "
	"end at\n"
	"                         the next option or at MODULE.so after --\n"
	"  --expect NUMBER        fail with status 4 unless it returns this\n"
	"  --confine LEVEL        guard (default), readonly or sealed\n"
	"  --backend NAME         auto (default), pkey or mprotect\n"
	"  --timeout MS           end a call after so many milliseconds of CPU "
	"time\n"
	"  --syscalls POLICY      none, compute, log, or a file: what becomes "
	"of the\n"
	"                         module's system calls; needs protection keys\n"
	"  --abi TAG              refuse a module without this tag\n"
	"  --needed DIR           load libraries that it names, and that these "
	"name,\n"
	"                         from this directory; may be given more than "
	"once\n"
	"  --ignore-needed        load it although it names libraries\n"
	"  --report FORMAT        text (default) or json, one object to a "
	"line\n"
	"  --debugger             tell gdb of the module's symbols\n"
	"  --perf                 write /tmp/perf-<pid>.map\n"
	"  -h, --help             print this\n"
	"  --version              print the version of the library\n"
	"\n"
	"Without --call a program's entry point is called, a library only "
	"loaded.\n"
	"The module may import print(const char *text, unsigned long length), "
	"and\n"
	"the service of its C library (modiso-cc --libc). It has a heap of 64 "
	"MiB.\n"
	"\n"
	"Status: 0 done, 1 the module faulted, 2 usage, 3 the module was "
	"refused,\n"
	"4 another result than expected, 5 the output could not be written, "
	"77 this\n"
	"machine cannot do what was asked.\n";

static void advise(void)
{
	for (size_t i = 0; i < sizeof(advice) / sizeof(*advice); i++)
		if (strstr(modiso_last_error_text(), advice[i].word) != NULL)
			fprintf(stderr, "modiso-run: that is %s here\n",
				advice[i].option);
}

/* A call of the library failed; what that means for the exit status. */
static int failed(int code)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	if (code == MODISO_ERR_FAULT && modiso_fault_last(&fault) == 0) {
		if ((run.json ? modiso_fault_print_json(&fault, stdout)
			      : modiso_fault_print(&fault, stderr)) != 0)
			perror("modiso-run");
		return STATUS_FAULT;
	}
	if (run.json) {
		printf("{\"module\":");
		json_string(run.file);
		printf(",\"error\":\"%s\",\"text\":", modiso_error_name(code));
		json_string(modiso_last_error_text());
		printf("}\n");
	} else {
		fprintf(stderr, "modiso-run: %s: %s\n", run.file,
			modiso_last_error_text());
		advise();
	}
	return code == MODISO_ERR_FAULT ? STATUS_FAULT : STATUS_REFUSED;
}

/* --- the service --- */

MODISO_CALL static intptr_t print(const char *text, uintptr_t length)
{
	struct modiso_module *caller = modiso_module_caller();
	char piece[512];
	uintptr_t done = 0;

	while (done < length) {
		size_t want = length - done < sizeof(piece) ? length - done
							    : sizeof(piece);

		if (modiso_copy_in(caller, piece, text + done, want) != 0)
			return -1;
		fwrite(piece, 1, want, run.json ? stderr : stdout);
		done += want;
	}
	return (intptr_t)length;
}

/* What the C library of a module writes (modiso-cc --libc). */
static void hear(struct modiso_module *module, int stream, const char *text,
		 size_t length, void *arg)
{
	(void)module;
	(void)arg;
	fwrite(text, 1, length, stream == 1 && !run.json ? stdout : stderr);
}

/* What somebody needs and nobody has: a line each. */
static void miss(const char *image, const char *name, const char *why,
		 void *arg)
{
	(void)arg;
	if (!run.json) {
		fprintf(stderr, "modiso-run: %s needs %s: %s\n", image, name,
			why);
		return;
	}
	printf("{\"module\":");
	json_string(run.file);
	printf(",\"image\":");
	json_string(image);
	printf(",\"missing\":");
	json_string(name);
	printf(",\"why\":");
	json_string(why);
	printf("}\n");
}

/* --- the run --- */

/* Strings go where the module can read them. */
static int place_text(struct modiso_module *module)
{
	const struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.name = "arguments",
	};
	struct modiso_region *region;
	size_t size = 0;
	char *to;
	int code;

	for (unsigned i = 0; i < run.count; i++)
		if (run.text[i] != NULL)
			size += strlen(run.text[i]) + 1;
	if (size == 0)
		return 0;
	code = modiso_region_create(module, size, MODISO_READ | MODISO_WRITE,
				    &options, &region);
	if (code != 0)
		return code;
	to = modiso_region_base(region);
	for (unsigned i = 0; i < run.count; i++) {
		if (run.text[i] == NULL)
			continue;
		run.args[i] = (uintptr_t)to;
		strcpy(to, run.text[i]);
		to += strlen(run.text[i]) + 1;
	}
	return 0;
}

static void report(uintptr_t value)
{
	const char *name = run.call != NULL ? run.call : "";

	if (run.json) {
		printf("{\"module\":");
		json_string(run.file);
		printf(",\"call\":");
		json_string(name);
		printf(",\"result\":%" PRIdPTR "}\n", (intptr_t)value);
	} else {
		printf("%s(): %" PRIdPTR " (%#" PRIxPTR ")\n",
		       run.call ? name : "entry point", (intptr_t)value, value);
	}
}

static int call(struct modiso_module *module, struct modiso_image *image)
{
	const struct modiso_gate_options options = {
		.struct_size = sizeof(options),
		.word_args = run.count,
	};
	struct modiso_gate *gate;
	uintptr_t value = 0;
	int code, status = STATUS_OK;

	code = modiso_image_gate(image, run.call, &options, &gate);
	if (code != 0)
		return failed(code);
	code = place_text(module);
	if (code == 0)
		code = modiso_gate_call(gate, run.args, run.count, &value);
	if (code != 0) {
		status = failed(code);
	} else {
		report(value);
		if (run.check && value != run.expected)
			status = STATUS_RESULT;
	}
	code = modiso_gate_destroy(gate);
	return code != 0 ? failed(code) : status;
}

static int load_and_call(struct modiso_module *module,
			 const struct modiso_export *exports, size_t count)
{
	const struct modiso_image_options options = {
		.struct_size = sizeof(options),
		.flags = run.flags,
		.exports = exports,
		.export_count = count,
		.abi = run.abi,
		.needed_dirs = run.needed,
		.needed_dir_count = run.needed_count,
		.missing = miss,
	};
	struct modiso_image_info info = {.struct_size = sizeof(info)};
	struct modiso_image *image;
	int code, status = STATUS_OK;

	code = modiso_image_load(module, run.file, &options, &image);
	if (code != 0)
		return failed(code);
	code = modiso_image_get_info(image, &info);
	if (code != 0)
		return failed(code);
	if (run.call != NULL || info.entry != NULL)
		status = call(module, image);
	code = modiso_image_unload(image);
	if (code != 0 && status == STATUS_OK)
		status = failed(code);
	return status;
}

static int run_module(void)
{
	const struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = run.confinement,
		.time_limit_ms = run.timeout,
		.syscalls = run.syscalls ? syscalls_preset() :
					   (uint32_t)MODISO_SYSCALLS_OPEN,
	};
	struct modiso_service *service, *libc;
	struct modiso_module *module;
	const char *slash = strrchr(run.file, '/');
	char name[MODISO_NAME_SIZE];
	int code, status;

	snprintf(name, sizeof(name), "%s", slash ? slash + 1 : run.file);
	code = modiso_module_create(name[0] ? name : "module", &options,
				    &module);
	if (code != 0) {
		failed(code);
		return code == MODISO_ERR_NOTSUP ? STATUS_MISSING
						 : STATUS_REFUSED;
	}
	if (!syscalls_apply(module))
		return STATUS_USAGE;
	code = modiso_service_create("print", (modiso_fn)print, NULL, &service);
	if (code == 0)
		code = modiso_service_create("modiso_syscall",
					     modiso_syscall_function(), NULL,
					     &libc);
	if (code == 0)
		code = modiso_syscall_output(module, hear, NULL);
	if (code == 0)
		code = modiso_heap_create(module, HEAP_SIZE, NULL);
	if (code != 0)
		return failed(code);
	status = load_and_call(module,
			       (const struct modiso_export[]){
				       {"print", service},
				       {"modiso_syscall", libc},
			       },
			       2);
	if (run.syscalls != NULL && syscalls_print(module) != 0)
		perror("modiso-run");
	code = modiso_module_destroy(module);
	if (code == 0)
		code = modiso_service_destroy(service);
	if (code == 0)
		code = modiso_service_destroy(libc);
	return code != 0 && status == STATUS_OK ? failed(code) : status;
}

/* --- the command line --- */

/* "xyz is no number"; the word, then what is wrong with it. */
static void die(const char *word, const char *what)
{
	fprintf(stderr, "modiso-run: %s%s\ntry modiso-run --help\n", word,
		what);
	exit(STATUS_USAGE);
}

/* What was asked for alone: --help, --version. */
static _Noreturn void told(void)
{
	exit(output_written("modiso-run") ? STATUS_OK : STATUS_OUTPUT);
}

/* Which of these words of an option; they end with NULL. */
static uint32_t choose(const char *word, const char *const *words)
{
	char what[64];
	size_t used = 0;

	for (uint32_t i = 0; words[i] != NULL; i++) {
		if (strcmp(word, words[i]) == 0)
			return i;
		used += (size_t)snprintf(what + used, sizeof(what) - used,
					 "%s%s", i == 0 ? " is none of " : ", ",
					 words[i]);
	}
	die(word, what);
	return 0;
}

static bool number(const char *word, uintptr_t *out)
{
	char *end;

	errno = 0;
	*out = word[0] == '-' ? (uintptr_t)strtoll(word, &end, 0)
			      : (uintptr_t)strtoull(word, &end, 0);
	return errno == 0 && *word != '\0' && *end == '\0';
}

static uint32_t milliseconds(const char *word)
{
	uintptr_t value;

	if (!number(word, &value) || value == 0 || value > UINT32_MAX)
		die(word, " is no number of milliseconds, at least 1");
	return (uint32_t)value;
}

/* What follows --call ENTRY, up to what is neither number nor text. */
static void take_args(int argc, char **argv)
{
	for (; optind < argc; optind++) {
		const char *word = argv[optind];
		bool text = word[0] == ':';
		uintptr_t *value = &run.args[run.count % MODISO_WORDS_MAX];

		if (!text && !number(word, value)) {
			run.behind = word;
			return;
		}
		if (run.count == MODISO_WORDS_MAX)
			die(word,
			    " is one argument too many: 16 can be passed");
		run.text[run.count++] = text ? word + 1 : NULL;
	}
}

/* Of two words one is no module; behind --call it can be meant otherwise. */
static void second_module(const char *word)
{
	if (run.behind != NULL && run.behind[0] != '-')
		die(run.behind, " is no number; text is :TEXT");
	die(word, " is a second module, and one is run");
}

static void take_options(int argc, char **argv)
{
	static const char *const levels[] = {"guard", "readonly", "sealed",
					     NULL};
	static const char *const backends[] = {"auto", "pkey", "mprotect",
					       NULL};
	static const char *const formats[] = {"text", "json", NULL};
	static const struct option options[] = {
		{"call", required_argument, NULL, 'c'},
		{"expect", required_argument, NULL, 'e'},
		{"confine", required_argument, NULL, 'l'},
		{"backend", required_argument, NULL, 'b'},
		{"timeout", required_argument, NULL, 't'},
		{"syscalls", required_argument, NULL, 's'},
		{"abi", required_argument, NULL, 'a'},
		{"needed", required_argument, NULL, 'N'},
		{"ignore-needed", no_argument, NULL, 'n'},
		{"report", required_argument, NULL, 'r'},
		{"debugger", no_argument, NULL, 'd'},
		{"perf", no_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	int option;

	/* '-': words come in their order, the module's name among them. */
	while ((option = getopt_long(argc, argv, "-h", options, NULL)) != -1) {
		switch (option) {
		case 1:
			if (run.file != NULL)
				second_module(optarg);
			run.file = optarg;
			break;
		case 'c':
			run.call = optarg;
			take_args(argc, argv);
			break;
		case 'e':
			run.check = true;
			if (!number(optarg, &run.expected))
				die(optarg, " is no number");
			break;
		case 'l':
			run.confinement = choose(optarg, levels);
			break;
		case 'b':
			run.backend = choose(optarg, backends);
			break;
		case 't':
			run.timeout = milliseconds(optarg);
			break;
		case 's':
			run.syscalls = optarg;
			break;
		case 'a':
			run.abi = optarg;
			break;
		case 'N':
			if (run.needed_count == NEEDED_MAX)
				die(optarg, " is one directory too many: 16 "
					    "can be given");
			run.needed[run.needed_count++] = optarg;
			break;
		case 'n':
			run.flags |= MODISO_IMAGE_IGNORE_NEEDED;
			break;
		case 'r':
			run.json = choose(optarg, formats) == 1;
			break;
		case 'd':
			run.flags |= MODISO_IMAGE_DEBUGGER;
			break;
		case 'p':
			run.flags |= MODISO_IMAGE_PERF;
			break;
		case 'h':
			fputs(usage, stdout);
			told();
		case 'v':
			printf("modiso-run (libmodiso) %s\n", modiso_version());
			told();
		default:
			exit(STATUS_USAGE);
		}
	}
	if (run.file == NULL && optind < argc)
		run.file = argv[optind++];
	if (run.file == NULL)
		die("no module", ": name the file to load");
	if (optind < argc)
		second_module(argv[optind]);
	if (run.file == run.behind && access(run.file, F_OK) != 0)
		die(run.file, " is no number, and there is no such file; text "
			      "is :TEXT");
}

/* 77 is for what another machine could do. */
static int not_started(int code)
{
	failed(code);
	switch (code) {
	case MODISO_ERR_INVAL:
		return STATUS_USAGE;
	case MODISO_ERR_NOTSUP:
	case MODISO_ERR_NOKEY:
		return STATUS_MISSING;
	default:
		return STATUS_REFUSED;
	}
}

/* Reports are this program's business: it may have a child for them. */
static void ask_for_words(void)
{
	const char *said = getenv("MODISO_OPTIONS");
	char *all = NULL;

	if (asprintf(&all, "objdump=1:%s", said != NULL ? said : "") > 0)
		setenv("MODISO_OPTIONS", all, 1);
	free(all);
}

int main(int argc, char **argv)
{
	struct modiso_options options = {.struct_size = sizeof(options)};
	int code, status;

	take_options(argc, argv);
	options.backend = run.backend;
	ask_for_words();
	code = modiso_init(&options);
	if (code != 0)
		return not_started(code);
	if (run.syscalls != NULL && !syscalls_read(run.syscalls))
		return STATUS_USAGE;
	status = run_module();
	code = modiso_fini();
	if (code != 0 && status == STATUS_OK)
		status = failed(code);
	return output_written("modiso-run") ? status : STATUS_OUTPUT;
}
