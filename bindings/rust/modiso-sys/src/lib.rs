// SPDX-License-Identifier: MIT
//! The C interface of libmodiso, as it is: declarations and nothing else.
//!
//! The manual pages of section 3 say what each function does, and what its
//! caller has to see to; everything here is unsafe. The crate `modiso` is the
//! safe one.
//!
//! tests/layout.rs compares this file with the C headers in both directions.

#![allow(non_camel_case_types)]
#![no_std]

use core::ffi::c_void;

/// As C has them on x86-64, the one machine that the library is for.
pub type c_char = i8;
pub type c_int = i32;
pub type c_uint = u32;

/// A `FILE` of the C library's.
#[repr(C)]
pub struct FILE {
    _opaque: [u8; 0],
}

/// Any function pointer; cast to the entry's own type before it is called.
pub type modiso_fn = Option<unsafe extern "C" fn()>;
pub type modiso_misuse_fn =
    Option<unsafe extern "C" fn(text: *const c_char, arg: *mut c_void)>;
pub type modiso_filter_fn = Option<
    unsafe extern "C" fn(fault: *const modiso_fault, arg: *mut c_void) -> u32,
>;
pub type modiso_landing_fn =
    Option<unsafe extern "C" fn(fault: *const modiso_fault, arg: *mut c_void)>;
pub type modiso_syscall_fn = Option<
    unsafe extern "C" fn(
        call: *const modiso_syscall,
        arg: *mut c_void,
    ) -> isize,
>;
pub type modiso_text_fn = Option<
    unsafe extern "C" fn(
        module: *mut modiso_module,
        stream: c_int,
        text: *const c_char,
        length: usize,
        arg: *mut c_void,
    ),
>;
pub type modiso_missing_fn = Option<
    unsafe extern "C" fn(
        image: *const c_char,
        name: *const c_char,
        why: *const c_char,
        arg: *mut c_void,
    ),
>;
pub type modiso_scan_fn = Option<
    unsafe extern "C" fn(
        hit: *const modiso_scan_hit,
        arg: *mut c_void,
    ) -> c_int,
>;
pub type modiso_ended_fn = Option<
    unsafe extern "C" fn(status: c_int, result: usize, arg: *mut c_void),
>;
pub type modiso_abandoned_fn = Option<unsafe extern "C" fn(arg: *mut c_void)>;

macro_rules! handles {
    ($($name:ident)*) => {$(
        #[repr(C)]
        pub struct $name {
            _opaque: [u8; 0],
        }
    )*};
}

handles! {
    modiso_arguments
    modiso_fiber
    modiso_gate
    modiso_image
    modiso_module
    modiso_region
    modiso_service
    modiso_thread
}

/// A type's size by a pointer that leads nowhere.
fn pointee_size<T>(_: *const T) -> usize {
    core::mem::size_of::<T>()
}

macro_rules! structures {
    ($(struct $name:ident { $($field:ident: $type:ty,)* })*) => {
        $(
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub struct $name {
                $(pub $field: $type,)*
            }

            impl Default for $name {
                /// Zero throughout: the defaults, but for `struct_size`.
                fn default() -> Self {
                    // SAFETY: integers, arrays of them, and pointers.
                    unsafe { core::mem::zeroed() }
                }
            }
        )*

        /// Tells of each structure its name, its size, and the name, offset
        /// and size of each field, for the test.
        #[doc(hidden)]
        pub fn layouts(
            mut tell: impl FnMut(&str, usize, &[(&str, usize, usize)]),
        ) {
            $({
                let whole = core::mem::MaybeUninit::<$name>::uninit();
                let base = whole.as_ptr();
                tell(stringify!($name), core::mem::size_of::<$name>(), &[$({
                    // SAFETY: in bounds of whole; nothing is read.
                    let field = unsafe { core::ptr::addr_of!((*base).$field) };
                    (
                        stringify!($field),
                        field as usize - base as usize,
                        pointee_size(field),
                    )
                },)*]);
            })*
        }
    };
}

macro_rules! numbers {
    ($($name:ident: $type:ty = $value:expr;)*) => {
        $(pub const $name: $type = $value;)*

        /// Every number and how it is spelled, for the test.
        #[doc(hidden)]
        pub const NUMBERS: &[(&str, i64)] = &[
            $((stringify!($name), $value as i64),)*
        ];
    };
}

