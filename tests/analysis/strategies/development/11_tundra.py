"""Best-first exploration of the programs that the model can reach from the first one."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from helpers import extract_code

EXPAND_AT_ONCE = 2


@dataclass(order=True)
class Node:
    priority: float
    age: int
    source: str = field(compare=False)
    depth: int = field(compare=False, default=0)


class Explorer:
    def __init__(self, utility, language_model):
        self.utility = utility
        self.language_model = language_model
        self.open: list[Node] = []
        self.created = 0
        self.best: Node | None = None

    def add(self, source: str, depth: int) -> None:
        node = Node(-self.utility(source), self.created, source, depth)
        self.created += 1
        heapq.heappush(self.open, node)
        if self.best is None or node < self.best:
            self.best = node

    def question(self, node: Node) -> str:
        return (
            f"The program below was reached after {node.depth} edits and has the value "
            f"{-node.priority}.\n```python\n{node.source}\n```\n"
            f"The value is determined by\n```python\n{self.utility.str}\n```\n"
            "Edit it further so that the value goes up. Full program, please, fenced."
        )

    def run(self, root: str) -> str:
        self.add(root, 0)
        boldness = 0.5
        for _ in range(self.language_model.budget):
            if not self.open:
                break
            chosen = [heapq.heappop(self.open) for _ in range(min(EXPAND_AT_ONCE, len(self.open)))]
            copies = self.language_model.max_responses_per_call // len(chosen)
            parents = [node for node in chosen for _ in range(copies)]
            replies = self.language_model.batch_prompt(
                "You are a researcher in algorithm design.",
                [self.question(node) for node in parents],
                temperature=boldness,
            )
            record = self.best
            for node, code in zip(parents, extract_code(replies), strict=False):
                if code:
                    self.add(code, node.depth + 1)
            # Nothing better? Then be bolder the next time.
            boldness = min(1.4, boldness + 0.3) if self.best is record else 0.5
        return self.best.source


def improve_algorithm(initial_solution, utility, language_model):
    return Explorer(utility, language_model).run(initial_solution)
