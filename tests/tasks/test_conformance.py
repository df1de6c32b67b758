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


class TestParityNoise(TaskConformance):
    task = parity_noise


class TestFlowShop(TaskConformance):
    task = flow_shop


class TestDescent(TaskConformance):
    task = descent


class TestLocalCut(TaskConformance):
    task = local_cut
