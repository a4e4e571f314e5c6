#!/bin/sh
# SPDX-License-Identifier: MIT
#
# try.sh TREE DIRECTORY [FILEX] - build the trial in DIRECTORY with a copy of
# the ThreadX tree TREE and this port, and run it on each backend that there is.
# FILEX is a FileX tree, to load the module from a file as well.
#
# Wants cmake, a compiler, binutils, and libmodiso where pkg-config finds it.

set -eu

if [ $# -lt 2 ]; then
	echo 'usage: try.sh TREE DIRECTORY [FILEX]' >&2
	exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$2/module"
out=$(cd "$2" && pwd)
tree=$out/threadx
port=$tree/ports_module/linux/gnu

rm -rf "$tree" "$out/build"
cp -R "$1" "$tree"
mkdir -p "$port"
cp -R "$here/../." "$port"
sh "$here/edit-port.sh" "$tree"

cmake -S "$here" -B "$out/build" -DTREE="$tree" -DFILEX="${3-}" \
	-DCMAKE_BUILD_TYPE=RelWithDebInfo
cmake --build "$out/build" --target trial

for source in "$tree"/common_modules/module_lib/src/*.c \
	"$port"/module_lib/src/*.c "$here/trial_module.c" \
	"$here/txm_module_preamble.S"; do
	"${CC:-cc}" -O2 -fPIE -fvisibility=hidden -ffreestanding \
		-fno-stack-protector -fno-asynchronous-unwind-tables \
		-D_GNU_SOURCE -I"$port/inc" -I"$tree/common/inc" \
		-I"$tree/ports/linux/gnu/inc" -I"$tree/common_modules/inc" \
		-c -o "$out/module/${source##*/}.o" "$source"
done
ld -pie --no-dynamic-linker -z norelro -T "$here/module.ld" \
	-o "$out/module.elf" "$out"/module/*.o
objcopy -O binary -j .text -j .rodata -j .eh_frame -j .names -j .dynamic \
	-j .rela.dyn -j .data "$out/module.elf" "$out/module.bin"

# Protection keys are tried where they can be had; see tests/vm for a machine.
backends=mprotect
grep -qw ospke /proc/cpuinfo && backends='pkey mprotect'
for backend in $backends; do
	MODISO_BACKEND=$backend "$out/build/trial" "$out/module.bin"
done
