"""The options that `run` and `improve` share, and the settings that options and file make."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from selftaught.cli.provider_options import provider_options
from selftaught.cli.sections import ABOVE_0, AT_LEAST_1, all_of, option

if TYPE_CHECKING:
    from selftaught.app.config import ProviderConfig

    C = TypeVar("C", bound=ProviderConfig)

# Shown in help pages, which must not wait for the configuration to load; a test compares them.
DEFAULT_STORE = "sqlite:///selftaught.db"
DEFAULT_TASKS = "flow_shop, descent and local_cut"


_BUDGET = "Budget of the whole run (none by default)"
_LIMITS = "Limits of each improver run"
_SANDBOX = "Limits of each generated program"
_MACHINE = "Where it runs and what it writes"

# Option, as click names it, and the setting that it gives; the dot is a section of the file.
SETTINGS = {
    "tasks": "tasks",
    "model": "model",
    "improver": "improver",
    "iterations": "iterations",
    "accept": "accept",
    "repeats": "repeats",
    "baselines": "baselines",
    "patience": "patience",
    "seed": "seed",
    "store": "store",
    "base_url": "base_url",
    "api_key_file": "api_key_file",
    "max_tokens": "max_tokens",
    "reasoning_effort": "reasoning_effort",
    "model_args": "model_args",
    "price_in": "price_in",
    "price_out": "price_out",
    "request_timeout_s": "request_timeout_s",
    "concurrency": "concurrency",
    "prompt_kb": "prompt_kb",
    "tier": "tier",
    "slots": "slots",
    "search_runs": "runs.search",
    "val_runs": "runs.val",
    "test_runs": "runs.test",
    "lm_calls": "budget.lm_calls",
    "samples": "budget.samples",
    "tokens": "budget.tokens",
    "usd": "budget.usd",
    "wall_s": "budget.wall_s",
    "calls": "limits.calls",
    "samples_per_call": "limits.samples_per_call",
    "utility_uses": "limits.utility_uses",
    "cpu_s": "limits.cpu_s",
    "instance_key": "instance_key",
    "call_cpu_s": "sandbox.cpu_s",
    "call_wall_s": "sandbox.wall_s",
    "memory_mb": "sandbox.memory_mb",
    "threads": "sandbox.threads",
    "output_mb": "sandbox.output_mb",
    "answer_mb": "sandbox.answer_mb",
    "tmpdir_mb": "sandbox.tmpdir_mb",
    "modules": "sandbox.modules",
}


json_option = option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else."
)

reading_store_option = option(
    "--store",
    metavar="URL",
    default=DEFAULT_STORE,
    help=f"Where the runs are kept.  [default: {DEFAULT_STORE}]",
)

what_options = all_of(
    option("--model", metavar="PROVIDER:NAME", help="Language model.  [default: local:mutator]"),
    option(
        "--improver",
        metavar="NAME|FILE|RUN",
        help="Improver to begin with: a name, a file, or the best one of a run.  [default: seed]",
    ),
)

common_options = all_of(
    option(
        "--seed",
        type=click.IntRange(min=0),
        metavar="N",
        help="Of everything random.  [default: 0]",
    ),
    option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Settings in TOML; options win over them.",
    ),
    json_option,
    provider_options,
    option(
        "--lm-calls",
        section=_BUDGET,
        type=AT_LEAST_1,
        metavar="N",
        help="Calls of the language model.",
    ),
    option("--samples", section=_BUDGET, type=AT_LEAST_1, metavar="N", help="Responses drawn."),
    option(
        "--tokens", section=_BUDGET, type=AT_LEAST_1, metavar="N", help="Input and output tokens."
    ),
    option("--usd", section=_BUDGET, type=ABOVE_0, metavar="X", help="Money, US dollars."),
    option("--wall-s", section=_BUDGET, type=ABOVE_0, metavar="S", help="Seconds by the clock."),
    option(
        "--calls", section=_LIMITS, type=AT_LEAST_1, metavar="N", help="Model calls.  [default: 4]"
    ),
    option(
        "--samples-per-call",
        section=_LIMITS,
        type=AT_LEAST_1,
        metavar="N",
        help="Responses a model call.  [default: 6]",
    ),
    option(
        "--utility-uses",
        section=_LIMITS,
        type=AT_LEAST_1,
        metavar="N",
        help="Programs that it may score.  [default: 25]",
    ),
    option(
        "--cpu-s",
        section=_LIMITS,
        type=ABOVE_0,
        metavar="S",
        help="CPU seconds of its own.  [default: 60]",
    ),
    option(
        "--prompt-kb",
        section=_LIMITS,
        type=AT_LEAST_1,
        metavar="N",
        help="Size of a prompt, in KiB.  [default: 256]",
    ),
    option(
        "--call-cpu-s",
        section=_SANDBOX,
        type=ABOVE_0,
        metavar="S",
        help="CPU seconds of a call, where the utility sets none.  [default: 1]",
    ),
    option(
        "--call-wall-s",
        section=_SANDBOX,
        type=ABOVE_0,
        metavar="S",
        help="Seconds of a call by the clock.  [default: 10 x its CPU, at least 5]",
    ),
    option(
        "--memory-mb",
        section=_SANDBOX,
        type=AT_LEAST_1,
        metavar="N",
        help="Address space.  [default: 1024]",
    ),
    option(
        "--threads", section=_SANDBOX, type=AT_LEAST_1, metavar="N", help="Threads.  [default: 32]"
    ),
    option(
        "--output-mb",
        section=_SANDBOX,
        type=ABOVE_0,
        metavar="X",
        help="What it may print.  [default: 1]",
    ),
    option(
        "--answer-mb",
        section=_SANDBOX,
        type=ABOVE_0,
        metavar="X",
        help="The longest answer or request.  [default: 16]",
    ),
    option(
        "--tmpdir-mb",
        section=_SANDBOX,
        type=click.IntRange(min=0),
        metavar="N",
        help="A private temporary folder of this size for candidates; 0 for none.  [default: 0]",
    ),
    option(
        "--module",
        "modules",
        section=_SANDBOX,
        multiple=True,
        metavar="NAME",
        help="A module or package that it can import besides; may be given again.",
    ),
    option(
        "--instance-key",
        section=_MACHINE,
        metavar="KEY",
        help="Instances derive from it and the seed; public: from the seed alone.  "
        "[default: one of your own]",
    ),
    option(
        "--store",
        section=_MACHINE,
        metavar="URL",
        help=f"Where runs are kept.  [default: {DEFAULT_STORE}]",
    ),
    option(
        "--tier",
        section=_MACHINE,
        type=click.Choice(["auto", "namespaced", "sealed"]),
        help="Sandbox; auto takes the strongest that works here.  [default: auto]",
    ),
    option(
        "--slots",
        section=_MACHINE,
        type=AT_LEAST_1,
        metavar="N",
        help="Candidates at a time.  [default: one a core]",
    ),
)


def configured(kind: type[C], options: Mapping[str, Any]) -> C:
    """The configuration that the file and, over it, the options make.

    Args:
        kind: RunConfig, ImproveConfig or ProviderConfig.
        options: values by click's names; None, and what is no setting, sets nothing.
    Raises: ConfigError.
    """
    from selftaught.app.config import make_config

    return make_config(kind, given_settings(kind, options))


def given_settings(kind: type[C], options: Mapping[str, Any]) -> dict[str, Any]:
    """What the file and, over it, the options set, and nothing else; arguments as above."""
    from selftaught.app.config import make_config, merged, read_toml
    from selftaught.core.errors import ConfigError

    path: Path | None = options.get("config")
    base: dict[str, Any] = {}
    if path is not None:
        base = read_toml(path)
        try:
            make_config(kind, base)
        except ConfigError as error:
            raise ConfigError(f"configuration {path}: {error}") from None
    return merged(base, settings(options))


def settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, nested as in a configuration file."""
    nested: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        value = options.get(name)
        if value is None or value in ((), {}):
            continue
        section, dot, key = setting.rpartition(".")
        (nested.setdefault(section, {}) if dot else nested)[key] = value
    return nested
