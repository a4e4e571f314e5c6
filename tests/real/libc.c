/* SPDX-License-Identifier: MIT */
/*
 * What zlib and expat want of a C library, inside the module: memory from an
 * array, and no environment, clock, or files.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ROOM ((size_t)16 << 20)

static _Alignas(16) unsigned char room[ROOM];
static size_t used;

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void free(void *memory);
char *getenv(const char *name);
int fprintf(void *stream, const char *format, ...);
void __assert_fail(const char *what, const char *file, unsigned line,
		   const char *function);
int *__errno_location(void);
int open(const char *path, int flags, ...);
long read(int fd, void *to, size_t length);
int close(int fd);
int getpid(void);
int gettimeofday(void *time, void *zone);
unsigned long strtoul(const char *text, char **end, int base);
void arc4random_buf(void *to, size_t length);
void forget(void);

void *stderr;

/* All of it, between one file and the next. */
__attribute__((visibility("default"))) void forget(void)
{
	used = 0;
}

/* The size stands in front. */
void *malloc(size_t size)
{
	size_t *block;

	if (size > ROOM - 64 || ROOM - used < size + 48)
		return NULL;
	block = (void *)(room + used);
	block[0] = size;
	used += (size + 16 + 15) & ~(size_t)15;
	return block + 2;
}

void *calloc(size_t count, size_t size)
{
	void *memory;

	if (size != 0 && count > ROOM / size)
		return NULL;
	memory = malloc(count * size);
	return memory != NULL ? memset(memory, 0, count * size) : NULL;
}

void *realloc(void *old, size_t size)
{
	void *memory = malloc(size);
	size_t before = old != NULL ? ((size_t *)old)[-2] : 0;

	if (memory != NULL && old != NULL)
		memcpy(memory, old, before < size ? before : size);
	return memory;
}

void free(void *memory)
{
	(void)memory;
}

char *getenv(const char *name)
{
	(void)name;
	return NULL;
}

int fprintf(void *stream, const char *format, ...)
{
	(void)stream;
	(void)format;
	return 0;
}

void __assert_fail(const char *what, const char *file, unsigned line,
		   const char *function)
{
	(void)what;
	(void)file;
	(void)line;
	(void)function;
	__builtin_trap();
}

int *__errno_location(void)
{
	static int error;

	return &error;
}

int open(const char *path, int flags, ...)
{
	(void)path;
	(void)flags;
	return -1;
}

long read(int fd, void *to, size_t length)
{
	(void)fd;
	(void)to;
	(void)length;
	return -1;
}

int close(int fd)
{
	(void)fd;
	return -1;
}

int getpid(void)
{
	return 1;
}

int gettimeofday(void *time, void *zone)
{
	(void)zone;
	memset(time, 0, 16);
	return 0;
}

unsigned long strtoul(const char *text, char **end, int base)
{
	(void)base;
	if (end != NULL)
		*end = (char *)(uintptr_t)text;
	return 0;
}

void arc4random_buf(void *to, size_t length)
{
	memset(to, 4, length);
}
