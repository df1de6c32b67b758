"""The five tasks that ship with selftaught fulfil the contract of a task."""

from __future__ import annotations

from selftaught.tasks.bin_packing.task import task as bin_packing
from selftaught.tasks.descent.task import task as descent
from selftaught.tasks.flow_shop.task import task as flow_shop
from selftaught.tasks.local_cut.task import task as local_cut
from selftaught.tasks.parity_noise.task import task as parity_noise
from selftaught.testing.task_conformance import TaskConformance


class TestBinPacking(TaskConformance):
    task = bin_packing
    seed_score = (0.88, 0.98)


class TestParityNoise(TaskConformance):
    task = parity_noise
    seed_score = (0.4, 0.6)


class TestFlowShop(TaskConformance):
    task = flow_shop
    seed_score = (0.55, 0.82)


class TestDescent(TaskConformance):
    task = descent
    seed_score = (0.25, 0.65)


class TestLocalCut(TaskConformance):
    task = local_cut
    seed_score = (0.5, 0.65)
