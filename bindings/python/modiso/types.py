# SPDX-License-Identifier: MIT
"""Which ctypes types may cross the border of a module.

Integers and pointers travel in words, float and double in vector registers.
What comes from a module is a number: a pointer of its is an int here, and
nothing looks behind it but module.read() and module.read_string(), which
survive whatever it points to.
"""

import ctypes

from ._abi import FLOATS_MAX, WORDS_MAX

_INTEGERS = (
    ctypes.c_bool, ctypes.c_char, ctypes.c_byte, ctypes.c_ubyte,
    ctypes.c_short, ctypes.c_ushort, ctypes.c_int, ctypes.c_uint,
    ctypes.c_long, ctypes.c_ulong, ctypes.c_longlong, ctypes.c_ulonglong,
    ctypes.c_wchar,
)
FLOATS = (ctypes.c_float, ctypes.c_double)
_POINTERS = (ctypes.c_char_p, ctypes.c_wchar_p)


class Address(ctypes.c_void_p):
    """A pointer as an argument: an int, None, a Region, or what c_void_p takes.

    As a result, and as an argument of a service, it is an int; NULL is 0.
    """

    @classmethod
    def from_param(cls, value):
        base = getattr(value, "base", None)
        if isinstance(base, int):
            return ctypes.c_void_p(base)
        if isinstance(value, str):  # c_void_p takes it as wchar_t *
            raise TypeError("a str is no pointer: encode() it")
        return ctypes.c_void_p.from_param(value)


def _is_pointer(kind):
    return isinstance(kind, type) and issubclass(
        kind, (ctypes.c_void_p, ctypes._Pointer))


def _count(argtypes):
    floats = sum(kind in FLOATS for kind in argtypes)
    words = len(argtypes) - floats
    if words > WORDS_MAX or floats > FLOATS_MAX:
        raise TypeError(
            f"{words} integers and pointers and {floats} floats: at most "
            f"{WORDS_MAX} and {FLOATS_MAX} pass")
    return words, floats


def outward(restype, argtypes):
    """The C types of a gate: (restype, argtypes, words, floats).

    Raises TypeError for a type that does not fit into a register, and for a
    result that ctypes would look behind (c_char_p).
    """
    kinds = []
    for kind in argtypes:
        if _is_pointer(kind):
            kind = Address if kind is ctypes.c_void_p else kind
        elif kind not in _INTEGERS + FLOATS + _POINTERS:
            raise TypeError(f"{kind!r} is no type of an argument: integers, "
                            "pointers, c_float and c_double are")
        kinds.append(kind)
    words, floats = _count(kinds)
    return _number(restype, "result"), kinds, words, floats


def inward(restype, argtypes):
    """The C types of a service: (restype, argtypes, words).

    Raises TypeError as outward() does, and for arguments that ctypes would
    look behind.
    """
    kinds = [_number(kind, "argument") for kind in argtypes]
    if None in kinds:
        raise TypeError("None is no type of an argument")
    words, _ = _count(kinds)
    return _number(restype, "result"), kinds, words


def _number(kind, what):
    if kind is None or kind in _INTEGERS + FLOATS:
        return kind
    if kind in (ctypes.c_void_p, Address):
        return ctypes.c_size_t
    if kind in _POINTERS or _is_pointer(kind):
        raise TypeError(f"{kind!r} as {what}: ctypes would look where a module "
                        "says; take c_void_p, and module.read_string()")
    raise TypeError(f"{kind!r} is no type of a {what}: integers, c_void_p, "
                    "c_float and c_double are")
