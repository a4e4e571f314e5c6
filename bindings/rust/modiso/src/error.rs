// SPDX-License-Identifier: MIT
//! What a call that failed returns.

use std::ffi::CStr;
use std::{fmt, io};

use crate::fault::Fault;
use crate::sys;

/// A code of the library's, `enum modiso_error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    Inval,
    NoMem,
    Os,
    NotSup,
    NoKey,
    State,
    Busy,
    NoEnt,
    Access,
    Format,
    Gadget,
    Limit,
    Fault,
    Abandoned,
    /// One that this crate does not know.
    Other(i32),
}

impl From<i32> for Code {
    fn from(code: i32) -> Code {
        match code {
            sys::MODISO_ERR_INVAL => Code::Inval,
            sys::MODISO_ERR_NOMEM => Code::NoMem,
            sys::MODISO_ERR_OS => Code::Os,
            sys::MODISO_ERR_NOTSUP => Code::NotSup,
            sys::MODISO_ERR_NOKEY => Code::NoKey,
            sys::MODISO_ERR_STATE => Code::State,
            sys::MODISO_ERR_BUSY => Code::Busy,
            sys::MODISO_ERR_NOENT => Code::NoEnt,
            sys::MODISO_ERR_ACCESS => Code::Access,
            sys::MODISO_ERR_FORMAT => Code::Format,
            sys::MODISO_ERR_GADGET => Code::Gadget,
            sys::MODISO_ERR_LIMIT => Code::Limit,
            sys::MODISO_ERR_FAULT => Code::Fault,
            sys::MODISO_ERR_ABANDONED => Code::Abandoned,
            other => Code::Other(other),
        }
    }
}

/// A refusal, or a fault of a module.
#[derive(Clone, Debug)]
pub struct Error {
    code: Code,
    text: String,
    errno: Option<i32>,
    fault: Option<Box<Fault>>,
}

impl Error {
    /// What this thread's last call returned, with what goes with it.
    pub(crate) fn new(code: i32) -> Error {
        let errno = io::Error::last_os_error().raw_os_error();
        let code = Code::from(code);
        // SAFETY: a string of this thread's, which no call changes meanwhile.
        let text = unsafe { CStr::from_ptr(sys::modiso_last_error_text()) };
        Error {
            code,
            text: text.to_string_lossy().into_owned(),
            errno: errno.filter(|_| code == Code::Os),
            fault: match code {
                Code::Fault => Fault::last().ok().map(Box::new),
                _ => None,
            },
        }
    }

    pub(crate) fn refusal(code: Code, text: impl Into<String>) -> Error {
        let text = text.into();
        Error { code, text, errno: None, fault: None }
    }

    pub fn code(&self) -> Code {
        self.code
    }

    /// The library's sentence: what, where, why, and what to do.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// After [`Code::Os`] the kernel's answer.
    pub fn os_error(&self) -> Option<io::Error> {
        self.errno.map(io::Error::from_raw_os_error)
    }

    /// After [`Code::Fault`] the record.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.os_error() {
            Some(why) => write!(f, "{} ({why})", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl std::error::Error for Error {}

pub(crate) fn check(code: i32) -> Result<(), Error> {
    match code {
        0 => Ok(()),
        code => Err(Error::new(code)),
    }
}
