# SPDX-License-Identifier: MIT
"""A module calls into the host: a Python function as a service."""

from ctypes import CFUNCTYPE, byref, c_uint32, c_void_p, cast

from . import _abi, call, types
from ._abi import ServiceFlag, lib
from .error import Handle, check, encode

# A thread may be in the middle of a function whose service has just ended, so
# what ctypes made of it stays for as long as the process; the Python function
# does not.
_callbacks = []
_services = set()


def _ended(*_):
    raise RuntimeError("the service was destroyed meanwhile")


class Service(Handle):
    """A Python function that modules may call.

    name:     for reports, 1 to 31 bytes; images import it by this name too,
              when it stands in their list of exports.
    function: called with ints and floats, on the calling thread, with host
              rights. caller() is the module that called.
    restype:  an integer type of ctypes, c_void_p, c_float, c_double, or None.
    argtypes: the same; a pointer comes as an int, whatever it points to, and
              is not to be trusted: caller().read() looks behind it.
    listed:   only modules on its list may call it: see allow().

    An exception in the function does not pass through the module: the module
    sees the result 0 and goes on, and the gate call raises it at its end.

    Raises Error as modiso_service_create(), TypeError for a type that does not
    fit into a register. A service lives until destroy().
    """

    def __init__(self, name, function, restype=None, argtypes=(),
                 listed=False):
        result, kinds, words = types.inward(restype, argtypes)
        zero = None if result is None else result().value

        current = [function]

        def typed(*arguments):
            value = current[0](*arguments)
            return None if result is None else result(value).value

        def service(*arguments):
            value = call.guarded(typed, *arguments)
            return zero if value is None else value

        self.name = name
        callback = CFUNCTYPE(result, *kinds)(service)
        flags = ServiceFlag(0)
        if listed:
            flags |= ServiceFlag.LISTED
        if result in types.FLOATS:
            flags |= ServiceFlag.FLOAT
        options = _abi.ServiceOptions(flags=flags, word_args=words)
        out = c_void_p()
        check(lib.modiso_service_create(encode(name), cast(callback, c_void_p),
                                        byref(options), byref(out)))
        self._address = out.value
        self._current = current
        _callbacks.append(callback)
        _services.add(self)

    def __repr__(self):
        return f"<service {self.name!r}>"

    @property
    def thunk(self):
        """The address that module code calls, as a function of its type."""
        return lib.modiso_service_thunk(self.handle)

    def allow(self, module):
        """Put a module on the list: ERR_INVAL when there is none."""
        check(lib.modiso_service_allow(self.handle, module.handle))

    def deny(self, module):
        """Take it off the list."""
        check(lib.modiso_service_deny(self.handle, module.handle))

    def destroy(self):
        """End it. Twice is once. Who calls it afterwards faults."""
        if self._address is None:
            return
        check(lib.modiso_service_destroy(self._address))
        self._address = None
        self._current[:] = [_ended]
        _services.discard(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.destroy()


class _ReadyService(Service):
    """One whose function is the library's own."""

    def __init__(self, name, function, flags=0):
        self.name = name
        options = _abi.ServiceOptions(flags=flags)
        out = c_void_p()
        check(lib.modiso_service_create(name.encode(), function,
                                        byref(options), byref(out)))
        self._address = out.value
        self._current = []
        _services.add(self)


def heap_services():
    """malloc() and its kind, as services on the heap of the calling module.

    Returns a list for the exports of Module.load(). The module has a heap when
    Module.heap() has been called.
    """
    names = {which: which.name.lower() for which in _abi.HeapFunction}
    names[_abi.HeapFunction.USABLE_SIZE] = "malloc_usable_size"
    names[_abi.HeapFunction.BATCH] = "modiso_heap_batch"
    return [_ReadyService(name, lib.modiso_heap_function(which))
            for which, name in names.items()]


def libc_services():
    """memcpy(), vsnprintf() and others of the C library, as services.

    They touch what the calling module may touch, and end its call elsewhere.
    Returns a list for the exports of Module.load(); one is enough for all
    modules.
    """
    services = []
    while (name := lib.modiso_libc_name(len(services))) is not None:
        flags = c_uint32()
        function = lib.modiso_libc_function(name, byref(flags))
        services.append(_ReadyService(name.decode(), function, flags.value))
    return services
