# SPDX-License-Identifier: MIT
"""Whole pages with one owner and one page protection."""

import contextlib
import ctypes
import weakref
from ctypes import byref, c_void_p

from . import _abi
from ._abi import Access, RegionFlag, lib
from .error import Handle, check, decode, encode

READ_WRITE = Access.READ | Access.WRITE
_host_regions = set()


class Region(Handle):
    """Memory that belongs to a module, or to the host.

    Made by Module.region(), host_region(), and Region.adopt(). Host code reads
    and writes it by read() and write(), or in place, by view().

    With the mprotect backend a system call on the memory (file.readinto(),
    socket.send()) answers EFAULT while it happens to be closed: use read() and
    write(), or hold a window().
    """

    def __init__(self, owner, address, keep=None):
        self._address = address
        self.owner = owner
        self.base = lib.modiso_region_base(address)
        self.length = lib.modiso_region_length(address)
        self._views = []
        self._keep = keep
        if owner is None:
            _host_regions.add(self)
        else:
            owner._adopt(self)

    def __repr__(self):
        who = "the host" if self.owner is None else repr(self.owner)
        return f"<region {self.base:#x}, {self.length} bytes, of {who}>"

    def __len__(self):
        return self.length

    def info(self):
        """struct modiso_region_info as a dict, without handles."""
        info = _abi.RegionInfo()
        check(lib.modiso_region_get_info(self.handle, byref(info)))
        return {
            "name": decode(info.name),
            "base": info.base,
            "length": info.length,
            "access": Access(info.access),
            "flags": RegionFlag(info.flags),
            "owner": None if self.owner is None else self.owner.name,
            "adopted": bool(info.adopted),
            "shared": bool(info.shared),
            "granted": info.granted,
        }

    def _inside(self, offset, size):
        if offset < 0 or size < 0 or offset > self.length - size:
            raise IndexError(f"{size} bytes at {offset} are not in the "
                             f"{self.length} bytes of {self!r}")

    @contextlib.contextmanager
    def _opened(self, access):
        """Host memory, seen to be open: a stray touch would end Python."""
        info = self.info()
        if access & ~info["access"]:
            raise PermissionError(f"{self!r} is not open for that: "
                                  f"{info['access']!r}")
        if info["flags"] & RegionFlag.CLOSED:
            with self.window(access):
                yield
        else:
            yield

    def read(self, size=None, offset=0):
        """A copy of the bytes.

        Raises IndexError when they are not inside of the region, Error when it
        was destroyed, ERR_FAULT when the module has unmapped them.
        """
        if size is None:
            size = self.length - offset
        self._inside(offset, size)
        if self.owner is not None:
            return self.owner.read(self.base + offset, size)
        self.handle  # raises after its end
        with self._opened(Access.READ):
            return ctypes.string_at(self.base + offset, size)

    def write(self, data, offset=0):
        """Put bytes there. Raises as read(), and when it is read-only."""
        data = bytes(data)
        self._inside(offset, len(data))
        if self.owner is not None:
            self.owner.write(self.base + offset, data)
            return
        self.handle
        with self._opened(READ_WRITE):
            ctypes.memmove(self.base + offset, data, len(data))

    def view(self, kind=ctypes.c_ubyte):
        """The memory itself, as an array of kind, without a copy.

        The region cannot be destroyed while a view, or a part of one, exists;
        with its module it can. What a view shows can change at any time, and a
        module that unmaps its own pages takes them away from Python too: read
        and write are for modules that may do that. Writing to read-only pages,
        and touching a closed region without a window, ends the process.
        """
        self.handle
        array = (kind * (self.length // ctypes.sizeof(kind)))
        view = array.from_address(self.base)
        self._views = [v for v in self._views if v() is not None]
        self._views.append(weakref.ref(view))
        return view

    @contextlib.contextmanager
    def window(self, access=READ_WRITE):
        """Open the region for this thread, as modiso_window_open().

        mprotect: waits until no module runs, then keeps modules out.
        """
        handle = self.handle
        check(lib.modiso_window_open(handle, access))
        try:
            yield self
        finally:
            check(lib.modiso_window_close(handle))

    def protect(self, access):
        """What its pages allow from now on, as modiso_region_protect()."""
        check(lib.modiso_region_protect(self.handle, access))

    def grant(self, module, access=Access.READ):
        """Give a module rights to it, as modiso_region_grant()."""
        check(lib.modiso_region_grant(self.handle, module.handle, access))

    def revoke(self, module):
        """Take them away: ERR_NOENT when it had none."""
        check(lib.modiso_region_revoke(self.handle, module.handle))

    def destroy(self):
        """End it. Twice is once.

        Raises BufferError while a view exists, Error with ERR_BUSY while a
        thread is in the module, a window is open, or it is granted.
        """
        if self._address is None:
            return
        if any(view() is not None for view in self._views):
            raise BufferError(f"a view of {self!r} exists")
        check(lib.modiso_region_destroy(self._address))
        self._ended()

    def _ended(self):
        self._address = None
        self._keep = None
        _host_regions.discard(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.destroy()


def _owner(module):
    return None if module is None else module.handle


def create(owner, length, access, name, flags, becomes):
    """Module.region(), host_region()"""
    options = _abi.RegionOptions(flags=flags, name=encode(name),
                                 becomes=becomes)
    out = c_void_p()
    check(lib.modiso_region_create(_owner(owner), length, access,
                                   byref(options), byref(out)))
    return Region(owner, out.value)


def host_region(length, access=READ_WRITE, name="region", flags=0):
    """New pages of the host that no module may touch.

    length: bytes, rounded up to whole pages.
    flags:  RegionFlag.

    Raises Error as modiso_region_create().
    """
    return create(None, length, access, name, flags, 0)


def map_shared(owner, fd, length=0, offset=0, access=READ_WRITE,
               name="region", flags=0):
    """Pages of a file become a region, as modiso_region_map_shared().

    owner: a Module; None: the host.
    fd:    a memfd, shared memory or a file; stays the caller's.
    """
    options = _abi.RegionOptions(flags=flags, name=encode(name))
    out = c_void_p()
    check(lib.modiso_region_map_shared(_owner(owner), fd, offset, length,
                                       access, byref(options), byref(out)))
    return Region(owner, out.value)


def adopt(owner, memory, access=READ_WRITE, name="region"):
    """Make memory that exists a region, as modiso_region_adopt().

    owner:  a Module; None: the host.
    memory: a writable object with the buffer protocol, of whole pages, such as
            mmap.mmap(-1, length). The region keeps it.
    """
    array = (ctypes.c_ubyte * memoryview(memory).nbytes).from_buffer(memory)
    options = _abi.RegionOptions(name=encode(name))
    out = c_void_p()
    check(lib.modiso_region_adopt(_owner(owner), ctypes.addressof(array),
                                  len(array), access, byref(options),
                                  byref(out)))
    return Region(owner, out.value, array)


def find(address):
    """The region that holds an address, as a dict; None when none does."""
    info = _abi.RegionInfo()
    code = lib.modiso_region_find(address, byref(info))
    if code == _abi.Code.ERR_NOENT:
        return None
    check(code)
    return {"name": decode(info.name), "base": info.base,
            "length": info.length, "access": Access(info.access),
            "owner": None if not info.owner else
            decode(lib.modiso_module_name(info.owner))}


