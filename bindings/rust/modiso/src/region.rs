// SPDX-License-Identifier: MIT
//! Whole pages with one owner and one page protection.

use std::marker::PhantomData;
use std::ops::BitOr;
use std::{ptr, slice};

use crate::error::{check, Code, Error};
use crate::library::{c_string, Library};
use crate::module::ModuleRef;
use crate::sys;

/// Rights to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Access(u32);

impl Access {
    pub const READ: Access = Access(sys::MODISO_READ);
    pub const WRITE: Access = Access(sys::MODISO_WRITE);
    pub const EXEC: Access = Access(sys::MODISO_EXEC);
    pub const READ_WRITE: Access = Access(sys::MODISO_READ | sys::MODISO_WRITE);

    pub(crate) fn from_bits(bits: u32) -> Access {
        Access(bits)
    }

    pub fn bits(self) -> u32 {
        self.0
    }

    pub fn contains(self, other: Access) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Access {
    type Output = Access;

    fn bitor(self, other: Access) -> Access {
        Access(self.0 | other.0)
    }
}

pub(crate) fn create(
    owner: *mut sys::modiso_module,
    length: usize,
    access: Access,
    name: &str,
) -> Result<Pages, Error> {
    let name = c_string(name)?;
    let options = sys::modiso_region_options {
        struct_size: std::mem::size_of::<sys::modiso_region_options>() as u32,
        name: name.as_ptr(),
        ..Default::default()
    };
    let mut region = ptr::null_mut();
    // SAFETY: the owner exists or is NULL, the size is set.
    check(unsafe {
        sys::modiso_region_create(
            owner,
            length,
            access.bits(),
            &options,
            &mut region,
        )
    })?;
    Ok(Pages { region })
}

/// The C handle; destroyed when it is dropped.
pub(crate) struct Pages {
    region: *mut sys::modiso_region,
}

// SAFETY: the functions that are called with it are MT-Safe.
unsafe impl Send for Pages {}
unsafe impl Sync for Pages {}

impl Pages {
    fn base(&self) -> *mut u8 {
        // SAFETY: it exists.
        unsafe { sys::modiso_region_base(self.region).cast() }
    }

    fn length(&self) -> usize {
        // SAFETY: it exists.
        unsafe { sys::modiso_region_length(self.region) }
    }

    fn info(&self) -> Result<sys::modiso_region_info, Error> {
        let mut info = sys::modiso_region_info::default();
        info.struct_size = std::mem::size_of_val(&info) as u32;
        // SAFETY: it exists, the size is set.
        check(unsafe { sys::modiso_region_get_info(self.region, &mut info) })?;
        Ok(info)
    }

    fn protect(&self, access: Access) -> Result<(), Error> {
        // SAFETY: it exists.
        check(unsafe { sys::modiso_region_protect(self.region, access.bits()) })
    }

    fn grant(&self, module: &ModuleRef, access: Access) -> Result<(), Error> {
        // SAFETY: both exist.
        check(unsafe {
            sys::modiso_region_grant(
                self.region,
                module.handle(),
                access.bits(),
            )
        })
    }

    fn revoke(&self, module: &ModuleRef) -> Result<(), Error> {
        // SAFETY: both exist.
        check(unsafe {
            sys::modiso_region_revoke(self.region, module.handle())
        })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: nobody else has it.
        unsafe { sys::modiso_region_destroy(self.region) };
    }
}

/// Memory of a module.
///
/// Its bytes change whenever the module likes, so there is no slice of them:
/// [`read`](Region::read) and [`write`](Region::write) copy, and survive a
/// module that has unmapped its own pages.
///
/// Dropped while a thread is inside of the module, or while it is granted, it
/// stays until the module ends.
pub struct Region<'m> {
    pages: Pages,
    owner: &'m ModuleRef,
}

