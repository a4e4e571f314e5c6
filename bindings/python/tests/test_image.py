# SPDX-License-Identifier: MIT
"""Images: ELF files from modiso-cc, and flat blobs."""

import os
import unittest
from ctypes import c_int, c_void_p

import modiso
from modiso import Code, FaultKind

import support


class Images(support.Case):
    def setUp(self):
        super().setUp()
        self.path = support.built() / "image.so"
        self.m = self.module("imaged")
        self.m.heap(65536)
        self.exports = [self.keep(modiso.Service(
            "twice", lambda value: 2 * value, c_int, [c_int]))]
        self.exports += [self.keep(service)
                         for service in modiso.heap_services()
                         + modiso.libc_services()]

    def test_every_way_to_load(self):
        with open(self.path, "rb") as file:
            for source in (self.path, str(self.path), file.fileno(),
                           self.path.read_bytes()):
                with self.subTest(source=type(source)), \
                        self.m.load(source, self.exports) as image:
                    gate = image.gate("run", c_int, [c_int])
                    self.assertEqual(gate(10), 25)
                    self.assertEqual(gate(10), 26)
                    gate.destroy()

    def test_exports_as_dict(self):
        exports = {service.name: service for service in self.exports}
        exports["twice"] = self.keep(modiso.Service(
            "thrice", lambda value: 3 * value, c_int, [c_int]))
        with self.m.load(self.path, exports) as image, \
                image.gate("run", c_int, [c_int]) as run:
            self.assertEqual(run(10), 35)

    def test_what_is_missing(self):
        error = self.refused(Code.ERR_NOENT, self.m.load, self.path)
        self.assertIn("image", error.text)
        self.refused(Code.ERR_NOENT, self.m.load, "/nowhere")
        self.refused(Code.ERR_FORMAT, self.m.load, b"no image")
        image = self.m.load(self.path, self.exports)
        self.refused(Code.ERR_NOENT, image.gate, "nothing")
        self.refused(Code.ERR_ACCESS, image.gate, "counter")
        self.refused(Code.ERR_NOENT, image.symbol, "nothing")

    def test_symbol_and_info(self):
        image = self.m.load(self.path, self.exports, name="shown")
        address = image.symbol("counter")
        self.assertEqual(self.m.read(address, 4), b"\5\0\0\0")
        info = image.info()
        self.assertEqual((info["name"], info["module"], info["sealed"]),
                         ("shown", "imaged", True))
        self.assertTrue(info["start"] <= address
                        < info["start"] + info["length"])

    def test_unload(self):
        image = self.m.load(self.path, self.exports)
        gate = image.gate("run", c_int, [c_int])
        self.refused(Code.ERR_BUSY, image.unload)
        del gate
        image.unload()
        image.unload()
        self.refused(Code.ERR_STATE, image.symbol, "run")

    def test_a_fault_names_the_function(self):
        image = self.m.load(self.path, self.exports)
        host = self.keep(modiso.host_region(4096))
        peek = image.gate("peek", c_int, [c_void_p])
        with self.assertRaises(modiso.Fault) as caught:
            peek(host)
        self.assertEqual(caught.exception.record.kind, FaultKind.ACCESS)
        self.assertIn("peek", str(caught.exception.record))

    def test_heap(self):
        image = self.m.load(self.path, self.exports)
        use = image.gate("use_heap", c_int, [c_int])
        self.assertEqual(use(77), 77)
        info = self.m.heap_info()
        self.assertEqual((info["blocks"], info["length"]), (0, 65536))
        self.assertGreater(info["peak"], 0)
        block = self.m.heap_alloc(100)
        self.m.write(block, b"y" * 100)
        self.m.heap_free(block)
        self.refused(Code.ERR_NOENT, self.m.heap_free, block)

    def test_flat(self):
        # lea (%rdi,%rdi), %eax; ret
        image = self.m.prepare(b"\x8d\x04\x3f\xc3", (0, 4),
                               symbols={"twice": 0}, name="flat")
        self.assertFalse(image.info()["sealed"])
        image.seal()
        self.refused(Code.ERR_STATE, image.seal)
        twice = image.gate("twice", c_int, [c_int])
        self.assertEqual(twice(21), 42)
        self.refused(Code.ERR_GADGET, self.m.prepare, b"\x0f\x01\xef\xc3",
                     (0, 4))
        self.refused(Code.ERR_INVAL, self.m.prepare, b"\xc3", (0, 2))


class Starting(unittest.TestCase):
    def test_init(self):
        self.assertEqual(modiso.backend_current(), modiso.Backend.AUTO)
        with self.assertRaises(modiso.Error) as caught:
            modiso.Module("early")
        self.assertEqual(caught.exception.code, Code.ERR_STATE)
        with modiso.running():
            backend = modiso.backend_current()
            self.assertNotEqual(backend, modiso.Backend.AUTO)
            with self.assertRaises(modiso.Error) as caught:
                modiso.init()
            self.assertEqual(caught.exception.code, Code.ERR_STATE)
            self.assertTrue(modiso.backend_query(backend)["usable"])
        self.assertEqual(modiso.backend_current(), modiso.Backend.AUTO)

    def test_shared(self):
        modiso.init(shared=True)
        modiso.init(shared=True)
        with self.assertRaises(modiso.Error) as caught:
            modiso.init(shared=True, max_threads=5)
        self.assertEqual(caught.exception.code, Code.ERR_STATE)
        modiso.fini()
        with modiso.Module("still there"):
            pass
        modiso.fini()
        self.assertEqual(modiso.backend_current(), modiso.Backend.AUTO)

    def test_what_cannot_be_had(self):
        info = modiso.backend_query(modiso.Backend.MPROTECT)
        self.assertEqual(info["name"], "mprotect")
        with self.assertRaises(modiso.Error) as caught:
            modiso.init(backend=modiso.Backend.MPROTECT,
                        require=modiso.Cap.SEALED)
        self.assertEqual(caught.exception.code, Code.ERR_NOTSUP)
        with self.assertRaises(modiso.Error) as caught:
            modiso.init(backend=77)
        self.assertEqual(caught.exception.code, Code.ERR_INVAL)

    def test_version(self):
        self.assertRegex(modiso.version(), r"^\d+\.\d+\.\d+$")

    def test_a_library_that_is_not_there(self):
        environment = dict(os.environ, MODISO_LIBRARY="/nowhere.so")
        import subprocess
        import sys
        done = subprocess.run([sys.executable, "-c", "import modiso"],
                              env=environment, capture_output=True, text=True)
        self.assertIn("MODISO_LIBRARY", done.stderr)
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
