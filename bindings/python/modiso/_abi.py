# SPDX-License-Identifier: MIT
"""The C interface: structures, numbers and prototypes, and nothing else.

What stands here is compared with the C headers by tests/test_abi.py, in both
directions: a field, a number or a function that one side has and the other has
not is an error there.
"""

import ctypes
import enum
import os
from ctypes import (CFUNCTYPE, POINTER, Structure, c_char, c_char_p, c_double,
                    c_int, c_int32, c_size_t, c_ssize_t, c_uint, c_uint8,
                    c_uint32, c_uint64, c_void_p)

NAME_SIZE = 32
ARGS_MAX = 6
WORDS_MAX = 16
FLOATS_MAX = 8
REASON_SIZE = 256
SCAN_BYTES = 15
FAULT_FRAMES = 32
FAULT_CALLS = 8
ARCH_LIBC = 1
FILES_MAX = 1024


class Code(enum.IntEnum):
    """What a function of the library returns: enum modiso_error."""

    OK = 0
    ERR_INVAL = -1
    ERR_NOMEM = -2
    ERR_OS = -3
    ERR_NOTSUP = -4
    ERR_NOKEY = -5
    ERR_STATE = -6
    ERR_BUSY = -7
    ERR_NOENT = -8
    ERR_ACCESS = -9
    ERR_FORMAT = -10
    ERR_GADGET = -11
    ERR_LIMIT = -12
    ERR_FAULT = -13
    ERR_ABANDONED = -14


class Backend(enum.IntEnum):
    """The mechanism that enforces isolation: enum modiso_backend."""

    AUTO = 0
    PKEY = 1
    MPROTECT = 2


class Cap(enum.IntFlag):
    """What a backend can promise: MODISO_CAP_*."""

    GUARD = 1 << 0
    READONLY = 1 << 1
    SEALED = 1 << 2
    PER_THREAD = 1 << 3
    PARALLEL = 1 << 4
    UNLIMITED = 1 << 5
    EXITS = 1 << 6
    SYSCALLS = 1 << 7


class Exclusion(enum.IntEnum):
    """Who keeps threads apart: enum modiso_exclusion."""

    INTERNAL = 0
    EXTERNAL = 1


class Closed(enum.IntFlag):
    """What of the program is closed while confined modules run."""

    DATA = 1 << 0
    HEAP = 1 << 1
    STACKS = 1 << 2


class InitFlag(enum.IntFlag):
    """MODISO_INIT_*."""

    SHARED = 1 << 0
    NO_STACKS = 1 << 1
    RECORD = 1 << 2


class Confinement(enum.IntEnum):
    """What a module may do with unregistered memory."""

    GUARD = 0
    READONLY = 1
    SEALED = 2


class Syscalls(enum.IntEnum):
    """What becomes of a module's system calls."""

    OPEN = 0
    NONE = 1
    COMPUTE = 2
    LOG = 3


class SyscallAction(enum.IntEnum):
    """What becomes of one of them."""

    DENY = 0
    ERRNO = 1
    ALLOW = 2
    LOG = 3


class ModuleFlag(enum.IntFlag):
    """MODISO_MODULE_*."""

    WALL_TIME = 1 << 0
    PERMISSIVE = 1 << 1


class Access(enum.IntFlag):
    """Rights to memory: MODISO_READ, MODISO_WRITE, MODISO_EXEC."""

    READ = 1 << 0
    WRITE = 1 << 1
    EXEC = 1 << 2


class RegionFlag(enum.IntFlag):
    """MODISO_REGION_*."""

    CLOSED = 1 << 0
    NODUMP = 1 << 1
    NOSHRINK = 1 << 2


class GateFlag(enum.IntFlag):
    """MODISO_GATE_*."""

    SCRUB = 1 << 0


class ServiceFlag(enum.IntFlag):
    """MODISO_SERVICE_*."""

    LISTED = 1 << 0
    FLOAT = 1 << 1
    VARIADIC = 1 << 2


