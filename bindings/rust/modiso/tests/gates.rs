// SPDX-License-Identifier: MIT
//! Gates: types, faults, threads, panics of modules.

mod common;

use std::os::unix::process::ExitStatusExt;
use std::thread;

use common::{again, increment, is_again, with_library, Increment};
use modiso::{Access, Code, FaultKind, Options};

extern "C" fn mix(a: i8, b: u16, c: f64, d: i64, e: f32, f: u32) -> i64 {
    i64::from(a)
        + 10 * i64::from(b)
        + 100 * c as i64
        + 1000 * d
        + 10000 * e as i64
        + 100000 * i64::from(f)
}

extern "C" fn half(value: f64) -> f64 {
    value / 2.0
}

#[test]
fn every_argument_arrives() {
    with_library(|library| {
        let module = library.module("m").unwrap();
        type Mix = extern "C" fn(i8, u16, f64, i64, f32, u32) -> i64;
        let gate = unsafe { module.gate(mix as Mix) }.unwrap();
        let value = gate.call((-1, 65535, -3.5, -4, 5.75, u32::MAX)).unwrap();
        assert_eq!(
            value,
            -1 + 655350 - 300 - 4000 + 50000 + 100000 * i64::from(u32::MAX)
        );
        type Half = extern "C" fn(f64) -> f64;
        let gate = unsafe { module.gate_scrubbed(half as Half) }.unwrap();
        assert_eq!(gate.call((0.3,)).unwrap(), 0.15);
    });
}

#[test]
fn more_words_than_registers() {
    extern "C" fn seven(
        first: i8,
        _: i8,
        _: i8,
        _: i8,
        _: i8,
        _: i8,
        last: usize,
    ) -> usize {
        last * 10 + first as usize
    }
    with_library(|library| {
        let module = library.module("m").unwrap();
        type Seven = extern "C" fn(i8, i8, i8, i8, i8, i8, usize) -> usize;
        let gate = unsafe { module.gate(seven as Seven) }.unwrap();
        assert_eq!(gate.call((1, 2, 3, 4, 5, 6, 7)).unwrap(), 71);
    });
}

#[test]
fn a_fault_has_a_record() {
    with_library(|library| {
        let module = library.module("parser").unwrap();
        let secret = library.host_region_named(8192, "secret").unwrap();
        let gate = unsafe { module.gate(increment as Increment) }.unwrap();
        let address = secret.as_ptr() as usize + 4100;
        for _ in 0..100 {
            let error = gate.call((address as *mut i32,)).unwrap_err();
            assert_eq!(error.code(), Code::Fault);
            let fault = error.fault().unwrap();
            assert_eq!(fault.kind(), FaultKind::Access);
            assert_eq!(fault.module_name(), "parser");
            assert_eq!(fault.address(), address);
            assert_eq!(fault.access(), Access::READ);
            assert_eq!(fault.region(), Some(("secret".into(), 4100)));
            assert_eq!(fault.owner_name(), "host");
            assert!(fault.to_string().contains("secret"));
            assert!(fault.to_json().unwrap().contains("\"parser\""));
            assert!(error.to_string().contains("parser"));
        }
        let mine = module.region(4096).unwrap();
        assert_eq!(gate.call((mine.as_ptr().cast(),)).unwrap(), 1);
        let null = gate.call((std::ptr::null_mut(),)).unwrap_err();
        assert_eq!(null.fault().unwrap().kind(), FaultKind::Unmapped);
    });
}

#[test]
fn threads_share_gates() {
    with_library(|library| {
        let module = library.module("m").unwrap();
        let secret = library.host_region(4096).unwrap();
        let regions: Vec<_> =
            (0..4).map(|_| module.region(4096).unwrap()).collect();
        let gate = unsafe { module.gate(increment as Increment) }.unwrap();
        let secret = secret.as_ptr() as usize;
        thread::scope(|scope| {
            for region in &regions {
                let gate = &gate;
                scope.spawn(move || {
                    for n in 1..100 {
                        let mine = region.as_ptr().cast();
                        assert_eq!(gate.call((mine,)).unwrap(), n);
                        let error = gate.call((secret as *mut i32,));
                        let error = error.unwrap_err();
                        let fault = error.fault().unwrap();
                        assert_eq!(fault.address(), secret);
                    }
                    library.thread_detach().unwrap();
                });
            }
        });
    });
}

