# SPDX-License-Identifier: MIT
"""What the tests share: C files, compiled once, and a library for each test.

$CC compiles; $MODISO_TEST_CC makes modules (modiso-cc). Where there is no compiler,
MODISO_TEST_BUILT names a directory that has what build() makes.
"""

import atexit
import ctypes
import os
import pathlib
import shlex
import subprocess
import tempfile
import unittest

import modiso

HERE = pathlib.Path(__file__).resolve().parent


def compiler():
    return shlex.split(os.environ.get("CC", "cc"))


def run(*command):
    """Run a command; what it printed, or an error with all of it."""
    done = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{shlex.join(command)}:\n{done.stdout}")
    return done.stdout


def build(where):
    """native.so and image.so, in a directory."""
    where = pathlib.Path(where)
    run(*compiler(), "-O1", "-shared", "-fPIC", "-o",
        str(where / "native.so"), str(HERE / "native.c"))
    run(*shlex.split(os.environ.get("MODISO_TEST_CC", "modiso-cc")), "-O1", "-o",
        str(where / "image.so"), str(HERE.parent.parent / "tests" / "image.c"))


def built():
    """The directory with the two, made at the first call."""
    if "MODISO_TEST_BUILT" not in os.environ:
        directory = tempfile.TemporaryDirectory()
        atexit.register(directory.cleanup)
        build(directory.name)
        os.environ["MODISO_TEST_BUILT"] = directory.name
    return pathlib.Path(os.environ["MODISO_TEST_BUILT"])


def detached(function):
    """A thread's function, after which fini() does not wait for the thread.

    Python's join() returns a moment before the thread has ended.
    """
    def wrapped(*arguments):
        try:
            return function(*arguments)
        finally:
            modiso.thread_detach()
    return wrapped


class Case(unittest.TestCase):
    """A test that has the library, and leaves nothing in it."""

    def setUp(self):
        modiso.init()
        self.native = ctypes.CDLL(str(built() / "native.so"))
        self.made = []

    def tearDown(self):
        for thing in reversed(self.made):
            thing.destroy()
        modiso.fini()

    def keep(self, thing):
        self.made.append(thing)
        return thing

    def module(self, name="m", **options):
        return self.keep(modiso.Module(name, **options))

    def refused(self, code, function, *arguments, **named):
        """It raises Error with this code and a sentence; the Error."""
        with self.assertRaises(modiso.Error) as caught:
            function(*arguments, **named)
        self.assertEqual(caught.exception.code, code)
        self.assertGreater(len(caught.exception.text), 10)
        return caught.exception
