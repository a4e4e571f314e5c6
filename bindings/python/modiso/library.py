# SPDX-License-Identifier: MIT
"""Start and end the library; which mechanisms there are; threads."""

import contextlib
from ctypes import byref

from . import _abi
from ._abi import Backend, Cap, Exclusion, InitFlag, lib
from .error import check, decode


def version():
    """The version of the C library that is loaded: "0.1.0"."""
    return decode(lib.modiso_version())


def init(backend=Backend.AUTO, require=0, max_keys=0, max_threads=0,
         key_wait_ms=0, exclusion=Exclusion.INTERNAL, shared=False):
    """Choose a backend, take protection keys and signal handlers.

    backend:     a Backend; AUTO: $MODISO_BACKEND, or else the strongest.
    require:     Cap bits that must be there.
    max_keys:    protection keys to take at most; 0: all that are free.
    max_threads: threads inside of modules at once; 0: 4095.
    key_wait_ms: how long a call may wait for a protection key.
    shared:      other parts of the program may use it as well, each with its
                 own init() and fini(): MODISO_INIT_SHARED.

    Call it early: before threads are made, and before other libraries install
    signal handlers. faulthandler.enable() belongs before it.

    Raises Error as modiso_init(): ERR_NOTSUP when the backend or a required
    capability cannot be had here, ERR_STATE when it was called before.
    """
    check(lib.modiso_init(byref(_abi.Options(
        backend=backend, require=require, max_keys=max_keys,
        max_threads=max_threads, key_wait_ms=key_wait_ms,
        exclusion=exclusion,
        flags=InitFlag.SHARED if shared else 0))))


def fini():
    """Give back keys, handlers and memory.

    Raises Error: ERR_BUSY while a module, region or service exists, or another
    thread that has entered modules still runs.
    """
    check(lib.modiso_fini())


@contextlib.contextmanager
def running(**options):
    """with modiso.running(...): init() now, fini() at the end of the block.

    After an exception in the block it leaves what is there as it is.
    """
    init(**options)
    yield
    fini()


def backend_current():
    """The Backend that init() chose; AUTO while it has not been called."""
    return Backend(lib.modiso_backend_current())


def backend_query(backend):
    """Can a Backend be used here and now? A dict.

    Its keys are those of struct modiso_backend_info: usable, caps (Cap),
    keys_total, keys_free, name and reason. Works before init() as well.
    """
    info = _abi.BackendInfo()
    check(lib.modiso_backend_query(backend, byref(info)))
    return {"backend": Backend(info.backend), "usable": bool(info.usable),
            "caps": Cap(info.caps), "keys_total": info.keys_total,
            "keys_free": info.keys_free, "name": decode(info.name),
            "reason": decode(info.reason)}


def thread_attach():
    """Make this thread ready to enter modules; a gate call does it as well."""
    check(lib.modiso_thread_attach())


def thread_detach():
    """Give that back; the end of a thread does it as well."""
    check(lib.modiso_thread_detach())


def signal_adopt():
    """Stand in front of every signal handler that is installed now.

    For programs whose libraries install handlers late.
    """
    check(lib.modiso_signal_adopt())
