#!/bin/sh
# SPDX-License-Identifier: MIT
#
# edit-port.sh TREE [PORT] - what README says to change in TREE/ports/linux/gnu,
# or in TREE/ports/PORT: win32/vs_2019 or win64/vs_2022.
#
# Every change is between #ifdef TX_MODISO_MODULES and its end: without that
# macro the kernel is, word for word, what it was.

set -eu

name=${2:-linux/gnu}
port=${1:?usage: edit-port.sh TREE [PORT]}/ports/$name
current=_tx_thread_current_ptr
begin='#ifdef TX_MODISO_MODULES'

if [ ! -f "$port/src/tx_thread_schedule.c" ]; then
	echo "edit-port.sh: $1 is no ThreadX tree with ports/$name" >&2
	exit 1
fi
if grep -q tx_port_module.h "$port/inc/tx_port.h"; then
	echo "edit-port.sh: $1 has these changes"
	exit 0
fi

# edit FILE TIMES WORDS EXPRESSION... - WORDS are in FILE so often afterwards
edit() {
	file=$port/src/$1.c
	times=$2
	words=$3
	shift 3
	for expression in "$@"; do
		sed -i -e "$expression" "$file"
	done
	[ "$(grep -c "$words" "$file")" -eq "$times" ] && return
	echo "edit-port.sh: $file is not one that this script knows: change" \
		"it by hand, as README says" >&2
	exit 1
}

# block CODE - the lines of a change, as sed(1) wants them for a, i and c
block() {
	printf '%s\\\n%s\\\n#endif' "$begin" "$1"
}

printf '\n%s\n#include "tx_port_module.h"\n#endif\n' "$begin" \
	>>"$port/inc/tx_port.h"
# instead CALL LINE - LINE replaces one with CALL
instead() {
	printf 's/^.*%s;.*$/%s\\n%s\\n#else\\n&\\n#endif/' "$1" "$begin" "$2"
}

edit tx_initialize_low_level 1 _txm_modiso_initialize \
	"/_tx_initialize_unused_memory *= /i\\
$(block '    _txm_modiso_initialize();')"
edit_linux() {
	leave=$(instead 'pthread_exit(.*)' \
		'        _txm_modiso_thread_leave();')
	edit tx_initialize_low_level 1 _txm_linux_sigsuspend \
		"s/^ *sigsuspend(.*);.*\$/$begin\\n\
    _txm_linux_sigsuspend(RESUME_SIG);\\n#else\\n&\\n#endif/"
	edit tx_thread_context_save 1 _txm_modiso_thread_frozen \
		"/_tx_linux_thread_suspend($current/a\\
$(block "            _txm_modiso_thread_frozen($current);")"
	edit tx_thread_context_restore 1 _txm_modiso_thread_goes_on \
		"/_tx_linux_thread_resume($current/i\\
$(block "            _txm_modiso_thread_goes_on($current);")"
	edit tx_thread_schedule 1 _txm_modiso_thread_goes_on \
		"/_tx_linux_thread_resume($current/i\\
$(block "            _txm_modiso_thread_goes_on($current);")"
	edit tx_thread_schedule 2 _txm_modiso_thread_end \
		"/^ *TX_RESTORE/a\\
$(block '    if (!_txm_modiso_thread_end(thread_ptr)) {')" \
		"/sem_destroy(/i\\
$(block '    }')"
	edit tx_thread_interrupt_control 1 _txm_modiso_thread_leave "$leave"
	edit tx_thread_system_return 4 _txm_modiso_thread_leave "$leave" \
		"/sem_wait(temp_run_semaphore);/a\\
$(block '        if (temp_thread_ptr->tx_thread_module_ending) _txm_modiso_thread_leave();')"
	edit tx_thread_stack_build 1 _txm_modiso_thread_begin \
		"/sem_wait(&.*run_semaphore);/a\\
$(block '    _txm_modiso_thread_begin(thread_ptr);')"
}

edit_windows() {
	# A module's compiler has a long of 64 bits, and Windows one of 32.
	sed -i "s/^typedef \\(.*\\)long  *\\(U*LONG\\);/\
#if defined(TX_MODISO_MODULES) \\&\\& defined(__LP64__)\\n\
typedef \\1int \\2;\\n#else\\n&\\n#endif/" "$port/inc/tx_port.h"
	leave=$(instead 'ExitThread(0)' \
		'        _txm_modiso_thread_leave();')
	goes_on=$(instead "ResumeThread($current.*)" \
		'            _txm_win32_thread_goes_on();')
	edit tx_thread_context_save 1 _txm_win32_thread_stop "$(instead \
		'SuspendThread(thread_ptr.*)' '        _txm_win32_thread_stop();')"
	edit tx_thread_context_restore 1 _txm_win32_thread_goes_on "$goes_on"
	edit tx_thread_schedule 1 _txm_win32_thread_goes_on "$goes_on"
	edit tx_thread_schedule 1 _txm_win32_thread_scheduled \
		"/tx_thread_run_count++/i\\
$(block "        _txm_win32_thread_scheduled($current);")"
	edit tx_thread_interrupt_control 1 _txm_modiso_thread_leave "$leave"
	edit tx_thread_system_return 3 _txm_modiso_thread_leave "$leave"
	edit tx_thread_stack_build 1 _txm_win32_thread_begin \
		"/^ *_tx_thread_shell_entry();/i\\
$(block '    _txm_win32_thread_begin(thread_ptr);')"
}

case $name in
linux/*) edit_linux ;;
*) edit_windows ;;
esac
