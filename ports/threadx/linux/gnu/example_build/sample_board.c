/* SPDX-License-Identifier: MIT */
/*
 * sample_board.c - the board that ThreadX's own module sample is written for:
 * the module's image in flash memory at 0x30000, and memory at 0x20010000.
 *
 *	sample MODULE.BIN
 *
 * A real board has both before the first instruction of the program, so this
 * is a constructor.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define FLASH      ((void *)0x00030000)
#define FLASH_SIZE 0x00040000u
#define RAM        ((void *)0x20010000)
#define RAM_SIZE   0x00010000u

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void put(void *where, size_t size)
{
	if (mmap(where, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		 0) != where)
		die("the board's memory");
}

__attribute__((constructor)) static void power_on(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		die("usage: sample MODULE.BIN");
	put(FLASH, FLASH_SIZE);
	put(RAM, RAM_SIZE);
	if (read(fd, FLASH, FLASH_SIZE) <= 0)
		die(argv[1]);
	close(fd);
}
