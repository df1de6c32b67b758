"""ShinkaEvolve, by the settings of its own example circle_packing (small).

Off are the parts that read or write prose, which this proposer cannot: embeddings with the novelty
that rests on them, and meta-recommendations, which are off in the example, too.
"""

import json
import random
import sys
from pathlib import Path

import numpy as np
from shinka.core import EvolutionConfig, ShinkaEvolveRunner
from shinka.database import DatabaseConfig
from shinka.launch import LocalJobConfig

DATABASE = {
    "num_islands": 2,
    "archive_size": 40,
    "elite_selection_ratio": 0.3,
    "num_archive_inspirations": 1,
    "num_top_k_inspirations": 1,
    "migration_interval": 10,
    "migration_rate": 0.1,
    "island_elitism": True,
    "enforce_island_separation": True,
    "parent_selection_strategy": "weighted",
    "parent_selection_lambda": 10,
    "archive_selection_strategy": "crowding",
    "island_selection_strategy": "equal",
    "archive_criteria": {"combined_score": 1.0, "loc": -0.3},
}
EVOLUTION = {
    "patch_types": ["diff", "full", "cross"],
    "patch_type_probs": [0.6, 0.3, 0.1],
    "max_patch_resamples": 3,
    "max_patch_attempts": 1,
    "max_novelty_attempts": 1,
    "llm_kwargs": {"temperatures": [0, 0.5, 1.0], "max_tokens": 32_768},
    "llm_dynamic_selection": "ucb1",
    "llm_dynamic_selection_kwargs": {"exploration_coef": 1.0, "cost_aware_coef": 0.5},
    "meta_rec_interval": None,
    "embedding_model": None,
    "novelty_llm_models": None,
    "proposal_target_min_samples": 8,
    "proposal_target_ratio_cap": 1.75,
    "proposal_buffer_max": 6,
    "proposal_target_hard_cap": 26,
    "proposal_target_ewma_alpha": 0.25,
    "evolve_prompts": False,
}


def main():
    asked = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(asked["folder"])
    program = folder / "initial.py"
    program.write_text(asked["marked"])
    random.seed(asked["seed"])
    np.random.seed(asked["seed"] % 2**32)
    runner = ShinkaEvolveRunner(
        evo_config=EvolutionConfig(
            **EVOLUTION,
            task_sys_msg=asked["description"],
            num_generations=asked["samples"] + 1,  # the first is the seed program
            llm_models=[f"local/mutator@{asked['url']}/v1"],
            init_program_path=str(program),
            results_dir=str(folder / "out"),
        ),
        job_config=LocalJobConfig(
            eval_program_path=str(Path(__file__).with_name("shinka_evaluate.py")), time="00:05:00"
        ),
        db_config=DatabaseConfig(**DATABASE),
        max_evaluation_jobs=5,
        max_proposal_jobs=5,
        max_db_workers=4,
    )
    runner.run()


if __name__ == "__main__":
    main()
