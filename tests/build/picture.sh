#!/bin/sh
# SPDX-License-Identifier: MIT
#
# picture.sh - modules, regions, rights and keys of a program that prints
# nothing of them, as pictures: MODISO_OPTIONS=picture=PATH.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

unset MODISO_BACKEND

# run PROGRAM OPTIONS - an example, as the environment says
run() {
	MODISO_OPTIONS=$2 "$top_builddir/examples/$1" >"$scratch/output" \
		2>"$scratch/errors"
	status=$?
}

# is_drawn TEXT - Graphviz makes a picture of $picture
is_drawn() {
	if ! command -v dot >/dev/null; then
		skip "$1" "there is no dot (Debian: graphviz)"
	elif dot -Tsvg -o "$scratch/svg" "$picture" 2>"$scratch/errors" &&
		grep -q '</svg>' "$scratch/svg"; then
		ok "$1"
	else
		not_ok "$1" <"$scratch/errors"
	fi
}

# recover has one module, which faults three times, and destroys it.
run recover "picture=$scratch/recover"
expect_empty "$scratch/errors" "a program with a picture runs as ever"
set -- "$scratch"/recover.*[0-9].dot
if [ $# -eq 4 ]; then
	ok "there is a picture for each fault, and one of the process"
else
	ls "$scratch" | not_ok "there is a picture for each fault, and one of the process"
fi
for picture in "$scratch"/recover.*.1.dot; do
	has "$picture" 'label="module risky\\nguard' "that of a fault has the module"
	has "$picture" '\[label="stack' "with its regions"
done
for picture in "$scratch"/recover.*[0-9].dot; do
	case $picture in *.*.[123].dot) continue ;; esac
	has "$picture" 'module risky' "that of the process has what there was before its end"
	is_drawn "Graphviz draws it"
done

# A program that ends by exit(3) with its modules.
cat >"$scratch/stay.c" <<'END'
#include <modiso.h>
#include <stdlib.h>

int main(void)
{
	struct modiso_module *one, *other;
	struct modiso_region *region;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("uart", NULL, &one) != 0 ||
	    modiso_module_create("disk", NULL, &other) != 0 ||
	    modiso_region_create(one, 4096, MODISO_READ, NULL, &region) != 0)
		return 1;
	exit(0);
}
END
# shellcheck disable=SC2086 # a compiler may have options
expect_command "a program that ends with its modules is built" $CC \
	-I"$top_srcdir/include" -I"$top_builddir/include" -o "$scratch/stay" \
	"$scratch/stay.c" -L"$top_builddir/lib/.libs" -lmodiso
MODISO_OPTIONS=picture=$scratch/stay LD_LIBRARY_PATH=$top_builddir/lib/.libs \
	"$scratch/stay"
for picture in "$scratch"/stay.*.dot; do
	has "$picture" 'module uart' "at exit(3) there is a picture"
	has "$picture" 'module disk' "of all modules"
done

run recover "picture=$scratch/nowhere/file"
[ "$status" -eq 0 ] && grep -q 'cannot be written (ENOENT)' \
	"$scratch/errors" &&
	ok "a file that cannot be written is named, and the program goes on" ||
	not_ok "a file that cannot be written is named, and the program goes on" \
		<"$scratch/errors"
run recover "picture="
[ "$status" -ne 0 ] && ok "a picture without a path is refused" ||
	not_ok "a picture without a path is refused" <"$scratch/output"

finish
