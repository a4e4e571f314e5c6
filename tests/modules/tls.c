/* SPDX-License-Identifier: MIT */
/* Thread-local storage, which a module cannot have. */
static _Thread_local volatile int mine = 1;
int get(void);

__attribute__((visibility("default"))) int get(void)
{
	return mine++;
}
