"""OpenEvolve, by the settings of its own examples.

Of functions that are to do well on many instances: those of function_minimization, with diffs. Of
programs that construct one thing: those of circle_packing (first phase), with whole programs.
"""

import asyncio
import json
import sys
from pathlib import Path

from openevolve import OpenEvolve
from openevolve.config import Config

FUNCTION = {
    "database": {
        "population_size": 50,
        "archive_size": 20,
        "num_islands": 3,
        "elite_selection_ratio": 0.2,
        "exploitation_ratio": 0.7,
    },
    "evaluator": {"timeout": 60, "cascade_evaluation": False, "parallel_evaluations": 3},
    "diff_based_evolution": True,
    "max_code_length": 20_000,
}
CONSTRUCTION = {
    "database": {
        "population_size": 60,
        "archive_size": 25,
        "num_islands": 4,
        "elite_selection_ratio": 0.3,
        "exploitation_ratio": 0.7,
    },
    "evaluator": {"timeout": 60, "cascade_evaluation": False, "parallel_evaluations": 4},
    "diff_based_evolution": False,
}


def main():
    asked = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(asked["folder"])
    program = folder / "program.py"
    program.write_text(asked["marked"])
    settings = CONSTRUCTION if asked["constructs"] else FUNCTION
    config = Config.from_dict(
        {
            **settings,
            "max_iterations": asked["samples"],
            "random_seed": asked["seed"],
            "llm": {
                "models": [{"name": "mutator", "weight": 1.0}],
                "api_base": f"{asked['url']}/v1",
                "api_key": "none",
                "temperature": 0.7,
                "timeout": 600,
            },
            "prompt": {"system_message": asked["description"]},
        }
    )
    evaluator = str(Path(__file__).with_name("openevolve_evaluator.py"))
    engine = OpenEvolve(str(program), evaluator, config=config, output_dir=str(folder / "out"))
    asyncio.run(engine.run(iterations=asked["samples"]))


if __name__ == "__main__":
    main()
