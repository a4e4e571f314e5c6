/* SPDX-License-Identifier: MIT */
#include "os/calls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define VALUE            {MDI_CALL_VALUE, 0, 0}
#define IN(type)         {MDI_CALL_IN, 0, sizeof(type)}
#define BOTH(type)       {MDI_CALL_BOTH, 0, sizeof(type)}
#define IN_BY(n)         {MDI_CALL_IN, n, 1}
#define OUT_BY(n)        {MDI_CALL_OUT, n, 1}
#define BOTH_BY(n, type) {MDI_CALL_BOTH, n, sizeof(type)}
#define WORD             {MDI_CALL_WORD, 0, sizeof(uint32_t)}

/* The kernel's, which has one domain name more than uname(3) of old. */
#define UTSNAME char[390]

/* In the order of their numbers. */
static const struct mdi_call_shape shapes[] = {
	{SYS_read, false,
	 {VALUE, OUT_BY(3)}},
	{SYS_write, false,
	 {VALUE, IN_BY(3)}},
	{SYS_close, false, {VALUE}},
	{SYS_fstat, false,
	 {VALUE, BOTH(struct stat)}},
	{SYS_poll, false,
	 {BOTH_BY(2, struct pollfd)}},
	{SYS_lseek, false, {VALUE}},
	{SYS_pread64, false,
	 {VALUE, OUT_BY(3)}},
	{SYS_pwrite64, false,
	 {VALUE, IN_BY(3)}},
	{SYS_sched_yield, true, {VALUE}},
	{SYS_nanosleep, true,
	 {IN(struct timespec), BOTH(struct timespec)}},
	{SYS_getpid, true, {VALUE}},
	{SYS_uname, false,
	 {BOTH(UTSNAME)}},
	{SYS_fsync, false, {VALUE}},
	{SYS_fdatasync, false, {VALUE}},
	{SYS_gettimeofday, true,
	 {BOTH(struct timeval), BOTH(struct timezone)}},
	{SYS_getuid, false, {VALUE}},
	{SYS_getgid, false, {VALUE}},
	{SYS_geteuid, false, {VALUE}},
	{SYS_getegid, false, {VALUE}},
	{SYS_getppid, false, {VALUE}},
	{SYS_gettid, true, {VALUE}},
	{SYS_time, true,
	 {BOTH(time_t)}},
	{SYS_futex, true,
	 {WORD, VALUE, VALUE, IN(struct timespec)}},
	{SYS_clock_gettime, true,
	 {VALUE, BOTH(struct timespec)}},
	{SYS_clock_getres, true,
	 {VALUE, BOTH(struct timespec)}},
	{SYS_clock_nanosleep, true,
	 {VALUE, VALUE, IN(struct timespec), BOTH(struct timespec)}},
	{SYS_getcpu, true,
	 {BOTH(uint32_t), BOTH(uint32_t)}},
	{SYS_getrandom, true,
	 {OUT_BY(2)}},
};

const struct mdi_call_shape *mdi_call_shape(uint32_t number)
{
	for (size_t i = 0; i < MDI_COUNT(shapes); i++)
		if (shapes[i].number == number)
			return &shapes[i];
	return NULL;
}

/* --- why not --- */

/* Headers may be older. */
#define CLONE3        435
#define IO_URING_SETUP 425
#define IO_URING_ENTER 426
#define IO_URING_REGISTER 427
#define PROCESS_MADVISE 440
#define MSEAL         462
#define OPENAT2       437
#define FACCESSAT2    439

static const char threads[] =
	"it makes a thread or a process, which would not be guarded; threads "
	"for modules come from services";
static const char memory[] =
	"it changes what memory is, or the kernel keeps an address of it for "
	"later";
static const char becomes[] =
	"it changes what the thread or the process is, and what the kernel "
	"keeps of it";
static const char names[] =
	"it names a file, and /proc/self/mem is one; a callback can look at "
	"the name first";