class HeapFlag(enum.IntFlag):
    """Flags of modiso_heap_alloc()."""

    ZERO = 1 << 0


class HeapFunction(enum.IntEnum):
    """What modiso_heap_function() has for module code."""

    MALLOC = 1
    CALLOC = 2
    REALLOC = 3
    ALIGNED_ALLOC = 4
    FREE = 5
    USABLE_SIZE = 6
    BATCH = 7


class ImageFlag(enum.IntFlag):
    """MODISO_IMAGE_*."""

    IGNORE_NEEDED = 1 << 0
    DEBUGGER = 1 << 1
    PERF = 1 << 2
    HEADERS = 1 << 3


class FaultKind(enum.IntEnum):
    """What a module did: enum modiso_fault_kind."""

    NONE = 0
    ACCESS = 1
    STACK = 2
    UNMAPPED = 3
    BUS = 4
    ILLEGAL = 5
    ARITHMETIC = 6
    TRAP = 7
    PRIVILEGED = 8
    SYSCALL = 9
    SERVICE = 10
    GATE = 11
    EXCEPTION = 12
    EXIT = 13
    ABORT = 14
    JUMP = 15
    TIMEOUT = 16


class Overrun(enum.IntEnum):
    """Was the end of a region run off: enum modiso_overrun."""

    NONE = 0
    PAST = 1
    BEFORE = 2


class FramesEnd(enum.IntEnum):
    """Why there are no more frames: enum modiso_frames_end."""

    NONE = 0
    GATE = 1
    LIMIT = 2
    NO_INFO = 3
    DAMAGED = 4
    STACK = 5
    LOST = 6
    OUTERMOST = 7


class Verdict(enum.IntEnum):
    """What a filter answers: enum modiso_verdict."""

    END = 0
    RETRY = 1
    PASS = 2


class AuditKind(enum.IntEnum):
    """A difference that the audit finds: enum modiso_audit_kind."""

    UNMAPPED = 1
    RIGHTS = 2
    KEY = 3
    GUARD = 4
    STRAY = 5
    ALIAS = 6
    WRITE_EXEC = 7
    LIBRARY = 8
    URING = 9
    SQPOLL = 10
    AIO = 11
    OPEN = 12


class ScanKind(enum.IntFlag):
    """Instructions that would undo the isolation: enum modiso_scan_kind."""

    WRPKRU = 1 << 0
    XRSTOR = 1 << 1
    XRSTORS = 1 << 2
    SYSCALL = 1 << 3
    SYSENTER = 1 << 4
    INT80 = 1 << 5
    WRFSBASE = 1 << 6
    WRGSBASE = 1 << 7
    REX2 = 1 << 8
    PKRU = WRPKRU | XRSTOR | XRSTORS
    KERNEL = SYSCALL | SYSENTER | INT80
    BASE = WRFSBASE | WRGSBASE
    ALL = PKRU | KERNEL | BASE | REX2


