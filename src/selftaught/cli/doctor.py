"""`selftaught doctor`: whether the sandbox works here, and whether it holds."""

from __future__ import annotations

import click

from selftaught.cli.edge import DONE, FAILED, NO_SANDBOX
from selftaught.cli.options import SectionedCommand, json_option, option


@click.command(cls=SectionedCommand, short_help="Try the sandbox, and say what works here.")
@option(
    "--attack",
    is_flag=True,
    help="Run the suite of hostile programs in each tier that works; half a minute.",
)
@option(
    "--controls",
    is_flag=True,
    help="With --attack: run them also where little holds them, to see them get through. They "
    "harm nothing; a minute more.",
)
@json_option
def doctor(attack: bool, controls: bool, as_json: bool) -> int:
    """Try each tier of the sandbox with honest and hostile programs.

    Ends with exit code 0 if a tier works (and, with --attack, if every hostile program was blocked
    in each tier that works), 4 if none does, 1 if a hostile program was not blocked.
    """
    from selftaught.cli.health import examine, health_blocks
    from selftaught.cli.terminal import print_blocks, print_json

    if controls and not attack:
        raise click.UsageError("--controls goes with --attack")
    health = examine()
    if not as_json:
        print_blocks(*health_blocks(health))
    if attack and health["usable"]:
        from selftaught.cli.attacks import attacks_blocks, run_attacks

        tiers = [tier["tier"] for tier in health["tiers"] if tier["usable"]]
        health["attacks"] = run_attacks(tiers, controls=controls)
        if not as_json:
            click.echo()
            print_blocks(*attacks_blocks(health["attacks"]))
    if as_json:
        print_json(health)
    if not health["usable"]:
        return NO_SANDBOX
    return DONE if health.get("attacks", {}).get("all_blocked", True) else FAILED
