#!/bin/sh
# SPDX-License-Identifier: MIT
#
# edit-port.sh TREE - what ../README says to change in TREE/ports/linux/gnu.
#
# Every change is between #ifdef TX_LINUX_MODULES and its end: without that
# macro the kernel is, word for word, what it was.

set -eu

port=${1:?usage: edit-port.sh TREE}/ports/linux/gnu
current=_tx_thread_current_ptr
begin='#ifdef TX_LINUX_MODULES'

if [ ! -f "$port/src/tx_thread_schedule.c" ]; then
	echo "edit-port.sh: $1 is no ThreadX tree with ports/linux/gnu" >&2
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
leave=$(printf 's/^.*pthread_exit(.*);.*$/%s\\n%s\\n#else\\n&\\n#endif/' \
	"$begin" '        _txm_linux_thread_leave();')
edit tx_initialize_low_level 1 _txm_linux_initialize \
	"/_tx_initialize_unused_memory *= /i\\
$(block '    _txm_linux_initialize();')"
edit tx_initialize_low_level 1 _txm_linux_sigsuspend \
	"s/^ *sigsuspend(.*);.*\$/$begin\\n\
    _txm_linux_sigsuspend(RESUME_SIG);\\n#else\\n&\\n#endif/"
edit tx_thread_context_save 1 _txm_linux_thread_frozen \
	"/_tx_linux_thread_suspend($current/a\\
$(block "            _txm_linux_thread_frozen($current);")"
edit tx_thread_context_restore 1 _txm_linux_thread_goes_on \
	"/_tx_linux_thread_resume($current/i\\
$(block "            _txm_linux_thread_goes_on($current);")"
edit tx_thread_schedule 1 _txm_linux_thread_goes_on \
	"/_tx_linux_thread_resume($current/i\\
$(block "            _txm_linux_thread_goes_on($current);")"
edit tx_thread_schedule 2 _txm_linux_thread_end \
	"/^ *TX_RESTORE/a\\
$(block '    if (!_txm_linux_thread_end(thread_ptr)) {')" \
	"/sem_destroy(/i\\
$(block '    }')"
edit tx_thread_interrupt_control 1 _txm_linux_thread_leave "$leave"
edit tx_thread_system_return 4 _txm_linux_thread_leave "$leave" \
	"/sem_wait(temp_run_semaphore);/a\\
$(block '        if (temp_thread_ptr->tx_thread_module_ending) _txm_linux_thread_leave();')"
edit tx_thread_stack_build 1 _txm_linux_thread_begin \
	"/sem_wait(&.*run_semaphore);/a\\
$(block '    _txm_linux_thread_begin(thread_ptr);')"
