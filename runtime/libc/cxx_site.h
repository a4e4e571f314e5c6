/* SPDX-License-Identifier: MIT */
/*
 * What a build of libc++ decides, <__config_site> of a module's: the C library
 * is musl's, with mutexes and no threads, and all of it is hidden.
 */
#define _LIBCPP_ABI_VERSION   1
#define _LIBCPP_ABI_NAMESPACE __1
#define _LIBCPP_HAS_MUSL_LIBC
#define _LIBCPP_HAS_THREAD_API_PTHREAD
#define _LIBCPP_DISABLE_VISIBILITY_ANNOTATIONS
#define _LIBCPP_HAS_NO_VENDOR_AVAILABILITY_ANNOTATIONS