macro_rules! functions {
    ($(
        fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)?;
    )*) => {
        extern "C" {
            $(pub fn $name($($arg: $type),*) $(-> $result)?;)*
        }

        /// Every function and how many arguments it has, for the test.
        #[doc(hidden)]
        pub const FUNCTIONS: &[(&str, usize)] = &[
            $((stringify!($name), {
                const ARGS: &[&str] = &[$(stringify!($arg)),*];
                ARGS.len()
            }),)*
        ];
    };
}

structures! {
    struct modiso_options {
        struct_size: u32,
        backend: u32,
        require: u32,
        max_keys: u32,
        max_threads: u32,
        flags: u32,
        key_wait_ms: u32,
        exclusion: u32,
        closed: u32,
        unused: u32,
        record_path: *const c_char,
    }

    struct modiso_backend_info {
        struct_size: u32,
        backend: u32,
        usable: u32,
        caps: u32,
        keys_total: u32,
        keys_free: u32,
        name: *const c_char,
        reason: [c_char; MODISO_REASON_SIZE],
    }

    struct modiso_module_options {
        struct_size: u32,
        confinement: u32,
        stack_size: usize,
        range_size: usize,
        cookie: *mut c_void,
        flags: u32,
        unused: u32,
        time_limit_ms: u32,
        syscalls: u32,
        mailbox_size: usize,
    }

    struct modiso_region_options {
        struct_size: u32,
        flags: u32,
        name: *const c_char,
        becomes: u32,
        unused: u32,
    }

    struct modiso_region_info {
        struct_size: u32,
        access: u32,
        base: *mut c_void,
        length: usize,
        owner: *mut modiso_module,
        region: *mut modiso_region,
        flags: u32,
        adopted: u32,
        name: [c_char; MODISO_NAME_SIZE],
        shared: u32,
        granted: u32,
    }

    struct modiso_gate_options {
        struct_size: u32,
        flags: u32,
        word_args: u32,
        float_args: u32,
        fault_value: usize,
    }

    struct modiso_service_options {
        struct_size: u32,
        flags: u32,
        word_args: u32,
        pointers: u32,
    }

    struct modiso_export {
        name: *const c_char,
        service: *const modiso_service,
    }

    struct modiso_syscall {
        struct_size: u32,
        number: u32,
        arch: u32,
        unused: u32,
        args: [usize; 6],
        pc: usize,
        module: *mut modiso_module,
    }

    struct modiso_image_options {
        struct_size: u32,
        flags: u32,
        name: *const c_char,
        exports: *const modiso_export,
        export_count: usize,
        abi: *const c_char,
        needed_dirs: *const *const c_char,
        needed_dir_count: usize,
        missing: modiso_missing_fn,
        missing_arg: *mut c_void,
    }

    struct modiso_image_info {
        struct_size: u32,
        sealed: u32,
        base: *mut c_void,
        start: *mut c_void,
        length: usize,
        entry: *mut c_void,
        module: *mut modiso_module,
        name: [c_char; MODISO_NAME_SIZE],
    }

    struct modiso_flat_symbol {
        name: *const c_char,
        offset: usize,
    }

    struct modiso_flat {
        struct_size: u32,
        flags: u32,
        code_offset: usize,
        code_size: usize,
        data_offset: usize,
        data_size: usize,
        data_distance: usize,
        bss_size: usize,
        symbols: *const modiso_flat_symbol,
        symbol_count: usize,
        debug_file: *const c_void,
        debug_size: usize,
    }

    struct modiso_heap_info {
        struct_size: u32,
        unused: u32,
        base: *mut c_void,
        length: usize,
        used: u64,
        peak: u64,
        blocks: u64,
        refused: u64,
    }

    struct modiso_fault_beside {
        base: usize,
        length: usize,
        distance: usize,
        owner_id: u64,
        name: [c_char; MODISO_NAME_SIZE],
        owner_name: [c_char; MODISO_NAME_SIZE],
    }

    struct modiso_fault_call {
        module_id: u64,
        module_name: [c_char; MODISO_NAME_SIZE],
        service_name: [c_char; MODISO_NAME_SIZE],
        host_pc: usize,
        service_pc: usize,
        service_request: usize,
    }

    struct modiso_fault {
        struct_size: u32,
        kind: u32,
        number: u64,
        time_ns: u64,
        module: *mut modiso_module,
        module_id: u64,
        module_name: [c_char; MODISO_NAME_SIZE],
        thread: i32,
        access: u32,
        signo: i32,
        code: i32,
        address: usize,
        pc: usize,
        sp: usize,
        region_base: usize,
        region_length: usize,
        region_offset: usize,
        region_name: [c_char; MODISO_NAME_SIZE],
        owner: *mut modiso_module,
        owner_id: u64,
        owner_name: [c_char; MODISO_NAME_SIZE],
        pkey: i32,
        pkru: u32,
        depth: u32,
        confinement: u32,
        registers: [usize; 18],
        host_pc: usize,
        host_sp: usize,
        retries: u32,
        overrun: u32,
        below: modiso_fault_beside,
        above: modiso_fault_beside,
        frames: [usize; MODISO_FAULT_FRAMES],
        frame_count: u32,
        frames_end: u32,
        instruction: [u8; 16],
        instruction_length: u32,
        call_count: u32,
        calls: [modiso_fault_call; MODISO_FAULT_CALLS],
        permitted: u32,
        service_words: u32,
        syscall_number: u32,
        syscall_arch: u32,
        syscall_args: [usize; 6],
        recorded: u64,
        recorded_run: u64,
        recorded_ring: u32,
        unused2: u32,
    }

    struct modiso_audit_finding {
        kind: u32,
        key: i32,
        want_key: i32,
        access: u32,
        want_access: u32,
        number: u32,
        base: usize,
        length: usize,
        module_name: [c_char; MODISO_NAME_SIZE],
        region_name: [c_char; MODISO_NAME_SIZE],
    }

    struct modiso_scan_hit {
        struct_size: u32,
        kind: u32,
        offset: u64,
        address: u64,
        file: *const c_char,
        section: *const c_char,
        symbol: *const c_char,
        symbol_offset: u64,
        length: u32,
        bytes: [u8; MODISO_SCAN_BYTES],
    }

    struct modiso_scan_info {
        struct_size: u32,
        segment_count: u32,
        bytes: u64,
        hit_count: u64,
        writable_count: u32,
        reserved: u32,
    }
}