/// A thread that ends by itself needs no detach, when it is joined.
#[test]
fn threads_that_are_joined() {
    with_library(|library| {
        let module = library.module("m").unwrap();
        let mine = module.region(4096).unwrap();
        let address = mine.as_ptr() as usize;
        type Half = extern "C" fn(f64) -> f64;
        let gate = unsafe { module.gate(half as Half) }.unwrap();
        thread::scope(|scope| {
            scope
                .spawn(|| gate.call((address as f64,)).unwrap())
                .join()
                .unwrap();
        });
        assert_eq!(gate.call((3.0,)).unwrap(), 1.5);
    });
}

/// std aborts where a panic would unwind out of an extern "C" function: for a
/// module that is a fault, and the host goes on. Not so the harness, which
/// keeps a lock for such a panic: hence a process of its own.
#[test]
fn a_panic_in_a_module() {
    extern "C" fn panics(value: i32) -> i32 {
        assert!(value < 0, "in a module");
        value
    }
    if !is_again() {
        let output = again("a_panic_in_a_module");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("in a module"), "{text}");
        return;
    }
    with_library(|library| {
        let module = library.module("panicky").unwrap();
        type Panics = extern "C" fn(i32) -> i32;
        let gate = unsafe { module.gate(panics as Panics) }.unwrap();
        // std counts the panic as one that its thread is in for good.
        thread::scope(|scope| {
            let fault = scope.spawn(|| {
                let error = gate.call((1,)).unwrap_err();
                library.thread_detach().unwrap();
                error.fault().unwrap().kind()
            });
            assert_eq!(fault.join().unwrap(), FaultKind::Abort);
        });
        assert_eq!(gate.call((-5,)).unwrap(), -5);
        assert_eq!(gate.call((-6,)).unwrap(), -6);
    });
}

#[allow(unconditional_recursion)]
extern "C" fn recurse(depth: u64) -> u64 {
    let frame = [depth; 64];
    // SAFETY: a volatile read, so that each frame is there.
    recurse(unsafe { (&frame[7] as *const u64).read_volatile() } + 1) + frame[3]
}

type Recurse = extern "C" fn(u64) -> u64;

#[test]
fn a_module_overflows_its_stack() {
    with_library(|library| {
        let module = library.module("deep").unwrap();
        let gate = unsafe { module.gate(recurse as Recurse) }.unwrap();
        let error = gate.call((0,)).unwrap_err();
        assert_eq!(error.fault().unwrap().kind(), FaultKind::Stack);
    });
}

/// std's own handler still finds the overflow of a thread of the host, with
/// the library in front of it.
#[test]
fn the_host_overflows_its_stack() {
    if is_again() {
        let library = Options::new().init().unwrap();
        let module = library.module("m").unwrap();
        type Half = extern "C" fn(f64) -> f64;
        let gate = unsafe { module.gate(half as Half) }.unwrap();
        gate.call((1.0,)).unwrap();
        recurse(0);
        unreachable!();
    }
    let output = again("the_host_overflows_its_stack");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("has overflowed its stack"), "{text}");
    assert_eq!(output.status.signal(), Some(6), "{text}");
}

#[test]
fn starting_twice() {
    with_library(|library| {
        let error = Options::new().init().err().unwrap();
        assert_eq!(error.code(), Code::State);
        assert!(error.text().len() > 10);
        assert!(modiso::backend_query(library.backend()).unwrap().usable);
        let version: Vec<_> = library.version().split('.').collect();
        assert_eq!(version.len(), 3);
    });
}

#[test]
fn sharing() {
    let _alone = common::alone();
    let first = Options::new().shared().init().unwrap();
    let second = Options::new().shared().init().unwrap();
    let error = Options::new().shared().max_threads(5).init().err().unwrap();
    assert_eq!(error.code(), Code::State);
    first.fini().unwrap();
    second.module("still there").unwrap();
    second.fini().unwrap();
}

#[test]
fn what_cannot_be_had() {
    let _alone = common::alone();
    let error = Options::new()
        .backend(modiso::Backend::Mprotect)
        .require(modiso::sys::MODISO_CAP_SEALED)
        .init()
        .err()
        .unwrap();
    assert_eq!(error.code(), Code::NotSup);
}
