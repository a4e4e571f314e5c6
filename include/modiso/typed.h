/* SPDX-License-Identifier: MIT */
/*
 * modiso/typed.h - gates with the type of their entry, in C11.
 *
 * MODISO_TYPED_GATE(3) is the manual. In C++ there is <modiso.hpp>.
 */
#ifndef MODISO_TYPED_H
#define MODISO_TYPED_H

#include <modiso/error.h>
#include <modiso/export.h>
#include <modiso/gate.h>
#include <modiso/image.h>

#ifndef __cplusplus

/*
 * MODISO_TYPED_GATE(parse_gate, int, const char *, size_t);
 *
 * struct parse_gate, for entries of this type; without arguments: void. What
 * does not pass a gate does not compile. A type is spelled so that a * behind
 * it makes a pointer to it: a pointer to a function is a typedef.
 */
#define MODISO_TYPED_GATE(name, result, ...)                                   \
	struct name {                                                          \
		MODISO_TYPED_RESULT_(result);                                  \
		MODISO_TYPED_EACH_(MODISO_TYPED_PASSES_, __VA_ARGS__)          \
		_Static_assert(MODISO_TYPED_WORDS_(__VA_ARGS__) <=             \
				       MODISO_WORDS_MAX,                       \
			       "modiso: more than sixteen integers and "       \
			       "pointers");                                    \
		_Static_assert(MODISO_TYPED_NUMBERS_(__VA_ARGS__) <= 8,        \
			       "modiso: more than eight floats and doubles");  \
		union {                                                        \
			struct modiso_gate *gate;                              \
			char(*args_)[MODISO_TYPED_WORDS_(__VA_ARGS__) + 1]     \
				    [MODISO_TYPED_NUMBERS_(__VA_ARGS__) + 1];  \
		};                                                             \
		result (MODISO_CALL *call)(__VA_ARGS__);                       \
	}

/*
 * modiso_gate_create() and modiso_gate_thunk(), into *out; 0 or their codes. Of
 * @options word_args and float_args are what the type says.
 */
#define MODISO_TYPED_GATE_CREATE(module, entry, options, out)                  \
	(MODISO_TYPED_MUST_(                                                   \
		 __builtin_types_compatible_p(__typeof__((out)->call),         \
					      __typeof__(&*(entry))),          \
		 "modiso: the entry has another type than the gate"),          \
	 modiso_typed_gate_create_((module), (modiso_fn)(entry), (options),    \
				   sizeof(*(out)->args_) /                     \
						   sizeof(**(out)->args_) -    \
					   1,                                  \
				   sizeof(**(out)->args_) - 1,                 \
				   &(out)->gate, (void *)&(out)->call))

/*
 * modiso_image_gate() and modiso_gate_thunk() for what @image exports as @name,
 * into *out; 0 or their codes. The type is not checked.
 */
#define MODISO_TYPED_IMAGE_GATE(image, name, options, out)                     \
	modiso_typed_image_gate_((image), (name), (options),                   \
				 sizeof(*(out)->args_) /                       \
						 sizeof(**(out)->args_) -      \
					 1,                                    \
				 sizeof(**(out)->args_) - 1, &(out)->gate,     \
				 (void *)&(out)->call)

/*
 * A call with what came of it: MODISO_TYPED_CALL(value = parse.call(text, 1))
 * is 0, or a code of modiso_gate_call(); then the value is the gate's
 * fault_value.
 */
#define MODISO_TYPED_CALL(expression)                                          \
	((void)!modiso_gate_status(), (void)(expression), modiso_gate_status())

/* --- what these are made of --- */

#define MODISO_TYPED_MUST_(condition, text)                                    \
	((void)sizeof(struct {                                                 \
		int must;                                                      \
		_Static_assert(condition, text);                               \
	}))

/* An expression of that type, which is not evaluated; for void an int's. */
#define MODISO_TYPED_VALUE_(type)                                              \
	__builtin_choose_expr(__builtin_types_compatible_p(type, void), 0,     \
			      (((type(*)(void))0)()))
#define MODISO_TYPED_IS_NUMBER_(type)                                          \
	(__builtin_types_compatible_p(__typeof__(MODISO_TYPED_VALUE_(type)),   \
				      float) ||                                \
	 __builtin_types_compatible_p(__typeof__(MODISO_TYPED_VALUE_(type)),   \
				      double))
