"""The server on its own: one JSON line when it listens, one with the counts when it ends."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from dataclasses import asdict
from types import FrameType
from typing import Any

from model_server.fault import Fault
from model_server.plans import ALL, at_random
from model_server.server import ModelServer


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; `GET /counts` tells the counts meanwhile."""
    options = _parser().parse_args(arguments)
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    server = ModelServer(
        plan=at_random(options.fail, options.seed, options.faults or ALL),
        latency_s=options.latency,
        host=options.host,
        port=options.port,
        keep_served=False,
    )
    with server:
        _tell(
            {
                "base_url": server.base_url,
                "anthropic_url": server.anthropic_url,
                "azure_url": server.root_url,
                "counts_url": f"{server.root_url}/counts",
            }
        )
        stop.wait()
    _tell(asdict(server.counts()))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model_server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (%(default)s)")
    parser.add_argument("--fail", type=float, default=0.0, help="share of requests with a fault")
    parser.add_argument("--seed", type=int, default=0, help="decides which ones")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that an answer takes")
    parser.add_argument(
        "--faults",
        type=_fault,
        nargs="+",
        metavar="NAME",
        help="all by default: " + ", ".join(fault.name for fault in ALL),
    )
    return parser


def _fault(name: str) -> Fault:
    for fault in ALL:
        if fault.name == name:
            return fault
    raise argparse.ArgumentTypeError(f"there is no fault {name!r}")


def _tell(facts: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
