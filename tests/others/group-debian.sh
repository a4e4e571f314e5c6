# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-debian.sh - what autopkgtest(1) would do with the packages that
# "./dev package" has built, without installing them: debian/tests, each where
# the packages' files lie over /usr, which nobody else sees.

debs=${MODISO_PACKAGES:-$top_srcdir/build/package}
unpacked=$scratch/unpacked

# over_usr COMMAND... - as root of a namespace, in which mounting is allowed.
over_usr() {
	# shellcheck disable=SC2016 # the inner shell's
	unshare --map-root-user --mount sh -c '
		mount -t overlay -o "lowerdir=$1:/usr" overlay /usr &&
			shift && exec "$@"' sh "$unpacked/usr" "$@"
}

# as_installed NAME - a test of debian/tests, as debian/control has it run.
as_installed() {
	mkdir "$scratch/debian-$1" && (
		unset top_srcdir top_builddir CC CXX MODISO_BACKEND \
			MODISO_OPTIONS LD_LIBRARY_PATH
		AUTOPKGTEST_TMP=$scratch/debian-$1
		export AUTOPKGTEST_TMP
		over_usr sh "$debian_tests/$1"
	)
}

unpack() {
	for deb in "$debs"/*.deb; do
		dpkg-deb -x "$deb" "$unpacked" || return
	done
}

# Everything in a package that ends up somewhere else than below /usr.
elsewhere() {
	find "$unpacked" -mindepth 1 -maxdepth 1 ! -name usr
}

debian_tests=$top_srcdir/debian/tests
text="Debian: the tests of debian/tests, as if installed"
if ! ls "$debs"/*.deb >/dev/null 2>&1; then
	skip "$text" "there are no packages: ./dev package makes them"
elif have "$text" dpkg command -v dpkg-deb &&
	have "$text" pkgconf command -v pkgconf; then
	expect_command "Debian: the packages are unpacked" unpack
	elsewhere >"$scratch/complaints"
	expect_empty "$scratch/complaints" "Debian: all of it is below /usr"
	if over_usr true >"$scratch/output" 2>&1; then
		for test in $(sed -n 's/^Tests: //p' "$debian_tests/control"); do
			expect_command "Debian: debian/tests/$test" \
				as_installed "$test"
		done
	else
		skip "$text" "no overlay over /usr: $(tail -n 1 "$scratch/output")"
	fi
fi
