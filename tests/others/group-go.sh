# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-go.sh - a program in Go, and a library in Go for a program in C.

# go_build OUTPUT SOURCE [OPTION]...
go_build() {
	go_output=$1
	go_source=$2
	shift 2
	env GO111MODULE=off GOFLAGS= GOCACHE="$top_builddir/tests/go-cache" \
		CGO_ENABLED=1 \
		CGO_CFLAGS="-O1 -I$top_srcdir/include -I$top_builddir/include -I$here" \
		CGO_LDFLAGS="${go_libs--L$library -lmodiso -Wl,-rpath,$library}" \
		"$patience" "$GO" build "$@" -o "$go_output" \
		"$go_source"
}

if have "Go" golang-go test -n "$GO"; then
	expect_command "Go: a program is built" \
		go_build "$scratch/go_program" "$here/go_program.go"
	expect "Go: panics, preemption and collections beside modules" \
		"$scratch/go_program"
	go_libs="$library/libmodiso.a -lcpuid -lpthread"
	expect_command "Go: a static program is built" \
		go_build "$scratch/go_static" "$here/go_program.go" \
		-ldflags '-linkmode external -extldflags "-static"'
	unset go_libs
	expect "Go: a static program" "$scratch/go_static"
	expect_command "Go: a shared library is built" \
		go_build "$scratch/go_shared.so" "$here/go_shared.go" \
		-buildmode=c-shared
	if host go_host -ldl >"$scratch/output" 2>&1; then
		expect "Go: a shared library that is opened first" \
			"$scratch/go_host" first "$scratch/go_shared.so"
		expect "Go: a shared library that is opened last" \
			"$scratch/go_host" last "$scratch/go_shared.so"
	else
		not_ok "Go: the host of a shared library" <"$scratch/output"
	fi
fi