/* Integer, enum, bool, pointer: the numbers are gcc's, and clang's as well. */
#define MODISO_TYPED_IS_WORD_(type)                                            \
	(sizeof(MODISO_TYPED_VALUE_(type)) <= sizeof(uintptr_t) &&             \
	 (__builtin_classify_type(MODISO_TYPED_VALUE_(type)) == 1 ||           \
	  __builtin_classify_type(MODISO_TYPED_VALUE_(type)) == 3 ||           \
	  __builtin_classify_type(MODISO_TYPED_VALUE_(type)) == 4 ||           \
	  __builtin_classify_type(MODISO_TYPED_VALUE_(type)) == 5))
#define MODISO_TYPED_WORD_(type)                                               \
	(MODISO_TYPED_IS_WORD_(type) &&                                        \
	 !__builtin_types_compatible_p(type, void)) +
#define MODISO_TYPED_NUMBER_(type) MODISO_TYPED_IS_NUMBER_(type) +
#define MODISO_TYPED_WORDS_(...)                                               \
	(MODISO_TYPED_EACH_(MODISO_TYPED_WORD_, __VA_ARGS__) 0)
#define MODISO_TYPED_NUMBERS_(...)                                             \
	(MODISO_TYPED_EACH_(MODISO_TYPED_NUMBER_, __VA_ARGS__) 0)
#define MODISO_TYPED_PASSES_(type)                                             \
	_Static_assert(MODISO_TYPED_IS_WORD_(type) ||                          \
			       MODISO_TYPED_IS_NUMBER_(type),                  \
		       "modiso: " #type " does not pass a gate: integers of "  \
		       "up to 64 bits, enums, bool, pointers, float and "      \
		       "double do");
#define MODISO_TYPED_RESULT_(type)                                             \
	_Static_assert(MODISO_TYPED_IS_WORD_(type) ||                          \
			       MODISO_TYPED_IS_NUMBER_(type),                  \
		       "modiso: " #type " is no result of a gate: integers "   \
		       "of up to 64 bits, enums, bool, pointers, float, "      \
		       "double and void are")

/* @m of each of one to twenty-four types: all that pass at once. */
#define MODISO_TYPED_EACH_(m, ...)                                             \
	MODISO_TYPED_PICK_(__VA_ARGS__, MODISO_TYPED_24_, MODISO_TYPED_23_,    \
			   MODISO_TYPED_22_, MODISO_TYPED_21_,                 \
			   MODISO_TYPED_20_, MODISO_TYPED_19_,                 \
			   MODISO_TYPED_18_, MODISO_TYPED_17_,                 \
			   MODISO_TYPED_16_, MODISO_TYPED_15_,                 \
			   MODISO_TYPED_14_, MODISO_TYPED_13_,                 \
			   MODISO_TYPED_12_, MODISO_TYPED_11_,                 \
			   MODISO_TYPED_10_, MODISO_TYPED_9_,                  \
			   MODISO_TYPED_8_, MODISO_TYPED_7_, MODISO_TYPED_6_,  \
			   MODISO_TYPED_5_, MODISO_TYPED_4_, MODISO_TYPED_3_,  \
			   MODISO_TYPED_2_, MODISO_TYPED_1_, 0)                \
	(m, __VA_ARGS__)
#define MODISO_TYPED_PICK_(a, b, c, d, e, f, g, h, i, j, k, l,                 \
			   m, n, o, p, q, r, s, t, u, v, w, x, o_, ...)        \
	o_
