# SPDX-License-Identifier: MIT
"""What a call that failed raises."""

import ctypes
import os

from ._abi import Code, lib


class Error(Exception):
    """A function of the library returned a code.

    code:  a Code.
    text:  the library's sentence: what, where, why, and what to do.
    errno: after Code.ERR_OS the kernel's answer, else 0.
    """

    def __init__(self, code, text, errno=0):
        super().__init__(code, text, errno)
        self.code = code
        self.text = text
        self.errno = errno

    def __str__(self):
        text = f"{self.code.name}: {self.text}"
        if self.errno and os.strerror(self.errno) not in text:
            text += f" ({os.strerror(self.errno)})"
        return text


def error(code):
    """The Error for a code that this thread's last call returned."""
    errno = ctypes.get_errno() if code == Code.ERR_OS else 0
    text = lib.modiso_last_error_text().decode("utf-8", "replace")
    return Error(Code(code), text, errno)


def check(code):
    """Raise Error unless code is 0."""
    if code != 0:
        raise error(code)


def encode(name):
    """A name as the library takes it; it refuses what is too long.

    Raises ValueError when there is a zero byte in it: C would end it there.
    """
    data = name if isinstance(name, bytes) else os.fsencode(name)
    if b"\0" in data:
        raise ValueError(f"a zero byte in the name {name!r}")
    return data


def decode(data):
    """A name of the library's as text; None for NULL."""
    return None if data is None else os.fsdecode(data)


class Handle:
    """Something of the library's that has an end.

    What is used after its end raises Error with Code.ERR_STATE; the library
    itself would end the process for it.
    """

    _address = None

    @property
    def handle(self):
        """The address of the C object, for functions that have no wrapper.

        Raises Error (Code.ERR_STATE) when it has been destroyed, by itself or
        with what it belongs to.
        """
        if self._address is None:
            raise Error(Code.ERR_STATE,
                        f"{self!r} was used after its end")
        return self._address

    @property
    def alive(self):
        """False when it has been destroyed."""
        return self._address is not None
