"""The configuration of `selftaught reproduce`: a protocol of runs and what follows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from selftaught.studies.settings import Section, Setting
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.transfer.study import TransferRunsConfig


@dataclass(frozen=True, kw_only=True)
class ProtocolTransferConfig(Section):
    """What is transferred to, and how often; all else is as in the run."""

    tasks: Annotated[tuple[str, ...], Setting(min_length=1)]
    runs: TransferRunsConfig = field(default_factory=TransferRunsConfig)


@dataclass(frozen=True, kw_only=True)
class ProtocolConfig(Section):
    """`selftaught reproduce`: runs of STOP, then transfer of the best improver.

    Attributes:
        about: what it shows and what it does not, for whoever reads its results.
        run: its budget is that of the whole protocol.
    """

    about: str = ""
    run: RunConfig
    transfer: ProtocolTransferConfig
