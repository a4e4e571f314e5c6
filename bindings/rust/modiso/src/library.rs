// SPDX-License-Identifier: MIT
//! Start and end the library; which mechanisms there are; threads.

use std::ffi::{CStr, CString};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{check, Error};
use crate::module::{zero_in_name, Module, ModuleOptions};
use crate::region::{self, Access, HostRegion};
use crate::service::{Callback, Service};
use crate::stream::printed;
use crate::sys;

pub(crate) fn c_string(name: &str) -> Result<CString, Error> {
    CString::new(name).map_err(|_| zero_in_name(name))
}

/// The mechanism that enforces isolation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// Protection keys: Intel MPK, AMD PKU.
    Pkey = sys::MODISO_BACKEND_PKEY as isize,
    /// Page permissions, one global lock.
    Mprotect = sys::MODISO_BACKEND_MPROTECT as isize,
}

/// What one backend is on this machine.
#[derive(Clone, Debug)]
pub struct BackendInfo {
    pub usable: bool,
    /// `MODISO_CAP_*`, as [`sys`] has them.
    pub caps: u32,
    pub keys_total: u32,
    pub keys_free: u32,
    /// Why it is not usable, or which confinement levels are missing.
    pub reason: String,
}

/// Can a backend be used here and now? Works before the library is started.
pub fn backend_query(backend: Backend) -> Result<BackendInfo, Error> {
    let mut info = sys::modiso_backend_info::default();
    info.struct_size = std::mem::size_of_val(&info) as u32;
    // SAFETY: its size is set.
    check(unsafe { sys::modiso_backend_query(backend as u32, &mut info) })?;
    Ok(BackendInfo {
        usable: info.usable != 0,
        caps: info.caps,
        keys_total: info.keys_total,
        keys_free: info.keys_free,
        reason: crate::fault::name(&info.reason),
    })
}

/// Held while the library starts or ends: C leaves that to the caller.
static STARTING: Mutex<()> = Mutex::new(());

fn starting() -> MutexGuard<'static, ()> {
    STARTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the library is to be started.
pub struct Options {
    options: sys::modiso_options,
}

impl Default for Options {
    fn default() -> Self {
        Options::new()
    }
}

impl Options {
    pub fn new() -> Options {
        let mut options = sys::modiso_options::default();
        options.struct_size = std::mem::size_of_val(&options) as u32;
        Options { options }
    }

    /// This backend and no other.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.options.backend = backend as u32;
        self
    }

    /// `MODISO_CAP_*` that must be there.
    pub fn require(mut self, caps: u32) -> Self {
        self.options.require |= caps;
        self
    }

    /// Protection keys to take at most.
    pub fn max_keys(mut self, keys: u32) -> Self {
        self.options.max_keys = keys;
        self
    }

    /// Threads inside of modules at once.
    pub fn max_threads(mut self, threads: u32) -> Self {
        self.options.max_threads = threads;
        self
    }

    /// How long a call may wait for a protection key.
    pub fn key_wait_ms(mut self, wait: u32) -> Self {
        self.options.key_wait_ms = wait;
        self
    }

    /// Other parts of the program may use the library as well, each with its
    /// own `init` and [`Library::fini`]: `MODISO_INIT_SHARED`.
    pub fn shared(mut self) -> Self {
        self.options.flags |= sys::MODISO_INIT_SHARED;
        self
    }

    /// Choose a backend, take protection keys and signal handlers.
    ///
    /// `State` when the library is running already; the rest as
    /// `modiso_init()`. Call it early, before there are threads.
    pub fn init(&self) -> Result<Library, Error> {
        let _starting = starting();
        // SAFETY: its size is set.
        check(unsafe { sys::modiso_init(&self.options) })?;
        Ok(Library { _private: () })
    }
}

/// The library, running. What it has is the process's, so there is one at a
/// time, unless it is [`shared`](Options::shared). Dropped, it ends; [`fini`](Library::fini) says whether it could.
pub struct Library {
    _private: (),
}

