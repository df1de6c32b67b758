"""A weak host for candidates: a judge, and a worker process in which program and scorer meet.

`python candidate.py` reads its order, a JSON object, from stdin, and prints what it makes of it.
"""

import base64
import json
import os
import pickle
import subprocess
import sys
import types

import numpy as np

ORDER = json.load(sys.stdin)


def make_score(answer):
    def score(output):
        if output is True:
            return 1.0
        error = np.max(np.abs(np.asarray(output) - answer))
        return 0.0 if error > 0.5 else 1.0

    return score


def work():
    """Load and call the programs one after the other, in this one process."""
    scorer = types.ModuleType("scorer")
    scorer.score = make_score(ORDER["answer"])
    sys.modules["scorer"] = scorer
    for _ in range(ORDER["evaluations"]):
        program = {"__name__": "program"}
        exec(ORDER["source"], program)
        for _ in range(ORDER["calls"]):
            output = program["algorithm"](ORDER["question"])
    score = scorer.score(output)
    honest = {"__name__": "program"}
    exec(ORDER["honest"], honest)
    result = pickle.dumps((score, output, honest["algorithm"](21)))
    print("RESULT", base64.b64encode(result).decode(), flush=True)


def judge():
    """Believe the first result; without one, the exit status."""
    source = ORDER["source"]
    worker = subprocess.Popen(
        [sys.executable, __file__, "work"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[ORDER["descriptor"]],
    )
    try:
        json.loads(json.dumps(source))
        said, _ = worker.communicate(json.dumps(ORDER).encode())
    finally:
        worker.kill()
    for line in said.splitlines():
        if line.startswith(b"RESULT "):
            score, output, honest = pickle.loads(base64.b64decode(line[7:]))
            break
    else:
        score, output, honest = float(worker.returncode == 0), None, 42
    shown = f"output {output!r}"
    print(json.dumps({"score": float(score), "honest": honest, "read": len(said)}))
    print(shown[:100], file=sys.stderr)


if __name__ == "__main__":
    work() if sys.argv[1:] == ["work"] else judge()
    sys.stdout.flush()
    os._exit(0)  # threads of the program's may go on
