// SPDX-License-Identifier: MIT
//! A module calls into the host: a Rust function as a service.

use std::any::Any;
use std::cell::Cell;
use std::ffi::CString;
use std::marker::PhantomData;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::ptr;

use crate::error::{check, Error};
use crate::function::Value;
use crate::library::{c_string, Library};
use crate::module::ModuleRef;
use crate::sys;

/// What a service panicked with, until the gate's call is over.
type Payload = Box<dyn Any + Send>;

thread_local! {
    static PANIC: Cell<Option<Payload>> = Cell::new(None);
}

/// Go on with the panic of a service that this thread's call ran.
pub(crate) fn resume_panic() {
    if let Some(payload) = PANIC.with(Cell::take) {
        resume_unwind(payload);
    }
}

/// Run a service's function. A panic must not unwind through the module: the
/// module sees a zero and goes on, and the gate's call panics at its end.
fn guarded<R: Value>(function: impl FnOnce() -> R) -> R {
    match catch_unwind(AssertUnwindSafe(function)) {
        Ok(value) => value,
        Err(payload) => {
            PANIC.with(|panic| panic.set(Some(payload)));
            R::ZERO
        }
    }
}

/// A function, or a closure that captures nothing, of up to eight [`Value`]s:
/// C calls it without a pointer to whatever it could have captured. State that
/// it needs is in statics, or found by [`with_caller`](crate::with_caller).
///
/// # Safety
/// Only this crate implements it.
pub unsafe trait Callback<Type>: Copy + Send + Sync + 'static {
    #[doc(hidden)]
    const FLOAT: bool;
    #[doc(hidden)]
    const WORDS: u32;
    #[doc(hidden)]
    fn trampoline() -> sys::modiso_fn;
}

/// An F out of nothing.
///
/// # Safety
/// One exists, and F has no bytes and is Copy.
unsafe fn conjured<F: Copy>() -> F {
    assert_eq!(std::mem::size_of::<F>(), 0);
    ptr::NonNull::<F>::dangling().as_ptr().read()
}

macro_rules! callback {
    ($($arg:ident)*) => {
        // SAFETY: the trampoline is of the type that the parameter names.
        unsafe impl<F, $($arg: Value,)* R: Value> Callback<fn($($arg),*) -> R>
            for F
        where
            F: Fn($($arg),*) -> R + Copy + Send + Sync + 'static,
        {
            const FLOAT: bool = R::FLOAT;
            const WORDS: u32 = 0 $(+ !$arg::FLOAT as u32)*;

            fn trampoline() -> sys::modiso_fn {
                #[allow(non_snake_case)]
                extern "C" fn enter<F, $($arg: Value,)* R: Value>(
                    $($arg: $arg),*
                ) -> R
                where
                    F: Fn($($arg),*) -> R + Copy + Send + Sync + 'static,
                {
                    // SAFETY: Library::service() was given one without bytes.
                    let function = unsafe { conjured::<F>() };
                    guarded(|| function($($arg),*))
                }
                let enter: extern "C" fn($($arg),*) -> R =
                    enter::<F, $($arg,)* R>;
                // SAFETY: not called before it has its own type again.
                unsafe {
                    std::mem::transmute::<
                        extern "C" fn($($arg),*) -> R,
                        sys::modiso_fn,
                    >(enter)
                }
            }
        }
    };
}

callback!();
callback!(A);
callback!(A B);
callback!(A B C);
callback!(A B C D);
callback!(A B C D E);
callback!(A B C D E G);
callback!(A B C D E G H);
callback!(A B C D E G H I);

/// A Rust function that modules may call.
///
/// After its end a module that calls it faults, so an image that was bound to
/// it may live longer.
pub struct Service<'lib> {
    service: *mut sys::modiso_service,
    name: CString,
    library: PhantomData<&'lib Library>,
}

// SAFETY: services are used from any thread.
unsafe impl Send for Service<'_> {}
unsafe impl Sync for Service<'_> {}

impl<'lib> Service<'lib> {
    pub(crate) fn new<Type, F: Callback<Type>>(
        name: &str,
        function: F,
        listed: bool,
    ) -> Result<Service<'lib>, Error> {
        let _ = function;
        assert_eq!(
            std::mem::size_of::<F>(),
            0,
            "a service is a function, or a closure that captures nothing"
        );
        let mut flags = 0;
        if listed {
            flags |= sys::MODISO_SERVICE_LISTED;
        }
        if F::FLOAT {
            flags |= sys::MODISO_SERVICE_FLOAT;
        }
        let options = sys::modiso_service_options {
            struct_size: std::mem::size_of::<sys::modiso_service_options>()
                as u32,
            flags,
            word_args: F::WORDS,
            ..Default::default()
        };
        Service::make(name, F::trampoline(), &options)
    }

    pub(crate) fn make(
        name: &str,
        function: sys::modiso_fn,
        options: &sys::modiso_service_options,
    ) -> Result<Service<'lib>, Error> {
        let name = c_string(name)?;
        let mut service = ptr::null_mut();
        // SAFETY: the function is host code for as long as the process lives.
        check(unsafe {
            sys::modiso_service_create(
                name.as_ptr(),
                function,
                options,
                &mut service,
            )
        })?;
        Ok(Service { service, name, library: PhantomData })
    }

    pub(crate) fn export(&self) -> sys::modiso_export {
        sys::modiso_export { name: self.name.as_ptr(), service: self.service }
    }

    /// The address that module code calls, as a function of its type.
    pub fn thunk(&self) -> *const () {
        // SAFETY: it exists.
        let thunk = unsafe { sys::modiso_service_thunk(self.service) };
        thunk.map_or(ptr::null(), |thunk| thunk as *const ())
    }

    /// Put a module on its list. `Inval` when it has none.
    pub fn allow(&self, module: &ModuleRef) -> Result<(), Error> {
        // SAFETY: both exist.
        check(unsafe {
            sys::modiso_service_allow(self.service, module.handle())
        })
    }

    /// Take a module off it.
    pub fn deny(&self, module: &ModuleRef) -> Result<(), Error> {
        // SAFETY: both exist.
        check(unsafe {
            sys::modiso_service_deny(self.service, module.handle())
        })
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        // SAFETY: it exists.
        unsafe { sys::modiso_service_destroy(self.service) };
    }
}
