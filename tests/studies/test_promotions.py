"""`audit promotions`: adopted proposals on fresh instances, beside what they replaced."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

import selftaught as st
from selftaught.app.core_thread import run as on_core_thread
from selftaught.app.discovery import Installed
from selftaught.app.series import run_repeated
from selftaught.core.errors import ConfigError
from selftaught.core.statistics import clopper_pearson
from selftaught.journal.reader import open_reader
from selftaught.pages.terminal import drawn
from selftaught.studies.promotions.page import promotions_section
from selftaught.studies.registry import find_study, studies
from selftaught.studies.verify import verify_store

SEED_IMPROVER = '''\
"""Ask once, take the best."""
from helpers import extract_code

WISH = "Better: "


def improve_algorithm(initial_solution, utility, language_model):
    texts = language_model.prompt("expert", WISH + initial_solution, n_responses=2)
    return max([initial_solution, *filter(None, extract_code(texts))], key=utility)
'''
