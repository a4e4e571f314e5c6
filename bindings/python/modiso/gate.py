# SPDX-License-Identifier: MIT
"""Host code calls into a module."""

import ctypes
import threading
from ctypes import CFUNCTYPE, byref, c_void_p

from . import _abi, call, types
from ._abi import Code, GateFlag, lib
from .error import Error, Handle, check, error
from .fault import Fault, last_fault

# Held while a module or a gate ends. The garbage collector ends gates on any
# thread, and must not end one that goes with its module at the same time.
ending = threading.RLock()


def address_of(entry):
    """An entry point as a number: an int, or a ctypes function."""
    if isinstance(entry, int):
        return entry
    return ctypes.cast(entry, c_void_p).value


def options_for(words, floats, flags):
    """struct modiso_gate_options for a gate of this type."""
    return _abi.GateOptions(word_args=words, float_args=floats, flags=flags)


class Gate(Handle):
    """One entry point of one module, as a function of its type.

    Made by Module.gate() and Image.gate(). Calling it runs the entry inside
    the module, and raises:

      Fault                 the module faulted; .record says what and where.
      Error                 as for modiso_gate_call(): ERR_NOMEM, ERR_LIMIT,
                            ERR_NOKEY, ERR_OS, ERR_STATE, ERR_ABANDONED.
      ctypes.ArgumentError  an argument has another type.
      what a service or a landing raised meanwhile; a Fault that came as well
      is its __context__.

    Other Python threads run meanwhile, as with every call of ctypes. A gate is
    destroyed by destroy(), with its module, or when nobody holds it any more.
    """

    def __init__(self, module, address, restype, argtypes):
        self.module = module
        self._address = address
        self.restype, self.argtypes = restype, tuple(argtypes)
        thunk = c_void_p()
        try:
            check(lib.modiso_gate_thunk(address, byref(thunk)))
        except Error:
            self.destroy()
            raise
        self._thunk = CFUNCTYPE(restype, *argtypes)(thunk.value)
        module._adopt(self)

    def __repr__(self):
        return f"<gate of {self.module!r}>"

    def __call__(self, *arguments):
        if self._address is None:
            self.handle  # raises, with its sentence
        with call.Call() as under_way:
            value = self._thunk(*arguments)
        status = under_way.status
        if status == 0 and under_way.raised is None:
            return value
        failure = None
        if status == Code.ERR_FAULT:
            failure = Fault(error(status).text, last_fault())
        elif status != 0:
            failure = error(status)
        if under_way.raised is None:
            raise failure
        if failure is not None and under_way.raised.__context__ is None:
            under_way.raised.__context__ = failure
        raise under_way.raised

    def destroy(self):
        """End the gate. Twice is once. A call that is under way goes on."""
        with ending:
            address, self._address = self._address, None
            if address is not None and self.module.alive:
                check(lib.modiso_gate_destroy(address))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.destroy()

    def __del__(self):
        self.destroy()


def create(module, entry, restype, argtypes, scrub):
    """Module.gate()"""
    result, kinds, words, floats = types.outward(restype, argtypes)
    options = options_for(words, floats, GateFlag.SCRUB if scrub else 0)
    out = c_void_p()
    check(lib.modiso_gate_create(module.handle, address_of(entry),
                                 byref(options), byref(out)))
    return Gate(module, out.value, result, kinds)