# How the numbers are spelled in C: the prefix of each enumeration.
ENUMS = {
    "MODISO_": (Code, Access),
    "MODISO_BACKEND_": (Backend,),
    "MODISO_CAP_": (Cap,),
    "MODISO_EXCLUSION_": (Exclusion,),
    "MODISO_INIT_": (InitFlag,),
    "MODISO_CLOSED_": (Closed,),
    "MODISO_CONFINE_": (Confinement,),
    "MODISO_SYSCALLS_": (Syscalls,),
    "MODISO_SYSCALL_": (SyscallAction,),
    "MODISO_MODULE_": (ModuleFlag,),
    "MODISO_REGION_": (RegionFlag,),
    "MODISO_GATE_": (GateFlag,),
    "MODISO_SERVICE_": (ServiceFlag,),
    "MODISO_HEAP_": (HeapFlag, HeapFunction),
    "MODISO_IMAGE_": (ImageFlag,),
    "MODISO_FAULT_": (FaultKind,),
    "MODISO_OVERRUN_": (Overrun,),
    "MODISO_FRAMES_": (FramesEnd,),
    "MODISO_VERDICT_": (Verdict,),
    "MODISO_AUDIT_": (AuditKind,),
    "MODISO_SCAN_": (ScanKind,),
}
NUMBERS = {
    "MODISO_NAME_SIZE": NAME_SIZE,
    "MODISO_ARGS_MAX": ARGS_MAX,
    "MODISO_WORDS_MAX": WORDS_MAX,
    "MODISO_REASON_SIZE": REASON_SIZE,
    "MODISO_SCAN_BYTES": SCAN_BYTES,
    "MODISO_FAULT_FRAMES": FAULT_FRAMES,
    "MODISO_FAULT_CALLS": FAULT_CALLS,
    "MODISO_ARCH_LIBC": ARCH_LIBC,
    "MODISO_FILES_MAX": FILES_MAX,
}

# What the type of a structure is called in C, and the class for it here.
STRUCTURES = {}


def _structure(name):
    def register(cls):
        STRUCTURES[name] = cls
        return cls
    return register


class _Sized(Structure):
    """A structure whose first field is its own size."""

    def __init__(self, **fields):
        super().__init__(**fields)
        self.struct_size = ctypes.sizeof(self)


@_structure("modiso_options")
class Options(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("backend", c_uint32),
        ("require", c_uint32),
        ("max_keys", c_uint32),
        ("max_threads", c_uint32),
        ("flags", c_uint32),
        ("key_wait_ms", c_uint32),
        ("exclusion", c_uint32),
        ("closed", c_uint32),
        ("unused", c_uint32),
        ("record_path", c_char_p),
    ]


@_structure("modiso_backend_info")
class BackendInfo(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("backend", c_uint32),
        ("usable", c_uint32),
        ("caps", c_uint32),
        ("keys_total", c_uint32),
        ("keys_free", c_uint32),
        ("name", c_char_p),
        ("reason", c_char * REASON_SIZE),
    ]


@_structure("modiso_module_options")
class ModuleOptions(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("confinement", c_uint32),
        ("stack_size", c_size_t),
        ("range_size", c_size_t),
        ("cookie", c_void_p),
        ("flags", c_uint32),
        ("unused", c_uint32),
        ("time_limit_ms", c_uint32),
        ("syscalls", c_uint32),
        ("mailbox_size", c_size_t),
    ]


@_structure("modiso_region_options")
class RegionOptions(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("name", c_char_p),
        ("becomes", c_uint32),
        ("unused", c_uint32),
    ]


@_structure("modiso_region_info")
class RegionInfo(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("access", c_uint32),
        ("base", c_void_p),
        ("length", c_size_t),
        ("owner", c_void_p),
        ("region", c_void_p),
        ("flags", c_uint32),
        ("adopted", c_uint32),
        ("name", c_char * NAME_SIZE),
        ("shared", c_uint32),
        ("granted", c_uint32),
    ]


@_structure("modiso_gate_options")
class GateOptions(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("word_args", c_uint32),
        ("float_args", c_uint32),
        ("fault_value", c_size_t),
    ]


@_structure("modiso_service_options")
class ServiceOptions(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("word_args", c_uint32),
        ("pointers", c_uint32),
    ]


@_structure("modiso_export")
class Export(Structure):
    _fields_ = [("name", c_char_p), ("service", c_void_p)]


@_structure("modiso_image_options")
class ImageOptions(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("name", c_char_p),
        ("exports", POINTER(Export)),
        ("export_count", c_size_t),
        ("abi", c_char_p),
        ("needed_dirs", POINTER(c_char_p)),
        ("needed_dir_count", c_size_t),
        ("missing", c_void_p),
        ("missing_arg", c_void_p),
    ]


