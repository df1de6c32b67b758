from math import log, sqrt

from helpers import extract_code

EXPLORATION = 0.7


class State:
    def __init__(self, text, value, parent=None):
        self.text = text
        self.value = value
        self.parent = parent
        self.children = []
        self.visits = 1
        self.best_below = value

    def bound(self, low, high):
        spread = (high - low) or 1.0
        return (self.best_below - low) / spread + EXPLORATION * sqrt(
            log(self.parent.visits + 1) / self.visits
        )


def descend(root, low, high):
    state = root
    while state.children:
        state = max(state.children, key=lambda child: child.bound(low, high))
    return state


def back_up(state):
    value = state.best_below
    while (state := state.parent) is not None:
        state.visits += 1
        state.best_below = max(state.best_below, value)


def improve_algorithm(initial_solution, utility, language_model):
    values = {initial_solution: utility(initial_solution)}
    root = State(initial_solution, values[initial_solution])

    for _ in range(language_model.budget):
        leaf = descend(root, min(values.values()), max(values.values()))
        message = "\n".join(
            [
                "Please improve this code.",
                "```python",
                leaf.text,
                "```",
                "Its utility at present is " + str(leaf.value) + ", according to",
                "```python",
                utility.str,
                "```",
                "I want to see the complete improved code between ``` fences.",
            ]
        )
        replies = language_model.prompt(
            "You are an algorithms expert.",
            message,
            n_responses=language_model.max_responses_per_call,
        )
        for code in extract_code(replies):
            if not code or code in values:
                continue
            values[code] = utility(code)
            child = State(code, values[code], parent=leaf)
            leaf.children.append(child)
            back_up(child)

    return max(values, key=values.get)
