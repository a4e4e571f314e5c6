# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-libraries.sh - beside libraries that are not linked with libmodiso:
# crash reporters, LLVM's crash handler, error exits by longjmp(), plug-ins.

# other NAME [OPTION]... - compile $here/lib_NAME.c to $scratch/libNAME.so
other() {
	other_name=$1
	shift
	# shellcheck disable=SC2086 # CC may hold options
	$CC -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -shared -fPIC \
		-I"$here" -I"$top_srcdir/include" -I"$top_builddir/include" \
		-Wl,-soname,"lib$other_name.so" -o "$scratch/lib$other_name.so" \
		"$here/lib_$other_name.c" "$@"
}

build_libraries() {
	other reporter -Wno-missing-prototypes && host reporter -ldl &&
		other jump && other signal &&
		other plugin -L"$library" -lmodiso -Wl,-rpath,"$library" &&
		for name in jump:jump alarms:signal; do
			# The other library stands behind this one and before.
			host "${name%:*}" "$scratch/lib${name#*:}.so" \
				-Wl,-rpath,"$scratch" || return 1
		done &&
		$CC -O1 -Wall -Wextra -o "$scratch/indirect" "$here/indirect.c" \
			-ldl &&
		$CC -O1 -Wall -Wextra -o "$scratch/indirect_linked" \
			"$here/indirect.c" -L"$scratch" \
			-Wl,--no-as-needed -lplugin -ldl \
			-Wl,-rpath,"$scratch" -Wl,-rpath-link,"$library"
}

expect_command "other libraries are built" build_libraries

for when in first between last last-global; do
	expect "a crash reporter that is opened $when" "$scratch/reporter" \
		$when "$scratch/libreporter.so" reporter_install 77
done

llvm=$(find /usr/lib/x86_64-linux-gnu /usr/lib/llvm-*/lib -maxdepth 1 \
	-name 'libLLVM*.so*' 2>/dev/null | head -n 1)
if have "LLVM's crash handler" libllvm14 test -n "$llvm"; then
	for when in first between last; do
		expect "LLVM's crash handler, enabled $when" \
			"$scratch/reporter" $when "$llvm" \
			LLVMEnablePrettyStackTrace -11
	done
fi

expect "another library's longjmp() out of services" "$scratch/jump"
expect "another library's handler touches what is closed" "$scratch/alarms"
expect "a program that is linked with a library that uses modules" \
	"$scratch/indirect_linked"
expect "a library that uses modules, opened" "$scratch/indirect" \
	"$scratch/libplugin.so"