@_structure("modiso_image_info")
class ImageInfo(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("sealed", c_uint32),
        ("base", c_void_p),
        ("start", c_void_p),
        ("length", c_size_t),
        ("entry", c_void_p),
        ("module", c_void_p),
        ("name", c_char * NAME_SIZE),
    ]


@_structure("modiso_flat_symbol")
class FlatSymbol(Structure):
    _fields_ = [("name", c_char_p), ("offset", c_size_t)]


@_structure("modiso_flat")
class Flat(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("code_offset", c_size_t),
        ("code_size", c_size_t),
        ("data_offset", c_size_t),
        ("data_size", c_size_t),
        ("data_distance", c_size_t),
        ("bss_size", c_size_t),
        ("symbols", POINTER(FlatSymbol)),
        ("symbol_count", c_size_t),
        ("debug_file", c_void_p),
        ("debug_size", c_size_t),
    ]


@_structure("modiso_heap_info")
class HeapInfo(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("unused", c_uint32),
        ("base", c_void_p),
        ("length", c_size_t),
        ("used", c_uint64),
        ("peak", c_uint64),
        ("blocks", c_uint64),
        ("refused", c_uint64),
    ]


@_structure("modiso_fault_beside")
class FaultBeside(Structure):
    _fields_ = [
        ("base", c_size_t),
        ("length", c_size_t),
        ("distance", c_size_t),
        ("owner_id", c_uint64),
        ("name", c_char * NAME_SIZE),
        ("owner_name", c_char * NAME_SIZE),
    ]


@_structure("modiso_fault_call")
class FaultCall(Structure):
    _fields_ = [
        ("module_id", c_uint64),
        ("module_name", c_char * NAME_SIZE),
        ("service_name", c_char * NAME_SIZE),
        ("host_pc", c_size_t),
        ("service_pc", c_size_t),
        ("service_request", c_size_t),
    ]


@_structure("modiso_fault")
class Fault(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_uint32),
        ("number", c_uint64),
        ("time_ns", c_uint64),
        ("module", c_void_p),
        ("module_id", c_uint64),
        ("module_name", c_char * NAME_SIZE),
        ("thread", c_int32),
        ("access", c_uint32),
        ("signo", c_int32),
        ("code", c_int32),
        ("address", c_size_t),
        ("pc", c_size_t),
        ("sp", c_size_t),
        ("region_base", c_size_t),
        ("region_length", c_size_t),
        ("region_offset", c_size_t),
        ("region_name", c_char * NAME_SIZE),
        ("owner", c_void_p),
        ("owner_id", c_uint64),
        ("owner_name", c_char * NAME_SIZE),
        ("pkey", c_int32),
        ("pkru", c_uint32),
        ("depth", c_uint32),
        ("confinement", c_uint32),
        ("registers", c_size_t * 18),
        ("host_pc", c_size_t),
        ("host_sp", c_size_t),
        ("retries", c_uint32),
        ("overrun", c_uint32),
        ("below", FaultBeside),
        ("above", FaultBeside),
        ("frames", c_size_t * FAULT_FRAMES),
        ("frame_count", c_uint32),
        ("frames_end", c_uint32),
        ("instruction", c_uint8 * 16),
        ("instruction_length", c_uint32),
        ("call_count", c_uint32),
        ("calls", FaultCall * FAULT_CALLS),
        ("permitted", c_uint32),
        ("service_words", c_uint32),
        ("syscall_number", c_uint32),
        ("syscall_arch", c_uint32),
        ("syscall_args", c_size_t * 6),
        ("recorded", c_uint64),
        ("recorded_run", c_uint64),
        ("recorded_ring", c_uint32),
        ("unused2", c_uint32),
    ]


@_structure("modiso_audit_finding")
class AuditFinding(Structure):
    _fields_ = [
        ("kind", c_uint32),
        ("key", c_int32),
        ("want_key", c_int32),
        ("access", c_uint32),
        ("want_access", c_uint32),
        ("number", c_uint32),
        ("base", c_size_t),
        ("length", c_size_t),
        ("module_name", c_char * NAME_SIZE),
        ("region_name", c_char * NAME_SIZE),
    ]


