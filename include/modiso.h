/* SPDX-License-Identifier: MIT */
/*
 * modiso.h - isolate modules inside one process.
 *
 * The only header that an application names. It includes one header for each
 * noun of the library, in the order in which a program meets them.
 */
#ifndef MODISO_H
#define MODISO_H

#include <modiso/version.h>
#include <modiso/export.h>
#include <modiso/error.h>
#include <modiso/backend.h>
#include <modiso/init.h>
#include <modiso/module.h>
#include <modiso/region.h>
#include <modiso/gate.h>
#include <modiso/typed.h>
#include <modiso/service.h>
#include <modiso/arguments.h>
#include <modiso/libc.h>
#include <modiso/syscall.h>
#include <modiso/code.h>
#include <modiso/image.h>
#include <modiso/heap.h>
#include <modiso/mailbox.h>
#include <modiso/snapshot.h>
#include <modiso/window.h>
#include <modiso/range.h>
#include <modiso/fault.h>
#include <modiso/permissive.h>
#include <modiso/record.h>
#include <modiso/fiber.h>
#include <modiso/thread.h>
#include <modiso/signal.h>
#include <modiso/scan.h>
#include <modiso/audit.h>

#endif /* MODISO_H */
