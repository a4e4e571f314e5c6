#!/bin/sh
# SPDX-License-Identifier: MIT
#
# try.sh TREE DIRECTORY - build in DIRECTORY, with a copy of the ThreadX tree TREE
# and this port, ThreadX's own module sample and the trial, for Windows, and run
# them by Wine.
#
# Wants cmake, a compiler and binutils for this machine, mingw-w64's for Windows
# (x86_64-w64-mingw32-gcc, or what CC says), wine, and libmodiso for Windows,
# built with --disable-shared, where pkg-config finds it: PKG_CONFIG_PATH.

set -eu

if [ $# -ne 2 ]; then
	echo 'usage: try.sh TREE DIRECTORY' >&2
	exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
linux=$here/../../../linux/gnu
mkdir -p "$2"
out=$(cd "$2" && pwd)
tree=$out/threadx
compiler=${CC:-x86_64-w64-mingw32-gcc}
unset CC

# The newer tree has a kernel port for 64 bits.
arch=win32 toolchain=vs_2019
[ -d "$1/ports/win64/vs_2022" ] && arch=win64 toolchain=vs_2022

rm -rf "$tree" "$out/modules" "$out/build"
cp -R "$1" "$tree"
for port in linux win32; do
	mkdir -p "$tree/ports_module/$port/gnu"
	cp -R "$here/../../../$port/gnu/." "$tree/ports_module/$port/gnu"
done
sh "$linux/example_build/edit-port.sh" "$tree" $arch/$toolchain
CC=$compiler sh "$linux/example_build/check-plain.sh" "$1" "$tree" \
	$arch/$toolchain

# made DIRECTORY OPTION...
made() {
	directory=$out/$1
	shift
	cmake -S "$here" -B "$directory" -DTREE="$tree" \
		-DTHREADX_ARCH=$arch -DTHREADX_TOOLCHAIN=$toolchain \
		-DCMAKE_BUILD_TYPE=RelWithDebInfo "$@"
	cmake --build "$directory" -j "$(nproc)"
}
made modules
made build -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_C_COMPILER="$compiler"

# A program that Wine ends has said nothing and has returned 0: the last line of
# each is looked for.
export WINEPREFIX="${WINEPREFIX:-$out/wine}" WINEDEBUG=-all
unset DISPLAY
cd "$out/modules"
for program in sample trial; do
	TXM_MODULE_SYMBOLS=${program}_module.elf \
		wine "$out/build/$program.exe" "${program}_module.bin" \
		</dev/null | tee "$out/$program.log"
done
grep -q 'sample: all as on hardware' "$out/sample.log"
grep -Eq '^mprotect: ([0-9]+) of \1 checks passed' "$out/trial.log"
