"""`selftaught reproduce`: runs of STOP, then transfer of the best improver, as one protocol.

Nothing is kept of a protocol but its runs. Each part is looked for in the store by all that its
results follow from: what has ended is read, what was cut goes on, and what is not there is started.
So the same command goes on wherever it was stopped, and pays nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any

from selftaught.analysis.run_head import RunHead, read_head
from selftaught.app.discovery import Installed, load_task
from selftaught.app.estimates import estimated
from selftaught.app.instance_key import find_instance_key
from selftaught.app.resume import find_run, stored_config, stored_result
from selftaught.app.series import last_of_series, resume_study, run_repeated
from selftaught.core.budget import Usage
from selftaught.core.errors import ConfigError
from selftaught.core.program import Program
from selftaught.core.progress import Listener, Progress, silent
from selftaught.core.task import VERSION_SCHEMES, Task
from selftaught.journal.location import check_writable
from selftaught.journal.reader import open_reader
from selftaught.studies.common_config import CommonConfig
from selftaught.studies.improvers import load_improver
from selftaught.studies.results import has_ended
from selftaught.studies.settings import Section, Setting, as_json, make_config, merged, read_toml
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.study import Asked, NothingMeasured
from selftaught.studies.transfer.origin import Origin, asked_of, find_origin
from selftaught.studies.transfer.study import TransferConfig, TransferRunsConfig

Json = dict[str, Any]

# What may differ between two parts that are the same: where they run, and how fast. Tasks and
# improver are told by what they are, not by how they were named.
_NO_MATTER = frozenset(
    {"store", "tier", "slots", "concurrency", "request_timeout_s", "api_key_file", "api_key_env"}
    | {"tasks", "improver"}
)
_PRICES = frozenset({"price_in", "price_out"})  # which end a run only by a budget in USD


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


def shipped_protocol(name: str) -> Traversable:
    """The configuration file of a protocol that is shipped, such as `paper`."""
    return resources.files("selftaught") / "app" / "protocols" / f"{name}.toml"


def protocol_config(path: Path, given: Mapping[str, Any]) -> ProtocolConfig:
    """The protocol of a file, with what was given over the settings of its runs.

    Raises: ConfigError.
    """
    base = read_toml(path)
    try:
        make_config(ProtocolConfig, base)
    except ConfigError as error:
        raise ConfigError(f"protocol {path}: {error}") from None
    return make_config(ProtocolConfig, merged(base, {"run": dict(given)}))


async def reproduce(protocol: ProtocolConfig, listener: Listener = silent) -> Json:
    """Go through the protocol, or on with it; the object of `reproduce --json`.

    Raises: as `run_study`; NothingMeasured if the budget ended before anything was measured.
    """
    series = await run_or_go_on(protocol.run, listener)
    runs = series.get("runs", [series])
    best = best_run(runs)
    stands = None
    then = _NOTHING_TO_TRANSFER
    if best is not None:
        origin = find_origin(protocol.run.store, best["run_id"])
        stands = {
            "run_id": best["run_id"],
            "improver_id": best["best_improver_id"],
            "source": origin.improved.source,
        }
        then = await _transferred(protocol, origin, series, listener)
    return {
        "about": protocol.about.strip(),
        "state": series["state"] if series["state"] != "done" else then.state,
        "series": series,
        "best": stands,
        "transfer": then.result,
        "no_transfer": then.why_not,
        "published": {
            task.name: [asdict(reference) for reference in task.references]
            for task in map(load_task, protocol.run.tasks)
        },
        "usage": asdict(Usage(**series["usage"]) + then.usage),
        "wall_s": series["wall_s"] + then.wall_s,
    }


def best_run(runs: Sequence[Json]) -> Json | None:
    """The run whose last improver is best on val, among those that ended with another improver than
    they began with; None if there is none. Test takes no part in the choice."""
    other = [run for run in runs if run["best_improver_id"] != run["iterations"][0]["improver_id"]]
    return max(other, key=lambda run: float(run["iterations"][-1]["val"]["mean"]), default=None)


async def estimate_protocol(protocol: ProtocolConfig) -> Json:
    """What it would take of the model: with the seed improver in the place of improved ones."""
    run = protocol.run
    seed = load_improver(run.improver)
    transfer = TransferConfig(
        tasks=protocol.transfer.tasks, runs=protocol.transfer.runs, improved=seed.source
    )
    return await estimated(
        *(Asked(one, [load_task(name) for name in one.tasks], seed) for one in (run, transfer))
    )


# --- the parts ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Transferred:
    """What came of the transfer.

    Attributes:
        state: `done`, or `budget` if the budget ended it, or left nothing for it.
    """

    state: str
    result: Json | None = None
    why_not: str = ""
    usage: Usage = field(default_factory=Usage)
    wall_s: float = 0.0


_NOTHING_TO_TRANSFER = _Transferred(
    "done", why_not="every run stands with the improver that it began with"
)


async def run_or_go_on(config: RunConfig, listener: Listener) -> Json:
    """The result of a run or a series of this configuration; as `started_or_gone_on`."""
    tasks = [load_task(name) for name in config.tasks]
    asked = Asked(config, tasks, load_improver(config.improver))
    return await started_or_gone_on(asked, listener)


async def started_or_gone_on(asked: Asked[Any], listener: Listener) -> Json:
    """The result of what is asked: from the store if it has ended there, gone on with if it was
    cut, else of a run that is started. Raises: as `reproduce`.
    """
    found = _find(asked.config, asked.tasks, asked.improver)
    if found is None:
        return await run_repeated(asked, listener)
    _tell_found(listener, found)
    return await _gone_on(found, asked.config.store, asked.tasks, listener)


async def _transferred(
    protocol: ProtocolConfig, origin: Origin, series: Json, listener: Listener
) -> _Transferred:
    run = protocol.run
    spent = "the budget was spent before a task of it was measured"
    left = _left(run, Usage(**series["usage"]), series["wall_s"])
    if left is None:
        return _Transferred("budget", why_not=spent)
    given = {**as_json(protocol.transfer), "budget": left}
    given |= {"store": run.store, "tier": run.tier, "slots": run.slots}
    asked = asked_of(origin, given, Installed())
    try:
        result = await started_or_gone_on(asked, listener)
    except NothingMeasured:
        head = _find(asked.config, asked.tasks, asked.improver)
        assert head is not None  # it was started
        usage, wall_s = head.usage or Usage(), head.wall_s or 0.0
        return _Transferred("budget", None, spent, usage, wall_s)
    usage = Usage(**result["usage"])
    return _Transferred(result["state"], result, "", usage, result["wall_s"])


async def _gone_on(head: RunHead, store: str, tasks: Sequence[Task], listener: Listener) -> Json:
    """The result of a run, or of its series, from the journal as far as it has ended.

    Raises: NothingMeasured if it has ended with none.
    """
    if head.series is not None or not has_ended(head):
        last = last_of_series(find_run(store, head.run_id))
        return await resume_study(last, tasks, listener)
    result = stored_result(store, head.run_id)
    if result is None:
        raise NothingMeasured(f"run {head.run_id} was ended before anything was measured")
    return result


def _left(config: RunConfig, usage: Usage, wall_s: float) -> dict[str, Any] | None:
    """What is left of the budget; None if nothing is left of some part of it."""
    spent = {**asdict(usage), "tokens": usage.tokens_in + usage.tokens_out, "wall_s": wall_s}
    limits = asdict(config.budget)
    left = {name: most - spent[name] for name, most in limits.items() if most is not None}
    return left if all(amount > 0 for amount in left.values()) else None


def _find(config: CommonConfig, tasks: Sequence[Task], improver: Program) -> RunHead | None:
    """The newest run of the store that is of this configuration, or the first of such a series."""
    location = check_writable(config.store)
    if not location.holds_something():
        return None
    wanted = _identity(config, tasks)
    with open_reader(config.store) as reader:
        for run_id in reader.runs():
            head = read_head(reader, run_id)
            same = (
                head.command == config.command
                and head.improver_id == improver.id
                and _is_of(head, tasks)
                and (head.series is None or head.series.index == 0)
            )
            if same and _said(head, config.store, tasks) == wanted:
                return head
    return None


def _is_of(head: RunHead, tasks: Sequence[Task]) -> bool:
    """Whether a run is of these tasks, by the scheme of its own versions."""
    if head.task_names != tuple(task.name for task in tasks):
        return False
    scheme = head.version_scheme
    return scheme in VERSION_SCHEMES and [task.version for task in head.tasks] == [
        task.version_by(scheme) for task in tasks
    ]


def _said(head: RunHead, store: str, tasks: Sequence[Task]) -> dict[str, Any] | None:
    """The identity of a run; None if this selftaught does not read its configuration.

    It is read as for going on, so an option that came later has its default; its budget is that of
    its first start.
    """
    try:
        return _identity(stored_config(replace(head, last=head.start), store), tasks)
    except ConfigError:
        return None


def _identity(config: CommonConfig, tasks: Sequence[Task]) -> dict[str, Any]:
    """What the results of a configuration follow from, besides its tasks and its improver."""
    values = as_json(config.settled(len(tasks)))
    values["instance_key"] = find_instance_key(config.instance_key)
    left_out = _NO_MATTER if config.budget.usd else _NO_MATTER | _PRICES
    return {name: value for name, value in values.items() if name not in left_out}


def _tell_found(listener: Listener, head: RunHead) -> None:
    what = "series" if head.series else "run"
    listener(Progress("notice", {"detail": f"{what} {head.run_id} is in the store already"}))