impl<'m> Region<'m> {
    pub(crate) fn own(pages: Pages, owner: &'m ModuleRef) -> Region<'m> {
        Region { pages, owner }
    }

    pub fn as_ptr(&self) -> *mut u8 {
        self.pages.base()
    }

    /// Bytes, a multiple of the page size.
    #[allow(clippy::len_without_is_empty)] // it never is
    pub fn len(&self) -> usize {
        self.pages.length()
    }

    fn inside(&self, offset: usize, length: usize) -> Result<usize, Error> {
        match self.len().checked_sub(length) {
            Some(last) if offset <= last => Ok(self.as_ptr() as usize + offset),
            _ => Err(Error::refusal(
                Code::Inval,
                format!(
                    "{length} bytes at {offset} are not in the {} bytes of \
                     the region",
                    self.len()
                ),
            )),
        }
    }

    /// Copy bytes out of it. `Inval` when they are not inside of it, `Fault`
    /// when the module has unmapped them.
    pub fn read(&self, offset: usize, to: &mut [u8]) -> Result<(), Error> {
        self.owner.read(self.inside(offset, to.len())?, to)
    }

    /// Copy bytes into it. As `read`, and `Access` when it is read-only.
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), Error> {
        self.owner.write(self.inside(offset, from.len())?, from)
    }

    /// What its pages allow from now on: `modiso_region_protect()`.
    pub fn protect(&self, access: Access) -> Result<(), Error> {
        self.pages.protect(access)
    }

    /// Give another module rights to it: `modiso_region_grant()`.
    pub fn grant(
        &self,
        module: &ModuleRef,
        access: Access,
    ) -> Result<(), Error> {
        self.pages.grant(module, access)
    }

    /// Take them away. `NoEnt` when it had none.
    pub fn revoke(&self, module: &ModuleRef) -> Result<(), Error> {
        self.pages.revoke(module)
    }
}

/// Memory of the host that no module may touch.
///
/// As long as it is granted to nobody its bytes are as stable as any of the
/// host's, so there are slices of it. While a slice exists nothing can be
/// granted, which borrows it mutably.
pub struct HostRegion<'lib> {
    pages: Pages,
    library: PhantomData<&'lib Library>,
}

impl<'lib> HostRegion<'lib> {
    pub(crate) fn own(pages: Pages) -> HostRegion<'lib> {
        HostRegion { pages, library: PhantomData }
    }

    pub fn as_ptr(&self) -> *const u8 {
        self.pages.base()
    }

    /// Bytes, a multiple of the page size.
    #[allow(clippy::len_without_is_empty)] // it never is
    pub fn len(&self) -> usize {
        self.pages.length()
    }

    fn ours(&self, access: Access) -> Result<(), Error> {
        let info = self.pages.info()?;
        if info.granted != 0 {
            return Err(Error::refusal(
                Code::Busy,
                format!("the region is granted to {} modules", info.granted),
            ));
        }
        if !Access(info.access).contains(access) {
            return Err(Error::refusal(
                Code::Access,
                "the pages of the region are read-only",
            ));
        }
        Ok(())
    }

    /// Its bytes. `Busy` while it is granted to a module.
    ///
    /// With the mprotect backend a system call on them answers `EFAULT` when
    /// they happen to be closed.
    pub fn as_slice(&self) -> Result<&[u8], Error> {
        self.ours(Access::READ)?;
        // SAFETY: mapped and readable for as long as self; no module has
        // rights to it, and host code needs a mutable borrow to write.
        Ok(unsafe { slice::from_raw_parts(self.as_ptr(), self.len()) })
    }

    /// The same, to write. `Access` when it is read-only.
    pub fn as_mut_slice(&mut self) -> Result<&mut [u8], Error> {
        self.ours(Access::READ_WRITE)?;
        // SAFETY: as above, and this borrow is the only one.
        Ok(unsafe { slice::from_raw_parts_mut(self.pages.base(), self.len()) })
    }

    /// What its pages allow from now on: read, or read and write.
    pub fn protect(&mut self, access: Access) -> Result<(), Error> {
        self.pages.protect(access)
    }

    /// Give a module rights to it: `modiso_region_grant()`.
    pub fn grant(
        &mut self,
        module: &ModuleRef,
        access: Access,
    ) -> Result<(), Error> {
        self.pages.grant(module, access)
    }

    /// Take them away. `NoEnt` when it had none.
    pub fn revoke(&mut self, module: &ModuleRef) -> Result<(), Error> {
        self.pages.revoke(module)
    }
}