numbers! {
    MODISO_NAME_SIZE: usize = 32;
    MODISO_ARGS_MAX: usize = 6;
    MODISO_WORDS_MAX: usize = 16;
    MODISO_REASON_SIZE: usize = 256;
    MODISO_SCAN_BYTES: usize = 15;
    MODISO_FAULT_FRAMES: usize = 32;
    MODISO_FAULT_CALLS: usize = 8;

    MODISO_OK: c_int = 0;
    MODISO_ERR_INVAL: c_int = -1;
    MODISO_ERR_NOMEM: c_int = -2;
    MODISO_ERR_OS: c_int = -3;
    MODISO_ERR_NOTSUP: c_int = -4;
    MODISO_ERR_NOKEY: c_int = -5;
    MODISO_ERR_STATE: c_int = -6;
    MODISO_ERR_BUSY: c_int = -7;
    MODISO_ERR_NOENT: c_int = -8;
    MODISO_ERR_ACCESS: c_int = -9;
    MODISO_ERR_FORMAT: c_int = -10;
    MODISO_ERR_GADGET: c_int = -11;
    MODISO_ERR_LIMIT: c_int = -12;
    MODISO_ERR_FAULT: c_int = -13;
    MODISO_ERR_ABANDONED: c_int = -14;

    MODISO_READ: u32 = 1 << 0;
    MODISO_WRITE: u32 = 1 << 1;
    MODISO_EXEC: u32 = 1 << 2;

    MODISO_BACKEND_AUTO: u32 = 0;
    MODISO_BACKEND_PKEY: u32 = 1;
    MODISO_BACKEND_MPROTECT: u32 = 2;

    MODISO_CAP_GUARD: u32 = 1 << 0;
    MODISO_CAP_READONLY: u32 = 1 << 1;
    MODISO_CAP_SEALED: u32 = 1 << 2;
    MODISO_CAP_PER_THREAD: u32 = 1 << 3;
    MODISO_CAP_PARALLEL: u32 = 1 << 4;
    MODISO_CAP_UNLIMITED: u32 = 1 << 5;
    MODISO_CAP_EXITS: u32 = 1 << 6;
    MODISO_CAP_SYSCALLS: u32 = 1 << 7;

    MODISO_EXCLUSION_INTERNAL: u32 = 0;
    MODISO_EXCLUSION_EXTERNAL: u32 = 1;

    MODISO_ARCH_LIBC: u32 = 1;
    MODISO_FILES_MAX: u32 = 1024;

    MODISO_MODULE_WALL_TIME: u32 = 1 << 0;
    MODISO_MODULE_PERMISSIVE: u32 = 1 << 1;

    MODISO_CLOSED_DATA: u32 = 1 << 0;
    MODISO_CLOSED_HEAP: u32 = 1 << 1;
    MODISO_CLOSED_STACKS: u32 = 1 << 2;

    MODISO_INIT_SHARED: u32 = 1 << 0;
    MODISO_INIT_NO_STACKS: u32 = 1 << 1;
    MODISO_INIT_RECORD: u32 = 1 << 2;

    MODISO_CONFINE_GUARD: u32 = 0;
    MODISO_CONFINE_READONLY: u32 = 1;
    MODISO_CONFINE_SEALED: u32 = 2;

    MODISO_SYSCALLS_OPEN: u32 = 0;
    MODISO_SYSCALLS_NONE: u32 = 1;
    MODISO_SYSCALLS_COMPUTE: u32 = 2;
    MODISO_SYSCALLS_LOG: u32 = 3;

    MODISO_SYSCALL_DENY: u32 = 0;
    MODISO_SYSCALL_ERRNO: u32 = 1;
    MODISO_SYSCALL_ALLOW: u32 = 2;
    MODISO_SYSCALL_LOG: u32 = 3;

    MODISO_REGION_CLOSED: u32 = 1 << 0;
    MODISO_REGION_NODUMP: u32 = 1 << 1;
    MODISO_REGION_NOSHRINK: u32 = 1 << 2;

    MODISO_GATE_SCRUB: u32 = 1 << 0;

    MODISO_SERVICE_LISTED: u32 = 1 << 0;
    MODISO_SERVICE_FLOAT: u32 = 1 << 1;
    MODISO_SERVICE_VARIADIC: u32 = 1 << 2;

    MODISO_HEAP_ZERO: u32 = 1 << 0;

    MODISO_HEAP_MALLOC: u32 = 1;
    MODISO_HEAP_CALLOC: u32 = 2;
    MODISO_HEAP_REALLOC: u32 = 3;
    MODISO_HEAP_ALIGNED_ALLOC: u32 = 4;
    MODISO_HEAP_FREE: u32 = 5;
    MODISO_HEAP_USABLE_SIZE: u32 = 6;
    MODISO_HEAP_BATCH: u32 = 7;

    MODISO_IMAGE_IGNORE_NEEDED: u32 = 1 << 0;
    MODISO_IMAGE_DEBUGGER: u32 = 1 << 1;
    MODISO_IMAGE_PERF: u32 = 1 << 2;
    MODISO_IMAGE_HEADERS: u32 = 1 << 3;

    MODISO_FAULT_NONE: u32 = 0;
    MODISO_FAULT_ACCESS: u32 = 1;
    MODISO_FAULT_STACK: u32 = 2;
    MODISO_FAULT_UNMAPPED: u32 = 3;
    MODISO_FAULT_BUS: u32 = 4;
    MODISO_FAULT_ILLEGAL: u32 = 5;
    MODISO_FAULT_ARITHMETIC: u32 = 6;
    MODISO_FAULT_TRAP: u32 = 7;
    MODISO_FAULT_PRIVILEGED: u32 = 8;
    MODISO_FAULT_SYSCALL: u32 = 9;
    MODISO_FAULT_SERVICE: u32 = 10;
    MODISO_FAULT_GATE: u32 = 11;
    MODISO_FAULT_EXCEPTION: u32 = 12;
    MODISO_FAULT_EXIT: u32 = 13;
    MODISO_FAULT_ABORT: u32 = 14;
    MODISO_FAULT_JUMP: u32 = 15;
    MODISO_FAULT_TIMEOUT: u32 = 16;

    MODISO_OVERRUN_NONE: u32 = 0;
    MODISO_OVERRUN_PAST: u32 = 1;
    MODISO_OVERRUN_BEFORE: u32 = 2;

    MODISO_FRAMES_NONE: u32 = 0;
    MODISO_FRAMES_GATE: u32 = 1;
    MODISO_FRAMES_LIMIT: u32 = 2;
    MODISO_FRAMES_NO_INFO: u32 = 3;
    MODISO_FRAMES_DAMAGED: u32 = 4;
    MODISO_FRAMES_STACK: u32 = 5;
    MODISO_FRAMES_LOST: u32 = 6;
    MODISO_FRAMES_OUTERMOST: u32 = 7;

    MODISO_VERDICT_END: u32 = 0;
    MODISO_VERDICT_RETRY: u32 = 1;
    MODISO_VERDICT_PASS: u32 = 2;

    MODISO_AUDIT_UNMAPPED: u32 = 1;
    MODISO_AUDIT_RIGHTS: u32 = 2;
    MODISO_AUDIT_KEY: u32 = 3;
    MODISO_AUDIT_GUARD: u32 = 4;
    MODISO_AUDIT_STRAY: u32 = 5;
    MODISO_AUDIT_ALIAS: u32 = 6;
    MODISO_AUDIT_WRITE_EXEC: u32 = 7;
    MODISO_AUDIT_LIBRARY: u32 = 8;
    MODISO_AUDIT_URING: u32 = 9;
    MODISO_AUDIT_SQPOLL: u32 = 10;
    MODISO_AUDIT_AIO: u32 = 11;
    MODISO_AUDIT_OPEN: u32 = 12;

    MODISO_SCAN_WRPKRU: u32 = 1 << 0;
    MODISO_SCAN_XRSTOR: u32 = 1 << 1;
    MODISO_SCAN_XRSTORS: u32 = 1 << 2;
    MODISO_SCAN_SYSCALL: u32 = 1 << 3;
    MODISO_SCAN_SYSENTER: u32 = 1 << 4;
    MODISO_SCAN_INT80: u32 = 1 << 5;
    MODISO_SCAN_WRFSBASE: u32 = 1 << 6;
    MODISO_SCAN_WRGSBASE: u32 = 1 << 7;
    MODISO_SCAN_REX2: u32 = 1 << 8;
    MODISO_SCAN_PKRU: u32 = MODISO_SCAN_WRPKRU
        | MODISO_SCAN_XRSTOR
        | MODISO_SCAN_XRSTORS;
    MODISO_SCAN_KERNEL: u32 = MODISO_SCAN_SYSCALL
        | MODISO_SCAN_SYSENTER
        | MODISO_SCAN_INT80;
    MODISO_SCAN_BASE: u32 = MODISO_SCAN_WRFSBASE
        | MODISO_SCAN_WRGSBASE;
    MODISO_SCAN_ALL: u32 = MODISO_SCAN_PKRU
        | MODISO_SCAN_KERNEL
        | MODISO_SCAN_BASE
        | MODISO_SCAN_REX2;
}

