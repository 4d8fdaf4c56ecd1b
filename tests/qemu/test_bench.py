# SPDX-License-Identifier: Apache-2.0
"""What tools/bench.py measures repeats to the instruction: two runs, the same counts."""
import dataclasses

import pytest

import bench_figures
import bench_run
from harness import HV_IMAGE


@pytest.mark.fast
def test_repeats():
    """Regions of the payload: guest's and hypervisor's instructions, exits, accesses. (Of a debug
    image here; `make bench BENCH_ARGS=--repeat` does it with all figures of the release image.)"""
    bench_run.check_inputs()
    corbel = dataclasses.replace(bench_run.HYPERVISORS["corbel"], image=HV_IMAGE["corbel"])
    first, second = bench_figures.micro(corbel), bench_figures.micro(corbel)
    assert len(first) >= 20 and first["hvc_psci_version"]["exits"] == 1
    assert first == second
    assert bench_figures.ipi_time(corbel) == bench_figures.ipi_time(corbel)
