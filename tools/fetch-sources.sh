#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fetch-sources.sh DIRECTORY PACKAGE[=PART,...]... - unpack the Debian sources of
# packages below DIRECTORY, each as DIRECTORY/PACKAGE: with Debian's patches, or
# of the original archive nothing but the directories PART.
#
# apt is told by a configuration of its own in DIRECTORY that where this
# machine gets its packages from, it gets their sources as well. Nothing is
# installed, and apt's own lists stay as they are.

set -eu

work=$1
shift
mkdir -p "$work/parts" "$work/lists/partial" "$work/cache/archives/partial"
for file in /etc/apt/sources.list.d/*.sources; do
	[ ! -f "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" \
		>"$work/parts/$(basename "$file")"
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
	[ ! -f "$file" ] || sed -n 's/^deb /deb-src /p' "$file" \
		>"$work/parts/$(basename "$file" .list).list"
done

# get COMMAND...
get() {
	command=$1
	shift
	"$command" -q -o Dir::Etc::sourcelist=/dev/null \
		-o Dir::Etc::sourceparts="$work/parts" \
		-o Dir::State::lists="$work/lists" \
		-o Dir::Cache="$work/cache" -o APT::Sandbox::User=root \
		-o Acquire::Languages=none "$@"
}

# unpack PACKAGE=VERSION PARTS - what is new is the only directory in .
unpack() {
	if [ -z "$2" ]; then
		get apt-get source --only-source "$1"
		return
	fi
	get apt-get source --only-source --download-only "$1" || return
	rm -f ./*.asc
	mkdir parts
	# shellcheck disable=SC2046 # patterns
	tar -xf ./*.orig.tar.* -C parts --strip-components 1 --wildcards \
		--no-wildcards-match-slash $(echo "${2%,}" | sed 's|^|*/|; s|,| */|g')
}

get apt-get update
for package in "$@"; do
	parts=
	case $package in
	*=*)
		parts=${package#*=}
		package=${package%%=*}
		;;
	esac
	[ ! -d "$work/$package" ] || continue
	# A mirror may know of a version that it does not have yet.
	versions=$(get apt-cache showsrc --only-source "$package" |
		sed -n 's/^Version: //p' | sort -rVu)
	for version in $versions; do
		rm -rf "$work/new"
		mkdir "$work/new"
		if (cd "$work/new" && unpack "$package=$version" "$parts"); then
			mv "$work"/new/*/ "$work/$package"
			break
		fi
	done
	[ -d "$work/$package" ] || exit 1
done
rm -rf "$work/new"