functions! {
    fn modiso_argument_number(arguments: *mut modiso_arguments) -> f64;
    fn modiso_argument_word(arguments: *mut modiso_arguments) -> usize;
    fn modiso_arguments_format(
        arguments: *mut modiso_arguments,
        format: *const c_char,
        to: *mut c_char,
        size: usize,
        length: *mut usize,
    ) -> c_int;
    fn modiso_arguments_vformat(
        list: *const c_void,
        format: *const c_char,
        to: *mut c_char,
        size: usize,
        length: *mut usize,
    ) -> c_int;
    fn modiso_audit(
        findings: *mut modiso_audit_finding,
        room: usize,
        count: *mut usize,
    ) -> c_int;
    fn modiso_audit_kind_name(kind: u32) -> *const c_char;
    fn modiso_backend_current() -> u32;
    fn modiso_backend_query(
        backend: u32,
        info: *mut modiso_backend_info,
    ) -> c_int;
    fn modiso_code_seal() -> c_int;
    fn modiso_copy_in(
        module: *mut modiso_module,
        to: *mut c_void,
        from: *const c_void,
        length: usize,
    ) -> c_int;
    fn modiso_copy_out(
        module: *mut modiso_module,
        to: *mut c_void,
        from: *const c_void,
        length: usize,
    ) -> c_int;
    fn modiso_error_name(code: c_int) -> *const c_char;
    fn modiso_fault_count() -> u64;
    fn modiso_fault_kind_name(kind: u32) -> *const c_char;
    fn modiso_fault_last(fault: *mut modiso_fault) -> c_int;
    fn modiso_fault_notify(
        module: *mut modiso_module,
        filter: modiso_filter_fn,
        landing: modiso_landing_fn,
        arg: *mut c_void,
    ) -> c_int;
    fn modiso_fault_print(
        fault: *const modiso_fault,
        stream: *mut FILE,
    ) -> c_int;
    fn modiso_fault_print_json(
        fault: *const modiso_fault,
        stream: *mut FILE,
    ) -> c_int;
    fn modiso_fault_print_map(
        fault: *const modiso_fault,
        stream: *mut FILE,
    ) -> c_int;
    fn modiso_fault_print_sarif(
        fault: *const modiso_fault,
        stream: *mut FILE,
    ) -> c_int;
    fn modiso_fault_print_summary(
        fault: *const modiso_fault,
        stream: *mut FILE,
    ) -> c_int;
    fn modiso_fiber_create(out: *mut *mut modiso_fiber) -> c_int;
    fn modiso_fiber_destroy(fiber: *mut modiso_fiber) -> c_int;
    fn modiso_fiber_switch(to: *mut modiso_fiber) -> c_int;
    fn modiso_fini() -> c_int;
    fn modiso_gate_call(
        gate: *mut modiso_gate,
        args: *const usize,
        count: c_uint,
        result: *mut usize,
    ) -> c_int;
    fn modiso_gate_create(
        module: *mut modiso_module,
        entry: modiso_fn,
        options: *const modiso_gate_options,
        out: *mut *mut modiso_gate,
    ) -> c_int;
    fn modiso_gate_destroy(gate: *mut modiso_gate) -> c_int;
    fn modiso_gate_status() -> c_int;
    fn modiso_gate_thunk(gate: *mut modiso_gate, out: *mut modiso_fn) -> c_int;
    fn modiso_heap_alloc(
        module: *mut modiso_module,
        size: usize,
        align: usize,
        flags: u32,
        out: *mut *mut c_void,
    ) -> c_int;
    fn modiso_heap_create(
        module: *mut modiso_module,
        length: usize,
        options: *const modiso_region_options,
    ) -> c_int;
    fn modiso_heap_destroy(module: *mut modiso_module) -> c_int;
    fn modiso_heap_free(
        module: *mut modiso_module,
        block: *mut c_void,
    ) -> c_int;
    fn modiso_heap_function(which: u32) -> modiso_fn;
    fn modiso_heap_get_info(
        module: *mut modiso_module,
        info: *mut modiso_heap_info,
    ) -> c_int;
    fn modiso_heap_get_size(
        module: *mut modiso_module,
        block: *const c_void,
        size: *mut usize,
    ) -> c_int;
    fn modiso_heap_resize(
        module: *mut modiso_module,
        block: *mut c_void,
        size: usize,
        out: *mut *mut c_void,
    ) -> c_int;
    fn modiso_image_gate(
        image: *const modiso_image,
        name: *const c_char,
        options: *const modiso_gate_options,
        out: *mut *mut modiso_gate,
    ) -> c_int;
    fn modiso_image_get_info(
        image: *const modiso_image,
        info: *mut modiso_image_info,
    ) -> c_int;
    fn modiso_image_load(
        module: *mut modiso_module,
        path: *const c_char,
        options: *const modiso_image_options,
        out: *mut *mut modiso_image,
    ) -> c_int;
    fn modiso_image_load_fd(
        module: *mut modiso_module,
        fd: c_int,
        options: *const modiso_image_options,
        out: *mut *mut modiso_image,
    ) -> c_int;
    fn modiso_image_load_memory(
        module: *mut modiso_module,
        bytes: *const c_void,
        length: usize,
        options: *const modiso_image_options,
        out: *mut *mut modiso_image,
    ) -> c_int;
    fn modiso_image_prepare(
        module: *mut modiso_module,
        bytes: *const c_void,
        length: usize,
        flat: *const modiso_flat,
        options: *const modiso_image_options,
        out: *mut *mut modiso_image,
    ) -> c_int;
    fn modiso_image_seal(image: *mut modiso_image) -> c_int;
    fn modiso_image_symbol(
        image: *const modiso_image,
        name: *const c_char,
        address: *mut *mut c_void,
    ) -> c_int;
    fn modiso_image_unload(image: *mut modiso_image) -> c_int;
    fn modiso_init(options: *const modiso_options) -> c_int;
    fn modiso_last_error_text() -> *const c_char;
    fn modiso_libc_function(
        name: *const c_char,
        flags: *mut u32,
    ) -> modiso_fn;
    fn modiso_libc_name(number: usize) -> *const c_char;
    fn modiso_mailbox_get(
        module: *mut modiso_module,
        to: *mut c_void,
        from: *const c_void,
        length: usize,
    ) -> c_int;
    fn modiso_mailbox_put(
        module: *mut modiso_module,
        from: *const c_void,
        length: usize,
        out: *mut *mut c_void,
    ) -> c_int;
    fn modiso_mailbox_reset(
        module: *mut modiso_module,
        first: *mut c_void,
    ) -> c_int;
    fn modiso_module_caller() -> *mut modiso_module;
    fn modiso_module_cookie(module: *const modiso_module) -> *mut c_void;
    fn modiso_module_create(
        name: *const c_char,
        options: *const modiso_module_options,
        out: *mut *mut modiso_module,
    ) -> c_int;
    fn modiso_module_destroy(module: *mut modiso_module) -> c_int;
    fn modiso_module_id(module: *const modiso_module) -> u64;
    fn modiso_module_name(module: *const modiso_module) -> *const c_char;
    fn modiso_permitted_count() -> u64;
    fn modiso_permitted_print(stream: *mut FILE) -> c_int;
    fn modiso_permitted_print_json(stream: *mut FILE) -> c_int;
    fn modiso_range_check(
        module: *mut modiso_module,
        address: *const c_void,
        length: usize,
        access: u32,
    ) -> c_int;
    fn modiso_region_adopt(
        owner: *mut modiso_module,
        base: *mut c_void,
        length: usize,
        access: u32,
        options: *const modiso_region_options,
        out: *mut *mut modiso_region,
    ) -> c_int;
    fn modiso_region_base(region: *const modiso_region) -> *mut c_void;
    fn modiso_region_create(
        owner: *mut modiso_module,
        length: usize,
        access: u32,
        options: *const modiso_region_options,
        out: *mut *mut modiso_region,
    ) -> c_int;
    fn modiso_region_destroy(region: *mut modiso_region) -> c_int;
    fn modiso_region_find(
        address: *const c_void,
        info: *mut modiso_region_info,
    ) -> c_int;
    fn modiso_region_get_info(
        region: *const modiso_region,
        info: *mut modiso_region_info,
    ) -> c_int;
    fn modiso_region_grant(
        region: *mut modiso_region,
        module: *mut modiso_module,
        access: u32,
    ) -> c_int;
    fn modiso_region_length(region: *const modiso_region) -> usize;
    fn modiso_region_map_named(
        owner: *mut modiso_module,
        shm: *const c_char,
        offset: u64,
        length: usize,
        access: u32,
        options: *const modiso_region_options,
        out: *mut *mut modiso_region,
    ) -> c_int;
    fn modiso_region_map_shared(
        owner: *mut modiso_module,
        fd: c_int,
        offset: u64,
        length: usize,
        access: u32,
        options: *const modiso_region_options,
        out: *mut *mut modiso_region,
    ) -> c_int;
    fn modiso_region_protect(region: *mut modiso_region, access: u32) -> c_int;
    fn modiso_region_revoke(
        region: *mut modiso_region,
        module: *mut modiso_module,
    ) -> c_int;
    fn modiso_report(stream: *mut FILE) -> c_int;
    fn modiso_report_dot(stream: *mut FILE) -> c_int;
    fn modiso_report_json(stream: *mut FILE) -> c_int;
    fn modiso_scan_elf(
        image: *const c_void,
        length: usize,
        kinds: u32,
        function: modiso_scan_fn,
        arg: *mut c_void,
        info: *mut modiso_scan_info,
    ) -> c_int;
    fn modiso_scan_file(
        path: *const c_char,
        kinds: u32,
        function: modiso_scan_fn,
        arg: *mut c_void,
        info: *mut modiso_scan_info,
    ) -> c_int;
    fn modiso_scan_kind_name(kind: u32) -> *const c_char;
    fn modiso_scan_memory(
        base: *const c_void,
        length: usize,
        kinds: u32,
        function: modiso_scan_fn,
        arg: *mut c_void,
    ) -> c_int;
    fn modiso_scan_process(
        pid: u32,
        kinds: u32,
        function: modiso_scan_fn,
        arg: *mut c_void,
        info: *mut modiso_scan_info,
    ) -> c_int;
    fn modiso_service_allow(
        service: *mut modiso_service,
        module: *mut modiso_module,
    ) -> c_int;
    fn modiso_service_create(
        name: *const c_char,
        function: modiso_fn,
        options: *const modiso_service_options,
        out: *mut *mut modiso_service,
    ) -> c_int;
    fn modiso_service_deny(
        service: *mut modiso_service,
        module: *mut modiso_module,
    ) -> c_int;
    fn modiso_service_destroy(service: *mut modiso_service) -> c_int;
    fn modiso_service_fail(kind: u32, detail: usize) -> c_int;
    fn modiso_service_thunk(service: *const modiso_service) -> modiso_fn;
    fn modiso_set_misuse_handler(handler: modiso_misuse_fn, arg: *mut c_void);
    fn modiso_signal_adopt() -> c_int;
    fn modiso_snapshot_restore(module: *mut modiso_module) -> c_int;
    fn modiso_snapshot_take(module: *mut modiso_module) -> c_int;
    fn modiso_strerror(code: c_int) -> *const c_char;
    fn modiso_strnlen(
        module: *mut modiso_module,
        string: *const c_char,
        max: usize,
        length: *mut usize,
    ) -> c_int;
    fn modiso_syscall_callback(
        module: *mut modiso_module,
        arch: u32,
        number: u32,
        callback: modiso_syscall_fn,
        arg: *mut c_void,
    ) -> c_int;
    fn modiso_syscall_files(
        module: *mut modiso_module,
        directory: *const c_char,
        count: u32,
    ) -> c_int;
    fn modiso_syscall_function() -> modiso_fn;
    fn modiso_syscall_number(
        arch: u32,
        name: *const c_char,
        number: *mut u32,
    ) -> c_int;
    fn modiso_syscall_output(
        module: *mut modiso_module,
        text: modiso_text_fn,
        arg: *mut c_void,
    ) -> c_int;
    fn modiso_syscall_print(
        module: *mut modiso_module,
        stream: *mut FILE,
    ) -> c_int;
    fn modiso_syscall_set(
        module: *mut modiso_module,
        arch: u32,
        number: u32,
        action: u32,
        error: c_int,
    ) -> c_int;
    fn modiso_thread_abandon(
        thread: *mut modiso_thread,
        landing: modiso_abandoned_fn,
        arg: *mut c_void,
    ) -> c_int;
    fn modiso_thread_attach() -> c_int;
    fn modiso_thread_detach() -> c_int;
    fn modiso_thread_enter(
        gate: *mut modiso_gate,
        args: *const usize,
        count: c_uint,
        ended: modiso_ended_fn,
        arg: *mut c_void,
    ) -> c_int;
    fn modiso_thread_preempt(thread: *mut modiso_thread) -> c_int;
    fn modiso_thread_resume(thread: *mut modiso_thread) -> c_int;
    fn modiso_thread_self(out: *mut *mut modiso_thread) -> c_int;
    fn modiso_version() -> *const c_char;
    fn modiso_window_close(region: *mut modiso_region) -> c_int;
    fn modiso_window_open(region: *mut modiso_region, access: u32) -> c_int;
}
