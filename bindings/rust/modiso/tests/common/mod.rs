// SPDX-License-Identifier: MIT
//! What the tests share. The library is the process's and tests run on several
//! threads, so each test has it for itself.

#![allow(dead_code)]

use std::env;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use modiso::{Library, Options};

static ONE: Mutex<()> = Mutex::new(());

pub fn alone() -> MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Run a test with the library, and see that nothing is left of it.
pub fn with_library(test: impl FnOnce(&Library)) {
    let _alone = alone();
    let library = Options::new().init().unwrap();
    test(&library);
    library.fini().unwrap();
}

/// Module code: one more is in `counter` then.
pub extern "C" fn increment(counter: *mut i32) -> i32 {
    // The module's own access: that it may fault is what is tested.
    unsafe {
        let value = counter.read_volatile() + 1;
        counter.write_volatile(value);
        value
    }
}

pub type Increment = extern "C" fn(*mut i32) -> i32;

/// Run one test of this program again, in a process of its own, with
/// `MODISO_TEST_AGAIN` set.
pub fn again(name: &str) -> Output {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env("MODISO_TEST_AGAIN", "1")
        .output()
        .unwrap()
}

pub fn is_again() -> bool {
    env::var_os("MODISO_TEST_AGAIN").is_some()
}

/// image.so, made by modiso-cc ($MODISO_TEST_CC), or $MODISO_TEST_IMAGE.
pub fn image() -> PathBuf {
    if let Some(path) = env::var_os("MODISO_TEST_IMAGE") {
        return path.into();
    }
    let to = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("image.so");
    let tool = env::var("MODISO_TEST_CC");
    let tool = tool.unwrap_or_else(|_| "modiso-cc".into());
    let words: Vec<&str> = tool.split_whitespace().collect();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/image.c");
    let done = Command::new(words[0])
        .args(&words[1..])
        .args(["-O1", "-o"])
        .arg(&to)
        .arg(source)
        .output()
        .unwrap_or_else(|why| panic!("{tool}: {why}"));
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{tool}: {errors}");
    to
}
