"""The entry point of `selftaught`. Nothing heavy is imported here, so that `--help` is quick."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from selftaught import __version__
from selftaught.cli import edge
from selftaught.cli.audit import audit
from selftaught.cli.copy import copy
from selftaught.cli.doctor import doctor
from selftaught.cli.listing import models, runs, tasks
from selftaught.cli.new import new_improver, new_task
from selftaught.cli.options import OrderedGroup
from selftaught.cli.report import report
from selftaught.cli.reproduce import reproduce
from selftaught.cli.resume import replay, resume
from selftaught.cli.serve_model import serve_model
from selftaught.cli.show import show
from selftaught.cli.stop import stop
from selftaught.cli.strategies import strategies_command
from selftaught.cli.study_command import add_study, unusable_command
from selftaught.cli.ui import ui
from selftaught.cli.verify import verify
from selftaught.studies.registry import studies, unusable

_COMMANDS: tuple[click.Command, ...] = (
    *(tasks, models, doctor, runs, show, ui),
    *(stop, resume, replay, verify, copy),
    *(strategies_command(), reproduce),
    report,
    *(new_task, new_improver),
    serve_model,
)


@click.group(
    cls=OrderedGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.option(
    "--traceback",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=lambda context, option, value: edge.show_tracebacks() if value else None,
    help="Show the traceback of an unexpected error (also SELFTAUGHT_TRACEBACK=1).",
)
@click.pass_context
def selftaught(context: click.Context) -> None:
    """STOP, the Self-Taught Optimizer: a program that improves programs, run on itself.

    Generated programs run in a sandbox, and nowhere else.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _study in studies().values():
    add_study(selftaught, _study, {"audit": audit})
for _name in unusable():
    selftaught.add_command(unusable_command(_name))
for _command in _COMMANDS:
    selftaught.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    sys.exit(edge.run(selftaught, arguments))
