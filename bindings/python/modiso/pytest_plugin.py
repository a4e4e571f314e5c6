# SPDX-License-Identifier: MIT
"""For pytest, which finds it by its entry point, or by -p modiso.pytest_plugin
where the package is not installed: the fixture expect_fault."""

import pytest


@pytest.fixture(name="expect_fault")
def fixture():
    """modiso.expect_fault(), see there."""
    from .testing import expect_fault
    return expect_fault