static const struct {
	uint16_t number;
	const char *why;
} refused[] = {
	{SYS_clone, threads},
	{SYS_fork, threads},
	{SYS_vfork, threads},
	{CLONE3, threads},
	{SYS_mmap, memory},
	{SYS_mprotect, memory},
	{SYS_munmap, memory},
	{SYS_brk, memory},
	{SYS_mremap, memory},
	{SYS_madvise, memory},
	{SYS_remap_file_pages, memory},
	{SYS_pkey_mprotect, memory},
	{SYS_pkey_alloc, memory},
	{SYS_pkey_free, memory},
	{SYS_shmat, memory},
	{SYS_shmdt, memory},
	{SYS_set_robust_list, memory},
	{SYS_set_tid_address, memory},
	{SYS_rseq, memory},
	{SYS_sigaltstack, memory},
	{SYS_io_setup, memory},
	{SYS_io_submit, memory},
	{SYS_userfaultfd, memory},
	{IO_URING_SETUP, memory},
	{IO_URING_ENTER, memory},
	{IO_URING_REGISTER, memory},
	{SYS_process_vm_readv, memory},
	{SYS_process_vm_writev, memory},
	{PROCESS_MADVISE, memory},
	{MSEAL, memory},
	{SYS_mlock, memory},
	{SYS_mlockall, memory},
	{SYS_timer_create, memory},
	{SYS_vmsplice, memory},
	{SYS_rt_sigreturn, becomes},
	{SYS_rt_sigaction, becomes},
	{SYS_rt_sigprocmask, becomes},
	{SYS_prctl, becomes},
	{SYS_arch_prctl, becomes},
	{SYS_ptrace, becomes},
	{SYS_seccomp, becomes},
	{SYS_execve, becomes},
	{SYS_execveat, becomes},
	{SYS_exit, becomes},
	{SYS_exit_group, becomes},
	{SYS_setuid, becomes},
	{SYS_setgid, becomes},
	{SYS_unshare, becomes},
	{SYS_setns, becomes},
	{SYS_modify_ldt, becomes},
	{SYS_open, names},
	{SYS_openat, names},
	{OPENAT2, names},
	{SYS_creat, names},
	{SYS_stat, names},
	{SYS_lstat, names},
	{SYS_newfstatat, names},
	{SYS_statx, names},
	{SYS_access, names},
	{SYS_faccessat, names},
	{FACCESSAT2, names},
	{SYS_readlink, names},
	{SYS_readlinkat, names},
	{SYS_unlink, names},
	{SYS_unlinkat, names},
	{SYS_rename, names},
	{SYS_mkdir, names},
	{SYS_rmdir, names},
	{SYS_chdir, names},
	{SYS_symlink, names},
};

const char *mdi_call_why_not(uint32_t number)
{
	for (size_t i = 0; i < MDI_COUNT(refused); i++)
		if (refused[i].number == number)
			return refused[i].why;
	return "the library does not know which of its arguments are pointers";
}

/* --- for a C library --- */

#define AS_IT_IS ((uintptr_t)0x4000000) /* MAP_UNINITIALIZED */

static bool is_plain_memory(const uintptr_t args[])
{
	return args[0] == 0 && args[1] != 0 &&
	       (args[2] & ~(uintptr_t)(PROT_READ | PROT_WRITE)) == 0 &&
	       (args[3] & ~AS_IT_IS) == (MAP_PRIVATE | MAP_ANONYMOUS);
}

enum mdi_call_wish mdi_call_wish(uint32_t number, const uintptr_t args[])
{
	switch (number) {
	case SYS_mmap:
		if (!is_plain_memory(args))
			return MDI_CALL_WISH_NONE;
		return args[3] & AS_IT_IS ? MDI_CALL_WISH_PAGES_AS_THEY_ARE :
					    MDI_CALL_WISH_PAGES;
	case SYS_munmap:
		return MDI_CALL_WISH_FEWER;
	case SYS_write:
		return args[0] == STDOUT_FILENO || args[0] == STDERR_FILENO ?
			       MDI_CALL_WISH_TEXT :
			       MDI_CALL_WISH_NONE;
	default:
		return MDI_CALL_WISH_NONE;
	}
}

/* --- making it --- */

/* Who wakes has no pointer where who waits has his time. */
static int check_futex(uintptr_t args[MDI_CALL_ARGS])
{
	int op = (int)args[1];

	if (!(op & FUTEX_PRIVATE_FLAG))
		return -ENOSYS;
	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		return 0;
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
		args[3] = 0;
		return 0;
	default:
		return -ENOSYS;
	}
}

int mdi_call_check(uint32_t number, uintptr_t args[MDI_CALL_ARGS])
{
	return number == SYS_futex ? check_futex(args) : 0;
}

intptr_t mdi_call_make(uint32_t number, const uintptr_t args[MDI_CALL_ARGS])
{
	long result = syscall((long)number, args[0], args[1], args[2], args[3],
			      args[4], args[5]);

	return result == -1 ? -errno : result;
}

bool mdi_call_arch_known(uint32_t arch)
{
	return arch == AUDIT_ARCH_X86_64 || arch == AUDIT_ARCH_I386;
}

uint32_t mdi_call_arch_own(void)
{
	return AUDIT_ARCH_X86_64;
}
