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

/*
 * What a structure with a struct_size begins as: all zero, which asks for the
 * defaults, and its size. Each has a macro of its own, by its name:
 *
 *	struct modiso_module_options options = MODISO_MODULE_OPTIONS_INIT;
 */
#ifdef __cplusplus
extern "C++" {
namespace modiso_sized {
template <class Structure> inline Structure make()
{
	Structure structure = Structure();

	structure.struct_size = static_cast<unsigned>(sizeof(structure));
	return structure;
}
}
}
#	define MODISO_SIZED(name) (::modiso_sized::make<struct name>())
#else
#	define MODISO_SIZED(name) { .struct_size = sizeof(struct name) }
#endif

#endif /* MODISO_EXPORT_H */
