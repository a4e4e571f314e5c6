#!/bin/sh
# SPDX-License-Identifier: MIT
#
# installed.sh - a user's program builds and runs against what "make install"
# leaves, found through pkg-config: in C, in C++, statically, and against the
# build tree.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

command -v "$PKG_CONFIG" >/dev/null || skip_all "no pkg-config"

unset MAKEFLAGS MFLAGS MAKELEVEL
root=$scratch/root
expect_command "make install" \
	"${MAKE:-make}" -s -C "$top_builddir" install DESTDIR="$root"

pc=$(find "$root" -name libmodiso.pc)
prefix=$root$(sed -n 's/^prefix=//p' "$pc")
library=$(find "$root" -name libmodiso.so)
expect_command "there is a library and its libmodiso.pc" \
	test -f "$pc" -a -e "$library"

cat >"$scratch/program.c" <<'END'
#include <modiso.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	struct modiso_backend_info info;

	memset(&info, 0, sizeof(info));
	info.struct_size = sizeof(info);
	if (modiso_backend_query(MODISO_BACKEND_MPROTECT, &info) != MODISO_OK)
		return 2;
	printf("%s\n", modiso_version());
	return strcmp(modiso_version(), MODISO_VERSION_STRING) != 0;
}
END
cp "$scratch/program.c" "$scratch/program.cc"

# What a module does that ends the process otherwise; or why it would.
cat >"$scratch/exits.c" <<'END'
#include <modiso.h>
#include <stdio.h>
#include <stdlib.h>

static void leave(void)
{
	exit(3);
}

int main(void)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.backend = MODISO_BACKEND_MPROTECT,
		.require = MODISO_CAP_EXITS,
	};
	struct modiso_module *module;
	struct modiso_gate *gate;

	if (modiso_init(&options) == MODISO_ERR_NOTSUP) {
		puts(modiso_last_error_text());
		return 0;
	}
	if (modiso_module_create("m", NULL, &module) != MODISO_OK ||
	    modiso_gate_create(module, (modiso_fn)leave, NULL, &gate) !=
		    MODISO_OK)
		return 2;
	puts(modiso_error_name(modiso_gate_call(gate, NULL, 0, NULL)));
	return 0;
}
END

installed() {
	PKG_CONFIG_PATH=${pc%/*} "$PKG_CONFIG" \
		--define-variable=prefix="$prefix" "$@" libmodiso
}
uninstalled() {
	PKG_CONFIG_PATH=$top_builddir "$PKG_CONFIG" "$@" libmodiso
}

# Who links the shared library needs no other one's file for pkg-config.
alone() {
	PKG_CONFIG_LIBDIR=${pc%/*} PKG_CONFIG_PATH='' "$PKG_CONFIG" "$@" libmodiso
}
expect_command "pkg-config needs the library's own file alone" \
	alone --cflags --libs

# try TEXT COMPILER SOURCE FLAGS... - build it, run it, compare what it says
says=$PACKAGE_VERSION
try() {
	tap_text=$1
	compiler=$2
	source=$3
	shift 3
	if [ -z "$compiler" ]; then
		skip "$tap_text" "no C++ compiler"
		return
	fi
	# shellcheck disable=SC2086 # CC may hold options
	if $compiler -Wall -Wextra -Werror -o "$scratch/program" "$source" \
		"$@" >"$scratch/output" 2>&1 &&
		"$scratch/program" >"$scratch/output" 2>&1 &&
		grep -q "^$says" "$scratch/output"; then
		ok "$tap_text"
	else
		not_ok "$tap_text" <"$scratch/output"
	fi
}

LD_LIBRARY_PATH=${library%/*}
export LD_LIBRARY_PATH
# shellcheck disable=SC2046 # flags are words
{
	try "a C program" "$CC" "$scratch/program.c" \
		$(installed --cflags --libs)
	try "a C++ program" "$CXX" "$scratch/program.cc" \
		$(installed --cflags --libs)
	if [ -f "${library%.so}.a" ]; then
		try "a C program, linked statically" "$CC" \
			"$scratch/program.c" -static \
			$(installed --static --cflags --libs)
	else
		skip "a C program, linked statically" "no static library"
	fi
	says=MODISO_ERR_FAULT
	try "exit() in a module is its fault" "$CC" "$scratch/exits.c" \
		$(installed --cflags --libs)
	says='backend mprotect has .*linked statically'
	if [ -f "${library%.so}.a" ]; then
		try "and where it is not, that is said" "$CC" \
			"$scratch/exits.c" -static \
			$(installed --static --cflags --libs)
	else
		skip "and where it is not, that is said" "no static library"
	fi
	says=$PACKAGE_VERSION
	LD_LIBRARY_PATH=$top_builddir/lib/.libs
	try "a C program against the build tree" "$CC" \
		"$scratch/program.c" $(uninstalled --cflags --libs)
}

grep -rn 'mdi_' "$prefix/include" >"$scratch/complaints"
expect_empty "$scratch/complaints" "installed headers name nothing internal"

# What somebody else has put into a directory of both stays there.
other=${pc%/*}/other.pc
: >"$other"
expect_command "make uninstall" \
	"${MAKE:-make}" -s -C "$top_builddir" uninstall DESTDIR="$root"
expect_command "the file of another package is still there" rm "$other"
rmdir "${other%/*}"

# Directories that systems have in /usr/local from the beginning stay as well.
find "$prefix" -mindepth 1 | while read -r left; do
	case $left in
	"$prefix"/bin | "$prefix"/include | "$prefix"/libexec) ;;
	"$prefix"/share | "$prefix"/share/man | "$prefix"/share/man/man?) ;;
	*) case ${library%/*}/ in "$left"/*) ;; *) echo "$left" ;; esac ;;
	esac
done >"$scratch/complaints"
expect_empty "$scratch/complaints" "which leaves nothing, no directory either"

finish
