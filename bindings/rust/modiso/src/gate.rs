// SPDX-License-Identifier: MIT
//! Host code calls into a module.

use std::marker::PhantomData;
use std::ptr;

use crate::error::{check, Error};
use crate::function::Function;
use crate::{service, sys};

/// One entry point of one module, by its type.
///
/// A gate cannot outlive its module, nor its image:
///
/// ```compile_fail
/// # let library = modiso::Options::new().init().unwrap();
/// extern "C" fn entry() {}
/// let gate = {
///     let module = library.module("short").unwrap();
///     unsafe { module.gate(entry as extern "C" fn()).unwrap() }
/// };
/// gate.call(());
/// ```
pub struct Gate<'m, F: Function> {
    gate: *mut sys::modiso_gate,
    thunk: sys::modiso_fn,
    function: PhantomData<F>,
    module: PhantomData<&'m ()>,
}

// SAFETY: gates are called and destroyed from any thread.
unsafe impl<F: Function> Send for Gate<'_, F> {}
unsafe impl<F: Function> Sync for Gate<'_, F> {}

pub(crate) fn options<F: Function>(scrub: bool) -> sys::modiso_gate_options {
    sys::modiso_gate_options {
        struct_size: std::mem::size_of::<sys::modiso_gate_options>() as u32,
        flags: if scrub { sys::MODISO_GATE_SCRUB } else { 0 },
        word_args: F::WORDS,
        float_args: F::FLOATS,
        ..Default::default()
    }
}

impl<'m, F: Function> Gate<'m, F> {
    /// # Safety
    /// The gate is nobody else's, its entry is of this type, and lives for 'm.
    pub(crate) unsafe fn own(
        gate: *mut sys::modiso_gate,
    ) -> Result<Gate<'m, F>, Error> {
        let mut new = Gate {
            gate,
            thunk: None,
            function: PhantomData,
            module: PhantomData,
        };
        check(sys::modiso_gate_thunk(gate, &mut new.thunk))?;
        Ok(new)
    }

    /// Call into the module.
    ///
    /// `Fault` when the module faulted: [`Error::fault`] says what and where.
    /// `NoMem`, `Limit`, `NoKey`, `Os`, `State` and `Abandoned` as
    /// `modiso_gate_call()`. A panic in a service comes out here, when the
    /// module has returned or faulted.
    pub fn call(&self, args: F::Args) -> Result<F::Result, Error> {
        // SAFETY: the thunk is of the entry's type.
        let (value, status) =
            unsafe { (F::call(self.thunk, args), sys::modiso_gate_status()) };
        let result = match status {
            0 => Ok(value),
            status => Err(Error::new(status)),
        };
        service::resume_panic();
        result
    }
}

impl<F: Function> Drop for Gate<'_, F> {
    fn drop(&mut self) {
        // SAFETY: its module exists. From a service this is refused by nobody.
        unsafe { sys::modiso_gate_destroy(self.gate) };
        self.gate = ptr::null_mut();
    }
}
