/* SPDX-License-Identifier: MIT */
/*
 * modiso/export.h - the marks that the public declarations carry.
 */
#ifndef MODISO_EXPORT_H
#define MODISO_EXPORT_H

#if defined(__GNUC__)
#define MODISO_API __attribute__((visibility("default")))
#define MODISO_MUST_CHECK __attribute__((warn_unused_result))
#else
#define MODISO_API
#define MODISO_MUST_CHECK
#endif

#endif /* MODISO_EXPORT_H */