@_structure("modiso_scan_hit")
class ScanHit(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_uint32),
        ("offset", c_uint64),
        ("address", c_uint64),
        ("file", c_char_p),
        ("section", c_char_p),
        ("symbol", c_char_p),
        ("symbol_offset", c_uint64),
        ("length", c_uint32),
        ("bytes", c_uint8 * SCAN_BYTES),
    ]


@_structure("modiso_syscall")
class Syscall(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("number", c_uint32),
        ("arch", c_uint32),
        ("unused", c_uint32),
        ("args", c_size_t * 6),
        ("pc", c_size_t),
        ("module", c_void_p),
    ]


@_structure("modiso_scan_info")
class ScanInfo(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("segment_count", c_uint32),
        ("bytes", c_uint64),
        ("hit_count", c_uint64),
        ("writable_count", c_uint32),
        ("reserved", c_uint32),
    ]


LANDING_FN = CFUNCTYPE(None, POINTER(Fault), c_void_p)
SYSCALL_FN = CFUNCTYPE(c_ssize_t, POINTER(Syscall), c_void_p)
TEXT_FN = CFUNCTYPE(None, c_void_p, c_int, c_void_p, c_size_t, c_void_p)
SCAN_FN = CFUNCTYPE(c_int, POINTER(ScanHit), c_void_p)

_out = POINTER(c_void_p)
_size_out = POINTER(c_size_t)

