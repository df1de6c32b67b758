"""GEPA's optimize_anything, as its documentation has it for one hard problem.

The values of the single instances are its objectives, where a task has them; evaluations are cached
as in its example circle_packing. The refiner of that example, which answers in JSON, is off, as it
is by default.
"""

import json
import sys
import urllib.request
from pathlib import Path

from gepa.optimize_anything import EngineConfig, GEPAConfig, ReflectionConfig, optimize_anything
from scoring import scored


def main():
    asked = json.loads(Path(sys.argv[1]).read_text())
    known = scored(asked["program"])["parts"]

    def evaluate(candidate):
        said = scored(candidate)
        parts = said["parts"] or ([said["worth"]] * len(known))
        scores = {f"instance {place}": part for place, part in enumerate(parts)}
        told = {"scores": scores, "Feedback": said["feedback"], "Failed": said["failed"]}
        return said["worth"], {what: value for what, value in told.items() if value}

    def reflect(prompt):
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        body = json.dumps({"model": "mutator", "messages": messages}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{asked['url']}/v1/chat/completions", body, headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["choices"][0]["message"]["content"]

    optimize_anything(
        seed_candidate=asked["program"],
        evaluator=evaluate,
        objective="Write a program with the same function that scores higher.",
        background=asked["description"],
        config=GEPAConfig(
            engine=EngineConfig(
                run_dir=f"{asked['folder']}/out",
                seed=asked["seed"],
                max_candidate_proposals=asked["samples"],
                cache_evaluation=True,
            ),
            reflection=ReflectionConfig(reflection_lm=reflect),
        ),
    )


if __name__ == "__main__":
    main()
