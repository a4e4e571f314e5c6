/* SPDX-License-Identifier: MIT */
/*
 * bench_parser.c - a library that reads untrusted input: expat, unchanged, over
 * ten megabytes of XML. Called as any library; in a module, where its memory is
 * the module's heap and its callbacks run; in another process, by pipes.
 *
 * libexpat.so.1 is opened when a row is run, so that nothing else needs it.
 */
#include "bench.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEGABYTES 10
#define LENGTH    ((size_t)MEGABYTES * 1000000)
#define CHUNK     ((size_t)65536) /* that the program has read, say */
#define HEAP_SIZE ((size_t)16 << 20)

/* As <expat.h> has them. */
struct expat_memory {
	void *(*take)(size_t size);
	void *(*resize)(void *block, size_t size);
	void (*give)(void *block);
};

typedef void expat_start(void *arg, const char *name, const char **attributes);
typedef void expat_text(void *arg, const char *text, int length);

static struct {
	void *(*create)(const char *encoding, const struct expat_memory *memory,
			const char *separator);
	void (*set_arg)(void *parser, void *arg);
	void (*set_start)(void *parser, expat_start *start, void *end);
	void (*set_text)(void *parser, expat_text *text);
	int (*parse)(void *parser, const char *bytes, int length, int last);
	void (*destroy)(void *parser);
} expat;

static char *document;
static uint64_t elements; /* in it */

/* What the callbacks count. */
struct seen {
	uint64_t elements, bytes;
};

static void on_start(void *arg, const char *name, const char **attributes)
{
	struct seen *seen = arg;

	(void)name;
	(void)attributes;
	seen->elements++;
}

static void on_text(void *arg, const char *text, int length)
{
	struct seen *seen = arg;

	(void)text;
	seen->bytes += (uint64_t)length;
}

static const struct {
	const char *name;
	void *function;
} names[] = {
	{ "XML_ParserCreate_MM", &expat.create },
	{ "XML_SetUserData", &expat.set_arg },
	{ "XML_SetElementHandler", &expat.set_start },
	{ "XML_SetCharacterDataHandler", &expat.set_text },
	{ "XML_Parse", &expat.parse },
	{ "XML_ParserFree", &expat.destroy },
};

static int find_expat(void)
{
	void *library = dlopen("libexpat.so.1", RTLD_NOW | RTLD_LOCAL), *found;

	if (library == NULL)
		return bench_say(BENCH_ABSENT,
				 "no libexpat.so.1: install the Debian package "
				 "libexpat1");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		found = dlsym(library, names[i].name);
		if (found == NULL)
			return bench_say(BENCH_ABSENT, "libexpat.so.1 has no "
						       "%s",
					 names[i].name);
		memcpy(names[i].function, &found, sizeof(found));
	}
	return 0;
}

/* Records of some 150 bytes; what is left at the end is blanks. */
static int make_document(void)
{
	static const char end[] = "</records>\n";
	size_t used;

	document = malloc(LENGTH + 1);
	if (document == NULL)
		return bench_say(BENCH_FAILED, "malloc: %s", strerror(errno));
	used = (size_t)sprintf(document,
			       "<?xml version=\"1.0\"?>\n<records>\n");
	for (elements = 1; LENGTH - used > 512; elements += 3)
		used += (size_t)sprintf(
			document + used,
			"<record id=\"%u\" kind=\"%s\">\n  <name>number %u"
			"</name>\n  <value unit=\"ms\">%u.%u</value>\n"
			"</record>\n",
			(unsigned)elements,
			elements % 2 ? "measured" : "&lt;made&gt;",
			(unsigned)elements, (unsigned)elements % 997,
			(unsigned)elements % 10);
	memset(document + used, ' ', LENGTH - used);
	memcpy(document + LENGTH - (sizeof(end) - 1), end, sizeof(end) - 1);
	return 0;
}

static int need_expat(void)
{
	int rc = expat.destroy == NULL ? find_expat() : 0;

	return rc == 0 && document == NULL ? make_document() : rc;
}

static int check(const struct seen *seen)
{
	return seen->elements == elements && seen->bytes > LENGTH / 10 ?
		       0 :
		       bench_say(BENCH_FAILED,
				 "expat has seen %llu elements of %llu",
				 (unsigned long long)seen->elements,
				 (unsigned long long)elements);
}

