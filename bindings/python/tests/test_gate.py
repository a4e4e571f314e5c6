# SPDX-License-Identifier: MIT
"""Gates: typed arguments, faults as exceptions, threads, forks, signals."""

import ctypes
import gc
import os
import signal
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from ctypes import (POINTER, c_bool, c_char_p, c_double, c_float, c_int,
                    c_int8, c_int64, c_longdouble, c_size_t, c_uint16,
                    c_uint32, c_void_p)

import modiso
from modiso import Code, FaultKind

import support


class Types(support.Case):
    def test_every_argument_arrives(self):
        mix = self.module().gate(
            self.native.mix, c_int64,
            [c_int8, c_uint16, c_double, c_int64, c_float, c_uint32])
        self.assertEqual(mix(-1, 65535, -3.5, -4, 5.75, 2**32 - 1),
                         -1 + 655350 - 300 - 4000 + 50000 +
                         100000 * (2**32 - 1))

    def test_floats(self):
        module = self.module()
        self.assertEqual(
            module.gate(self.native.half, c_double, [c_double])(0.3), 0.15)
        self.assertEqual(
            module.gate(self.native.half_float, c_float, [c_float])(3), 1.5)

    def test_pointers(self):
        module = self.module()
        length = module.gate(self.native.length, c_size_t, [c_char_p])
        self.assertEqual(length(b"seven b"), 7)
        same = module.gate(self.native.same, c_void_p, [c_void_p])
        region = module.region(4096)
        self.assertEqual(same(region), region.base)
        self.assertEqual(same(None), 0)
        self.assertEqual(same(2**64 - 1), 2**64 - 1)
        number = c_int(6)
        increment = module.gate(self.native.increment, c_int,
                                [POINTER(c_int)])
        self.assertEqual(increment(ctypes.byref(number)), 7)
        self.assertEqual(number.value, 7)

    def test_a_bool_is_one_byte(self):
        same = self.module().gate(self.native.same, c_bool, [c_int64])
        self.assertIs(same(256), False)
        self.assertIs(same(257), True)

    def test_types_that_do_not_pass(self):
        class Pair(ctypes.Structure):
            _fields_ = [("a", c_int), ("b", c_int)]
        module = self.module()
        for restype, argtypes in (
                (c_char_p, []), (POINTER(c_int), []), (Pair, []),
                (c_longdouble, []), (None, [Pair]), (None, [c_longdouble]),
                (None, [ctypes.py_object]), (None, [None]), (None, [int]),
                (None, [c_int] * 17), (None, [c_double] * 9)):
            with self.subTest(restype=restype, argtypes=argtypes), \
                    self.assertRaises(TypeError):
                module.gate(self.native.same, restype, argtypes)

    def test_a_wrong_argument_is_no_call(self):
        increment = self.module().gate(self.native.increment, c_int,
                                       [c_void_p])
        with self.assertRaises(ctypes.ArgumentError):
            increment("text")
        with self.assertRaises(TypeError):
            increment()


