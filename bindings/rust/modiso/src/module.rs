// SPDX-License-Identifier: MIT
//! The isolated unit.

use std::ffi::{c_void, CStr};
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr;

use crate::error::{check, Code, Error};
use crate::function::Function;
use crate::gate::{self, Gate};
use crate::image::{Image, ImageOptions};
use crate::library::{c_string, Library};
use crate::region::{self, Access, Region};
use crate::sys;

/// What a module may do with memory that is in no region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// Read and write: regions are guarded.
    Guard = sys::MODISO_CONFINE_GUARD as isize,
    /// Read.
    Readonly = sys::MODISO_CONFINE_READONLY as isize,
    /// Nothing.
    Sealed = sys::MODISO_CONFINE_SEALED as isize,
}

/// How a module is to be made; [`Library::module`] takes the defaults.
pub struct ModuleOptions {
    options: sys::modiso_module_options,
}

impl Default for ModuleOptions {
    fn default() -> Self {
        ModuleOptions::new()
    }
}

impl ModuleOptions {
    pub fn new() -> ModuleOptions {
        let mut options = sys::modiso_module_options::default();
        options.struct_size = std::mem::size_of_val(&options) as u32;
        ModuleOptions { options }
    }

    pub fn confinement(mut self, confinement: Confinement) -> Self {
        self.options.confinement = confinement as u32;
        self
    }

    /// Bytes for each thread's stack; 64 KiB.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.options.stack_size = bytes;
        self
    }

    /// How long one call may run, in milliseconds of CPU time; for ever.
    pub fn time_limit_ms(mut self, milliseconds: u32) -> Self {
        self.options.time_limit_ms = milliseconds;
        self
    }

    /// Bytes of each thread's mailbox; 64 KiB.
    pub fn mailbox_size(mut self, bytes: usize) -> Self {
        self.options.mailbox_size = bytes;
        self
    }

    /// Address space for its regions; 1 GiB.
    pub fn range_size(mut self, bytes: usize) -> Self {
        self.options.range_size = bytes;
        self
    }

    /// Watched, and not stopped: `modiso_permitted_print()` lists what it was
    /// let do, and so does `MODISO_OPTIONS` at the end of the program.
    pub fn permissive(mut self) -> Self {
        self.options.flags |= sys::MODISO_MODULE_PERMISSIVE;
        self
    }

    /// Errors as `modiso_module_create()`.
    pub fn create<'lib>(
        &self,
        _: &'lib Library,
        name: &str,
    ) -> Result<Module<'lib>, Error> {
        let name = c_string(name)?;
        let mut module = ptr::null_mut();
        // SAFETY: its size is set.
        check(unsafe {
            sys::modiso_module_create(name.as_ptr(), &self.options, &mut module)
        })?;
        Ok(Module { module: ModuleRef { module }, library: PhantomData })
    }
}

/// A module that somebody owns: what may be asked of it, and its memory as the
/// module itself could touch it.
pub struct ModuleRef {
    module: *mut sys::modiso_module,
}

// SAFETY: the functions that are called with it are MT-Safe.
unsafe impl Send for ModuleRef {}
unsafe impl Sync for ModuleRef {}

impl ModuleRef {
    pub(crate) fn handle(&self) -> *mut sys::modiso_module {
        self.module
    }

    pub fn name(&self) -> String {
        // SAFETY: the module exists, and its name is constant.
        let name =
            unsafe { CStr::from_ptr(sys::modiso_module_name(self.module)) };
        name.to_string_lossy().into_owned()
    }

    /// A number that no other module has had in this process.
    pub fn id(&self) -> u64 {
        // SAFETY: the module exists.
        unsafe { sys::modiso_module_id(self.module) }
    }

    /// May the module touch these bytes itself? `Access` when it may not.
    pub fn check(
        &self,
        address: usize,
        length: usize,
        access: Access,
    ) -> Result<(), Error> {
        // SAFETY: the address is a number to it.
        check(unsafe {
            sys::modiso_range_check(
                self.module,
                address as *const c_void,
                length,
                access.bits(),
            )
        })
    }

