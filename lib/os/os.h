/* SPDX-License-Identifier: MIT */
/*
 * os/os.h - what an operating system supplies to everything above: the contents
 * of a port. os/linux/ is the one that there is.
 */
#ifndef MDI_OS_OS_H
#define MDI_OS_OS_H

#include "os/calls.h"    /* system calls that are made for a module */
#include "os/critical.h" /* code that no handler of the host may interrupt */
#include "os/dispatch.h" /* system calls that come to the library */
#include "os/event.h"    /* what the system says of a trap */
#include "os/file.h"     /* files as memory */
#include "os/guard.h"    /* what lies below a module's stack */
#include "os/libc.h"     /* functions that end a call, a thread, a process */
#include "os/limits.h"   /* why a call was refused */
#include "os/lock.h"     /* mutual exclusion */
#include "os/maps.h"     /* what is mapped where */
#include "os/memory.h"   /* address space, page protections and keys */
#include "os/objects.h"  /* the program and its shared objects */
#include "os/open.h"     /* rings of the kernel's, and threads for them */
#include "os/probe.h"    /* try in a copy of the process what may kill it */
#include "os/process.h"  /* threads, waiting, the clock, last words */
#include "os/program.h"  /* the heap, and stacks of threads */
#include "os/rseq.h"     /* words of a thread that the kernel believes */
#include "os/ticker.h"   /* a thread of the library's own; calling others */

#endif /* MDI_OS_OS_H */
