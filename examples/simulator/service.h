/* SPDX-License-Identifier: MIT */
/*
 * service.h - what device models may ask of the kernel.
 *
 * Services are host code with the host's rights, called by code that is not
 * trusted: every handle, address and pointer is checked before it is used.
 */
#ifndef SIMULATOR_SERVICE_H
#define SIMULATOR_SERVICE_H

#include "device.h"
#include "kernel.h"

/* Makes the four services; @out receives what models call. */
int service_create_all(struct kernel *kernel, struct device_services *out);

#endif /* SIMULATOR_SERVICE_H */