#define MODISO_TYPED_1_(m, a)       m(a)
#define MODISO_TYPED_2_(m, a, ...)  m(a) MODISO_TYPED_1_(m, __VA_ARGS__)
#define MODISO_TYPED_3_(m, a, ...)  m(a) MODISO_TYPED_2_(m, __VA_ARGS__)
#define MODISO_TYPED_4_(m, a, ...)  m(a) MODISO_TYPED_3_(m, __VA_ARGS__)
#define MODISO_TYPED_5_(m, a, ...)  m(a) MODISO_TYPED_4_(m, __VA_ARGS__)
#define MODISO_TYPED_6_(m, a, ...)  m(a) MODISO_TYPED_5_(m, __VA_ARGS__)
#define MODISO_TYPED_7_(m, a, ...)  m(a) MODISO_TYPED_6_(m, __VA_ARGS__)
#define MODISO_TYPED_8_(m, a, ...)  m(a) MODISO_TYPED_7_(m, __VA_ARGS__)
#define MODISO_TYPED_9_(m, a, ...)  m(a) MODISO_TYPED_8_(m, __VA_ARGS__)
#define MODISO_TYPED_10_(m, a, ...) m(a) MODISO_TYPED_9_(m, __VA_ARGS__)
#define MODISO_TYPED_11_(m, a, ...) m(a) MODISO_TYPED_10_(m, __VA_ARGS__)
#define MODISO_TYPED_12_(m, a, ...) m(a) MODISO_TYPED_11_(m, __VA_ARGS__)
#define MODISO_TYPED_13_(m, a, ...) m(a) MODISO_TYPED_12_(m, __VA_ARGS__)
#define MODISO_TYPED_14_(m, a, ...) m(a) MODISO_TYPED_13_(m, __VA_ARGS__)
#define MODISO_TYPED_15_(m, a, ...) m(a) MODISO_TYPED_14_(m, __VA_ARGS__)
#define MODISO_TYPED_16_(m, a, ...) m(a) MODISO_TYPED_15_(m, __VA_ARGS__)
#define MODISO_TYPED_17_(m, a, ...) m(a) MODISO_TYPED_16_(m, __VA_ARGS__)
#define MODISO_TYPED_18_(m, a, ...) m(a) MODISO_TYPED_17_(m, __VA_ARGS__)
#define MODISO_TYPED_19_(m, a, ...) m(a) MODISO_TYPED_18_(m, __VA_ARGS__)
#define MODISO_TYPED_20_(m, a, ...) m(a) MODISO_TYPED_19_(m, __VA_ARGS__)
#define MODISO_TYPED_21_(m, a, ...) m(a) MODISO_TYPED_20_(m, __VA_ARGS__)
#define MODISO_TYPED_22_(m, a, ...) m(a) MODISO_TYPED_21_(m, __VA_ARGS__)
#define MODISO_TYPED_23_(m, a, ...) m(a) MODISO_TYPED_22_(m, __VA_ARGS__)
#define MODISO_TYPED_24_(m, a, ...) m(a) MODISO_TYPED_23_(m, __VA_ARGS__)

static inline struct modiso_gate_options
modiso_typed_gate_counted_(const struct modiso_gate_options *options,
			   size_t words, size_t numbers)
{
	struct modiso_gate_options counted = MODISO_GATE_OPTIONS_INIT;

	if (options != NULL)
		counted = *options;
	counted.word_args = (uint32_t)words;
	counted.float_args = (uint32_t)numbers;
	return counted;
}

static inline int modiso_typed_gate_thunk_(struct modiso_gate *made,
					   struct modiso_gate **gate,
					   void *call)
{
	modiso_fn thunk;
	int result = modiso_gate_thunk(made, &thunk);

	if (result != MODISO_OK) {
		modiso_gate_destroy(made);
		return result;
	}
	*gate = made;
	__builtin_memcpy(call, &thunk, sizeof(thunk));
	return MODISO_OK;
}

static inline int
modiso_typed_gate_create_(struct modiso_module *module, modiso_fn entry,
			  const struct modiso_gate_options *options,
			  size_t words, size_t numbers,
			  struct modiso_gate **gate, void *call)
{
	const struct modiso_gate_options counted =
		modiso_typed_gate_counted_(options, words, numbers);
	struct modiso_gate *made;
	int result = modiso_gate_create(module, entry, &counted, &made);

	if (result != MODISO_OK)
		return result;
	return modiso_typed_gate_thunk_(made, gate, call);
}

static inline int
modiso_typed_image_gate_(const struct modiso_image *image, const char *name,
			 const struct modiso_gate_options *options,
			 size_t words, size_t numbers,
			 struct modiso_gate **gate, void *call)
{
	const struct modiso_gate_options counted =
		modiso_typed_gate_counted_(options, words, numbers);
	struct modiso_gate *made;
	int result = modiso_image_gate(image, name, &counted, &made);

	if (result != MODISO_OK)
		return result;
	return modiso_typed_gate_thunk_(made, gate, call);
}

#endif

#endif /* MODISO_TYPED_H */