class Faults(support.Case):
    def setUp(self):
        super().setUp()
        self.m = self.module("parser")
        self.host = self.keep(modiso.host_region(8192, name="secret"))
        self.touch = self.m.gate(self.native.increment, c_int, [c_void_p])

    def fault(self, gate, *arguments):
        with self.assertRaises(modiso.Fault) as caught:
            gate(*arguments)
        self.assertEqual(caught.exception.code, Code.ERR_FAULT)
        return caught.exception

    def test_the_record(self):
        before = modiso.fault_count()
        fault = self.fault(self.touch, self.host.base + 4100)
        record = fault.record
        self.assertEqual(record.kind, FaultKind.ACCESS)
        self.assertEqual(record.module_name, "parser")
        self.assertEqual(record.module_id, self.m.id)
        self.assertEqual(record.address, self.host.base + 4100)
        self.assertEqual(record.region_name, "secret")
        self.assertEqual(record.region_offset, 4100)
        self.assertEqual(record.owner_name, "host")
        self.assertEqual(record.signo, signal.SIGSEGV)
        self.assertEqual(record.thread, threading.get_native_id())
        self.assertEqual(record.registers[16], record.pc)
        self.assertEqual(len(record.registers), 18)
        self.assertIn("parser", fault.text)
        self.assertIn("secret", str(record))
        self.assertEqual(modiso.fault_count(), before + 1)
        self.assertEqual(modiso.last_fault().number, record.number)

    def test_the_record_as_dict(self):
        record = self.fault(self.touch, self.host).record
        found = record.as_dict()
        self.assertEqual(found["module"], "parser")
        self.assertEqual(found["kind"], "access")
        self.assertEqual(int(found["address"], 16), self.host.base)

    def test_a_record_outlives_its_module(self):
        with modiso.Module("short") as module:
            gate = module.gate(self.native.increment, c_int, [c_void_p])
            record = self.fault(gate, self.host).record
        self.assertIn("short", str(record))

    def test_null(self):
        record = self.fault(self.touch, None).record
        self.assertEqual(record.kind, FaultKind.UNMAPPED)
        self.assertEqual(record.address, 0)

    def test_the_host_goes_on(self):
        mine = self.m.region(4096)
        for n in range(1, 101):
            self.fault(self.touch, self.host)
            self.assertEqual(self.touch(mine), n)
        self.assertEqual(self.host.read(8), bytes(8))

    def test_exit_is_a_fault(self):
        """The C library's own is another one, unless Python is started with
        LD_PRELOAD."""
        leave = self.m.gate(modiso._abi.lib["exit"], None, [c_int])
        record = self.fault(leave, 7).record
        self.assertEqual((record.kind, record.code), (FaultKind.EXIT, 7))

    def test_landing(self):
        told = []
        modiso.on_fault(told.append, self.m)
        record = self.fault(self.touch, self.host).record
        self.assertEqual([r.number for r in told], [record.number])
        modiso.on_fault(None, self.m)
        self.fault(self.touch, self.host)
        self.assertEqual(len(told), 1)

    def test_what_a_landing_raises(self):
        def landing(record):
            raise LookupError(record.number)
        modiso.on_fault(landing, self.m)
        with self.assertRaises(LookupError) as caught:
            self.touch(self.host)
        self.assertIsInstance(caught.exception.__context__, modiso.Fault)

    def test_every_landing_of_the_process(self):
        told = []
        modiso.on_fault(told.append)
        self.fault(self.touch, self.host)
        modiso.on_fault(None)
        self.assertEqual(len(told), 1)


class Ends(support.Case):
    def test_use_after_the_end(self):
        module = self.module()
        gate = module.gate(self.native.increment, c_int, [c_void_p])
        region = module.region(4096)
        module.destroy()
        module.destroy()
        for function, *arguments in (
                (gate, None), (region.read,), (region.write, b"x"),
                (region.view,), (module.gate, self.native.half),
                (module.read, region.base, 1)):
            self.refused(Code.ERR_STATE, function, *arguments)
        gate.destroy()
        region.destroy()

    def test_a_gate_that_nobody_holds_is_gone(self):
        module = self.module()
        for _ in range(10000):  # more than there are thunks
            module.gate(self.native.increment, c_int, [c_void_p])

    def test_gates_in_cycles(self):
        module = self.module()
        gates = [module.gate(self.native.increment, c_int, [c_void_p])
                 for _ in range(10)]
        for gate in gates:
            gate.me = gate
        module.destroy()
        del gate, gates
        gc.collect()

    def test_fini_says_what_is_there(self):
        module = self.module()
        self.refused(Code.ERR_BUSY, modiso.fini)
        module.destroy()
        modiso.fini()
        self.refused(Code.ERR_STATE, modiso.fini)
        modiso.init()


