#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-includes.sh - who may include whom, and what may stand where.

set -u
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

lib=$top_srcdir/lib
rules=$top_srcdir/tests/dist/includes.allow

# Every quoted include of a file: "FILE<tab>INCLUDED".
quoted_includes() {
	find "$@" -name '*.[chS]' -exec sed -n \
		's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' \
		{} \; -exec echo {} \; | awk '
	/^\// { for (i = 1; i <= n; i++) print $0 "\t" list[i]; n = 0; next }
	{ list[++n] = $0 }'
}

# sources DIR... - all C and assembly without its comments, "FILE:TEXT"
sources() {
	find "$@" -name '*.[chS]' | while read -r file; do
		sed 's,//.*,,' "$file" | awk -v file="${file#"$top_srcdir"/}" '
		{
			line = $0
			code = ""
			while (line != "") {
				at = index(line, inside ? "*/" : "/*")
				if (!inside)
					code = code (at ? substr(line, 1, at - 1) : line)
				line = at ? substr(line, at + 2) : ""
				if (at)
					inside = !inside
			}
			print file ":" FNR ":" code
		}'
	done
}

# Layers of lib/: a row of includes.allow is "<layer>: <layers it may see>".
layers=$(sed -n 's/^\([a-z]*\):.*/\1/p' "$rules")
for layer in $layers; do
	allowed=" $(sed -n "s/^$layer: *//p" "$rules") "
	case $layer in
	top) quoted_includes "$lib" | awk -F '\t' -v lib="$lib/" '
		index(substr($1, length(lib) + 1), "/") == 0' ;;
	*) [ ! -d "$lib/$layer" ] || quoted_includes "$lib/$layer" ;;
	esac | while IFS='	' read -r file included; do
		want=${included%%/*}
		[ "$want" != "$included" ] || want=top
		case $allowed in
		*" $want "*) ;;
		*) echo "${file#"$top_srcdir"/}: includes \"$included\"" ;;
		esac
	done >"$scratch/complaints"
	expect_empty "$scratch/complaints" \
		"lib/$layer includes only:${allowed%" "}"
done

find "$lib" -mindepth 1 -maxdepth 1 -type d | sed 's,.*/,,' |
	while read -r layer; do
		grep -q "^$layer:" "$rules" || echo "lib/$layer"
	done >"$scratch/complaints"
expect_empty "$scratch/complaints" "every layer has its row in includes.allow"

# What objects want from others goes down as well. What the library defines for
# the program, under the C library's names, is the C library's to its objects.
symbols() {
	for layer in $layers; do
		case $layer in
		top) set -- "$top_builddir"/lib/.libs/*.o ;;
		*) set -- $(find "$top_builddir/lib/$layer" -path '*/.libs/*.o') ;;
		esac
		nm -A "$@" 2>/dev/null | awk -v layer="$layer" '
			$NF ~ /^(mdi|modiso)_/ { print layer, $(NF - 1), $NF }'
	done
}
symbols >"$scratch/symbols"
expect_command "objects of each layer were looked at" awk -v layers="$layers" '
	$2 ~ /[A-TV-Z]/ { seen[$1] = 1 }
	END {
		for (n = split(layers, name); n > 0; n--)
			if (!(name[n] in seen)) {
				print name[n]
				bad = 1
			}
		exit bad
	}' "$scratch/symbols"
awk -v layers="$layers" '
	BEGIN { for (n = split(layers, name); n > 0; n--) height[name[n]] = n }
	NR == FNR {
		if ($2 ~ /[A-TV-Z]/)
			home[$3] = $1
		next
	}
	$2 == "U" && ($3 in home) && height[home[$3]] > height[$1] {
		print $1 " wants " $3 " of " home[$3]
	}' "$scratch/symbols" "$scratch/symbols" | sort -u >"$scratch/complaints"
expect_empty "$scratch/complaints" "no layer calls into one above it"

# The leaf layer sees two public headers and no other.
grep -rn '#[[:space:]]*include[[:space:]]*<modiso' "$lib/base" 2>/dev/null |
	grep -v '<modiso/\(error\|export\)\.h>' >"$scratch/complaints"
expect_empty "$scratch/complaints" \
	"lib/base includes no public header but error.h and export.h"

grep -rln '<libcpuid' "$lib" | grep -v '/arch/x86_64/cpuid\.c$' >"$scratch/complaints"
expect_empty "$scratch/complaints" "only arch/x86_64/cpuid.c includes libcpuid"

sources "$lib" >"$scratch/sources"
grep -E '#[[:space:]]*include[[:space:]]*<(linux|asm|sys/syscall)|[^a-z_]syscall[[:space:]]*\(' \
	"$scratch/sources" | grep -v "^lib/os/" >"$scratch/complaints"
expect_empty "$scratch/complaints" \
	"only os/ includes kernel headers and makes raw system calls"

grep -E '"[^"]*(wrpkru|rdpkru|xrstor|xsave)|^[^"]*\.S:[0-9]+:[[:space:]]*(wrpkru|rdpkru|xrstor|xsave)' \
	"$scratch/sources" |
	grep -vE '^lib/(arch/|code/scan\.c:[0-9]+:[[:space:]]*"wrpkru",)' \
		>"$scratch/complaints" # the scanner names what it finds
expect_empty "$scratch/complaints" "only arch/ writes protection-key instructions"

# What is a system's or a CPU's own has its border: os/os.h, arch/arch.h and
# core/front.h. Files and threads as POSIX has them are taken as given.
grep -E '^lib/(base|backend|core|code|api_[a-z]*\.c)' "$scratch/sources" |
	sed 's/"[^"]*"//g' >"$scratch/inner"
expect_command "the inner layers have sources" test -s "$scratch/inner"
grep -E '#[[:space:]]*include[[:space:]]*<(signal|ucontext|link|sched|poll|linux/|asm/|sys/)|(^|[^a-zA-Z0-9_])(SIG[A-Z]+|SA_[A-Z]+|siginfo_t|ucontext_t|stack_t|sigset_t|sigaction|getpid|gettid|(mmap|munmap|mprotect)[[:space:]]*\()' \
	"$scratch/inner" | grep -v '<sys/stat\.h>' >"$scratch/complaints"
expect_empty "$scratch/complaints" "only os/ and front/ name what is the system's"

grep -E '(^|[^a-zA-Z0-9_])([re](ax|bx|cx|dx|si|di|sp|bp|ip|flags)|r(8|9|1[0-5])|[xyz]mm[0-9]+|[fg]s_?base|fsgsbase|REG_[A-Z]+|avx[0-9]*)([^a-zA-Z0-9_]|$)' \
	"$scratch/inner" >"$scratch/complaints"
expect_empty "$scratch/complaints" "only arch/ and front/ name what is the CPU's"

quoted_includes "$lib/backend" "$lib/core" "$lib/code" |
	grep -E 'os/linux/|arch/x86_64/' >"$scratch/complaints"
expect_empty "$scratch/complaints" "inner layers see os/os.h and arch/arch.h"

grep -E ':[[:space:]]*#[[:space:]]*(if|ifdef|ifndef|elif)([^a-z]|$)' \
	"$scratch/sources" |
	grep -vE "^lib/(os/|arch/arch\.h|front/interpose_libc\.c)" |
	grep -vE '#[[:space:]]*ifndef MDI_[A-Z0-9_]+_H$' |
	grep -vE '#[[:space:]]*if(n?def|[[:space:]]+!?defined)[[:space:](]+(__ASSEMBLER__|__cplusplus)' \
		>"$scratch/complaints"
expect_empty "$scratch/complaints" \
	"only os/, arch/arch.h and front/interpose_libc.c have conditions on machine or feature"

grep -E '(^|[^a-zA-Z0-9_])((assert|printf|puts|perror|exit|_exit)[[:space:]]*\(|stdout|stderr)' \
	"$scratch/sources" |
	grep -vE "^lib/(os/|front/interpose_libc\.c|front/windows/interpose\.c|core/(report_log|picture)\.c)" \
		>"$scratch/complaints"
expect_empty "$scratch/complaints" "the library neither asserts, exits nor prints unasked"

# Everybody outside of lib/ sees what a user sees.
grep -rnE '#[[:space:]]*include[[:space:]]*"' "$top_srcdir/include" \
	>"$scratch/complaints"
expect_empty "$scratch/complaints" \
	"public headers include each other with angle brackets"

layers=$(echo "$layers" | grep -v top | tr '\n' '|')
for dir in examples bench tools tests/live tests/nopku tests/regress; do
	[ ! -d "$top_srcdir/$dir" ] ||
		grep -rnE "#[[:space:]]*include[[:space:]]*\"(${layers%|})/" \
			"$top_srcdir/$dir"
done >"$scratch/complaints"
expect_empty "$scratch/complaints" \
	"examples, bench, tools and the tests of users see no internal header"

finish
