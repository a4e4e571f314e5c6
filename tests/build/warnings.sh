# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# warnings.sh - read by scripts beside it: all that C++ compilers can say of a
# program that uses the headers.

# shellcheck disable=SC2034 # for who reads this
gcc_warnings='-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion
	-Wold-style-cast -Wuseless-cast -Wshadow -Wnon-virtual-dtor
	-Woverloaded-virtual -Wnull-dereference -Wduplicated-cond
	-Wduplicated-branches -Wlogical-op -Wcast-align=strict -Wcast-qual
	-Wdouble-promotion -Wformat=2 -Wextra-semi -Wsuggest-override
	-Wzero-as-null-pointer-constant -Wundef -Wredundant-decls
	-Wctor-dtor-privacy -Wstrict-null-sentinel -Wmissing-declarations
	-Wswitch-enum -Wfloat-equal -Weffc++ -Wdeprecated-copy-dtor
	-Wmismatched-tags -Wnoexcept'
# What is off complains of C++17 itself, of alignment, and of virtual functions
# in headers.
clang_warnings='-Weverything -Wno-c++98-compat -Wno-c++98-compat-pedantic
	-Wno-padded -Wno-weak-vtables -Wno-unknown-warning-option
	-Wno-unsafe-buffer-usage'
