/* SPDX-License-Identifier: MIT */
/* sys/utsname.h - which Windows this is. */
#ifndef MODISO_TOOLS_UTSNAME_H
#define MODISO_TOOLS_UTSNAME_H

struct utsname {
	char sysname[16], release[64], machine[16];
};

int uname(struct utsname *name);

#endif /* MODISO_TOOLS_UTSNAME_H */
