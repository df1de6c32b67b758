"""The attacks that there are: functions in `programs/`, a file a family.

    @settings(evaluations=2)
    def read_passwd(question):
        '''What it tries, in one line.'''
        return "root" in open("/etc/passwd").read()

Every function whose name does not begin with _ is an attack, and its parameters tell what it is run
as. A candidate gets through by returning True or the hidden answer to the question, by a trace that
the host finds, or by making the next program wrong; one without parameters is called while it is
loaded, and returns the candidate. An improver gets through by returning "THROUGH", or by getting
more than its limits from the host. `attempted()` tells the host that the forbidden step comes next;
of an attack that does not call it, that is where it begins.
"""

from __future__ import annotations

import ast
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal, TypeAlias

Role: TypeAlias = Literal["candidate", "improver"]

# By its parameters: what an attack is run as, and the last line that makes a program of its family.
_KINDS: dict[tuple[str, ...], tuple[Role, str]] = {
    (): ("candidate", "algorithm = {}()"),
    ("question",): ("candidate", "algorithm = attack.begun({})"),
    ("initial_solution", "utility", "language_model"): (
        "improver",
        "improve_algorithm = attack.begun({})",
    ),
}


@dataclass(frozen=True, slots=True)
class Attack:
    """One hostile program.

    Attributes:
        source: the text of the family, which ends with the choice of this one.
        evaluations: candidates only: how many fresh guests it is run in, one after the other.
        calls: candidates only: how often it is called in each.
        lingers_s: how long after its end the host waits before it looks for traces.
        seconds: CPU seconds of a call, where the usual limit is too short for what it tries.
    """

    name: str
    tries: str
    family: str
    source: str
    role: Role
    evaluations: int = 1
    calls: int = 1
    lingers_s: float = 0.0
    seconds: float | None = None
    machine: str | None = None

    @property
    def runs_here(self) -> bool:
        return self.machine in (None, platform.machine())


@dataclass(frozen=True, slots=True)
class Verdict:
    """One attack in one place.

    Attributes:
        attempted: whether it came to the step that it is about. One that did not proves nothing.
        through: how it got through, or None if it was blocked.
    """

    attempted: bool
    through: str | None
    detail: str = ""

    @property
    def blocked(self) -> bool:
        return self.attempted and self.through is None

    @property
    def word(self) -> str:
        """`got through`, `not attempted` or `blocked`."""
        if self.through is not None:
            return "got through"
        return "blocked" if self.attempted else "not attempted"


def load_attacks() -> list[Attack]:
    """All attacks, by name.

    Raises: ValueError if one does not say what it is.
    """
    folder = resources.files("selftaught.attacks") / "programs"
    families = {
        file.name.removesuffix(".py").replace("_", " "): file.read_text(encoding="utf-8")
        for file in folder.iterdir()
        if file.name.endswith(".py")
    }
    found = [attack for name, text in families.items() for attack in read_family(name, text)]
    return sorted(found, key=lambda attack: attack.name)


def read_family(family: str, text: str) -> Iterator[Attack]:
    """Those of a text. Raises: ValueError; TypeError if there is no such setting."""
    for node in ast.parse(text).body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        tries = ast.get_docstring(node)
        if not tries or "\n" in tries:
            raise ValueError(f"{family}: {node.name} must say what it tries, in one line")
        parameters = tuple(one.arg for one in node.args.args)
        if parameters not in _KINDS:
            raise ValueError(f"{family}: {node.name} takes what no attack is given")
        role, choice = _KINDS[parameters]
        source = f"{text}\n\n{choice.format(node.name)}\n"
        yield Attack(node.name, tries, family, source, role, **_settings(node))


def _settings(function: ast.FunctionDef) -> dict[str, Any]:
    """What its decorator, `settings`, says."""
    return {
        str(setting.arg): ast.literal_eval(setting.value)
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call)
        for setting in decorator.keywords
    }
