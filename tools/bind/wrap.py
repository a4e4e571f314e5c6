# SPDX-License-Identifier: MIT
"""Lines of C and C++ within 80 columns, broken behind commas and words."""

import re


def width(text):
    return len(text.expandtabs(8))


def wrap_line(line):
    if width(line) <= 80:
        return [line]
    slash = line.endswith(" \\")
    most = 78 if slash else 80
    rest = line[:-2] if slash else line
    indent = re.match(r"\t*", rest).group()
    comment = re.match(r"\t*(/\*| \*) ", rest)
    more = indent + (" * " if comment else "\t")
    pieces = re.split(r"(?<=,) |(?<= =) |(?<=&&) " if not comment else r" ",
                      rest[len(indent):])
    lines, now = [], indent + pieces[0]
    for piece in pieces[1:]:
        if width(now + " " + piece) > most:
            lines.append(now)
            now = more + piece
        else:
            now += " " + piece
    lines.append(now)
    broken = []
    for each in lines:
        # Behind the parenthesis that opens, where nothing else is left.
        if width(each) > most and not comment:
            at = each.rfind("(", 0, 70)
            if at > 0:
                broken += [each[:at + 1], more + "\t" + each[at + 1:]]
                continue
        broken.append(each)
    return [each + " \\" for each in broken] if slash else broken


def wrap(text):
    lines = []
    for line in text.split("\n"):
        lines += wrap_line(line)
    return "\n".join(lines)
