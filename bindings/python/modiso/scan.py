# SPDX-License-Identifier: MIT
"""Find instructions that would undo the isolation. None of it needs init()."""

import os

from . import _abi
from ._abi import Code, ScanKind, lib
from .error import check, decode, encode


def _scan(function, *arguments):
    """The hits as dicts; raises Error for every code but ERR_GADGET."""
    hits = []

    def hit(raw, _):
        raw = raw[0]
        hits.append({
            "kind": ScanKind(raw.kind),
            "name": decode(lib.modiso_scan_kind_name(raw.kind)),
            "offset": raw.offset,
            "address": raw.address,
            "file": decode(raw.file),
            "section": decode(raw.section),
            "symbol": decode(raw.symbol),
            "symbol_offset": raw.symbol_offset,
            "bytes": bytes(raw.bytes[:raw.length]),
        })
        return 0

    code = function(*arguments, _abi.SCAN_FN(hit))
    if code != Code.ERR_GADGET:
        check(code)
    return hits


def scan_bytes(data, kinds=ScanKind.ALL):
    """Look at bytes: a list of dicts, as struct modiso_scan_hit."""
    data = bytes(data)
    return _scan(lambda fn: lib.modiso_scan_memory(data, len(data), kinds, fn,
                                                   None))


def scan_file(path, kinds=ScanKind.ALL):
    """Look at every executable byte of an ELF file; see scan_bytes().

    Raises Error: ERR_FORMAT when it is none, ERR_OS when it cannot be read.
    """
    name = encode(os.fspath(path))
    return _scan(lambda fn: lib.modiso_scan_file(name, kinds, fn, None, None))


def scan_elf(data, kinds=ScanKind.ALL):
    """The same for a file's contents in memory."""
    data = bytes(data)
    return _scan(lambda fn: lib.modiso_scan_elf(data, len(data), kinds, fn,
                                                None, None))
