# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the system tests.

    python3 -m pytest tests/qemu -m "not full"      the fast tier (make check)
    python3 -m pytest tests/qemu                    all but the exhaustive matrix (make check-full)
    python3 -m pytest tests/qemu -m exhaustive      every machine of the matrix, once: hours
    python3 -m pytest tests/qemu --hv xen -k two    the same test against Debian's Xen

Files come from tools/fetch (build/guest) and tests/guest/Makefile (build/guest-payloads).
"""
import os
import re
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402


def pytest_addoption(parser):
    """--hv chooses what is booted."""
    parser.addoption("--hv", default="corbel", choices=["corbel", "xen"],
                     help="hypervisor under test [corbel]")
    parser.addoption("--resume", metavar="FILE",
                     help="skip the tests named in FILE, and add those that pass")


def passed_before(config):
    """The tests named in --resume's file."""
    path = config.getoption("--resume")
    if not path or not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as file:
        return set(file.read().split())


def pytest_runtest_makereport(item, call):
    """Keep the name of what has passed in --resume's file."""
    path = item.config.getoption("--resume")
    if path and call.when == "call" and call.excinfo is None:
        with open(path, "a", encoding="utf-8") as file:
            file.write(item.name + "\n")


def pytest_collection_modifyitems(config, items):
    """The exhaustive matrix takes hours: it runs only when it is asked for."""
    done = passed_before(config)
    config.hook.pytest_deselected(items=[item for item in items if item.name in done])
    items[:] = [item for item in items if item.name not in done]
    named = any("::" in arg for arg in config.args)
    if named or "exhaustive" in config.option.markexpr + config.option.keyword:
        return
    hours = [item for item in items if item.get_closest_marker("exhaustive")]
    config.hook.pytest_deselected(items=hours)
    items[:] = [item for item in items if item not in hours]


@pytest.fixture
def hv(request):
    """The hypervisor under test."""
    return request.config.getoption("--hv")


@pytest.fixture
def boot(request, hv):
    """boot(config, limit=seconds, hv=...) starts a machine that ends with the test."""
    sessions = []

    def start(config, limit=60.0, hv=hv, **more):
        image = harness.HV_IMAGE.get(hv)
        if image and not os.path.exists(image):
            pytest.fail("%s is not built" % os.path.relpath(image, harness.ROOT))
        name = re.sub(r"[^A-Za-z0-9_.=-]+", "_", request.node.name.replace("test_", "", 1))
        name += "-%d" % len(sessions) if sessions else ""
        vm = harness.Session(config, hv=hv, name=name.strip("_"), limit=limit, **more)
        sessions.append(vm)
        return vm.__enter__()

    yield start
    for vm in sessions:
        vm.close()
    for vm in sessions:
        vm.check_clean()
