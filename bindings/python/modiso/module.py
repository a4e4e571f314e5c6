# SPDX-License-Identifier: MIT
"""The isolated unit."""

import ctypes
import weakref
from ctypes import byref, c_size_t, c_void_p

from . import _abi, gate, image, region
from ._abi import Access, Confinement, lib
from .error import Handle, check, encode

_modules = {}


class Module(Handle):
    """Code and data that the rest of the program does not trust.

    name:        for reports, 1 to 31 bytes.
    confinement: a Confinement: what it may do with memory that is in no
                 region. READONLY and SEALED are for protection keys.
    stack_size:  bytes for each thread's stack; 0: 64 KiB.
    range_size:  address space for its regions; 0: 1 GiB.
    flags:       ModuleFlag.PERMISSIVE: watched, and not stopped; see
                 permitted().
    mailbox_size: bytes of each thread's mailbox; 0: 64 KiB.

    Raises Error as modiso_module_create(). A module lives until destroy(), or
    the end of a with statement; nobody has to hold it.
    """

    def __init__(self, name, confinement=Confinement.GUARD, stack_size=0,
                 range_size=0, flags=0, mailbox_size=0):
        options = _abi.ModuleOptions(confinement=confinement,
                                     stack_size=stack_size,
                                     range_size=range_size,
                                     flags=flags,
                                     mailbox_size=mailbox_size)
        out = c_void_p()
        check(lib.modiso_module_create(encode(name), byref(options),
                                       byref(out)))
        self._address = out.value
        self._parts, self._gates = [], weakref.WeakSet()
        self.name = name
        self.id = lib.modiso_module_id(self._address)
        _modules[self._address] = self

    def __repr__(self):
        return f"<module {self.name!r}>"

    def _adopt(self, part):
        """What ends when the module does. Gates may end before, unnoticed."""
        if isinstance(part, gate.Gate):
            self._gates.add(part)
        else:
            self._parts = [p for p in self._parts if p.alive] + [part]

    def region(self, length, access=region.READ_WRITE, name="region",
               flags=0, becomes=0):
        """New pages that only this module, and the host, may touch.

        length:  bytes, at least 1; rounded up to whole pages.
        access:  Access.READ, or with Access.WRITE.
        flags:   RegionFlag.
        becomes: what protect() will make of it; see modiso_region_options.

        Raises Error as modiso_region_create().
        """
        return region.create(self, length, access, name, flags, becomes)

    def gate(self, entry, restype=None, argtypes=(), scrub=False):
        """A Gate to an entry point: an address, or a ctypes function.

        restype:  an integer type of ctypes, c_void_p, c_float, c_double, None.
        argtypes: the same, and c_char_p, POINTER(...): a pointer to the host's
                  memory, which a GUARD module can use. For c_void_p a Region
                  may be handed over as well.
        scrub:    clear all registers that carry no argument.

        The entry is native code. Python cannot run inside a module: a ctypes
        callback as entry would run the interpreter with a module's rights.

        Raises Error as modiso_gate_create(); TypeError for a type, or a number
        of arguments, that does not fit into registers.
        """
        return gate.create(self, entry, restype, argtypes, scrub)

    def load(self, source, exports=(), name=None, abi=None, flags=0,
             needed_dirs=()):
        """Load an ELF image: a path, an open descriptor, or bytes.

        exports: Services that it may bind to, by their names; or a dict from
                 symbol to Service.
        abi:     the tag that it must carry; None: any, or none.
        flags:   ImageFlag.
        needed_dirs: directories that libraries are looked for in, in turn.

        Raises Error as modiso_image_load(), Fault when an initialiser faulted.
        """
        return image.load(self, source, exports, name, abi, flags,
                          needed_dirs)

    def prepare(self, blob, code, data=(0, 0), data_distance=0, bss_size=0,
                symbols=None, name=None):
        """Everything about a flat image that can be refused; then seal() it.

        blob:    its bytes.
        code:    (offset, size) in the blob; data the same.
        symbols: a dict from name to offset, from the first byte of the code.

        Raises Error as modiso_image_prepare().
        """
        return image.prepare(self, blob, code, data, data_distance, bss_size,
                             symbols or {}, name)

    def check(self, address, size, access=Access.READ):
        """Raise Error (ERR_ACCESS) unless the module may touch these bytes."""
        check(lib.modiso_range_check(self.handle, address, size, access))

    def read(self, address, size):
        """Bytes at an address that the module named, copied once.

        Raises Error: ERR_ACCESS when the module could not have read them
        itself, ERR_FAULT when they went away meanwhile.
        """
        copy = ctypes.create_string_buffer(size)
        check(lib.modiso_copy_in(self.handle, copy, address, size))
        return copy.raw

    def write(self, address, data):
        """Put bytes where the module could write itself. Raises as read()."""
        data = bytes(data)
        check(lib.modiso_copy_out(self.handle, address, data, len(data)))

    def read_string(self, address, limit=4096):
        """Bytes up to a zero, which is left out; at most limit with it.

        Raises Error: ERR_LIMIT when no zero is among them, and as read().
        """
        length = c_size_t()
        check(lib.modiso_strnlen(self.handle, address, limit, byref(length)))
        # The module can have changed it since.
        return self.read(address, length.value).split(b"\0")[0]

    def mailbox_put(self, data):
        """Bytes that it has for its next calls on this thread; their address.

        data: bytes, or how many, with anything in them. What was put last
              goes first: mailbox_reset().

        Raises Error as modiso_mailbox_put(): ERR_LIMIT when there is no room.
        """
        size, data = (data, None) if isinstance(data, int) else (
            len(data), bytes(data))
        out = c_void_p()
        check(lib.modiso_mailbox_put(self.handle, data, size, byref(out)))
        return out.value

    def mailbox_get(self, address, size):
        """Bytes of what this thread has put there. Raises as read()."""
        copy = ctypes.create_string_buffer(size)
        check(lib.modiso_mailbox_get(self.handle, copy, address, size))
        return copy.raw

    def mailbox_reset(self, address):
        """Take back what was put at this address, and all since."""
        check(lib.modiso_mailbox_reset(self.handle, address))

    def heap(self, length):
        """Give it a heap of at most length bytes: see heap_services().

        Raises Error as modiso_heap_create().
        """
        check(lib.modiso_heap_create(self.handle, length, None))

    def heap_alloc(self, size, align=0, flags=0):
        """Take a block of its heap; its address. flags: HeapFlag.

        Raises Error as modiso_heap_alloc(): ERR_LIMIT when there is no room.
        """
        out = c_void_p()
        check(lib.modiso_heap_alloc(self.handle, size, align, flags,
                                    byref(out)))
        return out.value

    def heap_free(self, block):
        """Give a block back. Raises Error for what is none."""
        check(lib.modiso_heap_free(self.handle, block))

    def heap_info(self):
        """struct modiso_heap_info as a dict; ERR_NOENT without a heap."""
        info = _abi.HeapInfo()
        check(lib.modiso_heap_get_info(self.handle, byref(info)))
        return {name: getattr(info, name) for name in (
            "base", "length", "used", "peak", "blocks", "refused")}

    def snapshot(self):
        """Remember what its memory holds: modiso_snapshot_take()."""
        check(lib.modiso_snapshot_take(self.handle))

    def restore(self):
        """Bring its memory back: modiso_snapshot_restore()."""
        check(lib.modiso_snapshot_restore(self.handle))

    def destroy(self):
        """End it, with its regions, gates and images. Twice is once.

        Raises Error: ERR_BUSY while a thread is inside, a window is open on a
        region, or one is granted to another module.
        """
        with gate.ending:
            if self._address is None:
                return
            check(lib.modiso_module_destroy(self._address))
            del _modules[self._address]
            self._address = None
            for part in self._parts:
                part._ended()
            for part in self._gates:
                part._address = None
            self._parts = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.destroy()


def caller():
    """The Module that called the innermost service of this thread, or None."""
    return _modules.get(lib.modiso_module_caller())

