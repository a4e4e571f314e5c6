/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/syscall.h. */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "core/call_names.h"
#include "core/check.h"
#include "core/files.h"
#include "core/libc.h"
#include "core/policy.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "os/beneath.h"
#include "os/calls.h"

#include <errno.h>

#define ERRNO_MAX 4095

static int check_arch(uint32_t *arch)
{
	if (*arch == 0)
		*arch = mdi_call_arch_own();
	if (mdi_call_arch_known(*arch) || *arch == MODISO_ARCH_LIBC)
		return 0;
	return mdi_fail(MODISO_ERR_INVAL,
			"arch is %#x, neither AUDIT_ARCH_X86_64, "
			"AUDIT_ARCH_I386 nor MODISO_ARCH_LIBC",
			*arch);
}

static int check_number(const struct modiso_module *module,
			struct mdi_rule *rule)
{
	int result = mdi_check_module(module);

	if (result == 0)
		result = check_arch(&rule->arch);
	if (result != 0)
		return result;
	if ((rule->number & ~MDI_CALL_X32) >= MDI_CALL_TABLE ||
	    (rule->number & MDI_CALL_X32 &&
	     rule->arch != mdi_call_arch_own()))
		return mdi_fail(MODISO_ERR_INVAL,
				"number is %#x, which is in no table of "
				"system calls",
				rule->number);
	if (!module->domain.guarded && rule->arch != MODISO_ARCH_LIBC)
		return mdi_fail(MODISO_ERR_STATE,
				"module %s is not guarded, which is asked for "
				"when it is made: "
				"modiso_module_options.syscalls",
				module->name);
	return 0;
}

/* A service's answers: it has no instruction to be noted, or to fault at. */
static bool fits(const struct mdi_rule *rule)
{
	return rule->arch != MODISO_ARCH_LIBC ||
	       rule->action == MODISO_SYSCALL_ERRNO ||
	       rule->action == MODISO_SYSCALL_ALLOW;
}

static int check_action(const struct mdi_rule *rule)
{
	if (rule->action > MODISO_SYSCALL_LOG)
		return mdi_fail(MODISO_ERR_INVAL, "action is %u, which is no action",
				rule->action);
	if (!fits(rule))
		return mdi_fail(MODISO_ERR_NOTSUP,
				"what a C library asks for gets an error "
				"(MODISO_SYSCALL_ERRNO) or is made "
				"(MODISO_SYSCALL_ALLOW)");
	if (rule->action != MODISO_SYSCALL_ERRNO)
		return rule->error == 0 ?
			       0 :
			       mdi_fail(MODISO_ERR_INVAL,
					"error is %d: only "
					"MODISO_SYSCALL_ERRNO has one",
					rule->error);
	if (rule->error < 1 || rule->error > ERRNO_MAX)
		return mdi_fail(MODISO_ERR_INVAL,
				"error is %d, not from 1 to %d", rule->error,
				ERRNO_MAX);
	return 0;
}

/* The library makes calls of 64-bit programs alone. */
static int check_makable(const struct mdi_rule *rule)
{
	if (rule->action != MODISO_SYSCALL_ALLOW)
		return 0;
	if ((rule->arch != mdi_call_arch_own() &&
	     rule->arch != MODISO_ARCH_LIBC) ||
	    rule->number & MDI_CALL_X32)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"system call %#x of that architecture cannot "
				"be allowed: the library makes those of "
				"64-bit programs alone",
				rule->number);
	if (mdi_call_shape(rule->number) == NULL)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"system call %u cannot be allowed: %s",
				rule->number, mdi_call_why_not(rule->number));
	return 0;
}

/* The library's lock is held. */
static int check_nobody(const struct modiso_module *module)
{
	if (!mdi_threads_inside(&module->domain))
		return 0;
	return mdi_fail(MODISO_ERR_BUSY,
			"a thread is inside module %s; what becomes of its "
			"system calls can be changed when there is none",
			module->name);
}

static int set(struct modiso_module *module, const struct mdi_rule *rule)
{
	int result;

	mdi_runtime_lock();
	result = check_nobody(module);
	if (result == 0)
		result = mdi_policy_set(module, rule);
	mdi_runtime_unlock();
	return result;
}

int modiso_syscall_set(struct modiso_module *module, uint32_t arch,
		       uint32_t number, uint32_t action, int error)
{
	struct mdi_rule rule = {
		.arch = arch,
		.number = number,
		.action = action,
		.error = error,
	};
	int result = check_number(module, &rule);

	if (result == 0)
		result = check_action(&rule);
	if (result == 0)
		result = check_makable(&rule);
	return result != 0 ? result : set(module, &rule);
}

int modiso_syscall_callback(struct modiso_module *module, uint32_t arch,
			    uint32_t number, modiso_syscall_fn callback,
			    void *arg)
{
	struct mdi_rule rule = {
		.arch = arch,
		.number = number,
		.action = MDI_ACTION_CALLBACK,
		.callback = callback,
		.arg = arg,
	};
	int result = check_number(module, &rule);

	if (result == 0 && callback == NULL)
		result = mdi_null_argument("callback");
	return result != 0 ? result : set(module, &rule);
}

modiso_fn modiso_syscall_function(void)
{
	return mdi_libc_function();
}

int modiso_syscall_output(struct modiso_module *module, modiso_text_fn text,
			  void *arg)
{
	int result = mdi_check_module(module);

	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = check_nobody(module);
	if (result == 0) {
		module->text = text;
		module->text_arg = arg;
	}
	mdi_runtime_unlock();
	return result;
}

int modiso_syscall_files(struct modiso_module *module, const char *directory,
			 uint32_t count)
{
	int saved = errno, fd = -1, result = mdi_check_module(module);

	if (result != 0)
		return result;
	if (directory != NULL && (count == 0 || count > MODISO_FILES_MAX))
		return mdi_fail(MODISO_ERR_INVAL,
				"count is %u, not from 1 to %u", count,
				MODISO_FILES_MAX);
	if (directory != NULL)
		result = mdi_files_open(directory, &fd);
	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = check_nobody(module);
	if (result == 0)
		result = mdi_files_set(module, fd, count);
	mdi_runtime_unlock();
	if (result != 0 && fd >= 0)
		mdi_beneath_close(fd);
	if (result == 0)
		errno = saved;
	return result;
}

int modiso_syscall_print(struct modiso_module *module, FILE *stream)
{
	int saved = errno, result = mdi_check_module(module);

	if (result == 0 && stream == NULL)
		result = mdi_null_argument("stream");
	if (result != 0)
		return result;
	mdi_policy_print(module, stream);
	if (ferror(stream) || fflush(stream) != 0)
		return mdi_fail_os("fprintf", "system calls of a module");
	errno = saved;
	return 0;
}

int modiso_syscall_number(uint32_t arch, const char *name, uint32_t *number)
{
	int saved = errno, result = mdi_runtime_check();

	if (result == 0 && (name == NULL || number == NULL))
		result = mdi_null_argument(name == NULL ? "name" : "number");
	if (result == 0)
		result = check_arch(&arch);
	if (result != 0)
		return result;
	if (arch == MODISO_ARCH_LIBC)
		arch = mdi_call_arch_own();
	if (!mdi_call_names_there())
		return mdi_fail(MODISO_ERR_NOTSUP,
				"names of system calls need libseccomp "
				"(Debian: libseccomp2, and libseccomp-dev when "
				"this library is built)");
	if (!mdi_call_number(arch, name, number))
		return mdi_fail(MODISO_ERR_NOENT,
				"no system call is called %.40s", name);
	errno = saved;
	return 0;
}
