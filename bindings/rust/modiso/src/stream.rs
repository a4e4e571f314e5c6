// SPDX-License-Identifier: MIT
//! What the library prints to a `FILE`, as a string.

use std::ffi::{c_void, CStr};
use std::os::raw::{c_char, c_int};
use std::ptr;

use crate::error::{check, Code, Error};
use crate::sys;

extern "C" {
    fn open_memstream(
        text: *mut *mut c_char,
        size: *mut usize,
    ) -> *mut sys::FILE;
    fn fclose(stream: *mut sys::FILE) -> c_int;
    fn free(block: *mut c_void);
}

pub(crate) fn printed(
    print: impl FnOnce(*mut sys::FILE) -> i32,
) -> Result<String, Error> {
    let (mut text, mut size) = (ptr::null_mut(), 0);
    // SAFETY: both live until the stream is closed.
    let stream = unsafe { open_memstream(&mut text, &mut size) };
    if stream.is_null() {
        return Err(Error::refusal(Code::NoMem, "no memory for the text"));
    }
    let result = check(print(stream));
    // SAFETY: closing leaves a string with a zero behind it, ours to free.
    unsafe {
        fclose(stream);
        if text.is_null() {
            return Err(Error::refusal(Code::NoMem, "no memory for the text"));
        }
        let string = CStr::from_ptr(text).to_string_lossy().into_owned();
        free(text.cast());
        result.map(|()| string)
    }
}
