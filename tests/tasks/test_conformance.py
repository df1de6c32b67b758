"""The small tasks that a run takes by default fulfil the contract of a task."""

from __future__ import annotations

from good_programs import known_good

from selftaught.tasks.bin_packing.task import task as bin_packing
from selftaught.tasks.descent.task import task as descent
from selftaught.tasks.flow_shop.task import task as flow_shop
from selftaught.tasks.local_cut.task import task as local_cut
from selftaught.testing.task_conformance import TaskConformance


class TestBinPacking(TaskConformance):
    task = bin_packing
    known_good = (known_good("bin_packing"), 0.925)


class TestFlowShop(TaskConformance):
    task = flow_shop
    known_good = (known_good("flow_shop"), 0.986)


class TestDescent(TaskConformance):
    task = descent
    known_good = (known_good("descent"), 1.0)


class TestLocalCut(TaskConformance):
    task = local_cut
    known_good = (known_good("local_cut"), 0.900)
