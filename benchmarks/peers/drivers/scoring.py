"""Scoring by the host, for evaluators that run in an engine's own environment."""

import json
import os
import urllib.request


def scored(program: str) -> dict:
    """`{"worth", "failed", "feedback", "parts"}`."""
    body = json.dumps({"program": program}).encode()
    request = urllib.request.Request(os.environ["PEERS_URL"] + "/score", body)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
