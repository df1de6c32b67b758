"""What can be done from a page: stop a run, go on with it, start one; each as the command it is."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from selftaught.analysis.run_head import RUNNING, RunHead
from selftaught.app.discovery import provider_names, providers, task_names
from selftaught.core.errors import ConfigError
from selftaught.pages import words
from selftaught.pages.markup import Html, joined, tag
from selftaught.studies.common_config import DEFAULT_MODEL, BudgetConfig
from selftaught.studies.improvers import improver_names
from selftaught.studies.next_command import next_command
from selftaught.studies.registry import studies
from selftaught.web.ui.commands import Act, Acts
from selftaught.web.ui.frame import Parts, View, command, facts, listing, run_link, section, table
from selftaught.web.ui.glance import Glance
from selftaught.web.ui.watch import Watcher

_LIMITS = tuple(one.name for one in fields(BudgetConfig))
_LABELS = dict(zip(_LIMITS, ("Model calls", "Samples", "Tokens", "USD", "Seconds"), strict=True))
_ACCEPTS = ("strict", "certified", "revert", "paper")
_STARTED = ("improve", "run")
_NOT_HERE = ("callable", "scripted")  # models that a path or a function names


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that a form asks for: its arguments, and what it does and costs in words."""

    arguments: tuple[str, ...]
    told: str

    @property
    def typed(self) -> str:
        return shlex.join(("selftaught", *self.arguments))


# --- of a run -----------------------------------------------------------------------------------


def act_parts(glance: Glance, head: RunHead, watcher: Watcher) -> Html:
    """What can be done with a run as it stands."""
    store = watcher.shown
    if head.state == RUNNING:
        waiting = sum(n for one in glance.open.values() for n, _ in one.asked.values())
        under_way = words.counted(waiting, "response")
        told = (
            "It ends in order, as Ctrl-C would end it. What is complete is kept, and it can be "
            f"gone on with. Cost: nothing new is asked of the model; {under_way} under way may be "
            "paid all the same."
        )
        form = _form(f"/run/{head.run_id}/stop", tag("button", "Stop this run"))
        typed = command(next_command("stop", head.run_id, store))
        return section("Act", tag("p", told), form, typed)
    study = studies().get(head.command)
    if study is None or head.state == "done":
        return section("Act", tag("p", "The run is done: there is nothing to do with it."))
    inputs = [
        _limit(name, getattr(glance.budget, name), f"spent: {_amount(glance.spent[name])}")
        for name in _LIMITS
    ]
    told = (
        "It goes on from what its journal holds; no response that is there is paid twice. A budget "
        "is that of the whole run, what is spent included. Cost: at most what is left of it."
    )
    button = tag("button", "Go on with this run")
    form = _form(f"/run/{head.run_id}/resume", tag("div", *inputs, class_="fields"), button)
    typed = command(f"{next_command('resume', head.run_id, store)} [--lm-calls N ...]")
    return section("Act", tag("p", told), form, typed)


def asked_to_stop(run_id: str) -> Asked:
    return Asked(("stop", run_id), f"stops run {run_id} in order; asks nothing of the model")


def asked_to_resume(run_id: str, glance: Glance, form: Mapping[str, str]) -> Asked:
    """Raises: ConfigError."""
    before = {name: said for name in _LIMITS if (said := _said(getattr(glance.budget, name)))}
    limits = before | _limits(form)  # what is left empty stays as it is
    given = {name: value for name, value in limits.items() if value != before.get(name)}
    arguments = [f"{_option(name)}={value}" for name, value in given.items()]
    left = [
        f"{max(0.0, float(value) - glance.spent[name]):,g} {_LABELS[name]} more"
        for name, value in limits.items()
    ]
    cost = f"at most {', '.join(left)}" if left else "no limit is set"
    return Asked(("resume", run_id, *arguments), f"goes on with run {run_id}; cost: {cost}")


# --- a new run ----------------------------------------------------------------------------------


