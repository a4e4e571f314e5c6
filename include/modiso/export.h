/* SPDX-License-Identifier: MIT */
/*
 * modiso/export.h - the marks that the public declarations carry.
 */
#ifndef MODISO_EXPORT_H
#define MODISO_EXPORT_H

#if defined(_WIN32) && defined(MODISO_BUILDS_DLL)
#define MODISO_API __declspec(dllexport)
#elif defined(__GNUC__)
#define MODISO_API __attribute__((visibility("default")))
#else
#define MODISO_API
#endif
#if defined(__GNUC__)
#define MODISO_MUST_CHECK __attribute__((warn_unused_result))
#else
#define MODISO_MUST_CHECK
#endif

/*
 * How modules and the host call each other: an entry, a service and their
 * thunks go by the System V calling convention on every system, so that one
 * module runs on all of them. Where that is not what a compiler takes by itself
 * this stands in front of such a function, and in front of the star of a
 * pointer to one:
 *
 *	MODISO_CALL int entry(int value);
 *	int (MODISO_CALL *call)(int) = (int (MODISO_CALL *)(int))thunk;
 */
#if defined(_WIN32)
#define MODISO_CALL __attribute__((sysv_abi))
#else
#define MODISO_CALL
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
