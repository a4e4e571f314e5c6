# SPDX-License-Identifier: MIT
"""What modiso/_abi.py says is what the C headers say, in both directions.

MODISO_CFLAGS has the options for finding the headers, as pkg-config prints
them.
"""

import ctypes
import os
import pathlib
import re
import shlex
import tempfile
import unittest

from modiso import _abi

import support


def cflags():
    if "MODISO_CFLAGS" in os.environ:
        return shlex.split(os.environ["MODISO_CFLAGS"])
    return shlex.split(support.run("pkg-config", "--cflags", "libmodiso"))


def c_program():
    """A C program that prints a line for each number that C decides."""
    lines = []
    for name, cls in _abi.STRUCTURES.items():
        lines.append(f'size("{name}", struct {name});')
        for field, _ in cls._fields_:
            lines.append(f'field("{name}", struct {name}, {field});')
    for prefix, enums in _abi.ENUMS.items():
        for enum in enums:
            for member in enum.__members__:
                lines.append(f"number({prefix}{member});")
    for name in _abi.NUMBERS:
        lines.append(f"number({name});")
    body = "\n\t".join(lines)
    return f"""
#include <modiso.h>
#include <stdio.h>
#define size(n, t) printf("%s %zu\\n", n, sizeof(t))
#define field(n, t, f) printf("%s.%s %zu %zu\\n", n, #f, \\
\toffsetof(t, f), sizeof(((t *)0)->f))
#define number(n) printf("%s %lld\\n", #n, (long long)(n))
int main(void)
{{
\t{body}
\treturn 0;
}}
"""


def expected():
    lines = []
    for name, cls in _abi.STRUCTURES.items():
        lines.append(f"{name} {ctypes.sizeof(cls)}")
        for field, _ in cls._fields_:
            at = getattr(cls, field)
            lines.append(f"{name}.{field} {at.offset} {at.size}")
    for prefix, enums in _abi.ENUMS.items():
        for enum in enums:
            for member, value in enum.__members__.items():
                lines.append(f"{prefix}{member} {int(value)}")
    for name, value in _abi.NUMBERS.items():
        lines.append(f"{name} {value}")
    return lines


def headers():
    """The public headers as the compiler reads them, without comments.

    But for record.h: it has the form of a file, which no function takes.
    """
    with tempfile.TemporaryDirectory() as directory:
        source = pathlib.Path(directory, "all.c")
        source.write_text("#include <modiso.h>\n")
        found = support.run(*support.compiler(), *cflags(), "-M", str(source))
    text = ""
    for path in found.replace("\\\n", " ").split():
        if "/modiso/" in path and not path.endswith("/record.h"):
            text += pathlib.Path(path).read_text()
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


class Abi(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.text = headers()
        assert "struct modiso_fault {" in cls.text

    def test_layout(self):
        with tempfile.TemporaryDirectory() as directory:
            source = pathlib.Path(directory, "layout.c")
            source.write_text(c_program())
            program = str(source.with_suffix(""))
            support.run(*support.compiler(), *cflags(), "-o", program,
                        str(source))
            lines = support.run(program).splitlines()
        self.assertEqual(lines, expected())

    def test_every_structure_and_field(self):
        """A new field can lie where padding was, and change no size."""
        found = {}
        for name, body in re.findall(r"^struct (modiso_\w+) {\n(.*?)^};",
                                     self.text, re.DOTALL | re.MULTILINE):
            fields = [re.sub(r"\[.*?\]", "", part).split()[-1].lstrip("*")
                      for part in body.split(";") if part.strip()]
            found[name] = fields
        self.assertEqual(found, {
            name: [field for field, _ in cls._fields_]
            for name, cls in _abi.STRUCTURES.items()})

    def test_every_number(self):
        found = set(re.findall(r"^\s+(MODISO_\w+) = ", self.text,
                               re.MULTILINE))
        found |= set(re.findall(r"^#define (MODISO_\w+) +[\\(0-9]", self.text,
                                re.MULTILINE))
        found = {name for name in found
                 if not name.startswith("MODISO_VERSION_")}
        known = {prefix + member for prefix, enums in _abi.ENUMS.items()
                 for enum in enums for member in enum.__members__}
        self.assertEqual(found, known | set(_abi.NUMBERS))

    def test_every_function(self):
        """Its name, and how many arguments it has."""
        found = {}
        for name, arguments in re.findall(
                r"^(?:MODISO_API|\w).*?\b(modiso_\w+(?<!_))\(([^()]*)\);",
                self.text, re.MULTILINE | re.DOTALL):
            arguments = arguments.strip()
            found[name] = 0 if arguments == "void" else \
                arguments.count(",") + 1
        self.assertEqual(found, {name: len(kinds) - 1 for name, kinds
                                 in _abi.FUNCTIONS.items()})

    def test_the_library_has_them(self):
        missing = [name for name in _abi.FUNCTIONS
                   if not hasattr(_abi.lib, name)]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
