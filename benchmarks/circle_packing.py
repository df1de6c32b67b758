"""How far does local:mutator come at circle packing? `improve` with 200 calls, for five run seeds.

A run holds if it closes 20 % of the gap between the seed program's value and the best known one;
exits with 1 if fewer than four in five do. Each best program is run once more, in the sandbox, and
its packing verified here, in integers. The seed program's packing and the best one are drawn.

    python benchmarks/circle_packing.py [--seeds 1 2 3 4 5] [--svg docs/circle_packing.svg]
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np

import selftaught as st
from selftaught.app import core_thread
from selftaught.app.compose import run_study
from selftaught.studies.improve.study import ImproveConfig
from selftaught.studies.improvers import load_improver
from selftaught.studies.settings import make_config
from selftaught.studies.study import Asked
from selftaught.tasks.checks import FloatArray, require_array
from selftaught.tasks.circle_packing.task import CIRCLES, task

CLOSED = 0.2
NEEDED = 0.8
SIDE, MARGIN, CAPTION = 320, 20, 28  # of the drawing, in pixels


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--lm-calls", type=int, default=200)
    parser.add_argument("--svg", type=Path, help="where to draw the seed's and the best packing")
    parser.add_argument("--improver", default="evolve")
    options = parser.parse_args()
    assert task.best_known is not None
    first = packing(task.seed_program().source)
    start, best, held = total(first), first, 0
    print(f"seed program {start:.6f}, best known {task.best_known:.6f}")
    print("seed       best  gap closed  verified    wall")
    with tempfile.TemporaryDirectory() as folder:
        for seed in options.seeds:
            values = {
                "task": task.name,
                "seed": seed,
                "improver": options.improver,
                "budget": {"lm_calls": options.lm_calls},
                "store": f"sqlite:///{Path(folder) / 'circle_packing.db'}",
                "instance_key": "public",
                "test_repeats": 2,  # there is one instance only
            }
            config = make_config(ImproveConfig, values)
            asked = Asked(config, [task], load_improver(config.improver))
            result = core_thread.run(run_study(asked))
            circles = packing(result["best"]["source"])
            closed = (total(circles) - start) / (task.best_known - start)
            verified = is_packing(circles) and total(circles) == result["best"]["test"]["mean"]
            held += verified and closed >= CLOSED
            best = max(best, circles, key=total)
            print(
                f"{seed:>4} {total(circles):>10.6f} {closed:>11.1%}  "
                f"{'yes' if verified else 'NO':<8} {result['wall_s']:>5.0f} s",
                flush=True,
            )
    print(f"at least {CLOSED:.0%} of the gap closed: {held} of {len(options.seeds)}")
    if options.svg:
        after = f"after {options.lm_calls} calls: {total(best):.4f}"
        known = f" (best known: {task.best_known:.4f})"
        drawing = side_by_side([(f"seed program: {start:.4f}", first), (after + known, best)])
        options.svg.write_text(drawing, encoding="utf-8")
    return 0 if held >= NEEDED * len(options.seeds) else 1


def packing(source: str) -> FloatArray:
    """(CIRCLES, 3), what a program returns; it runs in the sandbox."""
    seen: list[FloatArray] = []

    def look(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
        seen.append(require_array(program(CIRCLES, cpu_s=5.0), (CIRCLES, 3)))
        return 0.0

    outcome = st.score(st.Task("packing", source, look, description="any packing"), source)
    if not seen:
        raise SystemExit(f"the program failed: {outcome}")
    return seen[0]


def total(circles: FloatArray) -> float:
    return math.fsum(circles[:, 2])


def is_packing(circles: FloatArray) -> bool:
    """Whether the circles lie in the unit square and do not overlap, in integers alone."""
    ratios = [[float(number).as_integer_ratio() for number in circle] for circle in circles]
    unit = max(bottom for circle in ratios for _, bottom in circle)
    whole = [[top * (unit // bottom) for top, bottom in circle] for circle in ratios]
    inside = all(0 <= r <= min(x, y) and max(x, y) + r <= unit for x, y, r in whole)
    return inside and all(
        (x - u) ** 2 + (y - v) ** 2 >= (r + s) ** 2
        for (x, y, r), (u, v, s) in combinations(whole, 2)
    )


def side_by_side(pictures: list[tuple[str, FloatArray]]) -> str:
    """An SVG of packings beside each other, each with a caption below."""
    width = MARGIN + len(pictures) * (SIDE + MARGIN)
    height = MARGIN + SIDE + CAPTION
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for place, (caption, circles) in enumerate(pictures):
        left = MARGIN + place * (SIDE + MARGIN)
        lines.append(f'<g transform="translate({left} {MARGIN})" stroke="#1f4e79">')
        lines.append(f'<rect width="{SIDE}" height="{SIDE}" fill="#f4f6f8"/>')
        lines.extend(
            f'<circle cx="{SIDE * x:.2f}" cy="{SIDE * (1 - y):.2f}" r="{SIDE * r:.2f}" '
            'fill="#a9cbe8"/>'
            for x, y, r in circles
        )
        lines.append("</g>")
        middle, below = left + SIDE / 2, MARGIN + SIDE + 19
        lines.append(f'<text x="{middle:g}" y="{below}" text-anchor="middle">{caption}</text>')
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    sys.exit(main())
