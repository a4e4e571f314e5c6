/* SPDX-License-Identifier: MIT */
/*
 * core/sizes.h - the size that each public structure with a struct_size had in
 * the first version: the smallest that a program can hand over.
 */
#ifndef MDI_CORE_SIZES_H
#define MDI_CORE_SIZES_H

#include <modiso.h>

#include "base/options.h"

/*
 * Up to and with @member, the last one of that version. It stays that member
 * when others come behind it. There was no padding behind it, so a program of
 * that version has nothing where they come.
 */
#define MDI_UP_TO(type, member)                                                \
	(offsetof(struct type, member) + sizeof(((struct type *)NULL)->member))

#define MDI_SIZE_OPTIONS         MDI_UP_TO(modiso_options, exclusion)
#define MDI_SIZE_MODULE_OPTIONS  MDI_UP_TO(modiso_module_options, unused)
#define MDI_SIZE_REGION_OPTIONS  MDI_UP_TO(modiso_region_options, unused)
#define MDI_SIZE_GATE_OPTIONS    MDI_UP_TO(modiso_gate_options, fault_value)
#define MDI_SIZE_SERVICE_OPTIONS MDI_UP_TO(modiso_service_options, flags)
#define MDI_SIZE_IMAGE_OPTIONS   MDI_UP_TO(modiso_image_options, abi)
#define MDI_SIZE_FLAT            MDI_UP_TO(modiso_flat, symbol_count)

#define MDI_SIZE_BACKEND_INFO MDI_UP_TO(modiso_backend_info, reason)
#define MDI_SIZE_REGION_INFO  MDI_UP_TO(modiso_region_info, granted)
#define MDI_SIZE_IMAGE_INFO   MDI_UP_TO(modiso_image_info, name)
#define MDI_SIZE_HEAP_INFO    MDI_UP_TO(modiso_heap_info, refused)
#define MDI_SIZE_SCAN_INFO    MDI_UP_TO(modiso_scan_info, reserved)
#define MDI_SIZE_FAULT        MDI_UP_TO(modiso_fault, overrun)

#endif /* MDI_CORE_SIZES_H */
