/* SPDX-License-Identifier: MIT */
/*
 * sample_board.c - the board that ThreadX's own module sample is written for:
 * the module's image in flash memory at 0x30000, and memory at 0x20010000.
 *
 *	sample MODULE.BIN
 *
 * A real board has both before the first instruction of the program, so this
 * comes before its main(): it is linked with --wrap. Windows has something of
 * its own at 0x30000; so the image lies elsewhere, and those who load it from
 * there are told where.
 */
#include "tx_api.h"
#include "txm_module.h"

#include "board_memory.h"

#include <stdio.h>
#include <stdlib.h>

#define FLASH      ((VOID *)0x00030000)
#define FLASH_SIZE 0x00040000u
#define RAM        ((VOID *)0x20010000)
#define RAM_SIZE   0x00010000u

static VOID *flash;

extern int __real_main(void);
extern UINT __real__txm_module_manager_memory_load(
	TXM_MODULE_INSTANCE *instance, CHAR *name, VOID *location);
extern UINT __real__txm_module_manager_in_place_load(
	TXM_MODULE_INSTANCE *instance, CHAR *name, VOID *location);
int __wrap_main(int argc, char **argv);
UINT __wrap__txm_module_manager_memory_load(TXM_MODULE_INSTANCE *instance,
					    CHAR *name, VOID *location);
UINT __wrap__txm_module_manager_in_place_load(TXM_MODULE_INSTANCE *instance,
					      CHAR *name, VOID *location);

int __wrap_main(int argc, char **argv)
{
	FILE *image = argc == 2 ? fopen(argv[1], "rb") : NULL;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (image == NULL) {
		fprintf(stderr, "usage: sample MODULE.BIN\n");
		return EXIT_FAILURE;
	}
	flash = board_memory(NULL, FLASH_SIZE);
	board_memory(RAM, RAM_SIZE);
	if (fread(flash, 1, FLASH_SIZE, image) == 0) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	fclose(image);
	return __real_main();
}

UINT __wrap__txm_module_manager_memory_load(TXM_MODULE_INSTANCE *instance,
					    CHAR *name, VOID *location)
{
	return __real__txm_module_manager_memory_load(
		instance, name, location == FLASH ? flash : location);
}

UINT __wrap__txm_module_manager_in_place_load(TXM_MODULE_INSTANCE *instance,
					      CHAR *name, VOID *location)
{
	return __real__txm_module_manager_in_place_load(
		instance, name, location == FLASH ? flash : location);
}