class Threads(support.Case):
    def test_many_threads(self):
        module = self.module()
        host = self.keep(modiso.host_region(4096))
        increment = module.gate(self.native.increment, c_int, [c_void_p])
        double = self.keep(modiso.Service("double", lambda n: 2 * n, c_int,
                                          [c_int]))
        call = module.gate(self.native.call, c_int, [c_void_p, c_int])

        regions = [module.region(4096) for _ in range(8)]

        @support.detached
        def work(number):
            mine = regions[number]
            for n in range(1, 30):
                if increment(mine) != n or call(double.thunk, n) != 2 * n + 1:
                    return "a wrong result"
                try:
                    increment(host)
                    return "no fault"
                except modiso.Fault as fault:
                    if fault.record.thread != threading.get_native_id():
                        return "another thread's fault"
            return number

        with ThreadPoolExecutor(4) as pool:
            self.assertEqual(list(pool.map(work, range(8))), list(range(8)))

    def test_python_touches_what_a_module_on_another_thread_closes(self):
        """The interpreter's lock and the library's: no order is wrong."""
        module = self.module()
        region = module.region(4096)
        host = self.keep(modiso.host_region(4096))
        view, secret = region.view(c_int), host.view(c_int)
        stop = threading.Event()

        @support.detached
        def touch():
            while not stop.is_set():
                view[1] += 1
                secret[1] += 1

        back = self.keep(modiso.Service(
            "back", lambda n: secret[0] + view[2] + n, c_int, [c_int]))
        call = module.gate(self.native.call, c_int, [c_void_p, c_int])
        other = threading.Thread(target=touch)
        other.start()
        try:
            for n in range(300):
                self.assertEqual(call(back.thunk, n), n + 1)
        finally:
            stop.set()
            other.join()

    def test_threads_run_while_a_module_does(self):
        module = self.module()
        flag = c_int(1)
        spin = module.gate(self.native.spin, None, [c_void_p])
        runner = threading.Thread(target=support.detached(spin),
                                  args=(ctypes.addressof(flag),))
        runner.start()
        flag.value = 0  # only another thread ends it
        runner.join()


class Forks(support.Case):
    def test_a_child_has_a_working_library(self):
        module = self.module()
        host = self.keep(modiso.host_region(4096))
        touch = module.gate(self.native.increment, c_int, [c_void_p])
        child = os.fork()
        if child == 0:
            status = 1
            try:
                touch(host)
            except modiso.Fault as fault:
                with modiso.Module("own") as own:
                    own.gate(self.native.half, c_double, [c_double])(1)
                status = 0 if fault.record.thread == os.getpid() else 2
            finally:
                os._exit(status)
        self.assertEqual(os.waitpid(child, 0)[1], 0)


class Signals(support.Case):
    """A handler in Python runs when the thunk has returned, and before the
    question for the call's status."""

    def setUp(self):
        super().setUp()
        self.m = self.module()
        self.then = self.m.gate(self.native.signal_then, c_double, [c_double])
        self.before = signal.signal(signal.SIGUSR1, self.handler)
        self.inner = self.m.gate(self.native.half, c_double, [c_double])
        self.fails = False
        self.ran = 0

    def tearDown(self):
        signal.signal(signal.SIGUSR1, self.before)
        del self.then, self.inner
        super().tearDown()

    def handler(self, *_):
        self.ran += 1
        if self.fails:
            with self.assertRaises(modiso.Fault):
                self.m.gate(self.native.increment, c_int, [c_void_p])(None)
        else:
            self.assertEqual(self.inner(3), 1.5)

    def test_the_outer_call_succeeds(self):
        for self.fails in (False, True):
            self.assertEqual(self.then(0), 0)
        self.assertEqual(self.ran, 2)

    def test_the_outer_call_faults(self):
        for self.fails in (False, True):
            with self.assertRaises(modiso.Fault):
                self.then(1)
            self.assertEqual(self.inner(5), 2.5)
        self.assertEqual(self.ran, 2)

    def test_the_handler_raises(self):
        def handler(*_):
            raise InterruptedError
        signal.signal(signal.SIGUSR1, handler)
        for touch in (0, 1):
            with self.assertRaises(InterruptedError):
                self.then(touch)
            self.assertEqual(self.inner(5), 2.5)


class Permissive(support.Case):
    """A module that is watched: its stray store happens, and is listed."""

    def test_it_goes_on(self):
        secret = self.keep(modiso.host_region(4096))
        watched = self.module("watched",
                              flags=modiso.ModuleFlag.PERMISSIVE)
        memset = watched.gate(ctypes.CDLL(None).memset, c_void_p,
                              [c_void_p, c_int, c_size_t])
        memset(secret.base, 7, 1)
        self.assertEqual(secret.read(1), b"\x07")
        table = modiso.permitted()
        self.assertEqual(table["accesses"], 1)
        self.assertEqual([(p["module"], p["access"], p["count"])
                          for p in table["places"]], [("watched", "write", 1)])


if __name__ == "__main__":
    unittest.main()
