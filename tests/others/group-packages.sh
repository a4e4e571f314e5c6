# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-packages.sh - what "make install" leaves, as users' builds find it:
# CMake and Meson, modiso-vm with a program from outside of this tree; that
# "make uninstall" leaves nothing; and that rpmbuild packs it all by the spec.

unset MAKEFLAGS MFLAGS MAKELEVEL
installed=$scratch/installed
expect_command "make install" \
	"${MAKE:-make}" -s -C "$top_builddir" install DESTDIR="$installed"
installed_pc=$(find "$installed" -name libmodiso.pc)
installed_lib=${installed_pc%/pkgconfig/*}
installed_prefix=$installed$(sed -n 's/^prefix=//p' "$installed_pc")
examples=$(find "$installed" -type d -name examples)

# An example says this, with the library that was installed.
says_hello() {
	LD_LIBRARY_PATH=$installed_lib MODISO_BACKEND=mprotect "$@" \
		>"$scratch/hello.out" 2>&1
	cat "$scratch/hello.out"
	grep -q '^hello from inside: 17 bytes' "$scratch/hello.out"
}

with_cmake() {
	cmake -S "$examples/cmake" -B "$scratch/cmake" \
		-DCMAKE_C_COMPILER="${CC##* }" -DCMAKE_BUILD_TYPE=Release \
		-DCMAKE_PREFIX_PATH="$installed_prefix" &&
		cmake --build "$scratch/cmake" && says_hello "$scratch/cmake/hello"
}

# asks VERSION - is there a version for one who asks for that?
asks() {
	mkdir -p "$scratch/asks" &&
		cat >"$scratch/asks/CMakeLists.txt" <<-END
			cmake_minimum_required(VERSION 3.13)
			project(asks NONE)
			find_package(modiso $1 REQUIRED)
		END
	cmake -S "$scratch/asks" -B "$scratch/asks/build" \
		-DCMAKE_PREFIX_PATH="$installed_prefix"
}

if have "CMake: find_package(modiso)" cmake command -v cmake; then
	expect_command "CMake: find_package(modiso)" with_cmake
	expect_command "CMake: this version is there" asks "$PACKAGE_VERSION EXACT"
	for version in 0.0 0.99 1.0 "0.1.99"; do
		if asks $version >"$scratch/output" 2>&1; then
			not_ok "CMake: $version is not" <"$scratch/output"
		elif grep -q 'considered but not accepted' "$scratch/output"; then
			ok "CMake: $version is not"
		else
			not_ok "CMake: $version is not" <"$scratch/output"
		fi
	done
fi

with_meson() {
	(
		CC=${CC##* }
		PKG_CONFIG_PATH=${installed_pc%/*}
		PKG_CONFIG_SYSROOT_DIR=$installed
		export CC PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
		meson setup --wrap-mode=nofallback "$scratch/meson" \
			"$examples/meson" && meson compile -C "$scratch/meson"
	) && says_hello "$scratch/meson/hello"
}
if have "Meson: dependency('libmodiso')" meson command -v meson; then
	expect_command "Meson: dependency('libmodiso')" with_meson
fi

# Modules: the same build as a host's own, by configure, CMake and Meson. Each
# is told that a function is missing, and is not told to run anything. A user
# has no need of the two variables; these files are not where they were
# configured for.
module_env() {
	env -u CC -u CXX PATH="$installed_prefix/bin:$PATH" \
		MODISO_RUNTIME="$installed_lib/libmodiso/libmodiso-module.a" \
		"$@"
}
mkdir -p "$scratch/module"
echo 'print' >"$scratch/module/services"
cat >"$scratch/module/twice.c" <<'END'
__attribute__((visibility("default"))) long twice(long value);
long twice(long value)
{
	return 2 * value;
}
END
# C++ comes by modiso-c++, here without a library.
cat >"$scratch/module/twice.cc" <<'END'
extern "C" __attribute__((visibility("default"))) long twice(long value);
extern "C" long twice(long value)
{
	return [](auto number) { return 2 * number; }(value);
}
END
# is_module FILE - modiso-run can call it
is_module() {
	LD_LIBRARY_PATH=$installed_lib "$installed_prefix/bin/modiso-run" \
		--call twice 21 --expect 42 "$1"
}

configured() (
	mkdir -p "$scratch/module/ac" && cd "$scratch/module/ac" &&
		cat >configure.ac <<-END &&
			AC_INIT([twice], [1])
			AC_PROG_CC
			AC_CHECK_FUNCS([memcpy print nothing_has_this])
			AC_CHECK_LIB([m], [sin])
			AC_CONFIG_FILES([Makefile])
			AC_OUTPUT
		END
		printf 'twice.so: ../twice.c\n\t@CC@ @CFLAGS@ -o $@ $<\n' \
			>Makefile.in &&
		autoconf &&
		module_env ./configure --host=x86_64-module-linux-gnu \
			CC="modiso-cc --services=$scratch/module/services" &&
		module_env make &&
		grep -q "^ac_cv_func_memcpy='*yes" config.log &&
		grep -q "^ac_cv_func_print='*yes" config.log &&
		grep -q "^ac_cv_func_nothing_has_this='*no" config.log &&
		grep -q "^ac_cv_lib_m_sin='*no" config.log &&
		is_module twice.so
)
if have "configure: CC=modiso-cc" autoconf command -v autoconf; then
	expect_command "configure: CC=modiso-cc" configured
fi

cmake_module() {
	mkdir -p "$scratch/module/cmake" &&
		cat >"$scratch/module/cmake/CMakeLists.txt" <<-END &&
			cmake_minimum_required(VERSION 3.13)
			project(twice C ${CXX:+CXX})
			include(CheckFunctionExists)
			check_function_exists(print HAVE_PRINT)
			check_function_exists(nothing_has_this HAVE_NONE)
			if(HAVE_NONE OR NOT HAVE_PRINT)
			  message(FATAL_ERROR "the tests that link do not tell")
			endif()
			find_library(FOUND NAMES c m z)
			if(FOUND)
			  message(FATAL_ERROR "\${FOUND} is none of a module's")
			endif()
			add_library(twice MODULE ../twice.c${CXX:+c})
		END
		module_env cmake -S "$scratch/module/cmake" \
			-B "$scratch/module/cmake/build" --toolchain \
			"$installed_lib/cmake/modiso/modiso-module.cmake" \
			-DMODISO_MODULE_OPTIONS=--services="$scratch/module/services" &&
		module_env cmake --build "$scratch/module/cmake/build" &&
		is_module "$scratch/module/cmake/build/libtwice.so"
}
if have "CMake: a module's toolchain file" cmake command -v cmake; then
	expect_command "CMake: a module's toolchain file" cmake_module
fi

meson_module() {
	mkdir -p "$scratch/module/meson" &&
		cp "$scratch/module/twice.c" "$scratch/module/meson" &&
		cat >"$scratch/module/meson/meson.build" <<-END &&
			project('twice', 'c')
			cc = meson.get_compiler('c')
			assert(cc.has_function('print'))
			assert(not cc.has_function('nothing_has_this'))
			shared_module('twice', 'twice.c')
		END
		sed "s|= \['.*/modiso-cc|= ['$installed_prefix/bin/modiso-cc|" \
			"$installed_prefix/share/meson/cross/modiso-module.ini" \
			>"$scratch/module/cross.ini" &&
		printf '[constants]\nmodule_options = ["--services=%s"]\n' \
			"$scratch/module/services" | tr '"' "'" \
			>"$scratch/module/options.ini" &&
		module_env meson setup --cross-file "$scratch/module/cross.ini" \
			--cross-file "$scratch/module/options.ini" \
			"$scratch/module/meson/build" "$scratch/module/meson" &&
		module_env meson compile -C "$scratch/module/meson/build" &&
		is_module "$scratch/module/meson/build/libtwice.so"
}
if have "Meson: a module's cross file" meson command -v meson; then
	expect_command "Meson: a module's cross file" meson_module
fi

# The directories that it has been configured for are below $installed.
vm_helpers=$(eval "$(sed -n '/^prefix=/,/^helpers=/p' \
	"$installed_prefix/bin/modiso-vm")" && echo "$helpers")
vm_helpers=$installed${vm_helpers%%:*}:$installed${vm_helpers#*:}
# As a user: outside of the tree, with nothing of it in the environment, and in
# /tmp, which the machine has as well.
with_vm() {
	outside=$(mktemp -d /tmp/modiso-XXXXXX) &&
		# shellcheck disable=SC2046 # flags are words
		${CC##* } -o "$outside/hello" "$examples/hello.c" \
			$(PKG_CONFIG_PATH=${installed_pc%/*} "$PKG_CONFIG" \
				--define-variable=prefix="$installed_prefix" \
				--cflags --libs libmodiso) &&
		(
			unset top_builddir top_srcdir
			LD_LIBRARY_PATH=$installed_lib \
				MODISO_VM_HELPERS=$vm_helpers \
				"$installed_prefix/bin/modiso-vm" --env \
				MODISO_BACKEND=pkey "$outside/hello"
		) >"$scratch/hello.out"
	rm -rf "$outside"
	grep -q '^hello from inside: 17 bytes' "$scratch/hello.out"
}
text="modiso-vm: a program from outside, with keys"
if have "$text" qemu-system-x86 command -v qemu-system-x86_64 &&
	have "$text" cpio command -v cpio &&
	have "$text" busybox-static command -v busybox; then
	expect_command "$text" with_vm
fi

spec=$top_builddir/libmodiso.spec
if have "RPM: the spec can be read" rpm command -v rpmspec; then
	expect_command "RPM: the spec can be read" rpmspec -P "$spec"
fi
# Its files are those that were installed: each is in a package, and no package
# names another one. What it says of building is left out.
rpm_prefix=${installed_prefix#"$installed"}
packs() {
	mkdir -p "$scratch/rpm" &&
		awk -v from="$installed" -v licence="$top_srcdir/LICENSE" '
			/^(Source0|BuildRequires):/ { next }
			/^%prep$/ {
				skip = 1
				print "%install\ncp " licence " ."
				print "cp -a " from "/. %{buildroot}"
				print "rm -f %{buildroot}%{_libdir}/*.la\n"
			}
			/^%files$/ { skip = 0 }
			!skip' "$spec" >"$scratch/rpm/libmodiso.spec" &&
		rpmbuild -bb --quiet --define "_topdir $scratch/rpm" \
			--define "debug_package %{nil}" \
			--define "_prefix $rpm_prefix" \
			--define "_libdir ${installed_lib#"$installed"}" \
			--define "_datadir $rpm_prefix/share" \
			--define "_mandir $rpm_prefix/share/man" \
			--define "_defaultdocdir $rpm_prefix/share/doc" \
			"$scratch/rpm/libmodiso.spec" &&
		[ "$(find "$scratch/rpm/RPMS" -name '*.rpm' | wc -l)" -eq 3 ]
}
text="RPM: rpmbuild packs all that is installed"
if have "$text" rpm command -v rpmbuild; then
	expect_command "$text" packs
fi
if have "RPM: rpmlint has no error" rpmlint command -v rpmlint; then
	expect_command "RPM: rpmlint has no error" rpmlint "$spec"
fi

expect_command "make uninstall" \
	"${MAKE:-make}" -s -C "$top_builddir" uninstall DESTDIR="$installed"
find "$installed" ! -type d >"$scratch/complaints"
expect_empty "$scratch/complaints" "make uninstall leaves nothing"
