#!/bin/sh
# SPDX-License-Identifier: MIT
# seeds.sh DIRECTORY - write the pictures that the fuzzers begin with: one is
# plain, one has a palette and a run.
set -eu
mkdir -p "$1"
printf 'PIC1\010\010R\020\003R\020\001E' >"$1/plain"
printf 'PIC1\004\004P\001\003\000\177R\020\002E' >"$1/palette"
