# SPDX-License-Identifier: MIT
"""Does the kernel see what the library believes?"""

import json
from ctypes import byref, c_size_t

from . import _abi
from ._abi import Access, AuditKind, lib
from .error import check, decode
from .stream import printed


def _finding(raw):
    return {
        "kind": AuditKind(raw.kind),
        "text": decode(lib.modiso_audit_kind_name(raw.kind)),
        "base": raw.base,
        "length": raw.length,
        "number": raw.number,
        "access": Access(raw.access),
        "want_access": Access(raw.want_access),
        "key": raw.key,
        "want_key": raw.want_key,
        "module": decode(raw.module_name),
        "region": decode(raw.region_name),
    }


def audit():
    """Compare with the kernel's own list of mappings: a list of dicts.

    Each has kind (AuditKind), text, base, length, number, access, want_access, key,
    want_key, module and region, as struct modiso_audit_finding. An empty list
    is what one wants. Memory that the program itself maps writable and
    executable (libffi's closures, on some systems) is told of as well.

    Raises Error: ERR_OS when /proc/self/smaps cannot be read.
    """
    room = 64
    while True:
        findings = (_abi.AuditFinding * room)()
        count = c_size_t()
        check(lib.modiso_audit(findings, room, byref(count)))
        if count.value <= room:
            return [_finding(raw) for raw in findings[:count.value]]
        room = count.value * 2


def report():
    """The map of modules, regions, rights and keys, as a dict.

    It is what modiso_report_json() prints.
    """
    return json.loads(printed(lib.modiso_report_json))


def report_text():
    """The same for a person: what modiso_report() prints."""
    return printed(lib.modiso_report)
