# SPDX-License-Identifier: MIT
"""A module touched what it may not, or crashed otherwise."""

import ctypes
import json
from ctypes import byref

from . import _abi, call
from ._abi import Access, Code, Confinement, FaultKind, lib
from .error import Error, check, decode
from .stream import printed

_ENUMS = {"kind": FaultKind, "confinement": Confinement, "access": Access}
_HANDLES = ("struct_size", "module", "owner")


def _plain(value):
    if isinstance(value, bytes):
        return decode(value)
    if isinstance(value, ctypes.Array):
        return tuple(value)
    return value


class FaultRecord:
    """One fault, whole: struct modiso_fault without the two handles.

    Its attributes have the names of the C structure. kind is a FaultKind,
    access an Access and confinement a Confinement; a number that this version
    does not know stays a number. str() is what modiso_fault_print() says.
    """

    def __init__(self, record):
        self._record = record
        for name, _ in record._fields_:
            if name in _HANDLES:
                continue
            value = _plain(getattr(record, name))
            if name in _ENUMS:
                try:
                    value = _ENUMS[name](value)
                except ValueError:
                    pass
            setattr(self, name, value)

    def __repr__(self):
        kind = decode(lib.modiso_fault_kind_name(self._record.kind))
        return (f"<fault {self.number}: module {self.module_name!r}, {kind},"
                f" address {self.address:#x}>")

    def __str__(self):
        return printed(lib.modiso_fault_print, byref(self._record))

    def as_dict(self):
        """What modiso_fault_print_json() says.

        Symbols are looked up and the host's frames walked when it is called.
        """
        return json.loads(printed(lib.modiso_fault_print_json,
                                  byref(self._record)))


class Fault(Error):
    """A module's call was ended because it faulted.

    record: a FaultRecord.
    """

    def __init__(self, text, record):
        super().__init__(Code.ERR_FAULT, text)
        self.record = record


def last_fault():
    """The FaultRecord of this thread's last fault.

    Raises Error: ERR_NOENT when no module has faulted on this thread.
    """
    record = _abi.Fault()
    check(lib.modiso_fault_last(byref(record)))
    return FaultRecord(record)


def fault_count():
    """How many faults of modules this thread has had."""
    return lib.modiso_fault_count()


def permitted():
    """What permissive modules were let do: modiso_permitted_print_json()."""
    return json.loads(printed(lib.modiso_permitted_print_json))


# The library may be about to call a landing that was replaced just now, so
# none is ever let go.
_landings = []


def on_fault(function, module=None):
    """Have function(record) called after each fault.

    function: told of a FaultRecord, on the thread that faulted, with host
              rights and outside of any signal handler, before the Fault is
              raised; it may call gates. None: nobody is told. What it raises
              comes out of the gate's call.
    module:   whose faults; None: those of every module without its own.

    A filter (modiso_filter_fn) runs in the signal handler, where no Python
    can. It may be had from C, by modiso_fault_notify().
    """
    def landing(record, _):
        copy = _abi.Fault()
        ctypes.pointer(copy)[0] = record[0]
        call.guarded(function, FaultRecord(copy))

    handle = None if module is None else module.handle
    callback = _abi.LANDING_FN() if function is None else \
        _abi.LANDING_FN(landing)
    check(lib.modiso_fault_notify(handle, None, callback, None))
    _landings.append(callback)
