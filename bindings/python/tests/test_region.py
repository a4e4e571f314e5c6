# SPDX-License-Identifier: MIT
"""Regions, windows, grants, and what the library tells about them."""

import ctypes
import mmap
import os
import unittest
from ctypes import c_int, c_void_p

import modiso
from modiso import READ, WRITE, Access, Code

import support


class Regions(support.Case):
    def setUp(self):
        super().setUp()
        self.m = self.module("owner")
        self.mine = self.m.region(5000, name="mine")
        self.host = self.keep(modiso.host_region(4096, name="of the host"))

    def test_bytes(self):
        for region in (self.mine, self.host):
            region.write(b"abc", 10)
            self.assertEqual(region.read(5, 9), b"\0abc\0")
            self.assertEqual(len(region.read()), region.length)

    def test_mailbox(self):
        first = self.m.mailbox_put(b"\5\0\0\0")
        second = self.m.mailbox_put(4)
        increment = self.m.gate(self.native.increment, c_int, [c_void_p])
        self.assertEqual(increment(first), 6)
        self.assertEqual(self.m.mailbox_get(first, 4), b"\6\0\0\0")
        self.refused(Code.ERR_ACCESS, self.m.mailbox_get, second, 17)
        self.refused(Code.ERR_LIMIT, self.m.mailbox_put, 65536)
        self.refused(Code.ERR_INVAL, self.m.mailbox_reset, second + 32)
        self.m.mailbox_reset(first)
        self.assertEqual(self.m.mailbox_put(b""), first)

    def test_bounds(self):
        self.assertEqual(len(self.mine), 8192)
        for region in (self.mine, self.host):
            size = len(region)
            self.assertEqual(region.read(0, size), b"")
            for offset, count in ((size, 1), (-1, 1), (0, size + 1),
                                  (1, size), (0, -1), (2**64, 1)):
                with self.subTest(offset=offset, count=count), \
                        self.assertRaises(IndexError):
                    region.read(count, offset)
            with self.assertRaises(IndexError):
                region.write(b"12", size - 1)

    def test_read_only(self):
        self.mine.protect(READ)
        self.refused(Code.ERR_ACCESS, self.mine.write, b"x")
        self.host.protect(READ)
        with self.assertRaises(PermissionError):
            self.host.write(b"x")
        self.assertEqual(self.host.info()["access"], READ)

    def test_view(self):
        view = self.mine.view(c_int)
        view[3] = 77
        increment = self.m.gate(self.native.increment, c_int, [c_void_p])
        self.assertEqual(increment(self.mine.base + 12), 78)
        self.assertEqual(view[3], 78)
        part = memoryview(view)[1:2]
        with self.assertRaises(BufferError):
            self.mine.destroy()
        del view
        with self.assertRaises(BufferError):
            self.mine.destroy()
        del part
        self.mine.destroy()

    def test_system_calls_with_a_window(self):
        read, write = os.pipe()
        os.write(write, b"12345678")
        with self.mine.window():
            os.readv(read, [self.mine.view()])
        os.close(read)
        os.close(write)
        self.assertEqual(self.mine.read(8), b"12345678")

    def test_info(self):
        info = self.mine.info()
        self.assertEqual(info["name"], "mine")
        self.assertEqual(info["owner"], "owner")
        self.assertEqual(info["base"], self.mine.base)
        self.assertEqual(info["access"], READ | WRITE)
        self.assertFalse(info["adopted"])
        found = modiso.find(self.mine.base + 4097)
        self.assertEqual(found["name"], "mine")
        self.assertIsNone(modiso.find(ctypes.addressof(c_int())))

    def test_grant(self):
        other = self.module("other")
        peek = other.gate(self.native.increment, c_int, [c_void_p])
        with self.assertRaises(modiso.Fault):
            peek(self.mine)
        self.mine.grant(other, READ | WRITE)
        self.assertEqual(peek(self.mine), 1)
        self.refused(Code.ERR_BUSY, self.mine.destroy)
        self.mine.revoke(other)
        with self.assertRaises(modiso.Fault):
            peek(self.mine)
        self.refused(Code.ERR_NOENT, self.mine.revoke, other)

    def test_adopt(self):
        memory = mmap.mmap(-1, 8192)
        memory[0:4] = (41).to_bytes(4, "little")
        region = modiso.adopt(self.m, memory, name="adopted")
        self.assertTrue(region.info()["adopted"])
        increment = self.m.gate(self.native.increment, c_int, [c_void_p])
        self.assertEqual(increment(region), 42)
        with self.assertRaises(BufferError):
            memory.close()
        region.destroy()
        self.assertEqual(memory[0], 42)
        memory.close()

    def test_map_shared(self):
        fd = os.memfd_create("shared")
        os.ftruncate(fd, 4096)
        os.pwrite(fd, b"\x09", 0)
        region = modiso.map_shared(self.m, fd, name="shared")
        increment = self.m.gate(self.native.increment, c_int, [c_void_p])
        self.assertEqual(increment(region), 10)
        self.assertEqual(os.pread(fd, 1, 0), b"\x0a")
        os.close(fd)
        region.destroy()
        self.refused(Code.ERR_INVAL, modiso.map_shared, self.m, fd)

    def test_bad_sizes(self):
        self.refused(Code.ERR_INVAL, self.m.region, 0)
        self.refused(Code.ERR_INVAL, self.m.region, 2**64 - 1)
        self.refused(Code.ERR_INVAL, self.m.region, 4096, Access.WRITE)
        self.refused(Code.ERR_LIMIT, self.m.region, 2**32)

    def test_check(self):
        self.m.check(self.mine.base, 8192, READ | WRITE)
        self.refused(Code.ERR_ACCESS, self.m.check, self.host.base, 1)
        self.refused(Code.ERR_ACCESS, self.m.read, self.host.base, 1)
        self.refused(Code.ERR_LIMIT, self.m.read_string, self.fill(), 16)

    def fill(self):
        self.mine.write(b"x" * 8192)
        return self.mine.base

    def test_snapshot(self):
        self.mine.write(b"before")
        self.m.snapshot()
        self.mine.write(b"after!")
        self.m.restore()
        self.assertEqual(self.mine.read(6), b"before")
        self.refused(Code.ERR_NOENT, self.module("without").restore)


