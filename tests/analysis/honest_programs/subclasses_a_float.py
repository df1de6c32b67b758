"""Makes classes with type() and subclasses of built-ins, but not of what it was given."""

from helpers import extract_code


class Score(float):
    def __reduce__(self):
        return float, (float(self),)


Point = type("Point", (), {"budget": 3, "uses": 0})


def improve_algorithm(initial_solution, utility, language_model):
    point = Point()
    point.budget = 5
    kind = type(point)
    other = kind()
    other.uses += 1
    replies = language_model.prompt("expert", initial_solution, n_responses=other.uses + 2)
    found = {code: Score(utility(code)) for code in filter(None, extract_code(replies))}
    return max(found, key=found.get, default=initial_solution)