impl Library {
    /// A module that owns nothing yet. [`ModuleOptions`] has more ways.
    pub fn module(&self, name: &str) -> Result<Module<'_>, Error> {
        ModuleOptions::new().create(self, name)
    }

    /// New pages of the host that no module may touch.
    pub fn host_region(&self, length: usize) -> Result<HostRegion<'_>, Error> {
        self.host_region_named(length, "region")
    }

    /// The same with a name for reports.
    pub fn host_region_named(
        &self,
        length: usize,
        name: &str,
    ) -> Result<HostRegion<'_>, Error> {
        let pages = region::create(
            std::ptr::null_mut(),
            length,
            Access::READ_WRITE,
            name,
        )?;
        Ok(HostRegion::own(pages))
    }

    /// Let modules call a Rust function, or a closure that captures nothing.
    ///
    /// Panics when it captures something.
    pub fn service<Type, F: Callback<Type>>(
        &self,
        name: &str,
        function: F,
    ) -> Result<Service<'_>, Error> {
        Service::new(name, function, false)
    }

    /// The same for modules on its list alone: [`Service::allow`].
    pub fn service_listed<Type, F: Callback<Type>>(
        &self,
        name: &str,
        function: F,
    ) -> Result<Service<'_>, Error> {
        Service::new(name, function, true)
    }

    /// `malloc()` and its kind, as services on the heap of the module that
    /// calls.
    pub fn heap_services(&self) -> Result<Vec<Service<'_>>, Error> {
        let options = sys::modiso_service_options {
            struct_size: std::mem::size_of::<sys::modiso_service_options>()
                as u32,
            ..Default::default()
        };
        [
            ("malloc", sys::MODISO_HEAP_MALLOC),
            ("calloc", sys::MODISO_HEAP_CALLOC),
            ("realloc", sys::MODISO_HEAP_REALLOC),
            ("aligned_alloc", sys::MODISO_HEAP_ALIGNED_ALLOC),
            ("free", sys::MODISO_HEAP_FREE),
            ("malloc_usable_size", sys::MODISO_HEAP_USABLE_SIZE),
            ("modiso_heap_batch", sys::MODISO_HEAP_BATCH),
        ]
        .into_iter()
        .map(|(name, which)| {
            // SAFETY: a pure question.
            let function = unsafe { sys::modiso_heap_function(which) };
            Service::make(name, function, &options)
        })
        .collect()
    }

    /// `memcpy()`, `vsnprintf()` and others of the C library, as services
    /// that touch what the calling module may touch. One set is enough for
    /// all modules.
    pub fn libc_services(&self) -> Result<Vec<Service<'_>>, Error> {
        let mut services = Vec::new();
        loop {
            // SAFETY: a pure question.
            let name = unsafe { sys::modiso_libc_name(services.len()) };
            if name.is_null() {
                return Ok(services);
            }
            let mut options = sys::modiso_service_options {
                struct_size: std::mem::size_of::<sys::modiso_service_options>()
                    as u32,
                ..Default::default()
            };
            // SAFETY: the library's names are constant strings.
            let (name, function) = unsafe {
                (
                    std::ffi::CStr::from_ptr(name),
                    sys::modiso_libc_function(name, &mut options.flags),
                )
            };
            services.push(Service::make(
                &name.to_string_lossy(),
                function,
                &options,
            )?);
        }
    }

    /// The backend that was chosen.
    pub fn backend(&self) -> Backend {
        // SAFETY: a pure question.
        match unsafe { sys::modiso_backend_current() } {
            sys::MODISO_BACKEND_PKEY => Backend::Pkey,
            _ => Backend::Mprotect,
        }
    }

    /// What the kernel's list of mappings has otherwise than the library
    /// believes: `modiso_audit()`.
    pub fn audit(&self) -> Result<Vec<sys::modiso_audit_finding>, Error> {
        let mut findings = Vec::new();
        loop {
            let mut count = 0;
            // SAFETY: room for as many.
            check(unsafe {
                sys::modiso_audit(
                    findings.as_mut_ptr(),
                    findings.len(),
                    &mut count,
                )
            })?;
            let enough = count <= findings.len();
            findings.resize(count, Default::default());
            if enough {
                return Ok(findings);
            }
        }
    }

    /// The map of modules, regions, rights and keys, as one JSON object.
    pub fn report_json(&self) -> Result<String, Error> {
        // SAFETY: an open stream.
        printed(|stream| unsafe { sys::modiso_report_json(stream) })
    }

    /// The same for a person.
    pub fn report(&self) -> Result<String, Error> {
        // SAFETY: an open stream.
        printed(|stream| unsafe { sys::modiso_report(stream) })
    }

    /// Stand in front of every signal handler that is installed now.
    pub fn signal_adopt(&self) -> Result<(), Error> {
        // SAFETY: no arguments.
        check(unsafe { sys::modiso_signal_adopt() })
    }

    /// The version of the C library.
    pub fn version(&self) -> &'static str {
        // SAFETY: a constant string.
        let version = unsafe { CStr::from_ptr(sys::modiso_version()) };
        version.to_str().unwrap_or("?")
    }

    /// Make this thread ready to enter modules; a gate's call does it as well.
    pub fn thread_attach(&self) -> Result<(), Error> {
        // SAFETY: no arguments.
        check(unsafe { sys::modiso_thread_attach() })
    }

    /// Give that back; the end of a thread does it as well. `Busy` in a
    /// service.
    pub fn thread_detach(&self) -> Result<(), Error> {
        // SAFETY: no arguments.
        check(unsafe { sys::modiso_thread_detach() })
    }

    /// Give back keys, handlers and memory.
    ///
    /// `Busy` while something exists that a drop could not end, or another
    /// thread that has entered modules still runs: join it first (a scope
    /// returns a moment before its threads have ended), or have it call
    /// [`thread_detach`](Library::thread_detach). Then the library runs on, for
    /// good.
    pub fn fini(self) -> Result<(), Error> {
        std::mem::forget(self);
        let _starting = starting();
        // SAFETY: nothing borrows it.
        check(unsafe { sys::modiso_fini() })
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let _starting = starting();
        // SAFETY: nothing borrows it.
        unsafe { sys::modiso_fini() };
    }
}
