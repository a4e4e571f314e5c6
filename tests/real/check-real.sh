#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-real.sh - libraries from their unmodified Debian sources, built as
# modules with a C library from musl's, do their work as the host's own
# libraries do; of broken ones the faults are caught, and the host goes on.
# What they are and how they are built is in the file "libraries".
#
# In the environment: MODISO_REAL names libraries (all), MODISO_REAL_LEVELS the
# levels (guard, and where there are keys sealed, and mprotect, which is guard
# without them), MODISO_REAL_CACHE a directory for sources and for what was
# built, MODISO_REAL_VM kernels (6.1, 6.12) on which they do it SEALED in a
# virtual machine as well; with MODISO_REAL_WRITE the figures, which are printed,
# become rows of README's table.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

here=$top_srcdir/tests/real
work=${MODISO_REAL_CACHE:-$top_builddir/tests/real-sources}
mkdir -p "$work" && work=$(cd "$work" && pwd) || exit 1
libraries=${MODISO_REAL:-$(sed -n 's/^Library: //p' "$here/libraries")}
for library in $libraries; do
	grep -q "^Library: $library\$" "$here/libraries" || {
		echo "Bail out! MODISO_REAL: $library is no Library: of" \
			"$here/libraries"
		exit 1
	}
done
build=$(cd "$top_builddir" && pwd)
MODISO_RUNTIME=$build/runtime/libmodiso-module.a
PATH=$build/tools:$PATH
MODISO_RECODE=$top_srcdir/tools/recode.sh
MODISO_BIND_PARTS=$top_srcdir/tools/bind
export MODISO_RUNTIME MODISO_RECODE MODISO_BIND_PARTS PATH

# field LIBRARY NAME - what the paragraph of a library says, in one line
field() {
	awk -v library="$1" -v name="$2:" '
		/^#/ { next }
		/^[^\t]/ { found = 0 }
		$1 == "Library:" { here = $2 == library }
		here && $1 == name { found = 1; sub(/^[^:]*: */, "") }
		found { sub(/^\t/, " "); printf "%s", $0 }' "$here/libraries"
}

# Those in C++ have their work in C++.
is_cxx() {
	[ -f "$here/work_$1.cc" ]
}

# Those of which this machine has not all, beside their sources, are skipped.
packages=musl
there=
for library in $libraries; do
	missing=
	for package in $(field "$library" Needs); do
		dpkg-query -W "$package" >/dev/null 2>&1 ||
			missing="$missing $package"
	done
	if [ -n "$missing" ]; then
		skip "$library" "apt-get install$missing"
	else
		there="$there $library"
		packages="$packages $(field "$library" Package)"
		! is_cxx "$library" || cxx=$work/llvm-toolchain-14
	fi