def own_tasks(folder: Path) -> list[str]:
    """Python files of a folder that seem to define a task."""
    found = []
    for path in sorted(folder.glob("*.py")):
        try:
            said = path.read_text("utf-8", "replace")
        except OSError:
            continue
        if "Task(" in said and "\ntask" in said:
            found.append(path.name)
    return found


def start_view(folder: Path, store: str) -> View:
    """The form of a new run."""
    tasks = [*own_tasks(folder), *task_names()]
    known = [one for one in providers() if one["provider"] not in _NOT_HERE]
    kinds = tag("select", *_options(_STARTED, "improve"), name="kind", id="kind")
    picked = tag(
        "select", *_options(tasks, ""), name="task", id="task", multiple=True, size=8, required=True
    )
    model = tag("input", name="model", id="model", value=DEFAULT_MODEL, required=True)
    improver = tag("select", *_options(("", *improver_names()), ""), name="improver", id="improver")
    accept = tag("select", *_options(("", *_ACCEPTS), ""), name="accept", id="accept")
    inputs = (
        _field("kind", "What to do", kinds, "improve: one program; run: STOP, the improver itself"),
        _field("task", "Tasks", picked, "shipped ones and those of this folder; improve takes one"),
        _field("model", "Model", model, "PROVIDER:NAME; providers stand below"),
        _field("improver", "Improver", improver, "to begin with; else the usual one"),
        _field("iterations", "Steps", _number_input("iterations"), "of run; else 4"),
        _field("accept", "Accept", accept, "of run: how proposals are judged"),
        _field("seed", "Seed", _number_input("seed"), "else 0"),
        *(_limit(name, 50 if name == "lm_calls" else None, "") for name in _LIMITS),
    )
    acts = {"estimate": "Estimate its cost, and spend nothing", "start": "Start it"}
    buttons = [tag("button", said, name="act", value=act) for act, said in acts.items()]
    cost = "Cost: at most the budget that you give; without one, what the estimate says."
    form = _form("/start", tag("div", *inputs, class_="fields"), tag("p", cost), *buttons)
    typed = command(f"selftaught improve TASK --model M --lm-calls N --store {shlex.quote(store)}")
    rows = [
        (f"{one['provider']}:", ", ".join(one["environment"]) or "none", one["summary"])
        for one in known
    ]
    title, heads = "Models and their keys", ("provider", "variables that are set", "")
    parts = {"form": joined(form, typed), "keys": section(title, table(heads, rows, title))}
    return View("Start a run", parts, None, (("Runs", "/"),))


def asked_to_start(form: Mapping[str, str], tasks: Sequence[str], folder: Path) -> Asked:
    """The command of a form; nothing is taken that it did not offer. Raises: ConfigError."""
    kind, model = form.get("kind", ""), form.get("model", "").strip()
    _among(kind, _STARTED, "what to do")
    for task in tasks:
        _among(task, (*own_tasks(folder), *task_names()), "task")
    if not tasks or (kind == "improve" and len(tasks) > 1):
        raise ConfigError("choose a task; improve takes one")
    provider, _, name = model.partition(":")
    if provider not in provider_names() or not name or not name.isprintable():
        raise ConfigError(f"model {model!r} must be PROVIDER:NAME, such as {DEFAULT_MODEL}")
    if provider in _NOT_HERE or (provider == "gguf" and ("/" in name or "." in name)):
        raise ConfigError(f"model {model!r}: no files and no functions from here; type the command")
    given = {"model": model}
    for choice, offered in (("improver", improver_names()), ("accept", _ACCEPTS)):
        if form.get(choice) and (choice != "accept" or kind == "run"):
            given[choice] = _among(form[choice], offered, choice)
    for whole in ("seed", *(("iterations",) if kind == "run" else ())):
        if form.get(whole):
            given[whole] = _number(whole, form[whole], whole=True)
    limits = _limits(form)
    arguments = [f"--{name}={value}" for name, value in given.items()]
    arguments += [f"{_option(name)}={value}" for name, value in limits.items()]
    # A file of the folder is named as one, whatever installed task has its name.
    named = [f"./{one}" if one.endswith(".py") else one for one in tasks]
    if form.get("act") == "estimate":
        told = "tells what the run would take of the model; spends nothing"
        return Asked((kind, *named, *arguments, "--estimate"), told)
    cost = ", ".join(f"{_LABELS[name]} {value}" for name, value in limits.items())
    told = f"starts a run; cost: at most {cost}" if cost else "starts a run without a budget"
    return Asked((kind, *named, *arguments), told)