/* --- as any library --- */

/* Module code, too. */
static uintptr_t begin_parser(const struct expat_memory *memory,
			      struct seen *seen)
{
	void *parser = expat.create(NULL, memory, NULL);

	if (parser == NULL)
		return 0;
	expat.set_arg(parser, seen);
	expat.set_start(parser, on_start, NULL);
	expat.set_text(parser, on_text);
	return (uintptr_t)parser;
}

static int run_plain(uint64_t rounds)
{
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		struct seen seen = { 0, 0 };
		void *parser = (void *)begin_parser(NULL, &seen);

		if (parser == NULL)
			return bench_say(BENCH_FAILED, "XML_ParserCreate_MM");
		for (size_t at = 0; at < LENGTH; at += CHUNK) {
			size_t part = LENGTH - at < CHUNK ? LENGTH - at : CHUNK;

			(void)expat.parse(parser, document + at, (int)part,
					  at + part == LENGTH);
		}
		rc = check(&seen);
		expat.destroy(parser);
	}
	return rc;
}

/* --- in another process --- */

static int to_parser = -1, from_parser = -1;
static pid_t parser_pid;

/* One document after the other, each answered by what was in it. */
static void serve(int in, int out)
{
	static char chunk[CHUNK];
	struct seen seen = { 0, 0 };
	void *parser = (void *)begin_parser(NULL, &seen);
	size_t at = 0;
	ssize_t got;

	while (parser != NULL && (got = read(in, chunk, CHUNK)) > 0) {
		at += (size_t)got;
		(void)expat.parse(parser, chunk, (int)got, at == LENGTH);
		if (at < LENGTH)
			continue;
		if (write(out, &seen, sizeof(seen)) != sizeof(seen))
			break;
		expat.destroy(parser);
		memset(&seen, 0, sizeof(seen));
		parser = (void *)begin_parser(NULL, &seen);
		at = 0;
	}
	_exit(0);
}

static void process_end(void)
{
	close(to_parser);
	close(from_parser);
	while (parser_pid > 0 && waitpid(parser_pid, NULL, 0) < 0)
		if (errno != EINTR)
			break;
	parser_pid = 0;
}

static int process_begin(void)
{
	int rc = need_expat(), down[2], up[2];

	if (rc != 0)
		return rc;
	if (pipe(down) != 0)
		return bench_say(BENCH_FAILED, "pipe: %s", strerror(errno));
	if (pipe(up) != 0) {
		close(down[0]);
		close(down[1]);
		return bench_say(BENCH_FAILED, "pipe: %s", strerror(errno));
	}
	parser_pid = fork();
	if (parser_pid == 0) {
		close(down[1]);
		close(up[0]);
		serve(down[0], up[1]);
	}
	close(down[0]);
	close(up[1]);
	to_parser = down[1];
	from_parser = up[0];
	if (parser_pid > 0)
		return 0;
	rc = bench_say(BENCH_FAILED, "fork: %s", strerror(errno));
	process_end();
	return rc;
}

static int run_process(uint64_t rounds)
{
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		struct seen seen = { 0, 0 };
		size_t at = 0;
		ssize_t put;

		for (; at < LENGTH; at += (size_t)put) {
			size_t part = LENGTH - at < CHUNK ? LENGTH - at : CHUNK;

			put = write(to_parser, document + at, part);
			if (put <= 0)
				return bench_say(BENCH_FAILED, "write: %s",
						 strerror(errno));
		}
		if (read(from_parser, &seen, sizeof(seen)) != sizeof(seen))
			return bench_say(BENCH_FAILED, "the parser's process "
						       "has ended");
		rc = check(&seen);
	}
	return rc;
}

/* --- in a module --- */

static struct modiso_module *module;
static struct modiso_service *services[3];
static struct modiso_gate *begin_gate, *parse_gate, *end_gate;
static struct expat_memory memory;

/* Module code. */
static uintptr_t parse_inside(void *parser, const char *bytes, size_t length,
			      int last)
{
	return (uintptr_t)expat.parse(parser, bytes, (int)length, last);
}

