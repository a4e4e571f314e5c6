// SPDX-License-Identifier: MIT
//! Code that is brought into a module.

use std::ffi::CString;
use std::marker::PhantomData;
use std::os::raw::c_char;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use crate::error::{check, Code, Error};
use crate::function::Function;
use crate::gate::{self, Gate};
use crate::library::c_string;
use crate::module::Module;
use crate::service::Service;
use crate::sys;

/// How an image is to be loaded.
#[derive(Default)]
pub struct ImageOptions<'a> {
    flags: u32,
    exports: Vec<sys::modiso_export>,
    name: Option<CString>,
    abi: Option<CString>,
    needed_dirs: Vec<CString>,
    needed_list: Vec<*const c_char>, // to those
    services: PhantomData<&'a ()>,
}

impl<'a> ImageOptions<'a> {
    pub fn new() -> Self {
        ImageOptions::default()
    }

    /// A service that it may bind to, by the service's name.
    pub fn export(mut self, service: &'a Service<'_>) -> Self {
        self.exports.push(service.export());
        self
    }

    /// Services that it may bind to.
    pub fn exports(self, services: &'a [Service<'_>]) -> Self {
        services.iter().fold(self, ImageOptions::export)
    }

    /// `MODISO_IMAGE_*`, as [`sys`] has them.
    pub fn flags(mut self, flags: u32) -> Self {
        self.flags |= flags;
        self
    }

    /// For reports. `Inval` for a zero byte in it.
    pub fn name(mut self, name: &str) -> Result<Self, Error> {
        self.name = Some(c_string(name)?);
        Ok(self)
    }

    /// The tag that it must carry. `Inval` for a zero byte in it.
    pub fn abi(mut self, tag: &str) -> Result<Self, Error> {
        self.abi = Some(c_string(tag)?);
        Ok(self)
    }

    /// One more directory in which libraries are looked for that it names.
    /// `Inval` for a zero byte in it.
    pub fn needed_dir(
        mut self,
        directory: impl AsRef<Path>,
    ) -> Result<Self, Error> {
        let path = CString::new(directory.as_ref().as_os_str().as_bytes());
        let path = path.map_err(|_| {
            Error::refusal(Code::Inval, "a zero byte in the path")
        })?;
        self.needed_list.push(path.as_ptr());
        self.needed_dirs.push(path);
        Ok(self)
    }

    fn raw(&self) -> sys::modiso_image_options {
        let string = |text: &Option<CString>| {
            text.as_ref().map_or(ptr::null(), |text| text.as_ptr())
        };
        sys::modiso_image_options {
            struct_size: std::mem::size_of::<sys::modiso_image_options>()
                as u32,
            flags: self.flags,
            name: string(&self.name),
            exports: self.exports.as_ptr(),
            export_count: self.exports.len(),
            abi: string(&self.abi),
            needed_dirs: self.needed_list.as_ptr(),
            needed_dir_count: self.needed_list.len(),
            missing: None,
            missing_arg: ptr::null_mut(),
        }
    }

    /// Load an ELF image from a file. Errors as `modiso_image_load()`; `Fault`
    /// when an initialiser faulted.
    pub fn load<'m>(
        &self,
        module: &'m Module<'_>,
        path: impl AsRef<Path>,
    ) -> Result<Image<'m>, Error> {
        let path = CString::new(path.as_ref().as_os_str().as_bytes());
        let path = path.map_err(|_| {
            Error::refusal(Code::Inval, "a zero byte in the path")
        })?;
        let mut image = ptr::null_mut();
        // SAFETY: everything lives until it returns.
        check(unsafe {
            sys::modiso_image_load(
                module.handle(),
                path.as_ptr(),
                &self.raw(),
                &mut image,
            )
        })?;
        Ok(Image { image, module: PhantomData })
    }

    /// Load an ELF image from memory.
    pub fn load_memory<'m>(
        &self,
        module: &'m Module<'_>,
        bytes: &[u8],
    ) -> Result<Image<'m>, Error> {
        let mut image = ptr::null_mut();
        // SAFETY: everything lives until it returns.
        check(unsafe {
            sys::modiso_image_load_memory(
                module.handle(),
                bytes.as_ptr().cast(),
                bytes.len(),
                &self.raw(),
                &mut image,
            )
        })?;
        Ok(Image { image, module: PhantomData })
    }
}

/// An ELF image in a module; dropped, it is unloaded after its finalisers.
///
/// While a thread is inside of the module that is refused, and the image stays
/// until the module ends.
pub struct Image<'m> {
    image: *mut sys::modiso_image,
    module: PhantomData<&'m ()>,
}

// SAFETY: the functions that are called with it are MT-Safe.
unsafe impl Send for Image<'_> {}
unsafe impl Sync for Image<'_> {}

impl Image<'_> {
    /// A gate to a function that the image exports.
    ///
    /// `NoEnt` when it exports nothing of this name, `Access` when that is no
    /// code.
    ///
    /// # Safety
    /// The function is of this type, and as for [`Module::gate`].
    pub unsafe fn gate<F: Function>(
        &self,
        name: &str,
    ) -> Result<Gate<'_, F>, Error> {
        let name = c_string(name)?;
        let mut gate = ptr::null_mut();
        check(sys::modiso_image_gate(
            self.image,
            name.as_ptr(),
            &gate::options::<F>(false),
            &mut gate,
        ))?;
        Gate::own(gate)
    }

    /// The address of something that it exports.
    pub fn symbol(&self, name: &str) -> Result<usize, Error> {
        let name = c_string(name)?;
        let mut address = ptr::null_mut();
        // SAFETY: it exists.
        check(unsafe {
            sys::modiso_image_symbol(self.image, name.as_ptr(), &mut address)
        })?;
        Ok(address as usize)
    }

    /// Unload it. `Fault` when a finaliser faulted: it is gone all the same.
    pub fn unload(self) -> Result<(), Error> {
        let image = self.image;
        std::mem::forget(self);
        // SAFETY: nobody else has it, and no gate into it exists.
        check(unsafe { sys::modiso_image_unload(image) })
    }
}

impl Drop for Image<'_> {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { sys::modiso_image_unload(self.image) };
    }
}
