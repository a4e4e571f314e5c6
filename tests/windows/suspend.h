/* SPDX-License-Identifier: MIT */
/*
 * windows/suspend.h - a task that is stopped by SuspendThread().
 */
#ifndef TESTS_WINDOWS_SUSPEND_H
#define TESTS_WINDOWS_SUSPEND_H

#include <pthread.h>
#include <windows.h>

/* It stands, outside of the library's critical code, and stands aside. */
HANDLE suspend_task(pthread_t thread);
void resume_task(HANDLE handle);

/* So often it had to go on first. */
extern unsigned long stood_badly;

#endif /* TESTS_WINDOWS_SUSPEND_H */
