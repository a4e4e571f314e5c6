# SPDX-License-Identifier: MIT
"""expect_fault(), and the fixture of that name."""

import ctypes
from ctypes import c_int, c_size_t, c_void_p

import modiso
import pytest
from modiso import FaultKind

import support

pytest_plugins = ("modiso.pytest_plugin",)


@pytest.fixture
def scene():
    modiso.init()
    with modiso.Module("buggy") as module, \
            modiso.host_region(4096) as secret:
        yield module.gate(ctypes.CDLL(None).memset, c_void_p,
                          [c_void_p, c_int, c_size_t]), secret
    modiso.fini()


def test_it_is_as_expected(scene, expect_fault):
    fill, secret = scene
    with expect_fault(FaultKind.ACCESS, secret, 100) as caught:
        fill(secret.base + 100, 0, 1)
    assert caught.record.module_name == "buggy"
    with expect_fault():
        fill(None, 0, 1)
    with modiso.expect_fault(region=secret):
        fill(secret.base + 7, 0, 1)


def test_nothing_faults(scene, expect_fault):
    fill, _ = scene
    buffer = ctypes.create_string_buffer(4)
    with pytest.raises(AssertionError, match="no module has faulted"):
        with expect_fault(FaultKind.ACCESS):
            fill(ctypes.addressof(buffer), 1, 4)


def test_it_is_another_one(scene, expect_fault):
    fill, secret = scene
    with pytest.raises(AssertionError, match="STACK"):
        with expect_fault(FaultKind.STACK):
            fill(secret.base, 0, 1)
    with pytest.raises(AssertionError, match="at offset 8: "):
        with expect_fault(FaultKind.ACCESS, secret, 9):
            fill(secret.base + 8, 0, 1)


def test_other_errors_go_on(scene, expect_fault):
    with pytest.raises(ZeroDivisionError):
        with expect_fault():
            raise ZeroDivisionError
    assert support.HERE.exists()