done
[ -z "${cxx:-}" ] || packages="$packages
	llvm-toolchain-14=libcxx*/src,libcxx*/include,libunwind/*"
libraries=$there
for tool in apt-get dpkg-source modiso-bind; do
	command -v $tool >/dev/null || skip_all "no $tool"
done
missing=
for package in $packages; do
	[ -d "$work/${package%%=*}" ] || missing="$missing $package"
done
# shellcheck disable=SC2086 # names, here and below
if [ -n "$missing" ] && ! sh "$top_srcdir/tools/fetch-sources.sh" "$work" \
	$missing >"$scratch/log" 2>&1; then
	tail -n 3 "$scratch/log" >&2
	skip_all "the sources cannot be had here"
fi

# Made anew when what it is made of has changed.
MODISO_LIBC=$work/libc
MODISO_LIBC_PARTS=$(cd "$top_srcdir/runtime/libc" && pwd)
export MODISO_LIBC MODISO_LIBC_PARTS
made=$MODISO_LIBC/lib/libc.a
if [ ! -f "$made" ] || [ -n "$(find "$MODISO_LIBC_PARTS" \
	"$build/tools/modiso-libc" -newer "$made")" ]; then
	expect_command "a C library for modules" \
		modiso-libc build "$work/musl"
fi
if [ -n "${cxx:-}" ] && [ ! -f "$MODISO_LIBC/lib/libc++.a" ]; then
	expect_command "a C++ library for modules" modiso-libc build-c++ "$cxx"
fi
# A large text for those who want one.
text=$scratch/text
find "$work/musl/src" -name '*.[ch]' -exec cat {} + 2>/dev/null |
	head -c 1000000 >"$text"

# prepare LIBRARY - that directory: the package's own, or a copy
prepare() {
	# shellcheck disable=SC2046
	set -- "$1" $(field "$1" Package)
	if [ -z "$(field "$1" Prepare)" ]; then
		echo "$work/$2"
		return
	fi
	field "$1" Prepare >"$scratch/prepare"
	cmp -s "$scratch/prepare" "$work/prepared/$1/prepared" || {
		rm -rf "$work/prepared/$1"
		mkdir -p "$work/prepared"
		cp -R "$work/$2" "$work/prepared/$1"
		(
			cd "$work/prepared/$1" &&
				eval "$(field "$1" Prepare)" &&
				cp "$scratch/prepare" \
					"$work/prepared/$1/prepared"
		) >"$scratch/log" 2>&1 || {
			tail -n 20 "$scratch/log" >&2
			return 1
		}
	}
	echo "$work/prepared/$1"
}

# make_file FILE COMMAND SOURCE... - where it was made in another way, or of
# older ones
make_file() {
	file=$1
	command=$2
	shift 2
	if [ -f "$file" ] && [ "$(cat "$file.command")" = "$command" ] &&
		[ -z "$(find "$@" "$here/work.h" -newer "$file")" ]; then
		return
	fi
	(cd "$place" && eval "$(echo "$command" | tr '\n' ' ')") &&
		echo "$command" >"$file.command"
}

# bind LIBRARY OPTION... - modiso-bind with the library's own header
bind() {
	# shellcheck disable=SC2046
	set -- "$@" --name typed $(field "$1" Typed)
	shift
	for word in $options; do
		case $word in -[ID]*) set -- "$@" "$word" ;; esac
	done
	eval "modiso-bind $*"
}

# module LIBRARY IMAGE OPTION...
module() {
	compiler=modiso-cc
	work_file=$here/work_$1.c
	! is_cxx "$1" || {
		compiler=modiso-c++
		work_file=${work_file}c
	}
	image=$2
	typed=
	# What of C++ is called has a wrapper in the module.
	wrappers=
	! is_cxx "$1" || wrappers=$work/built/typed-$1.cc
	[ -z "$(field "$1" Typed)" ] ||
		typed=--export=$(cd "$place" && bind "$1" --exports \
			${wrappers:+-o "'$wrappers'"}) || return
	[ -z "$typed" ] || typed="$typed ${wrappers:+"'$wrappers'"}"
	shift 2
	make_file "$image" "MODISO_BIND_CC=$compiler
		modiso-bind work.h '-I$here' work in=in:length out=out:room
		-o '$work/built/work_sandbox.h' --image '$image' --
		--libc -O2 -w $typed $options $* '-I$here' '$work_file' $sources" \
		"$work_file" "$made" "$MODISO_RUNTIME" "$MODISO_RECODE" \
		"$build/tools/modiso-cc" ${wrappers:+"$MODISO_BIND_PARTS"}
}

# host LIBRARY PROGRAM - g++ takes -x for one file
host() {
	compiler="$CC -std=gnu11"
	work_file=$here/work_$1.c
	! is_cxx "$1" || {
		compiler=$CXX
		work_file=${work_file}c
	}
	make_file "$2" "$compiler -O2 -w -o '$2' $options '-I$here'
		'-I$work/built'
		'-I$source_tree/include' '-I$build/include'
		-x c '$here/real.c' -x none '$work_file'
		'-L$build/lib/.libs' -lmodiso
		$(field "$1" Host | sed 's/[^ ]*/-l:&/g')
		'-Wl,-rpath,$build/lib/.libs'" "$here/real.c" \
		"$work_file"
}

# typed_host LIBRARY PROGRAM
typed_host() {
	directory=$work/built/typed-$1
	mkdir -p "$directory"
	work_file="-x c '$here/work_$1.c'"
	! is_cxx "$1" || work_file="'$here/work_$1.cc'"
	make_file "$2" "bind $1 -o '$directory/typed_sandbox.hpp' \
		--image '$work/built/$1.so' &&
		$CXX -std=c++17 -O2 -w -o '$2' $options '-I$here' '-I$directory'
		'-I$source_tree/include' '-I$build/include'
		'$here/typed.cc' '$here/typed_$1.cc' $work_file
		-x none '-L$build/lib/.libs' -lmodiso
		$(field "$1" Host | sed 's/[^ ]*/-l:&/g')
		'-Wl,-rpath,$build/lib/.libs'" "$here/typed.cc" "$here/typed.h" \
		"$here/typed_$1.cc" "$here/work_$1".c* "$MODISO_BIND_PARTS" \
		"$source_tree/include/modiso"
}

# bind_leaves - a module of a class, and a host that calls it
bind_leaves() (
	cd "$scratch" && modiso-bind leaves.hpp thrower::thrower \
		thrower::~thrower thrower::over -o leaves_sandbox.hpp \
		--image class.so -- --libc -O2 "-I$source_tree/tests/real" &&
		$CXX -std=c++17 -o leaves "-I$source_tree/tests/real" -I. \
			"-I$source_tree/include" "-I$build/include" \
			"$source_tree/tests/real/leaves.cc" \
			"-L$build/lib/.libs" -lmodiso \
			"-Wl,-rpath,$build/lib/.libs"
)

