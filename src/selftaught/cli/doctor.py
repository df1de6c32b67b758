"""`selftaught doctor`: whether the sandbox works here."""

from __future__ import annotations

import click

from selftaught.cli.edge import DONE, NO_SANDBOX
from selftaught.cli.options import json_option
from selftaught.cli.sections import SectionedCommand


@click.command(cls=SectionedCommand, short_help="Try the sandbox, and say what works here.")
@json_option
def doctor(as_json: bool) -> int:
    """Try each tier of the sandbox with honest and hostile programs.

    Ends with exit code 0 if one works, and 4 if none does.
    """
    from selftaught.cli.health import examine, print_health
    from selftaught.cli.terminal import print_json, stdout

    health = examine()
    print_json(health) if as_json else print_health(stdout(), health)
    return DONE if health["usable"] else NO_SANDBOX