# Every function of the library: its result, then its arguments. An int that is
# a code is written as Code. Handles and the library's function pointers are
# addresses.
FUNCTIONS = {
    "modiso_argument_number": (c_double, c_void_p),
    "modiso_argument_word": (c_size_t, c_void_p),
    "modiso_arguments_format": (Code, c_void_p, c_void_p, c_void_p, c_size_t,
                                _size_out),
    "modiso_arguments_vformat": (Code, c_void_p, c_void_p, c_void_p, c_size_t,
                                 _size_out),
    "modiso_audit": (Code, POINTER(AuditFinding), c_size_t, _size_out),
    "modiso_audit_kind_name": (c_char_p, c_uint32),
    "modiso_backend_current": (c_int,),
    "modiso_backend_query": (Code, c_int, POINTER(BackendInfo)),
    "modiso_code_seal": (Code,),
    "modiso_copy_in": (Code, c_void_p, c_void_p, c_void_p, c_size_t),
    "modiso_copy_out": (Code, c_void_p, c_void_p, c_void_p, c_size_t),
    "modiso_error_name": (c_char_p, c_int),
    "modiso_fault_count": (c_uint64,),
    "modiso_fault_kind_name": (c_char_p, c_uint32),
    "modiso_fault_last": (Code, POINTER(Fault)),
    "modiso_fault_notify": (Code, c_void_p, c_void_p, LANDING_FN, c_void_p),
    "modiso_fault_print": (Code, POINTER(Fault), c_void_p),
    "modiso_fault_print_json": (Code, POINTER(Fault), c_void_p),
    "modiso_fault_print_sarif": (Code, POINTER(Fault), c_void_p),
    "modiso_fault_print_map": (Code, POINTER(Fault), c_void_p),
    "modiso_fault_print_summary": (Code, POINTER(Fault), c_void_p),
    "modiso_fiber_create": (Code, POINTER(c_void_p)),
    "modiso_fiber_destroy": (Code, c_void_p),
    "modiso_fiber_switch": (Code, c_void_p),
    "modiso_fini": (Code,),
    "modiso_gate_call": (Code, c_void_p, POINTER(c_size_t), c_uint, _size_out),
    "modiso_gate_create": (Code, c_void_p, c_void_p, POINTER(GateOptions),
                           _out),
    "modiso_gate_destroy": (Code, c_void_p),
    "modiso_gate_status": (c_int,),
    "modiso_gate_thunk": (Code, c_void_p, _out),
    "modiso_heap_alloc": (Code, c_void_p, c_size_t, c_size_t, c_uint32, _out),
    "modiso_heap_create": (Code, c_void_p, c_size_t, POINTER(RegionOptions)),
    "modiso_heap_destroy": (Code, c_void_p),
    "modiso_heap_free": (Code, c_void_p, c_void_p),
    "modiso_heap_function": (c_void_p, c_int),
    "modiso_heap_get_info": (Code, c_void_p, POINTER(HeapInfo)),
    "modiso_heap_get_size": (Code, c_void_p, c_void_p, _size_out),
    "modiso_heap_resize": (Code, c_void_p, c_void_p, c_size_t, _out),
    "modiso_image_gate": (Code, c_void_p, c_char_p, POINTER(GateOptions),
                          _out),
    "modiso_image_get_info": (Code, c_void_p, POINTER(ImageInfo)),
    "modiso_image_load": (Code, c_void_p, c_char_p, POINTER(ImageOptions),
                          _out),
    "modiso_image_load_fd": (Code, c_void_p, c_int, POINTER(ImageOptions),
                             _out),
    "modiso_image_load_memory": (Code, c_void_p, c_char_p, c_size_t,
                                 POINTER(ImageOptions), _out),
    "modiso_image_prepare": (Code, c_void_p, c_char_p, c_size_t, POINTER(Flat),
                             POINTER(ImageOptions), _out),
    "modiso_image_seal": (Code, c_void_p),
    "modiso_image_symbol": (Code, c_void_p, c_char_p, _out),
    "modiso_image_unload": (Code, c_void_p),
    "modiso_init": (Code, POINTER(Options)),
    "modiso_last_error_text": (c_char_p,),
    "modiso_libc_function": (c_void_p, c_char_p, POINTER(c_uint32)),
    "modiso_libc_name": (c_char_p, c_size_t),
    "modiso_mailbox_get": (Code, c_void_p, c_void_p, c_void_p, c_size_t),
    "modiso_mailbox_put": (Code, c_void_p, c_void_p, c_size_t, _out),
    "modiso_mailbox_reset": (Code, c_void_p, c_void_p),
    "modiso_module_caller": (c_void_p,),
    "modiso_module_cookie": (c_void_p, c_void_p),
    "modiso_module_create": (Code, c_char_p, POINTER(ModuleOptions), _out),
    "modiso_module_destroy": (Code, c_void_p),
    "modiso_module_id": (c_uint64, c_void_p),
    "modiso_module_name": (c_char_p, c_void_p),
    "modiso_permitted_count": (c_uint64,),
    "modiso_permitted_print": (Code, c_void_p),
    "modiso_permitted_print_json": (Code, c_void_p),
    "modiso_range_check": (Code, c_void_p, c_void_p, c_size_t, c_uint32),
    "modiso_region_adopt": (Code, c_void_p, c_void_p, c_size_t, c_uint32,
                            POINTER(RegionOptions), _out),
    "modiso_region_base": (c_void_p, c_void_p),
    "modiso_region_create": (Code, c_void_p, c_size_t, c_uint32,
                             POINTER(RegionOptions), _out),
    "modiso_region_destroy": (Code, c_void_p),
    "modiso_region_find": (Code, c_void_p, POINTER(RegionInfo)),
    "modiso_region_get_info": (Code, c_void_p, POINTER(RegionInfo)),
    "modiso_region_grant": (Code, c_void_p, c_void_p, c_uint32),
    "modiso_region_length": (c_size_t, c_void_p),
    "modiso_region_map_named": (Code, c_void_p, c_char_p, c_uint64, c_size_t,
                                c_uint32, POINTER(RegionOptions), _out),
    "modiso_region_map_shared": (Code, c_void_p, c_int, c_uint64, c_size_t,
                                 c_uint32, POINTER(RegionOptions), _out),
    "modiso_region_protect": (Code, c_void_p, c_uint32),
    "modiso_region_revoke": (Code, c_void_p, c_void_p),
    "modiso_report": (Code, c_void_p),
    "modiso_report_dot": (Code, c_void_p),
    "modiso_report_json": (Code, c_void_p),
    "modiso_scan_elf": (Code, c_char_p, c_size_t, c_uint32, SCAN_FN, c_void_p,
                        POINTER(ScanInfo)),
    "modiso_scan_file": (Code, c_char_p, c_uint32, SCAN_FN, c_void_p,
                         POINTER(ScanInfo)),
    "modiso_scan_kind_name": (c_char_p, c_uint32),
    "modiso_scan_memory": (Code, c_char_p, c_size_t, c_uint32, SCAN_FN,
                           c_void_p),
    "modiso_scan_process": (Code, c_uint32, c_uint32, SCAN_FN, c_void_p,
                            POINTER(ScanInfo)),
    "modiso_service_allow": (Code, c_void_p, c_void_p),
    "modiso_service_create": (Code, c_char_p, c_void_p,
                              POINTER(ServiceOptions), _out),
    "modiso_service_deny": (Code, c_void_p, c_void_p),
    "modiso_service_destroy": (Code, c_void_p),
    "modiso_service_fail": (Code, c_uint32, c_size_t),
    "modiso_service_thunk": (c_void_p, c_void_p),
    "modiso_set_misuse_handler": (None, c_void_p, c_void_p),
    "modiso_signal_adopt": (Code,),
    "modiso_snapshot_restore": (Code, c_void_p),
    "modiso_snapshot_take": (Code, c_void_p),
    "modiso_strerror": (c_char_p, c_int),
    "modiso_strnlen": (Code, c_void_p, c_void_p, c_size_t, _size_out),
    "modiso_syscall_callback": (Code, c_void_p, c_uint32, c_uint32,
                                SYSCALL_FN, c_void_p),
    "modiso_syscall_files": (Code, c_void_p, c_char_p, c_uint32),
    "modiso_syscall_function": (c_void_p,),
    "modiso_syscall_number": (Code, c_uint32, c_char_p, POINTER(c_uint32)),
    "modiso_syscall_output": (Code, c_void_p, TEXT_FN, c_void_p),
    "modiso_syscall_print": (Code, c_void_p, c_void_p),
    "modiso_syscall_set": (Code, c_void_p, c_uint32, c_uint32, c_uint32,
                           c_int),
    "modiso_thread_abandon": (Code, c_void_p, c_void_p, c_void_p),
    "modiso_thread_attach": (Code,),
    "modiso_thread_detach": (Code,),
    "modiso_thread_enter": (Code, c_void_p, POINTER(c_size_t), c_uint,
                            c_void_p, c_void_p),
    "modiso_thread_preempt": (Code, c_void_p),
    "modiso_thread_resume": (Code, c_void_p),
    "modiso_thread_self": (Code, _out),
    "modiso_version": (c_char_p,),
    "modiso_window_close": (Code, c_void_p),
    "modiso_window_open": (Code, c_void_p, c_uint32),
}


def load():
    """The C library, from $MODISO_LIBRARY or as the dynamic linker finds it.

    A function that this library has not (an older one) fails when it is
    called, not here.
    """
    name = os.environ.get("MODISO_LIBRARY", "libmodiso.so.0")
    try:
        library = ctypes.CDLL(name, use_errno=True)
    except OSError as why:
        raise ImportError(
            f"the C library cannot be loaded: {why}; install libmodiso, or "
            "set MODISO_LIBRARY to the path of libmodiso.so.0") from why
    for function, (result, *arguments) in FUNCTIONS.items():
        try:
            foreign = getattr(library, function)
        except AttributeError:
            continue
        foreign.restype = c_int if result is Code else result
        foreign.argtypes = arguments
    return library


lib = load()
