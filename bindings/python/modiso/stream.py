# SPDX-License-Identifier: MIT
"""What the library prints to a FILE, as text."""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_void_p

from .error import check

_libc = ctypes.CDLL(None, use_errno=True)
_libc.open_memstream.restype = c_void_p
_libc.open_memstream.argtypes = (POINTER(c_void_p), POINTER(c_size_t))
_libc.fclose.restype = c_int
_libc.fclose.argtypes = (c_void_p,)
_libc.free.restype = None
_libc.free.argtypes = (c_void_p,)


def printed(function, *arguments):
    """What function(*arguments, stream) prints; raises Error when it fails."""
    text, size = c_void_p(), c_size_t()
    stream = _libc.open_memstream(byref(text), byref(size))
    if not stream:
        raise MemoryError("open_memstream")
    try:
        code = function(*arguments, stream)
        if code != 0:
            check(code)
    finally:
        _libc.fclose(stream)
        data = ctypes.string_at(text.value, size.value) if text else b""
        _libc.free(text)
    return data.decode("utf-8", "replace")
