// SPDX-License-Identifier: MIT
//! Services: Rust functions that modules call, and their panics.

mod common;

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use common::with_library;
use modiso::{with_caller, Code, FaultKind, Module};

type Service = extern "C" fn(i32) -> i32;
type Call = extern "C" fn(*const (), i32) -> i32;

extern "C" fn call(service: *const (), value: i32) -> i32 {
    // SAFETY: the tests hand over services of this type.
    let service: Service = unsafe { std::mem::transmute(service) };
    service(value) + 1
}

fn gate<'m>(module: &'m Module<'_>) -> modiso::Gate<'m, Call> {
    unsafe { module.gate(call as Call) }.unwrap()
}

#[test]
fn a_call() {
    with_library(|library| {
        let module = library.module("caller").unwrap();
        let service = library
            .service("service", |value: i32| -> i32 {
                with_caller(|caller| {
                    assert_eq!(caller.unwrap().name(), "caller");
                });
                value * 3
            })
            .unwrap();
        let gate = gate(&module);
        assert_eq!(gate.call((service.thunk(), -7)).unwrap(), -20);
        with_caller(|caller| assert!(caller.is_none()));
    });
}

#[test]
fn a_float_result() {
    extern "C" fn call(service: *const (), value: f64) -> f64 {
        type Scale = extern "C" fn(f64, i32) -> f64;
        // SAFETY: a service of this type.
        let service: Scale = unsafe { std::mem::transmute(service) };
        service(value, 2) + 1.0
    }
    type Call = extern "C" fn(*const (), f64) -> f64;
    fn scale(value: f64, by: i32) -> f64 {
        value * f64::from(by)
    }
    with_library(|library| {
        let module = library.module("m").unwrap();
        let service = library.service("scale", scale).unwrap();
        for gate in [
            unsafe { module.gate(call as Call) }.unwrap(),
            unsafe { module.gate_scrubbed(call as Call) }.unwrap(),
        ] {
            assert_eq!(gate.call((service.thunk(), 1.25)).unwrap(), 3.5);
        }
    });
}

#[test]
fn a_panic_comes_out_of_the_call() {
    static AFTER: AtomicI32 = AtomicI32::new(0);
    extern "C" fn twice(first: *const (), second: *const ()) -> i32 {
        // SAFETY: services of this type.
        let (first, second): (Service, Service) = unsafe {
            (std::mem::transmute(first), std::mem::transmute(second))
        };
        second(first(1))
    }
    type Twice = extern "C" fn(*const (), *const ()) -> i32;
    with_library(|library| {
        let module = library.module("m").unwrap();
        let panics = library
            .service("panics", |value: i32| -> i32 {
                panic!("service {value}")
            })
            .unwrap();
        let after = library
            .service("after", |value: i32| -> i32 {
                AFTER.store(value + 100, Ordering::Relaxed);
                value
            })
            .unwrap();
        let gate = unsafe { module.gate(twice as Twice) }.unwrap();
        let payload = catch_unwind(AssertUnwindSafe(|| {
            gate.call((panics.thunk(), after.thunk()))
        }))
        .unwrap_err();
        assert_eq!(payload.downcast_ref::<String>().unwrap(), "service 1");
        // The module saw a zero and went on.
        assert_eq!(AFTER.load(Ordering::Relaxed), 100);
        assert_eq!(gate.call((after.thunk(), after.thunk())).unwrap(), 1);
    });
}

#[test]
fn a_panic_and_then_a_fault() {
    extern "C" fn call_and_touch(
        service: *const (),
        address: *const i32,
    ) -> i32 {
        // SAFETY: a service of this type; the access is what is tested.
        unsafe {
            let service: Service = std::mem::transmute(service);
            service(1) + address.read_volatile()
        }
    }
    type CallAndTouch = extern "C" fn(*const (), *const i32) -> i32;
    with_library(|library| {
        let module = library.module("m").unwrap();
        let panics =
            library.service("panics", |_: i32| -> i32 { panic!("first") });
        let panics = panics.unwrap();
        let gate = unsafe { module.gate(call_and_touch as CallAndTouch) };
        let gate = gate.unwrap();
        let payload = catch_unwind(AssertUnwindSafe(|| {
            gate.call((panics.thunk(), std::ptr::null()))
        }))
        .unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"first"));
    });
}

