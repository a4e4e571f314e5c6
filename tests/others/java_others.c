/* SPDX-License-Identifier: MIT */
/*
 * java_others.c - the native methods of Others.java.
 */
#include "host.h"

#include <jni.h>

JNIEXPORT void JNICALL Java_Others_start(JNIEnv *env, jclass class);
JNIEXPORT jint JNICALL Java_Others_callGood(JNIEnv *env, jclass class);
JNIEXPORT jint JNICALL Java_Others_callBad(JNIEnv *env, jclass class);

JNIEXPORT void JNICALL Java_Others_start(JNIEnv *env, jclass class)
{
	(void)env;
	(void)class;
	start();
}

JNIEXPORT jint JNICALL Java_Others_callGood(JNIEnv *env, jclass class)
{
	(void)env;
	(void)class;
	return call_good();
}

JNIEXPORT jint JNICALL Java_Others_callBad(JNIEnv *env, jclass class)
{
	(void)env;
	(void)class;
	return call_bad();
}
