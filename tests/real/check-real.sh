#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-real.sh - zlib and expat from their unmodified Debian sources, built as
# modules with a C library from musl's, do their work on real files as the host's
# own libraries do; with a broken one the fault is caught and the host goes on.
# C++ with a C++ library from LLVM's does in a module what it does in the host.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

here=$top_srcdir/tests/real
work=${MODISO_REAL_CACHE:-$top_builddir/tests/real-sources}
MODISO_RUNTIME=$top_builddir/runtime/libmodiso-module.a
export MODISO_RUNTIME

for tool in apt-get dpkg-source; do
	command -v $tool >/dev/null || skip_all "no $tool"
done
mkdir -p "$work"
if ! sh "$top_srcdir/tools/fetch-sources.sh" "$work" musl zlib expat >"$scratch/log" 2>&1; then
	tail -n 3 "$scratch/log" >&2
	skip_all "the sources cannot be had here"
fi

# Made anew when what it is made of has changed.
MODISO_LIBC=$work/libc
MODISO_LIBC_PARTS=$top_srcdir/runtime/libc
export MODISO_LIBC MODISO_LIBC_PARTS
made=$MODISO_LIBC/lib/libc.a
if [ ! -f "$made" ] || [ -n "$(find "$MODISO_LIBC_PARTS" \
	"$top_builddir/tools/modiso-libc" -newer "$made")" ]; then
	expect_command "a C library for modules" \
		"$top_builddir/tools/modiso-libc" build "$work/musl"
fi

# module NAME SOURCE-OR-OPTION... - $scratch/NAME.so
module() {
	name=$1
	shift
	expect_command "$name is built as a module" \
		"$top_builddir/tools/modiso-cc" --libc -O2 -w -I"$here" \
		-o "$scratch/$name.so" "$@"
}

# zlib_sources DIRECTORY - all but those for files
zlib_sources() {
	find "$1" -maxdepth 1 -name '*.c' ! -name 'gz*.c' | sort
}

expat=$work/expat/expat/lib
[ -d "$expat" ] || expat=$work/expat/lib
# shellcheck disable=SC2046
module zlib -I"$work/zlib" "$here/work_zlib.c" $(zlib_sources "$work/zlib")
# What its configure would write is said in the command.
: >"$scratch/expat_config.h"
module expat -I"$scratch" -DXML_STATIC -DXML_NS -DXML_DTD \
	-DXML_CONTEXT_BYTES=1024 \
	-DBYTEORDER=1234 -DHAVE_MEMMOVE -DXML_POOR_ENTROPY -I"$expat" \
	"$here/work_expat.c" "$expat/xmlparse.c" "$expat/xmltok.c" \
	"$expat/xmlrole.c"

nm -D --defined-only "$scratch/expat.so" | awk '{ print $3 }' |
	grep -vxE '__stack_chk_guard|XML_.*' >"$scratch/exports"
if [ "$(cat "$scratch/exports")" = work ]; then
	ok "nothing of the C library is exported"
else
	not_ok "nothing of the C library is exported" <"$scratch/exports"
fi

# host NAME LIBRARY OPTION... - $scratch/real-NAME, with the host's library
host() {
	name=$1
	library=$2
	shift 2
	expect_command "a host with its own $library" \
		"$CC" -std=gnu11 -O2 -I"$here" -I"$top_srcdir/include" \
		-I"$top_builddir/include" "$@" -o "$scratch/real-$name" \
		"$here/real.c" "$here/work_$name.c" \
		-L"$top_builddir/lib/.libs" -lmodiso "-l:$library" \
		-Wl,-rpath,"$top_builddir/lib/.libs"
}
host zlib libz.so.1 -I"$work/zlib"
host expat libexpat.so.1 -I"$expat"

