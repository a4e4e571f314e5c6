# SPDX-License-Identifier: MIT
"""Tests that expect a module's fault; the fixture is in pytest_plugin."""

import contextlib

from ._abi import FaultKind
from .fault import Fault


class Caught:
    """What expect_fault() has seen. record: the FaultRecord, at the end."""

    record = None


@contextlib.contextmanager
def expect_fault(kind=None, region=None, offset=None):
    """A block that is to end with a Fault, which goes no further.

    kind:   a FaultKind; None: any.
    region: where, with offset from its base; behind its last byte the offset
            is its length. None: anywhere. offset None: anywhere in it.

    Raises AssertionError when nothing faults, or something else.
    """
    caught = Caught()
    try:
        yield caught
    except Fault as fault:
        caught.record = fault.record
    if caught.record is None:
        raise AssertionError("expected a fault, and no module has faulted")
    record = caught.record
    if kind is not None and record.kind != kind:
        raise AssertionError(f"expected a fault ({FaultKind(kind).name}), and "
                             f"it is {record!r}")
    if region is None:
        return
    if offset is None:
        right = 0 <= record.address - region.base < region.length
    else:
        right = record.address == region.base + offset
    if not right:
        raise AssertionError(
            f"expected a fault at offset {offset} of {region!r}, and it is at "
            f"offset {record.address - region.base}: {record!r}")
