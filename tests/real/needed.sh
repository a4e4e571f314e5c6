# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# needed.sh - a part of check-real.sh: a module that names Debian's libpng gets
# it as Debian has compiled it, with Debian's zlib and a C library of the
# module's in the place of glibc, and does what it does in the host.

# shellcheck disable=SC2154,SC2086 # of check-real.sh; CC may hold options
png=$($CC -print-file-name=libpng16.so.16)
if [ ! -f "$png" ] || ! echo '#include <png.h>' | $CC -E - >"$scratch/log" 2>&1
then
	skip "Debian's libpng in a module" "no libpng-dev"
else
	shared=$work/libc-shared
	if [ ! -f "$shared/libc.so.6" ] || [ -n "$(find "$MODISO_LIBC_PARTS" \
		"$top_builddir/tools/modiso-libc" \
		-newer "$shared/libc.so.6")" ]; then
		expect_command "a C library in the place of glibc" \
			"$top_builddir/tools/modiso-libc" build --shared \
			--into "$shared" "$work/musl"
	fi
	ln -sf "$png" "$($CC -print-file-name=libz.so.1)" "$shared"
	cat >"$scratch/work_png_host.c" <<-'END'
		#include <stdio.h>
		long work(void);
		int main(void)
		{
			printf("work(): %ld \n", work());
			return 0;
		}
	END
	expect_command "a host with its own libpng" \
		$CC -O2 -o "$scratch/work_png" "$here/needed_png.c" \
		"$scratch/work_png_host.c" "$png"
	expect_command "a module that names libpng" \
		"$top_builddir/tools/modiso-cc" -O2 -o "$scratch/work_png.so" \
		"$here/needed_png.c" "$png"
	"$scratch/work_png" >"$scratch/expected"
	expect_command "libpng: Debian's own file runs in the module" \
		"$top_builddir/tools/modiso-run" --needed "$shared" \
		--call work "$scratch/work_png.so"
	if grep -qF "$(cat "$scratch/expected")" "$scratch/output"; then
		ok "and has the host's result"
	else
		cat "$scratch/expected" "$scratch/output" |
			not_ok "and has the host's result"
	fi
fi
