#!/bin/sh
# SPDX-License-Identifier: MIT
#
# edit-port.sh TREE - what ../README says to change in TREE/ports/linux/gnu.

set -eu

port=${1:?usage: edit-port.sh TREE}/ports/linux/gnu
current=_tx_thread_current_ptr

if [ ! -f "$port/src/tx_thread_schedule.c" ]; then
	echo "edit-port.sh: $1 is no ThreadX tree with ports/linux/gnu" >&2
	exit 1
fi
if grep -q tx_port_module.h "$port/inc/tx_port.h"; then
	echo "edit-port.sh: $1 has been changed before" >&2
	exit 1
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
	echo "edit-port.sh: $file is not as in February 2025: change it by" \
		"hand, as README says" >&2
	exit 1
}

printf '\n#include "tx_port_module.h"\n' >>"$port/inc/tx_port.h"
edit tx_thread_context_save 1 _txm_linux_thread_frozen \
	"/_tx_linux_thread_suspend($current/a _txm_linux_thread_frozen($current);"
edit tx_thread_context_restore 1 _txm_linux_thread_goes_on \
	"/_tx_linux_thread_resume($current/i _txm_linux_thread_goes_on($current);"
edit tx_thread_schedule 1 _txm_linux_thread_goes_on \
	"/_tx_linux_thread_resume($current/i _txm_linux_thread_goes_on($current);"
edit tx_thread_schedule 2 _txm_linux_thread_end \
	'/^ *TX_RESTORE/a if (!_txm_linux_thread_end(thread_ptr)) {' \
	'/sem_destroy(/i }'
edit tx_thread_interrupt_control 1 _txm_linux_thread_leave \
	's/pthread_exit(.*);/_txm_linux_thread_leave();/'
edit tx_thread_system_return 4 _txm_linux_thread_leave \
	's/pthread_exit(.*);/_txm_linux_thread_leave();/' \
	'/sem_wait(temp_run_semaphore);/a if (temp_thread_ptr->tx_thread_module_ending) _txm_linux_thread_leave();'
edit tx_thread_stack_build 1 _txm_linux_thread_begin \
	'/sem_wait(&.*run_semaphore);/a _txm_linux_thread_begin(thread_ptr);'