static uintptr_t end_inside(void *parser)
{
	expat.destroy(parser);
	return 0;
}

static int make_services(void)
{
	static const struct {
		const char *name;
		enum modiso_heap_function function;
	} calls[] = {
		{ "malloc", MODISO_HEAP_MALLOC },
		{ "realloc", MODISO_HEAP_REALLOC },
		{ "free", MODISO_HEAP_FREE },
	};
	int rc = 0;

	for (int i = 0; rc == 0 && i < 3; i++)
		rc = bench_check(
			"modiso_service_create",
			modiso_service_create(
				calls[i].name,
				modiso_heap_function(calls[i].function), NULL,
				&services[i]));
	if (rc != 0)
		return rc;
	memory.take = (void *(*)(size_t))modiso_service_thunk(services[0]);
	memory.resize =
		(void *(*)(void *, size_t))modiso_service_thunk(services[1]);
	memory.give = (void (*)(void *))modiso_service_thunk(services[2]);
	return 0;
}

static int make_gate(modiso_fn entry, struct modiso_gate **gate)
{
	return bench_check("modiso_gate_create",
			   modiso_gate_create(module, entry, NULL, gate));
}

static int parser_open(void)
{
	int rc = bench_check("modiso_module_create",
			     modiso_module_create("parser", NULL, &module));

	if (rc == 0)
		rc = bench_check("modiso_heap_create",
				 modiso_heap_create(module, HEAP_SIZE, NULL));
	if (rc == 0)
		rc = make_services();
	if (rc == 0)
		rc = make_gate((modiso_fn)begin_parser, &begin_gate);
	if (rc == 0)
		rc = make_gate((modiso_fn)parse_inside, &parse_gate);
	return rc != 0 ? rc : make_gate((modiso_fn)end_inside, &end_gate);
}

static void parser_close(void)
{
	bench_check("modiso_module_destroy", modiso_module_destroy(module));
	for (int i = 0; i < 3; i++)
		bench_check("modiso_service_destroy",
			    modiso_service_destroy(services[i]));
}

static int parse_once(struct seen *seen)
{
	uintptr_t args[4] = { (uintptr_t)&memory, (uintptr_t)seen };
	uintptr_t parser = 0, done = 1;
	int rc = modiso_gate_call(begin_gate, args, 2, &parser);

	for (size_t at = 0; rc == 0 && done && at < LENGTH; at += CHUNK) {
		size_t part = LENGTH - at < CHUNK ? LENGTH - at : CHUNK;

		args[0] = parser;
		args[1] = (uintptr_t)(document + at);
		args[2] = part;
		args[3] = at + part == LENGTH;
		rc = modiso_gate_call(parse_gate, args, 4, &done);
	}
	args[0] = parser;
	if (rc == 0)
		rc = modiso_gate_call(end_gate, args, 1, NULL);
	return bench_check("modiso_gate_call", rc);
}

static int run_module(uint64_t rounds)
{
	struct seen *seen;
	void *block;
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		rc = bench_check("modiso_heap_alloc",
				 modiso_heap_alloc(module, sizeof(*seen), 0,
						   MODISO_HEAP_ZERO, &block));
		if (rc != 0)
			break;
		seen = block;
		rc = parse_once(seen);
		if (rc == 0)
			rc = check(seen);
		if (rc == 0)
			rc = bench_check("modiso_heap_free",
					 modiso_heap_free(module, block));
	}
	return rc;
}

#define FLAGS (BENCH_HEAVY | BENCH_TIMED | BENCH_RARE)

static const char one_way[] = "one way";

static const struct bench_row plain_rows[] = {
	{ ROW_PARSER, one_way, FLAGS, MEGABYTES, run_plain, need_expat, NULL },
	{ ROW_PARSER_PROCESS, one_way, FLAGS, MEGABYTES,
	  run_process, process_begin, process_end },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

const struct bench_subject bench_parser_plain = {
	.rows = plain_rows,
};

static const struct bench_row rows[] = {
	{ ROW_PARSER, one_way, FLAGS, MEGABYTES, run_module, need_expat, NULL },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

const struct bench_subject bench_parser = {
	.rows = rows,
	.open = parser_open,
	.close = parser_close,
};
