"""What ShinkaEvolve starts to score a program, a process each."""

import argparse
import json
from pathlib import Path

from scoring import scored


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program_path", type=Path)
    parser.add_argument("--results_dir", type=Path)
    options = parser.parse_args()
    said = scored(options.program_path.read_text())
    metrics = {"combined_score": said["worth"], "public": {}, "private": {}}
    correct = {"correct": not said["failed"], "error": said["failed"] or None}
    options.results_dir.mkdir(parents=True, exist_ok=True)
    (options.results_dir / "metrics.json").write_text(json.dumps(metrics))
    (options.results_dir / "correct.json").write_text(json.dumps(correct))


if __name__ == "__main__":
    main()
