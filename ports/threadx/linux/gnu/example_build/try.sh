#!/bin/sh
# SPDX-License-Identifier: MIT
#
# try.sh TREE DIRECTORY [FILEX] - build in DIRECTORY, with a copy of the ThreadX
# tree TREE and this port, ThreadX's own module sample and the trial, and run
# them on each backend that there is. FILEX is a FileX tree, for the trial to
# load its module from a file as well.
#
# Wants cmake, a compiler, binutils, and libmodiso where pkg-config finds it;
# with clang and AFL++ the fuzzers of a module's input are tried, too.

set -eu

if [ $# -lt 2 ]; then
	echo 'usage: try.sh TREE DIRECTORY [FILEX]' >&2
	exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
filex=${3:+$(cd "$3" && pwd)}
tree=$out/threadx
port=$tree/ports_module/linux/gnu

rm -rf "$tree" "$out/build"
cp -R "$1" "$tree"
mkdir -p "$port"
cp -R "$here/../." "$port"
sh "$here/edit-port.sh" "$tree"
sh "$here/check-plain.sh" "$1" "$tree"

cmake -S "$here" -B "$out/build" -DTREE="$tree" -DFILEX="$filex" \
	-DCMAKE_BUILD_TYPE=RelWithDebInfo
cmake --build "$out/build" -j "$(nproc)"

cd "$out/build"
backends=mprotect
grep -qw ospke /proc/cpuinfo && backends='pkey mprotect'
for program in sample trial; do
	for backend in $backends; do
		MODISO_BACKEND=$backend \
			TXM_MODULE_SYMBOLS=${program}_module.elf \
			"./$program" "${program}_module.bin"
	done
done
sh "$here/check-fuzz.sh" "$tree" "$out/fuzz"
