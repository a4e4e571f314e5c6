# SPDX-License-Identifier: MIT
"""What a module has beside a C++ library: functions of C that call it."""

import os

from header import include_lines


def includes(headers):
    """For a file that lies elsewhere than the one that includes the header."""
    return include_lines([
        os.path.abspath(each) if each.startswith(".") else each
        for each in headers])


def write_all(headers, functions, head, write):
    write("/* %s */" % head)
    for each in includes(headers):
        write(each)
    for each in functions:
        if each.wrapper:
            write("\n/* %s: %s */" % (
                os.path.basename(each.where), each.text))
            write(each.wrapper.rstrip("\n"))
