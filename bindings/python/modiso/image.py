# SPDX-License-Identifier: MIT
"""Code that is brought into a module."""

import os
from ctypes import byref, c_char_p, c_void_p

from . import _abi, types
from ._abi import GateFlag, ImageFlag, lib
from .error import Handle, check, decode, encode
from .fault import Fault, last_fault
from .gate import Gate, options_for


class Image(Handle):
    """An ELF image or flat blob in a module; made by Module.load()."""

    def __init__(self, module, address):
        self._address = address
        self.module = module
        module._adopt(self)

    def __repr__(self):
        return f"<image in {self.module!r}>"

    def info(self):
        """struct modiso_image_info as a dict, without handles."""
        info = _abi.ImageInfo()
        check(lib.modiso_image_get_info(self.handle, byref(info)))
        return {"name": decode(info.name), "sealed": bool(info.sealed),
                "base": info.base or 0, "start": info.start or 0,
                "length": info.length, "entry": info.entry,
                "module": self.module.name}

    def symbol(self, name):
        """The address of something that the image exports.

        name: as linked; None: the entry point of a program.

        Raises Error: ERR_NOENT when it exports nothing of this name.
        """
        out = c_void_p()
        symbol = None if name is None else encode(name)
        check(lib.modiso_image_symbol(self.handle, symbol, byref(out)))
        return out.value or 0

    def gate(self, name, restype=None, argtypes=(), scrub=False):
        """A Gate to a function that it exports; see Module.gate().

        Raises Error: ERR_NOENT when it exports nothing of this name,
        ERR_ACCESS when that is no code.
        """
        result, kinds, words, floats = types.outward(restype, argtypes)
        options = options_for(words, floats, GateFlag.SCRUB if scrub else 0)
        out = c_void_p()
        symbol = None if name is None else encode(name)
        check(lib.modiso_image_gate(self.handle, symbol, byref(options),
                                    byref(out)))
        return Gate(self.module, out.value, result, kinds)

    def seal(self):
        """Make a prepared image executable; ERR_STATE when it is."""
        check(lib.modiso_image_seal(self.handle))

    def _ended(self):
        self._address = None

    def unload(self):
        """Take it out of its module, after its finalisers. Twice is once.

        Raises Error: ERR_BUSY while a thread is in the module or a gate into
        the image exists, ERR_FAULT when a finaliser faulted: then the image is
        gone all the same.
        """
        if self._address is None:
            return
        code = lib.modiso_image_unload(self._address)
        if code in (_abi.Code.OK, _abi.Code.ERR_FAULT):
            self._address = None
        _loaded(code)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.unload()


def _loaded(code):
    """check(), for calls that run code of the module."""
    if code == _abi.Code.ERR_FAULT:
        text = lib.modiso_last_error_text().decode("utf-8", "replace")
        raise Fault(text, last_fault())
    check(code)


def load(module, source, exports, name, abi, flags, needed_dirs):
    """Module.load()"""
    if not isinstance(exports, dict):
        exports = {service.name: service for service in exports}
    table = (_abi.Export * len(exports))(*(
        (encode(symbol), service.handle)
        for symbol, service in exports.items()))
    options = _abi.ImageOptions(flags=flags, exports=table,
                                export_count=len(table))
    if needed_dirs:
        options.needed_dirs = (c_char_p * len(needed_dirs))(*(
            encode(os.fspath(directory)) for directory in needed_dirs))
        options.needed_dir_count = len(needed_dirs)
    if name is not None:
        options.name = encode(name)
    if abi is not None:
        options.abi = encode(abi)
    out = c_void_p()
    if isinstance(source, int):
        code = lib.modiso_image_load_fd(module.handle, source, byref(options),
                                        byref(out))
    elif isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        code = lib.modiso_image_load_memory(module.handle, data, len(data),
                                            byref(options), byref(out))
    else:
        code = lib.modiso_image_load(module.handle, encode(os.fspath(source)),
                                     byref(options), byref(out))
    _loaded(code)
    return Image(module, out.value)


def prepare(module, blob, code, data, data_distance, bss_size, symbols, name):
    """Module.prepare()"""
    blob = bytes(blob)
    table = (_abi.FlatSymbol * len(symbols))(*(
        (encode(symbol), offset) for symbol, offset in symbols.items()))
    flat = _abi.Flat(code_offset=code[0], code_size=code[1],
                     data_offset=data[0], data_size=data[1],
                     data_distance=data_distance, bss_size=bss_size,
                     symbols=table, symbol_count=len(table))
    options = _abi.ImageOptions(flags=ImageFlag(0))
    if name is not None:
        options.name = encode(name)
    out = c_void_p()
    check(lib.modiso_image_prepare(module.handle, blob, len(blob), byref(flat),
                                   byref(options), byref(out)))
    return Image(module, out.value)
