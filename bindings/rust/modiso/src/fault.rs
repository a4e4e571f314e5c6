// SPDX-License-Identifier: MIT
//! A module touched what it may not, or crashed otherwise.

use std::ffi::CStr;
use std::fmt;

use crate::error::{check, Error};
use crate::region::Access;
use crate::stream::printed;
use crate::sys;

/// What a module did, `enum modiso_fault_kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    Access,
    Stack,
    Unmapped,
    Bus,
    Illegal,
    Arithmetic,
    Trap,
    Privileged,
    Syscall,
    Service,
    Gate,
    Exception,
    Exit,
    Abort,
    Jump,
    Timeout,
    /// One that this crate does not know.
    Other(u32),
}

impl From<u32> for FaultKind {
    fn from(kind: u32) -> FaultKind {
        match kind {
            sys::MODISO_FAULT_ACCESS => FaultKind::Access,
            sys::MODISO_FAULT_STACK => FaultKind::Stack,
            sys::MODISO_FAULT_UNMAPPED => FaultKind::Unmapped,
            sys::MODISO_FAULT_BUS => FaultKind::Bus,
            sys::MODISO_FAULT_ILLEGAL => FaultKind::Illegal,
            sys::MODISO_FAULT_ARITHMETIC => FaultKind::Arithmetic,
            sys::MODISO_FAULT_TRAP => FaultKind::Trap,
            sys::MODISO_FAULT_PRIVILEGED => FaultKind::Privileged,
            sys::MODISO_FAULT_SYSCALL => FaultKind::Syscall,
            sys::MODISO_FAULT_SERVICE => FaultKind::Service,
            sys::MODISO_FAULT_GATE => FaultKind::Gate,
            sys::MODISO_FAULT_EXCEPTION => FaultKind::Exception,
            sys::MODISO_FAULT_EXIT => FaultKind::Exit,
            sys::MODISO_FAULT_ABORT => FaultKind::Abort,
            sys::MODISO_FAULT_JUMP => FaultKind::Jump,
            sys::MODISO_FAULT_TIMEOUT => FaultKind::Timeout,
            other => FaultKind::Other(other),
        }
    }
}

/// One fault, whole. `Display` is what `modiso_fault_print()` says.
#[derive(Clone)]
pub struct Fault {
    record: sys::modiso_fault,
}

// SAFETY: the two handles in the record are used by nobody.
unsafe impl Send for Fault {}
unsafe impl Sync for Fault {}

/// A name of the library's, which ends with a zero.
pub(crate) fn name(bytes: &[sys::c_char]) -> String {
    let bytes: Vec<u8> = bytes
        .iter()
        .map(|&byte| byte as u8)
        .take_while(|&byte| byte != 0)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Fault {
    /// This thread's last fault. `NoEnt` when it has had none.
    pub(crate) fn last() -> Result<Fault, Error> {
        let mut record = sys::modiso_fault::default();
        record.struct_size = std::mem::size_of_val(&record) as u32;
        // SAFETY: its size is set.
        check(unsafe { sys::modiso_fault_last(&mut record) })?;
        Ok(Fault { record })
    }

    pub fn kind(&self) -> FaultKind {
        self.record.kind.into()
    }

    pub fn module_name(&self) -> String {
        name(&self.record.module_name)
    }

    /// What was touched; 0 where the CPU does not say.
    pub fn address(&self) -> usize {
        self.record.address
    }

    /// What it was touched for; empty: no access.
    pub fn access(&self) -> Access {
        Access::from_bits(self.record.access)
    }

    /// The region that holds the address: its name, and the offset in it.
    pub fn region(&self) -> Option<(String, usize)> {
        match self.record.region_length {
            0 => None,
            _ => Some((
                name(&self.record.region_name),
                self.record.region_offset,
            )),
        }
    }

    /// Whose region that is: "host", or a module.
    pub fn owner_name(&self) -> String {
        name(&self.record.owner_name)
    }

    /// The whole record, as C has it.
    pub fn record(&self) -> &sys::modiso_fault {
        &self.record
    }

    /// One JSON object, as `modiso_fault_print_json()` prints it.
    pub fn to_json(&self) -> Result<String, Error> {
        // SAFETY: a record of the library's, and an open stream.
        printed(|stream| unsafe {
            sys::modiso_fault_print_json(&self.record, stream)
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: as above.
        let text = printed(|stream| unsafe {
            sys::modiso_fault_print(&self.record, stream)
        });
        f.write_str(text.map_err(|_| fmt::Error)?.trim_end())
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: a constant string.
        let kind = unsafe {
            CStr::from_ptr(sys::modiso_fault_kind_name(self.record.kind))
        };
        f.debug_struct("Fault")
            .field("kind", &kind)
            .field("module", &self.module_name())
            .field("address", &format_args!("{:#x}", self.address()))
            .field("region", &self.region())
            .finish()
    }
}
