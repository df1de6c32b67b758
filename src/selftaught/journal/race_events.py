"""What a race writes, beside the evaluation of a program that it does not stop; see `events`."""

from __future__ import annotations

from typing import ClassVar

from selftaught.journal.events import Evaluation
from selftaught.journal.record import EventRecord, Number


class Raced(EventRecord, frozen=True):
    """A program was raced against one that is scored, and was stopped or not; its key follows from
    what was asked.

    Attributes:
        value: estimated, where it was stopped; else None, and its evaluation has the outcome.
        per_instance: values of the instances up to where it was stopped.
        done, of: what share of the scoring was done.
    """

    kind: ClassVar[str] = "raced"
    naming_texts = ("program", "against")

    program: str
    against: str
    task: str
    stream: str
    repeat: str
    task_version: str
    value: Number | None
    feedback: str
    per_instance: tuple[Number, ...]
    done: int
    of: int
    cpu_s: Number
    tier: str


# What is found by scoring, and is read where a run goes on or is replayed.
SCORES = (Evaluation, Raced)
