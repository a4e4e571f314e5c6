// SPDX-License-Identifier: MIT
//! Isolates modules inside one Linux process: libmodiso for Rust.
//!
//! ```no_run
//! extern "C" fn peek(secret: *const u8) -> i32 {
//!     // Runs inside the module.
//!     unsafe { secret.read_volatile().into() }
//! }
//!
//! fn main() -> Result<(), modiso::Error> {
//!     let library = modiso::Options::new().init()?;
//!     let parser = library.module("parser")?;
//!     let secret = library.host_region(4096)?;
//!     // SAFETY: peek() has this type, and holds nothing when it is ended.
//!     let gate = unsafe {
//!         parser.gate(peek as extern "C" fn(*const u8) -> i32)?
//!     };
//!     match gate.call((secret.as_ptr(),)) {
//!         Err(error) => println!("{}", error.fault().unwrap()),
//!         Ok(value) => println!("not isolated: {value}"),
//!     }
//!     Ok(())
//! }
//! ```
//!
//! What is where: [`Options`] starts the library and gives a [`Library`], which
//! [`Module`]s borrow; [`Gate`]s, [`Region`]s and [`Image`]s borrow their
//! module. A fault of a module is an [`Error`] with a [`Fault`]. A panic in a
//! service comes out of the gate's call. Names, costs and errors are those of
//! the C functions, whose manual pages hold; modiso-programs(7) has a section
//! on Rust hosts.
//!
//! What is unsafe: to name an entry point ([`Module::gate`], [`Image::gate`]).
//! Nothing checks its type, and its code, in a GUARD module, may write to memory
//! of the host that is in no region. What comes back is numbers and raw
//! pointers.

mod error;
mod fault;
mod function;
mod gate;
mod image;
mod library;
mod module;
mod region;
mod service;
mod stream;

pub use error::{Code, Error};
pub use fault::{Fault, FaultKind};
pub use function::{Function, Value};
pub use gate::Gate;
pub use image::{Image, ImageOptions};
pub use library::{backend_query, Backend, BackendInfo, Library, Options};
pub use module::{
    with_caller, Confinement, Mail, Module, ModuleOptions, ModuleRef,
};
pub use region::{Access, HostRegion, Region};
pub use service::{Callback, Service};

/// The C interface.
pub use modiso_sys as sys;
