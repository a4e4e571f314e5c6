/* SPDX-License-Identifier: MIT */
/*
 * os/tracepoint.h - places that perf(1), bpftrace(8) and SystemTap can stop at:
 * static probes of <sys/sdt.h> (Debian: systemtap-sdt-dev), where that was
 * there to build with. Each is one instruction that does nothing, and a note in
 * the file. None is on the way of a call that is not recorded.
 *
 *	provider modiso
 *	module_create   id, name, number     number stands for the module below
 *	module_destroy  id, name, number
 *	gate_create     gate, module's number, function
 *	gate_destroy    gate, module's number
 *	service_create  number, name
 *	service_destroy number, name
 *	fault           module's name, kind, address, instruction
 *	wait_begin      module's number
 *	wait_end        module's number
 *	miss            gate                  only while calls are recorded
 */
#ifndef MDI_OS_TRACEPOINT_H
#define MDI_OS_TRACEPOINT_H

#ifdef HAVE_SYS_SDT_H
#include <sys/sdt.h>

#define MDI_PROBE1(name, a)          DTRACE_PROBE1(modiso, name, a)
#define MDI_PROBE2(name, a, b)       DTRACE_PROBE2(modiso, name, a, b)
#define MDI_PROBE3(name, a, b, c)    DTRACE_PROBE3(modiso, name, a, b, c)
#define MDI_PROBE4(name, a, b, c, d) DTRACE_PROBE4(modiso, name, a, b, c, d)
#else
#define MDI_PROBE1(name, a)          (void)(a)
#define MDI_PROBE2(name, a, b)       (void)(a), (void)(b)
#define MDI_PROBE3(name, a, b, c)    (void)(a), (void)(b), (void)(c)
#define MDI_PROBE4(name, a, b, c, d) (void)(a), (void)(b), (void)(c), (void)(d)
#endif

#endif /* MDI_OS_TRACEPOINT_H */