/// A panic in the innermost of several calls unwinds through all of them.
#[test]
fn a_panic_through_nested_calls() {
    static GATE: AtomicUsize = AtomicUsize::new(0);
    static THUNK: AtomicUsize = AtomicUsize::new(0);
    fn deeper(value: i32) -> i32 {
        assert!(value < 10, "deep enough");
        // SAFETY: the gate outlives the call that led here.
        let gate = unsafe {
            &*(GATE.load(Ordering::Relaxed) as *const modiso::Gate<'_, Call>)
        };
        let thunk = THUNK.load(Ordering::Relaxed) as *const ();
        gate.call((thunk, value + 1)).unwrap()
    }
    with_library(|library| {
        let module = library.module("m").unwrap();
        let service = library.service("deeper", deeper).unwrap();
        let gate = gate(&module);
        GATE.store(&gate as *const _ as usize, Ordering::Relaxed);
        THUNK.store(service.thunk() as usize, Ordering::Relaxed);
        let payload =
            catch_unwind(AssertUnwindSafe(|| gate.call((service.thunk(), 0))))
                .unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"deep enough"));
    });
}

#[test]
fn a_list() {
    with_library(|library| {
        let module = library.module("m").unwrap();
        let service =
            library.service_listed("listed", |value: i32| -> i32 { value });
        let service = service.unwrap();
        let gate = gate(&module);
        let error = gate.call((service.thunk(), 1)).unwrap_err();
        assert_eq!(error.fault().unwrap().kind(), FaultKind::Service);
        service.allow(&module).unwrap();
        assert_eq!(gate.call((service.thunk(), 1)).unwrap(), 2);
        service.deny(&module).unwrap();
        assert!(gate.call((service.thunk(), 1)).is_err());
    });
}

#[test]
fn after_its_end() {
    with_library(|library| {
        let module = library.module("m").unwrap();
        let gate = gate(&module);
        let service = library.service("short", |value: i32| -> i32 { value });
        let service = service.unwrap();
        let thunk = service.thunk();
        drop(service);
        let error = gate.call((thunk, 1)).unwrap_err();
        assert_eq!(error.fault().unwrap().kind(), FaultKind::Service);
    });
}

#[test]
fn what_captures_is_no_service() {
    with_library(|library| {
        let captured = AtomicI32::new(3).load(Ordering::Relaxed);
        let result = catch_unwind(AssertUnwindSafe(|| {
            library
                .service("captures", move |value: i32| -> i32 {
                    value + captured
                })
                .map(drop)
        }));
        assert!(result.is_err());
    });
}

#[test]
fn pointers_of_modules() {
    fn read(address: usize) -> i32 {
        with_caller(|caller| match caller.unwrap().read_string(address, 64) {
            Ok(bytes) => bytes.len() as i32,
            Err(error) if error.code() == Code::Access => -1,
            Err(_) => -2,
        })
    }
    extern "C" fn hand_over(service: *const (), address: usize) -> i32 {
        type Read = extern "C" fn(usize) -> i32;
        // SAFETY: a service of this type.
        let service: Read = unsafe { std::mem::transmute(service) };
        service(address)
    }
    type HandOver = extern "C" fn(*const (), usize) -> i32;
    with_library(|library| {
        let module = library.module("m").unwrap();
        let mine = module.region(4096).unwrap();
        mine.write(0, b"hello\0").unwrap();
        let secret = library.host_region(4096).unwrap();
        let service = library.service("read", read).unwrap();
        let gate = unsafe { module.gate(hand_over as HandOver) }.unwrap();
        let ask = |address| gate.call((service.thunk(), address)).unwrap();
        assert_eq!(ask(mine.as_ptr() as usize), 5);
        assert_eq!(ask(secret.as_ptr() as usize), -1);
    });
}
