"""An evaluator and a program in OpenEvolve's form as a task.

The evaluator is the user's trusted code, and runs unchanged in a process of its own. The file that
it is given stands for the candidate, which runs in the sandbox (see `stub`).
"""

from __future__ import annotations

import ast
import copy
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selftaught.core.errors import ConfigError
from selftaught.core.own_files import read_python
from selftaught.core.task import Task
from selftaught.core.utility import Measure, SandboxedProgram
from selftaught.evaluators.settings import NO_SETTINGS, read_config

if TYPE_CHECKING:
    import numpy as np

PREFIX = "openevolve:"
# Of an evaluation, where no config says it, as there; and of one call of the candidate.
_EVALUATION_S = 300.0
_CALL_CPU_S = 10.0
# Programs that are none of Python's, and nothing that an evaluator would run.
_TEXTS = (".txt", ".md", ".json", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".jinja", ".prompt")
_ODD = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class OpenEvolve:
    """A utility that asks an evaluator's `evaluate(program_path)`, or its stages.

    Attributes:
        evaluator: the file.
        suffix: of the files that it is given.
        timeout_s: seconds by the clock that an evaluation may take.
        cpu_s: CPU seconds of a call of the candidate, unless the sandbox's limit is higher.
        thresholds: of the stages; None where they are not used.
    """

    evaluator: Path
    suffix: str = ".py"
    timeout_s: float = _EVALUATION_S
    cpu_s: float = _CALL_CPU_S
    thresholds: tuple[float, ...] | None = NO_SETTINGS.thresholds

    @property
    def place(self) -> tuple[Path, int]:
        return self.evaluator, 1

    @property
    def own_files(self) -> tuple[Path, ...]:
        """What a task's version covers."""
        return (self.evaluator,)

    def __call__(self, program: SandboxedProgram | str, rng: np.random.Generator) -> Measure:
        """The evaluator's score; a generator is drawn from if the evaluator did so."""
        from selftaught.evaluators.evaluation import evaluated

        measure, drew = evaluated(self, program, int(copy.deepcopy(rng).integers(1 << 32)))
        if drew:
            rng.integers(1 << 32)
        return measure


def from_openevolve(
    program: str | Path, evaluator: str | Path, config: str | Path | None = None, **task: Any
) -> Task:
    """A task from an initial program, an evaluator and, if there is one, a config.yaml.

    Of the config it takes what is said of the evaluation and the system message, which becomes the
    description; without one that is what the evaluator's docstrings say. Budget and model are those
    of the run. Between `# EVOLVE-BLOCK-START` and `END` alone a program is changed.

    Args:
        program: the file; of text, such as a prompt in a .txt, it is handed on as it is.
        task: what else `Task` takes, such as `description` or `name`.
    Raises: ConfigError.
    """
    path, file = Path(program), Path(evaluator).resolve()
    seed, text = _read(path), read_python(file)
    if text is None:
        raise ConfigError(f"the evaluator {evaluator} cannot be read as Python")
    if path.suffix not in (".py", *_TEXTS):
        raise ConfigError(
            f"{path.name}: programs are Python, which runs in the sandbox, or texts "
            f"({' '.join(_TEXTS)}); for what the evaluator itself would run, make a task of your "
            'own with kind="text"'
        )
    settings = NO_SETTINGS if config is None else read_config(Path(config))
    if str(file.parent) not in sys.path:  # where its own modules are, which the version covers
        sys.path.append(str(file.parent))
    utility = OpenEvolve(
        evaluator=file,
        suffix=path.suffix,
        timeout_s=settings.timeout_s or _EVALUATION_S,
        cpu_s=settings.timeout_s or _CALL_CPU_S,
        thresholds=settings.thresholds,
    )
    is_python = path.suffix == ".py"
    made = {
        "name": _name(file),
        "seed": seed,
        "utility": utility,
        "range": (-float("inf"), float("inf")),
        "description": settings.description or _docstrings(text, file),
        "utility_wall_s": 2 * utility.timeout_s + 300,  # it has a watch of its own
        **({"entry": _entry(seed, text, path)} if is_python else {"kind": "text"}),
    }
    return Task(**{**made, **task})


def task_name(files: Sequence[Path]) -> str:
    """By which `load_task` finds it. Raises: ConfigError."""
    if odd := [str(file) for file in files if ":" in str(file)]:
        raise ConfigError(f"{odd[0]}: rename it, since a colon stands between files")
    return PREFIX + ":".join(map(str, files))


def task_named(name: str) -> Task:
    """The task of such a name. Raises: ConfigError."""
    files = name.removeprefix(PREFIX).split(":")
    if len(files) not in (2, 3):
        raise ConfigError(f"{name!r} must be {PREFIX}PROGRAM:EVALUATOR[:CONFIG]")
    return from_openevolve(*files)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the program {path}: {error}") from None


def _name(evaluator: Path) -> str:
    """The folder's, as the files have the same names everywhere."""
    folder = evaluator.parent
    names = [folder.name] if folder.name[:1].isalpha() else [folder.parent.name, folder.name]
    name = _ODD.sub("_", "_".join(names)).strip("_-")[:48]
    return name if name[:1].isalpha() else "openevolve"


def _docstrings(evaluator: str, file: Path) -> str:
    tree = ast.parse(evaluator)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    documented: list[ast.Module | ast.FunctionDef] = [
        tree,
        *(node for node in functions if node.name == "evaluate"),
    ]
    found = [said for node in documented if (said := ast.get_docstring(node))]
    return "\n\n".join(found) or f"The score of {file.name}, which is not shown."


def _entry(seed: str, evaluator: str, path: Path) -> str:
    """The function by which replies are known: one that the evaluator names, or else the last.

    Raises: ConfigError if the program has none.
    """
    try:
        statements = ast.parse(seed).body
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno} is not Python: {error.msg}") from None
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = [node.name for node in statements if isinstance(node, kinds)]
    if not names:
        raise ConfigError(f"{path} defines no function, by which programs in replies are known")
    for said in (r"\.{}\b", r"\b{}\b"):
        for name in names:
            if re.search(said.format(re.escape(name)), evaluator):
                return name
    return names[-1]
