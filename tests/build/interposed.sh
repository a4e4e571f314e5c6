#!/bin/sh
# SPDX-License-Identifier: MIT
#
# interposed.sh - what the library has to see of a process it sees from every
# object: from shared libraries that know nothing of it, in any link order,
# loaded later, or reached by a program that is not linked with it itself.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

if [ ! -e "$top_builddir/lib/.libs/libmodiso.so" ]; then
	skip_all "built without a shared library"
fi
case " ${CFLAGS:-} ${SANITIZER_CFLAGS:-}" in
*-fsanitize=*) skip_all "a sanitizer has to come first in every program" ;;
esac

lib=$(cd "$top_builddir/lib/.libs" && pwd)
LD_LIBRARY_PATH=$scratch:$lib
export LD_LIBRARY_PATH
unset MODISO_BACKEND

# A crash reporter, and a library that reports errors by longjmp().
cat >"$scratch/other.c" <<'END'
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sigaction before;

static void report(int signo, siginfo_t *info, void *context)
{
	static const char text[] = "reported\n";

	if (info->si_code <= 0 && write(STDERR_FILENO, text, 9) == 9)
		_exit(77);
	if (before.sa_flags & SA_SIGINFO)
		before.sa_sigaction(signo, info, context);
	else if (before.sa_handler != SIG_DFL)
		before.sa_handler(signo);
	else
		_exit(78);
}

void other_init(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = report;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigaction(SIGSEGV, &action, &before);
}

void other_jump(jmp_buf to)
{
	longjmp(to, 1);
}
END

# What the program does, in a function that a library can have as well.
cat >"$scratch/use.c" <<'END'
#include <modiso.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OK(call)                                                               \
	do {                                                                   \
		int code = (call);                                             \
		if (code != MODISO_OK) {                                       \
			printf("line %d: %s\n", __LINE__,                      \
			       modiso_last_error_text());                      \
			exit(9);                                               \
		}                                                              \
	} while (0)

static struct modiso_module *module;
static struct modiso_region *hosts;
static struct modiso_gate *good, *bad, *leave;
static uintptr_t (*service)(void);
static jmp_buf out;
static void (*jump)(jmp_buf to);

static uintptr_t do_good(uintptr_t value)
{
	return value + 1;
}

static uintptr_t do_bad(uintptr_t address)
{
	return *(volatile unsigned char *)address;
}

static uintptr_t serve(void)
{
	jump(out);
	return 0;
}

static uintptr_t do_leave(uintptr_t unused)
{
	(void)unused;
	return service();
}

static void check(const char *when)
{
	uintptr_t one = 1, address = (uintptr_t)modiso_region_base(hosts);
	uintptr_t two = 0;
	int code;

	OK(modiso_gate_call(good, &one, 1, &two));
	code = modiso_gate_call(bad, &address, 1, NULL);
	if (two != 2 || code != MODISO_ERR_FAULT) {
		printf("%s: %d\n", when, code);
		exit(8);
	}
}

int use(void (*other_init)(void), void (*other_jump)(jmp_buf to), int adopt)
{
	struct modiso_service *made;
	uintptr_t word = 0;
	volatile int i;

	OK(modiso_init(NULL));
	OK(modiso_module_create("module", NULL, &module));
	OK(modiso_region_create(NULL, 4096, MODISO_READ | MODISO_WRITE, NULL,
				&hosts));
	OK(modiso_gate_create(module, (modiso_fn)do_good, NULL, &good));
	OK(modiso_gate_create(module, (modiso_fn)do_bad, NULL, &bad));
	OK(modiso_gate_create(module, (modiso_fn)do_leave, NULL, &leave));
	OK(modiso_service_create("serve", (modiso_fn)serve, NULL, &made));
	service = (uintptr_t(*)(void))modiso_service_thunk(made);
	check("before");
	other_init();
	if (adopt)
		OK(modiso_signal_adopt());
	check("after");
	jump = other_jump;
	for (i = 0; other_jump != NULL && i < 100; i++)
		if (setjmp(out) == 0 &&
		    modiso_gate_call(leave, &word, 1, NULL) != 1)
			exit(6); /* it does not come back */
	check("after jumps");
	fflush(stdout);
	/* Nobody's fault: the newcomer is told. */
	kill(getpid(), SIGSEGV);
	return 7;
}
END

