# SPDX-License-Identifier: MIT
"""libmodiso: modules inside one Linux process, isolated from each other.

    import ctypes, modiso

    libc = ctypes.CDLL(None)
    modiso.init()
    with modiso.Module("parser") as parser:
        secret = modiso.host_region(4096)
        fill = parser.gate(libc.memset, ctypes.c_void_p,
                           [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t])
        try:
            fill(secret, 0, 100)
        except modiso.Fault as fault:
            print(fault.record)
        secret.destroy()
    modiso.fini()

A wrapper of the C library by ctypes. The functions have the names, the errors
and the costs of the C ones; their pages in section 3 of the manual say more.
modiso-programs(7) has a section on Python hosts.

Threads: as in C. Every call lets other Python threads run; a lock of Python's
is never held while the library waits.

A fork: as in C; the child has one thread and a working library.
"""

from ._abi import (Access, AuditKind, Backend, Cap, Code, Confinement,
                   Exclusion, FaultKind, HeapFlag, ImageFlag, ModuleFlag,
                   RegionFlag, ScanKind)
from .audit import audit, report, report_text
from .error import Error
from .fault import (Fault, FaultRecord, fault_count, last_fault, on_fault,
                    permitted)
from .gate import Gate
from .image import Image
from .library import (backend_current, backend_query, fini, init, running,
                      signal_adopt, thread_attach, thread_detach, version)
from .module import Module, caller
from .region import Region, adopt, find, host_region, map_shared
from .scan import scan_bytes, scan_elf, scan_file
from .service import Service, heap_services, libc_services
from .testing import expect_fault

READ, WRITE, EXEC = Access.READ, Access.WRITE, Access.EXEC

__all__ = [
    "Access", "AuditKind", "Backend", "Cap", "Code", "Confinement", "EXEC",
    "Error", "Exclusion", "Fault", "FaultKind", "FaultRecord", "Gate",
    "HeapFlag", "Image", "ImageFlag", "Module", "ModuleFlag", "READ", "Region",
    "RegionFlag", "ScanKind", "Service", "WRITE", "adopt", "audit",
    "backend_current", "backend_query", "caller", "expect_fault",
    "fault_count", "find", "fini", "heap_services", "host_region", "init",
    "last_fault", "libc_services", "map_shared", "on_fault", "permitted",
    "report", "report_text", "running", "scan_bytes", "scan_elf", "scan_file",
    "signal_adopt", "thread_attach", "thread_detach", "version",
]
