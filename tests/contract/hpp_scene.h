/* SPDX-License-Identifier: MIT */
/*
 * contract/hpp_scene.h - programs with <modiso.hpp>, for contract_hpp. Each
 * starts the library and ends it, and returns NULL, or what is not so.
 */
#ifndef TESTS_CONTRACT_HPP_SCENE_H
#define TESTS_CONTRACT_HPP_SCENE_H

#ifdef __cplusplus
extern "C" {
#endif

const char *hpp_words(void);
const char *hpp_numbers(void);
const char *hpp_errors(void);
const char *hpp_exceptions(void);
const char *hpp_lives(void);
const char *hpp_memory(void);
const char *hpp_grants(void);
const char *hpp_mail(void);
const char *hpp_services(void);
const char *hpp_pointers(void);
const char *hpp_options(void);
/* @path: an image that exports count(), as tests/modules/count.c. */
const char *hpp_image(const char *path);

#ifdef __cplusplus
}
#endif

#endif /* TESTS_CONTRACT_HPP_SCENE_H */