mkdir "$scratch/files"
for file in /usr/share/common-licenses/* /usr/bin/gdb /usr/bin/perl \
	/usr/bin/python3 "$top_builddir"/lib/.libs/libmodiso.so; do
	[ ! -f "$file" ] || gzip -c "$file" \
		>"$scratch/files/$(basename "$file").gz"
done
head -c 3000 "$scratch/files/GPL-3.gz" >"$scratch/files/cut-off.gz"
expect_command "zlib: the same bytes, damaged files too" \
	"$scratch/real-zlib" "$scratch/zlib.so" "$scratch"/files/*
sed 's/^/# /' "$scratch/output"

{
	echo '<list>'
	for i in $(seq 20000); do
		echo "<entry id=\"$i\" name='x&amp;y'>text &#233; $i<b/></entry>"
	done
	echo '</list>'
} >"$scratch/large.xml"
head -c 5000 "$scratch/large.xml" >"$scratch/cut-off.xml"
find /usr/share /usr/lib -name '*.xml' -o -name '*.svg' 2>/dev/null |
	head -n 200 >"$scratch/documents"
# shellcheck disable=SC2046
expect_command "expat: the same events, damaged documents too" \
	"$scratch/real-expat" "$scratch/expat.so" "$scratch/large.xml" \
	"$scratch/cut-off.xml" $(cat "$scratch/documents")
sed 's/^/# /' "$scratch/output"

# Broken on purpose: it writes into its own code.
cp -r "$work/zlib" "$scratch/broken"
sed 's/\*out++ = (unsigned char)(here->val);/*(unsigned char *)inflate_fast = 0, out++;/' \
	"$work/zlib/inffast.c" >"$scratch/broken/inffast.c"
# shellcheck disable=SC2046
module broken -I"$scratch/broken" "$here/work_zlib.c" \
	$(zlib_sources "$scratch/broken")
"$scratch/real-zlib" "$scratch/broken.so" "$scratch"/files/*.gz \
	>"$scratch/output" 2>&1
status=$?
if [ "$status" -eq 3 ] && grep -q 'inflate_fast' "$scratch/output" &&
	! grep -q differs "$scratch/output"; then
	ok "a broken zlib: its faults are caught, the host goes on"
	tail -n 1 "$scratch/output" | sed 's/^/# /'
else
	echo "status $status" >>"$scratch/output"
	tail -n 20 "$scratch/output" | not_ok "a broken zlib"
fi

# Where the C++ library is made anew, or is there.
if [ ! -f "$MODISO_LIBC/lib/libc++.a" ] && sh \
	"$top_srcdir/tools/fetch-sources.sh" "$work" \
	"llvm-toolchain-14=libcxx*/src,libcxx*/include,libunwind/*" \
	>"$scratch/log" 2>&1; then
	expect_command "a C++ library for modules" \
		"$top_builddir/tools/modiso-libc" build-c++ \
		"$work/llvm-toolchain-14"
fi

# cxx_module NAME OPTION...
cxx_module() {
	name=$1
	shift
	"$top_builddir/tools/modiso-c++" --libc -O2 --export=work -I"$here" \
		-o "$scratch/$name.so" "$here/work_cxx.cc" "$@"
}
cxx_host() {
	"$CC" -std=gnu11 -O2 -I"$here" -I"$top_srcdir/include" \
		-I"$top_builddir/include" -c -o "$scratch/real.o" \
		"$here/real.c" &&
		"$CXX" -O2 -I"$here" -o "$scratch/real-cxx" "$scratch/real.o" \
			"$here/work_cxx.cc" -L"$top_builddir/lib/.libs" \
			-lmodiso -Wl,-rpath,"$top_builddir/lib/.libs"
}
if [ -n "$CXX" ] && [ -f "$MODISO_LIBC/lib/libc++.a" ]; then
	expect_command "C++ is built as a module" cxx_module cxx
	expect_command "a host in C++" cxx_host
	expect_command "C++: the same exceptions, types and streams" \
		"$scratch/real-cxx" "$scratch/cxx.so" "$scratch"/files/*
	sed 's/^/# /' "$scratch/output"
	expect_command "C++ whose exceptions leave is built" \
		cxx_module leaves -DLEAVES
	"$scratch/real-cxx" "$scratch/leaves.so" "$scratch"/files/* \
		>"$scratch/output" 2>&1
	status=$?
	if [ "$status" -eq 3 ] && grep -q 'abort' "$scratch/output" &&
		! grep -q differs "$scratch/output"; then
		ok "an exception that leaves is a fault, the host goes on"
	else
		echo "status $status" >>"$scratch/output"
		tail -n 20 "$scratch/output" |
			not_ok "an exception that leaves is a fault"
	fi
fi

# shellcheck source=needed.sh
. "$here/needed.sh"

finish