    /// Copy from an address that the module named, once.
    ///
    /// `Access` when the module could not have read there itself, `Fault` when
    /// the bytes went away meanwhile.
    pub fn read(&self, address: usize, to: &mut [u8]) -> Result<(), Error> {
        // SAFETY: the module's side is checked, the host's is a slice.
        check(unsafe {
            sys::modiso_copy_in(
                self.module,
                to.as_mut_ptr().cast(),
                address as *const c_void,
                to.len(),
            )
        })
    }

    /// Copy to where the module could write itself. Errors as [`read`].
    ///
    /// [`read`]: ModuleRef::read
    pub fn write(&self, address: usize, from: &[u8]) -> Result<(), Error> {
        // SAFETY: as above.
        check(unsafe {
            sys::modiso_copy_out(
                self.module,
                address as *mut c_void,
                from.as_ptr().cast(),
                from.len(),
            )
        })
    }

    /// The bytes before a zero, of which `max` are looked at. `Limit` when none
    /// of them is zero.
    pub fn read_string(
        &self,
        address: usize,
        max: usize,
    ) -> Result<Vec<u8>, Error> {
        let mut length = 0;
        // SAFETY: as above.
        check(unsafe {
            sys::modiso_strnlen(
                self.module,
                address as *const sys::c_char,
                max,
                &mut length,
            )
        })?;
        let mut bytes = vec![0; length];
        self.read(address, &mut bytes)?;
        // The module can have changed it since.
        if let Some(end) = bytes.iter().position(|&byte| byte == 0) {
            bytes.truncate(end);
        }
        Ok(bytes)
    }

    /// Bytes that the module has for its next calls on this thread, until the
    /// end of the scope: `modiso_mailbox_put()`. `Limit` when there is no room.
    pub fn put(&self, bytes: &[u8]) -> Result<Mail<'_>, Error> {
        self.put_room(bytes.as_ptr().cast(), bytes.len())
    }

    /// The same, with anything in them.
    pub fn room(&self, length: usize) -> Result<Mail<'_>, Error> {
        self.put_room(ptr::null(), length)
    }

    fn put_room(
        &self,
        from: *const c_void,
        length: usize,
    ) -> Result<Mail<'_>, Error> {
        let mut address = ptr::null_mut();
        // SAFETY: the host's side is a slice, or nothing.
        check(unsafe {
            sys::modiso_mailbox_put(self.module, from, length, &mut address)
        })?;
        Ok(Mail { module: self, address })
    }
}

/// Bytes in this thread's mailbox in a module. What was put last goes first: a
/// `Mail` that ends takes with it what was put after it.
pub struct Mail<'module> {
    module: &'module ModuleRef,
    address: *mut c_void, // which keeps it on its thread
}

impl Mail<'_> {
    /// What the module is to be handed.
    pub fn address(&self) -> usize {
        self.address as usize
    }

    /// What the module has left there. `Access` for more than was put.
    pub fn get(&self, to: &mut [u8]) -> Result<(), Error> {
        // SAFETY: the module's side is checked, the host's is a slice.
        check(unsafe {
            sys::modiso_mailbox_get(
                self.module.module,
                to.as_mut_ptr().cast(),
                self.address,
                to.len(),
            )
        })
    }
}

impl Drop for Mail<'_> {
    fn drop(&mut self) {
        // SAFETY: the address is a number to it.
        unsafe { sys::modiso_mailbox_reset(self.module.module, self.address) };
    }
}

/// Call a function with the module on whose behalf this thread's innermost
/// service runs; `None` outside of services.
pub fn with_caller<R>(function: impl FnOnce(Option<&ModuleRef>) -> R) -> R {
    // SAFETY: it exists at least until the service returns.
    let module = unsafe { sys::modiso_module_caller() };
    match module.is_null() {
        true => function(None),
        false => function(Some(&ModuleRef { module })),
    }
}