class Told(support.Case):
    def test_report(self):
        module = self.module("shown")
        region = module.region(4096, name="and this")
        found = modiso.report()
        self.assertEqual(found["backend"],
                         modiso.backend_current().name.lower())
        ours = [m for m in found["modules"] if m["name"] == "shown"]
        self.assertEqual(len(ours), 1)
        self.assertIn(f"{region.base:#x}",
                      [r["base"] for r in ours[0]["regions"]])
        self.assertIn("and this", modiso.report_text())

    def test_audit(self):
        module = self.module("watched")
        region = module.region(8192, name="target")
        self.assertEqual([f for f in modiso.audit()
                          if f["module"] == "watched"], [])
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mprotect.argtypes = (c_void_p, ctypes.c_size_t, c_int)
        self.assertEqual(libc.mprotect(region.base + 4096, 4096, 0), 0)
        found = [f for f in modiso.audit() if f["module"] == "watched"]
        self.assertEqual(libc.mprotect(region.base + 4096, 4096, 3), 0)
        self.assertEqual([(f["kind"], f["base"], f["length"], f["region"])
                          for f in found],
                         [(modiso.AuditKind.RIGHTS, region.base + 4096, 4096,
                           "target")])

    def test_scan(self):
        self.assertEqual(modiso.scan_bytes(b"\x90" * 64), [])
        hits = modiso.scan_bytes(b"\x90\x0f\x01\xef\x0f\x05\xc3")
        self.assertEqual([(h["offset"], h["name"]) for h in hits],
                         [(1, "wrpkru"), (4, "syscall")])
        self.assertEqual(modiso.scan_bytes(b"\x0f\x05",
                                           modiso.ScanKind.PKRU), [])
        error = self.refused(Code.ERR_OS, modiso.scan_file, "/nowhere")
        self.assertEqual(error.errno, 2)
        self.refused(Code.ERR_FORMAT, modiso.scan_elf, b"no image")


if __name__ == "__main__":
    unittest.main()
