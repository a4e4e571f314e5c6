// SPDX-License-Identifier: MIT
//! What may cross the border of a module.

use crate::sys;

mod sealed {
    pub trait Sealed {}
}

/// A number or a raw pointer: what a register carries, and every pattern of
/// bits is one. `bool`, `char` and references are none, since a module can
/// return a 2 or a null.
///
/// # Safety
/// Only this crate implements it.
pub unsafe trait Value: Copy + 'static + sealed::Sealed {
    #[doc(hidden)]
    const FLOAT: bool;
    #[doc(hidden)]
    const ZERO: Self;
}

macro_rules! values {
    ($($type:ty: $float:expr, $zero:expr;)*) => {$(
        impl sealed::Sealed for $type {}
        // SAFETY: every pattern of bits is one.
        unsafe impl Value for $type {
            const FLOAT: bool = $float;
            const ZERO: Self = $zero;
        }
    )*};
}

values! {
    (): false, ();
    i8: false, 0;
    u8: false, 0;
    i16: false, 0;
    u16: false, 0;
    i32: false, 0;
    u32: false, 0;
    i64: false, 0;
    u64: false, 0;
    isize: false, 0;
    usize: false, 0;
    f32: true, 0.0;
    f64: true, 0.0;
}

impl<T: 'static> sealed::Sealed for *const T {}
// SAFETY: a raw pointer is good for nothing by itself.
unsafe impl<T: 'static> Value for *const T {
    const FLOAT: bool = false;
    const ZERO: Self = std::ptr::null();
}

impl<T: 'static> sealed::Sealed for *mut T {}
// SAFETY: as above.
unsafe impl<T: 'static> Value for *mut T {
    const FLOAT: bool = false;
    const ZERO: Self = std::ptr::null_mut();
}

/// A C function of up to eight [`Value`]s: `extern "C" fn(i32) -> f64`, or the
/// same with `unsafe`.
///
/// # Safety
/// Only this crate implements it.
pub unsafe trait Function: Copy + 'static + sealed::Sealed {
    /// A tuple.
    type Args;
    type Result: Value;
    #[doc(hidden)]
    const WORDS: u32;
    #[doc(hidden)]
    const FLOATS: u32;
    #[doc(hidden)]
    fn address(self) -> sys::modiso_fn;
    /// # Safety
    /// The address is that of a function of this type.
    #[doc(hidden)]
    unsafe fn call(address: sys::modiso_fn, args: Self::Args) -> Self::Result;
}

macro_rules! function {
    ($kind:ty, $($arg:ident)*) => {
        impl<$($arg: Value,)* R: Value> sealed::Sealed for $kind {}
        // SAFETY: the address is the function's.
        unsafe impl<$($arg: Value,)* R: Value> Function for $kind {
            type Args = ($($arg,)*);
            type Result = R;
            const WORDS: u32 = 0 $(+ !$arg::FLOAT as u32)*;
            const FLOATS: u32 = 0 $(+ $arg::FLOAT as u32)*;

            fn address(self) -> sys::modiso_fn {
                // SAFETY: function pointers are alike, and this one is not
                // called before it has its own type again.
                unsafe { std::mem::transmute::<$kind, sys::modiso_fn>(self) }
            }

            #[allow(non_snake_case)]
            unsafe fn call(
                address: sys::modiso_fn,
                ($($arg,)*): Self::Args,
            ) -> R {
                let function: $kind = std::mem::transmute(address);
                function($($arg),*)
            }
        }
    };
}

macro_rules! functions {
    ($($arg:ident)*) => {
        function!(extern "C" fn($($arg),*) -> R, $($arg)*);
        function!(unsafe extern "C" fn($($arg),*) -> R, $($arg)*);
    };
}

functions!();
functions!(A);
functions!(A B);
functions!(A B C);
functions!(A B C D);
functions!(A B C D E);
functions!(A B C D E F);
functions!(A B C D E F G);
functions!(A B C D E F G H);