/// Code and data that the rest of the program does not trust.
///
/// Dropped, it ends with its regions. What refuses that is a thread inside of
/// it, which borrows it, or a grant of one of its regions: then it stays until
/// the process ends. [`destroy`](Module::destroy) says so.
pub struct Module<'lib> {
    module: ModuleRef,
    library: PhantomData<&'lib Library>,
}

impl Deref for Module<'_> {
    type Target = ModuleRef;

    fn deref(&self) -> &ModuleRef {
        &self.module
    }
}

impl Module<'_> {
    /// A gate to a function of the host program that is to run in the module.
    ///
    /// # Safety
    /// Module code can be ended at any instruction: destructors of its frames
    /// do not run, a lock that it holds stays held. In a GUARD module it can
    /// write to all memory of the host that is in no region, and the caller
    /// answers for what it does there as for any other unsafe code. It must
    /// not unwind out; see the README on panics.
    pub unsafe fn gate<F: Function>(
        &self,
        entry: F,
    ) -> Result<Gate<'_, F>, Error> {
        self.gate_with(entry, &gate::options::<F>(false))
    }

    /// The same, with every register cleared that carries no argument.
    ///
    /// # Safety
    /// As [`gate`](Module::gate).
    pub unsafe fn gate_scrubbed<F: Function>(
        &self,
        entry: F,
    ) -> Result<Gate<'_, F>, Error> {
        self.gate_with(entry, &gate::options::<F>(true))
    }

    unsafe fn gate_with<F: Function>(
        &self,
        entry: F,
        options: &sys::modiso_gate_options,
    ) -> Result<Gate<'_, F>, Error> {
        let mut gate = ptr::null_mut();
        check(sys::modiso_gate_create(
            self.handle(),
            entry.address(),
            options,
            &mut gate,
        ))?;
        Gate::own(gate)
    }

    /// New pages that only this module, and the host, may touch.
    ///
    /// Errors as `modiso_region_create()`.
    pub fn region(&self, length: usize) -> Result<Region<'_>, Error> {
        self.region_named(length, Access::READ_WRITE, "region")
    }

    /// The same, with other access and a name for reports.
    pub fn region_named(
        &self,
        length: usize,
        access: Access,
        name: &str,
    ) -> Result<Region<'_>, Error> {
        let region = region::create(self.handle(), length, access, name)?;
        Ok(Region::own(region, self))
    }

    /// Load an ELF image from a file. [`ImageOptions`] has more ways.
    pub fn load(
        &self,
        path: impl AsRef<std::path::Path>,
    ) -> Result<Image<'_>, Error> {
        ImageOptions::new().load(self, path)
    }

    /// Remember what its memory holds: `modiso_snapshot_take()`.
    pub fn snapshot(&self) -> Result<(), Error> {
        // SAFETY: the module exists.
        check(unsafe { sys::modiso_snapshot_take(self.handle()) })
    }

    /// Bring it back: `modiso_snapshot_restore()`.
    pub fn restore(&self) -> Result<(), Error> {
        // SAFETY: the module exists.
        check(unsafe { sys::modiso_snapshot_restore(self.handle()) })
    }

    /// Give it a heap of at most this many bytes; see
    /// [`Library::heap_services`].
    pub fn heap(&self, length: usize) -> Result<(), Error> {
        // SAFETY: the module exists.
        check(unsafe {
            sys::modiso_heap_create(self.handle(), length, ptr::null())
        })
    }

    /// End it. `Busy` when one of its regions is granted to another module;
    /// then it stays until the process ends.
    pub fn destroy(self) -> Result<(), Error> {
        let module = self.handle();
        std::mem::forget(self);
        // SAFETY: nobody else has it.
        check(unsafe { sys::modiso_module_destroy(module) })
    }
}

impl Drop for Module<'_> {
    fn drop(&mut self) {
        // SAFETY: nobody else has it.
        unsafe { sys::modiso_module_destroy(self.handle()) };
    }
}

/// A name with a zero in it ends there in C: refused.
pub(crate) fn zero_in_name(name: &str) -> Error {
    Error::refusal(Code::Inval, format!("a zero byte in the name {name:?}"))
}
