# SPDX-License-Identifier: MIT
"""Services: Python functions that modules call."""

import ctypes
import unittest
from ctypes import c_char_p, c_double, c_int, c_void_p

import modiso
from modiso import Code, FaultKind

import support


class Services(support.Case):
    def setUp(self):
        super().setUp()
        self.m = self.module("caller")
        self.call = self.m.gate(self.native.call, c_int, [c_void_p, c_int])
        self.call_then_touch = self.m.gate(
            self.native.call_then_touch, c_int, [c_void_p, c_int, c_void_p])

    def service(self, function, restype=c_int, argtypes=(c_int,), **options):
        return self.keep(modiso.Service("service", function, restype,
                                        argtypes, **options))

    def test_a_call(self):
        told = []

        def function(value):
            told.append((value, modiso.caller()))
            return value * 3
        self.assertEqual(self.call(self.service(function).thunk, -7), -20)
        self.assertEqual(told, [(-7, self.m)])
        self.assertIsNone(modiso.caller())

    def test_floats(self):
        service = self.service(lambda value, n: value * n, c_double,
                               [c_double, c_int])
        for scrub in (False, True):
            gate = self.m.gate(self.native.call_double, c_double,
                               [c_void_p, c_double], scrub=scrub)
            self.assertEqual(gate(service.thunk, 1.25), 3.5)

    def test_no_result(self):
        told = []
        service = self.service(told.append, None)
        self.call(service.thunk, 5)
        self.assertEqual(told, [5])

    def test_an_exception_comes_out_of_the_call(self):
        def function(value):
            raise KeyError(value)
        with self.assertRaises(KeyError) as caught:
            self.call(self.service(function).thunk, 5)
        self.assertEqual(caught.exception.args, (5,))
        self.assertEqual(self.call(self.service(abs).thunk, -5), 6)

    def test_a_result_of_another_type(self):
        with self.assertRaises(TypeError):
            self.call(self.service(lambda _: "text").thunk, 5)

    def test_an_exception_and_then_a_fault(self):
        def function(_):
            raise KeyboardInterrupt
        with self.assertRaises(KeyboardInterrupt) as caught:
            self.call_then_touch(self.service(function).thunk, 5, None)
        fault = caught.exception.__context__
        self.assertIsInstance(fault, modiso.Fault)
        self.assertEqual(fault.record.kind, FaultKind.UNMAPPED)

    def test_calls_nest(self):
        def function(value):
            if value == 0:
                raise ArithmeticError
            return self.call(service.thunk, value - 1)
        service = self.service(function)
        with self.assertRaises(ArithmeticError):
            self.call(service.thunk, 10)

    def test_nesting_ends_at_the_limit(self):
        def function(value):
            return self.call(service.thunk, value + 1)
        service = self.service(function)
        self.refused(Code.ERR_LIMIT, self.call, service.thunk, 0)

    def test_listed(self):
        service = self.service(abs, listed=True)
        with self.assertRaises(modiso.Fault) as caught:
            self.call(service.thunk, 1)
        self.assertEqual(caught.exception.record.kind, FaultKind.SERVICE)
        service.allow(self.m)
        self.assertEqual(self.call(service.thunk, -1), 2)
        service.deny(self.m)
        with self.assertRaises(modiso.Fault):
            self.call(service.thunk, 1)
        self.refused(Code.ERR_INVAL, self.service(abs).allow, self.m)

    def test_after_its_end(self):
        service = self.service(abs)
        thunk = service.thunk
        service.destroy()
        with self.assertRaises(modiso.Fault):
            self.call(thunk, 1)
        self.refused(Code.ERR_STATE, lambda: service.thunk)

    def test_it_may_end_itself(self):
        def function(value):
            service.destroy()
            return value
        service = self.service(function)
        self.assertEqual(self.call(service.thunk, 1), 2)

    def test_pointers_are_numbers(self):
        mine = self.m.region(4096)
        mine.write(b"hello\0")
        found = []

        def function(address):
            found.append(modiso.caller().read_string(address))
            return 0
        service = self.service(function, c_int, [c_void_p])
        call = self.m.gate(self.native.call_double, c_double,
                           [c_void_p, c_double])
        self.assertTrue(call)
        direct = self.m.gate(service.thunk, c_int, [c_void_p])
        self.assertEqual(direct(mine), 0)
        self.assertEqual(found, [b"hello"])
        host = self.keep(modiso.host_region(4096))
        self.refused(Code.ERR_ACCESS, direct, host)

    def test_types_that_do_not_pass(self):
        for restype, argtypes in ((c_char_p, []), (None, [c_char_p]),
                                  (None, [ctypes.POINTER(c_int)]),
                                  (None, [c_int] * 17), (int, [])):
            with self.subTest(restype=restype, argtypes=argtypes), \
                    self.assertRaises(TypeError):
                modiso.Service("service", abs, restype, argtypes)

    def test_names(self):
        self.refused(Code.ERR_INVAL, modiso.Service, "n" * 32, abs)
        self.refused(Code.ERR_INVAL, modiso.Service, "", abs)
        with self.assertRaises(ValueError):
            modiso.Service("a\0b", abs)


if __name__ == "__main__":
    unittest.main()
