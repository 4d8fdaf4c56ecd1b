# SPDX-License-Identifier: Apache-2.0
"""A time limit for each test, and the mark of those that only `make check-full` runs.

A test may set its own limit: @pytest.mark.limit(seconds), of an idle host: it ends what would go on
for ever. A host may be slow or stand still for a while, hence PATIENCE; CORBEL_TIMEOUT_SCALE
stretches all.
"""
import os
import signal

import pytest

DEFAULT_LIMIT_S = 180
PATIENCE = 4 * float(os.environ.get("CORBEL_TIMEOUT_SCALE", "1"))


class TooLong(BaseException):
    """Raised by the alarm; no handler of Exception swallows it."""


def pytest_configure(config):
    """Declare the marks."""
    config.addinivalue_line("markers", "limit(seconds): time limit of this test")
    config.addinivalue_line("markers", "full: only in make check-full")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """Arm the alarm around set-up, call and tear-down of one test."""
    mark = item.get_closest_marker("limit")
    seconds = (mark.args[0] if mark else DEFAULT_LIMIT_S) * PATIENCE
    item.limit_s = seconds

    def late(_signal, _frame):
        raise TooLong()

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """Turn the alarm into an ordinary failure, so that fixtures are torn down."""
    outcome = yield
    if outcome.excinfo and outcome.excinfo[0] is TooLong:
        outcome.force_exception(AssertionError(f"no end after {pyfuncitem.limit_s:.0f} s"))