cat >"$scratch/main.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <setjmp.h>
#include <stdio.h>

typedef void init_fn(void);
typedef void jump_fn(jmp_buf to);

int use(init_fn *init, jump_fn *jump, int adopt);

#ifdef LINKED
void other_init(void);
void other_jump(jmp_buf to);

int main(void)
{
	return use(other_init, other_jump, 0);
}
#else
static init_fn *init;
static jump_fn *jump;

static void load(void)
{
	void *other = dlopen("libother.so", RTLD_NOW | HOW);

	if (other == NULL)
		return;
	init = (init_fn *)dlsym(other, "other_init");
	jump = (jump_fn *)dlsym(other, "other_jump");
	init();
}

static void jump_there(jmp_buf to)
{
	jump(to);
}

int main(void)
{
	/* Who is loaded like that is not seen when it jumps. */
	return use(load, ADOPT ? NULL : jump_there, ADOPT);
}
#endif
END

modiso() {
	PKG_CONFIG_PATH=$top_builddir "$PKG_CONFIG" "$@" libmodiso
}

# build OUTPUT FLAGS... - with what the program's own compiler takes
build() {
	tap_out=$1
	shift
	# shellcheck disable=SC2046,SC2086 # words
	$CC -O1 $(modiso --cflags) -o "$scratch/$tap_out" "$@"
}

# give_up - what it is all about cannot be built
give_up() {
	not_ok "the programs can be built" <"$scratch/output"
	finish
	exit 0
}

# try TEXT COMMAND... - the newcomer has the last word
try() {
	tap_text=$1
	shift
	"$@" >"$scratch/output" 2>&1
	tap_status=$?
	if [ "$tap_status" = 77 ] &&
		[ "$(cat "$scratch/output")" = reported ]; then
		ok "$tap_text"
	else
		echo "status $tap_status" >>"$scratch/output"
		not_ok "$tap_text" <"$scratch/output"
	fi
}

{
	build libother.so -shared -fPIC "$scratch/other.c" &&
		build libuse.so -shared -fPIC "$scratch/use.c" -L"$lib" \
			-lmodiso
} >"$scratch/output" 2>&1 || give_up

main="$scratch/main.c $scratch/use.c"
# shellcheck disable=SC2086 # words
{
	build first $main -DLINKED -L"$lib" -L"$scratch" -lmodiso -lother &&
		build last $main -DLINKED -L"$lib" -L"$scratch" \
			-Wl,--no-as-needed -lother -lmodiso &&
		build local $main -DHOW=RTLD_LOCAL -DADOPT=0 -L"$lib" \
			-lmodiso -ldl &&
		build global $main -DHOW=RTLD_GLOBAL -DADOPT=0 -L"$lib" \
			-lmodiso -ldl &&
		build deep $main "-DHOW=RTLD_LOCAL|RTLD_DEEPBIND" -DADOPT=1 \
			-L"$lib" -lmodiso -ldl &&
		build behind "$scratch/main.c" -DHOW=RTLD_LOCAL -DADOPT=1 \
			-L"$scratch" -luse -Wl,-rpath-link,"$lib" -ldl &&
		build preload "$scratch/main.c" -DHOW=RTLD_LOCAL -DADOPT=0 \
			-L"$scratch" -luse -Wl,-rpath-link,"$lib" -ldl
} >"$scratch/output" 2>&1 || give_up

try "linked behind libmodiso" "$scratch/first"
try "linked before libmodiso" "$scratch/last"
try "loaded later, RTLD_LOCAL" "$scratch/local"
try "loaded later, RTLD_GLOBAL" "$scratch/global"
try "loaded with RTLD_DEEPBIND, and adopted" "$scratch/deep"
try "libmodiso behind the C library, and adopted" "$scratch/behind"
LD_PRELOAD=$lib/libmodiso.so try "preloaded" env "$scratch/preload"

finish