# inputs LIBRARY - names of files, the large one first
inputs() {
	(
		cd "$place" && eval "$(field "$1" Input)" \
			>"$scratch/$1.large" && echo "$scratch/$1.large"
		for file in $(field "$1" Files) "$here/inputs/$1"/*; do
			case $file in
			/*) ;;
			*) file=$place/$file ;;
			esac
			[ ! -f "$file" ] || echo "$file"
		done | head -n 30
	)
}

# choose LEVEL - sets what is told to a program, and the environment
choose() {
	confinement=$1
	MODISO_BACKEND=
	if [ "$1" = mprotect ]; then
		confinement=guard
		MODISO_BACKEND=mprotect
	fi
	export MODISO_BACKEND
}

mkdir -p "$work/built"
levels=guard
! "$build/tools/modiso-info" --quiet --backend pkey ||
	levels="guard mprotect sealed"
source_tree=$(cd "$top_srcdir" && pwd)
: >"$scratch/table"
for library in $libraries; do
	place=$(prepare "$library") || {
		echo | not_ok "$library: its sources are prepared"
		continue
	}
	options=$(field "$library" Options)
	sources=$(field "$library" Sources)
	expect_command "$library is built as a module" \
		module "$library" "$work/built/$library.so"
	expect_command "a host with its own $library" \
		host "$library" "$work/built/real-$library"
	[ -f "$work/built/real-$library" ] || continue
	inputs "$library" >"$scratch/inputs"
	reads=$(field "$library" Reads)
	these=$(field "$library" Levels)
	for level in ${these:-${MODISO_REAL_LEVELS:-$levels}}; do
		choose "$level"
		# shellcheck disable=SC2046
		expect_command "$library, $level: the same bytes" \
			"$work/built/real-$library" \
			${reads:+-d "$place/$reads"} "$confinement" \
			"$work/built/$library.so" $(cat "$scratch/inputs")
		sed 's/^/# /' "$scratch/output"
		[ "$level" != mprotect ] || continue
		sed -n "s/^measured: /$library $level /p" "$scratch/output" \
			>>"$scratch/table"
	done
	[ -n "$(field "$library" Typed)" ] || continue
	if [ -z "$CXX" ]; then
		skip "$library by typed calls" "no C++ compiler"
		continue
	fi
	expect_command "$library: calls of its own functions" \
		typed_host "$library" "$work/built/typed-$library/host"
	for level in ${MODISO_REAL_LEVELS:-$levels}; do
		choose "$level"
		# shellcheck disable=SC2046
		expect_command "$library, $level, by these: the same bytes" \
			"$work/built/typed-$library/host" \
			${reads:+-d "$place/$reads"} "$confinement" \
			"$work/built/$library.so" $(cat "$scratch/inputs")
		sed 's/^/# /' "$scratch/output"
	done
done

choose guard
# Emulation is slow: a few of the smaller files.
for kernel in ${MODISO_REAL_VM:-}; do
	for library in $libraries; do
		place=$(prepare "$library") || continue
		reads=$(field "$library" Reads)
		[ -z "$(field "$library" Levels)" ] || continue
		echo "status $work/built/real-$library" \
			"${reads:+-d $place/$reads} sealed" \
			"$work/built/$library.so $(inputs "$library" |
				sed 1d | head -n 4 | tr '\n' ' ')"
	done >"$scratch/jobs"
	expect_command "Linux $kernel: sealed, in a virtual machine" \
		sh "$source_tree/tests/vm/run.sh" --kernel "$kernel" \
		--env MODISO_TEST_REQUIRE=pkey --jobs "$scratch/jobs"
	sed 's/^/# /' "$scratch/output"
done

# Broken on purpose: what it does is caught, with the line where it was, its
# memory is brought back, and the next input is what it should be.
for library in $libraries; do
	change=$(field "$library" Break)
	[ -n "$change" ] || continue
	[ -f "$work/built/real-$library" ] || continue
	place=$(prepare "$library") || continue
	options=$(field "$library" Options)
	sources=$(field "$library" Sources)
	inputs "$library" >"$scratch/inputs"
	if [ -n "$(field "$library" Trigger)" ]; then
		eval "$(field "$library" Trigger)" >"$scratch/trigger"
		echo "$scratch/trigger" | cat - "$scratch/inputs" \
			>"$scratch/more" && mv "$scratch/more" "$scratch/inputs"
	fi
	rm -rf "$scratch/broken"
	cp -R "$place" "$scratch/broken"
	place=$scratch/broken
	sed -i "${change#* }" "$place/${change%% *}"
	expect_command "a broken $library is built" \
		module "$library" "$scratch/broken.so" -g
	# shellcheck disable=SC2046
	"$work/built/real-$library" -r guard "$scratch/broken.so" \
		$(cat "$scratch/inputs") >"$scratch/output" 2>&1
	status=$?
	if [ "$status" -eq 3 ] && ! grep -q differs "$scratch/output" &&
		grep -q "/${change%% *}:[0-9]" "$scratch/output" &&
		grep -q ' faults, [1-9][0-9]* compared after' "$scratch/output"
	then
		ok "a broken $library: caught, restored, and goes on"
		grep ' faults, ' "$scratch/output" | sed 's/^/# /'
	else
		echo "status $status" >>"$scratch/output"
		tail -n 30 "$scratch/output" >"$scratch/end"
		not_ok "a broken $library" <"$scratch/end"
	fi
done

# An exception that leaves the module is its fault. Nothing is brought back.
case " $libraries " in
*" cxx "*)
	place=$(prepare cxx)
	options=
	sources=
	expect_command "C++ whose exceptions leave is built" \
		module cxx "$scratch/leaves.so" -DLEAVES
	# All of a text have some, and these letters have none.
	printf 'abc' >"$scratch/none"
	"$work/built/real-cxx" -r guard "$scratch/leaves.so" \
		"$place/README" "$scratch/none" >"$scratch/output" 2>&1
	status=$?
	if [ "$status" -eq 3 ] && ! grep -q differs "$scratch/output" &&
		grep -q '__cxa_throw' "$scratch/output" &&
		grep -q ' faults, [1-9][0-9]* compared after' "$scratch/output"
	then
		ok "an exception that leaves is a fault, the host goes on"
	else
		echo "status $status" >>"$scratch/output"
		tail -n 30 "$scratch/output" >"$scratch/end"
		not_ok "an exception that leaves" <"$scratch/end"
	fi
	# By a method and by a constructor, called from a host.
	expect_command "a class whose exceptions leave is bound" bind_leaves
	"$scratch/leaves" "$scratch/class.so" >"$scratch/output" 2>&1
	echo "left with $?" >>"$scratch/output"
	if grep -qx 'left with 0' "$scratch/output"; then
		ok "an exception that leaves a method is a fault as well"
	else
		not_ok "an exception that leaves a method" <"$scratch/output"
	fi
	;;
esac

# Where there is no SEALED the figures are those of GUARD.
awk 'function rate(number) {
		return sprintf(number < 9.95 ? "%.1f" : "%.0f", number)
	}
	{
		if (!($1 in load))
			order[++count] = $1
		load[$1] = $3
		calls[$1] = $4 " " $5
		bytes[$1] = $6 " " $7
		ratio[$1] = ratio[$1] " " $9
	}
	END {
		for (i = 1; i <= count; i++) {
			split(calls[order[i]] " " bytes[order[i]], word)
			split(ratio[order[i]], times)
			printf "\t%-8s %6.1f %9d %9d %8s %6s %8s %6s\n",
				order[i], load[order[i]], word[1], word[2],
				rate(word[3]), rate(word[4]), times[1], times[2]
		}
	}' "$scratch/table" >"$scratch/rows"
sed 's/^/# /' "$scratch/rows"
# Rows of libraries that were left out stay.
if [ -n "${MODISO_REAL_WRITE:-}" ]; then
	awk '
		FILENAME == ARGV[1] {
			row[$1] = $0
			name[++count] = $1
			next
		}
		/^$/ && inside {
			for (i = 1; i <= count; i++)
				if (name[i] in row)
					print row[name[i]]
			inside = 0
		}
		inside && $1 in row {
			$0 = row[$1]
			delete row[$1]
		}
		{ print }
		/^\tlibrary .*load/ {
			getline
			print
			inside = 1
		}' "$scratch/rows" "$top_srcdir/README" >"$scratch/README" &&
		cp "$scratch/README" "$top_srcdir/README"
fi

# README's second program, with the C library.
if [ -f "$($CC -print-file-name=libpng16.a)" ] && [ -n "$CXX" ]; then
	sh "$top_srcdir/tests/build/readme.sh" >"$scratch/output" 2>&1
	if grep -q '^ok .* - the second program prints' "$scratch/output"; then
		ok "README's second program: Debian's libpng in a module"
	else
		not_ok "README's second program" <"$scratch/output"
	fi
else
	skip "README's second program" "no libpng-dev or C++ compiler"
fi

# shellcheck source=needed.sh
. "$here/needed.sh"

finish
