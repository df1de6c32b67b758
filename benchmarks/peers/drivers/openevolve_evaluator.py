"""What OpenEvolve asks to score a program."""

import sys
from pathlib import Path

from openevolve.evaluation_result import EvaluationResult

sys.path.insert(0, str(Path(__file__).parent))
from scoring import scored


def evaluate(program_path):
    said = scored(Path(program_path).read_text())
    artifacts = {"failed": said["failed"]} if said["failed"] else {}
    if said["feedback"]:
        artifacts["feedback"] = said["feedback"]
    return EvaluationResult(metrics={"combined_score": said["worth"]}, artifacts=artifacts)