def _among(value: str, offered: Sequence[str], what: str) -> str:
    if value not in offered:
        raise ConfigError(f"{what} {value!r} is not offered: choose from {', '.join(offered)}")
    return value


def _limits(form: Mapping[str, str]) -> dict[str, str]:
    """The budget of a form. Raises: ConfigError."""
    return {
        name: _number(_LABELS[name], form[name], whole=name in ("lm_calls", "samples", "tokens"))
        for name in _LIMITS
        if form.get(name, "").strip()
    }


def _number(what: str, said: str, *, whole: bool) -> str:
    try:
        value = int(said) if whole else float(said)
    except ValueError:
        value = -1
    if not 0 <= value < 1e15:
        raise ConfigError(f"{what} must be a {'whole ' * whole}number, not {said!r}")
    return _said(value)


def _said(value: float | None) -> str:
    return "" if value is None else f"{value:.15g}"


def _amount(value: float) -> str:
    return f"{value:,.4g}" if value < 1 else f"{value:,.0f}"


def _option(limit: str) -> str:
    return f"--{limit.replace('_', '-')}"


# --- parts of forms -----------------------------------------------------------------------------


def _form(action: str, *children: object) -> Html:
    return tag("form", *children, method="post", action=action, class_="act")


def _field(name: str, label: str, control: Html, help_: str) -> Html:
    return tag("p", tag("label", label, for_=name), control, tag("small", help_))


def _limit(name: str, value: float | None, help_: str) -> Html:
    control = _number_input(name, _said(value), "any" if name in ("usd", "wall_s") else "1")
    return _field(name, _LABELS[name], control, help_ or "budget; empty: no limit")


def _number_input(name: str, value: str = "", step: str = "1") -> Html:
    return tag("input", name=name, id=name, value=value or None, type="number", min=0, step=step)


def _options(values: Sequence[str], chosen: str) -> list[Html]:
    return [tag("option", one or "usual", value=one, selected=one == chosen) for one in values]


# --- what was done ------------------------------------------------------------------------------


def acts_view(acts: Acts) -> View:
    async def draw() -> Parts:
        rows = [
            (
                tag("a", f"{one.number}", href=f"/acts/{one.number}"),
                time.strftime("%H:%M:%S", time.localtime(one.at)),
                _outcome(one),
                one.told,
                tag("code", one.typed),
            )
            for one in reversed(acts.all.values())
        ]
        if not rows:
            return {"acts": tag("p", "Nothing was done from this page yet.")}
        heads = ("", "at", "state", "what", "the command")
        return {"acts": table(heads, rows, "Acts")}

    return View("Acts", {}, draw, (("Runs", "/"),))


def act_view(act: Act) -> View:
    """One act, with what its command prints."""

    async def draw() -> Parts:
        run_id = act.run_id()
        told = facts(
            ("what", act.told),
            ("state", _outcome(act)),
            ("run", run_link(run_id) if run_id else "none is known yet"),
        )
        said = listing("What it printed", act.said() or "nothing yet")
        return {"act": joined(told, command(act.typed), said)}

    return View(f"Act {act.number}", {}, draw, (("Runs", "/"), ("Acts", "/acts")))


def _outcome(act: Act) -> Html:
    if act.code is None:
        return tag("span", "under way", class_="state running")
    if act.code == 0:
        return tag("span", "done", class_="state done")
    return tag("span", f"exit code {act.code}", class_="state failed")
