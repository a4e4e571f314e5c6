/* SPDX-License-Identifier: MIT */
/*
 * lib_plugin.c - a library that uses modules for itself.
 */
#include "host.h"

int plugin_work(void);

int plugin_work(void)
{
	start();
	use("in the plug-in");
	return 0;
}
