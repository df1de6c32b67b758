"""The options that say how a model's provider is asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from selftaught.cli.sections import ABOVE_0, AT_LEAST_1, all_of, option

_MODEL = "The language model"


def parsed_arguments(pairs: Sequence[str]) -> dict[str, Any]:
    """`K=V` pairs, each V as JSON or, if it is none, as it stands.

    Raises: click.BadParameter for what is no pair.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"{pair!r} must be written K=V")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


provider_options = all_of(
    option(
        "--base-url",
        section=_MODEL,
        metavar="URL",
        help="Server that speaks the provider's protocol, such as http://127.0.0.1:8000/v1.  "
        "[default: the provider's own, or its environment variable]",
    ),
    option(
        "--api-key-file",
        section=_MODEL,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Holds the key; only you may read it.  [default: the environment]",
    ),
    option(
        "--max-tokens",
        section=_MODEL,
        type=AT_LEAST_1,
        metavar="N",
        help="Output tokens a response at most.  [default: 4096]",
    ),
    option(
        "--reasoning-effort",
        section=_MODEL,
        metavar="WORD",
        help="Such as low, medium or high.  [default: the model's]",
    ),
    option(
        "--model-arg",
        "model_args",
        section=_MODEL,
        multiple=True,
        metavar="K=V",
        callback=lambda context, option, value: parsed_arguments(value),
        help="A further argument of each request, V in JSON or a word; may be given again.",
    ),
    option(
        "--price-in",
        section=_MODEL,
        type=click.FloatRange(min=0),
        metavar="X",
        help="USD per million input tokens.  [default: the published price]",
    ),
    option(
        "--price-out",
        section=_MODEL,
        type=click.FloatRange(min=0),
        metavar="X",
        help="USD per million output tokens.  [default: the published price]",
    ),
    option(
        "--request-timeout-s",
        section=_MODEL,
        type=ABOVE_0,
        metavar="S",
        help="Seconds that one request may take.  [default: 600]",
    ),
    option(
        "--concurrency",
        section=_MODEL,
        type=AT_LEAST_1,
        metavar="N",
        help="Requests at once, at most; fewer while the provider says that it is too many.  "
        "[default: 32]",
    ),
)
