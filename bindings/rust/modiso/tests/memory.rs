// SPDX-License-Identifier: MIT
//! Regions and images, and what the library tells about them.

mod common;

use common::{increment, with_library, Increment};
use modiso::{Access, Code, FaultKind, ImageOptions};

#[test]
fn bytes_of_a_module() {
    with_library(|library| {
        let module = library.module("m").unwrap();
        let region = module.region(5000).unwrap();
        assert_eq!(region.len(), 8192);
        region.write(10, b"abc").unwrap();
        let mut bytes = [1; 5];
        region.read(9, &mut bytes).unwrap();
        assert_eq!(&bytes, b"\0abc\0");
        region.read(8187, &mut bytes).unwrap();
        region.read(8192, &mut []).unwrap();
        for offset in [8188, 8192, 8193, usize::MAX] {
            let error = region.read(offset, &mut bytes).unwrap_err();
            assert_eq!(error.code(), Code::Inval);
        }
        region.protect(Access::READ).unwrap();
        let error = region.write(0, b"x").unwrap_err();
        assert_eq!(error.code(), Code::Access);
    });
}

#[test]
fn slices_of_the_host() {
    with_library(|library| {
        let module = library.module("m").unwrap();
        let mut region = library.host_region(4096).unwrap();
        region.as_mut_slice().unwrap()[4095] = 7;
        assert_eq!(region.as_slice().unwrap()[4095], 7);
        assert_eq!(region.as_slice().unwrap().len(), 4096);
        region.grant(&module, Access::READ_WRITE).unwrap();
        assert_eq!(region.as_slice().unwrap_err().code(), Code::Busy);
        let gate = unsafe { module.gate(increment as Increment) }.unwrap();
        let address = region.as_ptr() as *mut i32;
        assert_eq!(gate.call((address,)).unwrap(), 1);
        region.revoke(&module).unwrap();
        assert!(gate.call((address,)).is_err());
        assert_eq!(region.as_slice().unwrap()[0], 1);
        region.protect(Access::READ).unwrap();
        assert_eq!(region.as_slice().unwrap()[0], 1);
        let error = region.as_mut_slice().unwrap_err();
        assert_eq!(error.code(), Code::Access);
    });
}

#[test]
fn what_is_granted_keeps_its_owner() {
    with_library(|library| {
        let owner = library.module("owner").unwrap();
        let other = library.module("other").unwrap();
        let region = owner.region(4096).unwrap();
        region.grant(&other, Access::READ).unwrap();
        let error = region.grant(&owner, Access::READ).unwrap_err();
        assert_eq!(error.code(), Code::Inval);
        region.revoke(&other).unwrap();
        assert_eq!(region.revoke(&other).unwrap_err().code(), Code::NoEnt);
        drop(region);
        owner.destroy().unwrap();
    });
}

#[test]
fn mail() {
    with_library(|library| {
        let module = library.module("m").unwrap();
        let mut bytes = [0; 6];
        let first = module.put(b"letter").unwrap();
        let address = first.address();
        {
            let second = module.room(16).unwrap();
            assert_ne!(second.address(), address);
            module.write(second.address(), b"answer").unwrap();
            second.get(&mut bytes).unwrap();
        }
        assert_eq!(&bytes, b"answer");
        first.get(&mut bytes).unwrap();
        assert_eq!(&bytes, b"letter");
        assert_eq!(module.room(65536).err().unwrap().code(), Code::Limit);
        assert_eq!(first.get(&mut [0; 17]).unwrap_err().code(), Code::Access);
        drop(first);
        assert_eq!(module.room(65536).unwrap().address(), address);
    });
}

#[test]
fn snapshots() {
    with_library(|library| {
        let module = library.module("m").unwrap();
        let region = module.region(4096).unwrap();
        region.write(0, b"before").unwrap();
        module.snapshot().unwrap();
        region.write(0, b"after!").unwrap();
        module.restore().unwrap();
        let mut bytes = [0; 6];
        region.read(0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"before");
    });
}

#[test]
fn an_image() {
    let path = common::image();
    with_library(|library| {
        let module = library.module("imaged").unwrap();
        module.heap(65536).unwrap();
        let error = module.load(&path).err().unwrap();
        assert_eq!(error.code(), Code::NoEnt);
        let twice = library.service("twice", |value: i32| -> i32 { 2 * value });
        let twice = twice.unwrap();
        let heap = library.heap_services().unwrap();
        let options = ImageOptions::new().export(&twice).exports(&heap);
        let options = options.name("shown").unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for image in [
            options.load(&module, &path).unwrap(),
            options.load_memory(&module, &bytes).unwrap(),
        ] {
            type Run = extern "C" fn(i32) -> i32;
            let run = unsafe { image.gate::<Run>("run") }.unwrap();
            assert_eq!(run.call((10,)).unwrap(), 25);
            assert_eq!(run.call((10,)).unwrap(), 26);
            let heap = unsafe { image.gate::<Run>("use_heap") }.unwrap();
            assert_eq!(heap.call((77,)).unwrap(), 77);
            let mut counter = [0; 4];
            module
                .read(image.symbol("counter").unwrap(), &mut counter)
                .unwrap();
            assert_eq!(i32::from_ne_bytes(counter), 7);
            let secret = library.host_region(4096).unwrap();
            type Peek = extern "C" fn(*const u8) -> i32;
            let peek = unsafe { image.gate::<Peek>("peek") }.unwrap();
            let error = peek.call((secret.as_ptr(),)).unwrap_err();
            let fault = error.fault().unwrap();
            assert_eq!(fault.kind(), FaultKind::Access);
            assert!(fault.to_string().contains("peek"), "{fault}");
            let missing = unsafe { image.gate::<Run>("missing") };
            assert_eq!(missing.err().unwrap().code(), Code::NoEnt);
            let data = unsafe { image.gate::<Run>("counter") };
            assert_eq!(data.err().unwrap().code(), Code::Access);
            drop((run, heap, peek));
            image.unload().unwrap();
        }
        let error = module.load("/nowhere").err().unwrap();
        assert_eq!(error.code(), Code::NoEnt);
    });
}

#[test]
fn told() {
    extern "C" {
        fn mprotect(base: *mut u8, length: usize, access: i32) -> i32;
    }
    with_library(|library| {
        let module = library.module("watched").unwrap();
        let region =
            module.region_named(8192, Access::READ_WRITE, "target").unwrap();
        assert!(library.report_json().unwrap().contains("\"watched\""));
        assert!(library.report().unwrap().contains("target"));
        let ours = |library: &modiso::Library| {
            let base = region.as_ptr() as usize;
            let mut findings = library.audit().unwrap();
            findings.retain(|finding| {
                (base..base + region.len()).contains(&finding.base)
            });
            findings
        };
        assert_eq!(ours(library).len(), 0);
        // SAFETY: nobody touches the page meanwhile.
        unsafe { assert_eq!(mprotect(region.as_ptr(), 4096, 0), 0) };
        let found = ours(library);
        unsafe { assert_eq!(mprotect(region.as_ptr(), 4096, 3), 0) };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].kind, modiso::sys::MODISO_AUDIT_RIGHTS);
        assert_eq!(found[0].length, 4096);
    });
}

#[test]
fn names() {
    with_library(|library| {
        for name in ["", "a\0b", "12345678901234567890123456789012"] {
            let error = library.module(name).err().unwrap();
            assert_eq!(error.code(), Code::Inval);
        }
    });
}
