# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-rust.sh - bindings/rust, by its own tests.

# The sources are copied with their times, so that what is built stays good;
# cargo writes beside them.
rust_tests() {
	rust=$top_builddir/tests/rust
	rm -rf "$rust/src" "$rust/tests"
	mkdir -p "$rust" &&
		cp -Rp "$top_srcdir/bindings/rust" "$rust/src" &&
		cp -Rp "$top_srcdir/bindings/tests" "$rust/tests" &&
		chmod -R u+w "$rust/src" && cd "$rust/src" || return 1
	env -u PKG_CONFIG_DISABLE_UNINSTALLED PKG_CONFIG="$PKG_CONFIG" \
		PKG_CONFIG_PATH="$top_builddir" \
		CARGO_TARGET_DIR="$rust/target" \
		LD_LIBRARY_PATH="$library" \
		MODISO_CFLAGS="-I$top_srcdir/include -I$top_builddir/include" \
		MODISO_RUNTIME="$top_builddir/runtime/libmodiso-module.a" \
		MODISO_TEST_CC="sh $top_builddir/tools/modiso-cc" \
		RUSTFLAGS='-D warnings' \
		"$patience" "$CARGO" test --offline
}

if have "bindings/rust" cargo test -n "$CARGO"; then
	(rust_tests) >"$scratch/output" 2>&1
	status=$?
	ran=$(awk '/^test result: ok/ { n += $4 } END { print n + 0 }' \
		"$scratch/output")
	if [ "$status" -eq 0 ] && [ "$ran" -gt 0 ]; then
		ok "bindings/rust: $ran tests"
	else
		echo "status $status" >>"$scratch/output"
		tail -n 60 "$scratch/output" >"$scratch/tail"
		not_ok "bindings/rust" <"$scratch/tail"
	fi
fi
