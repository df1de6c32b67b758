import math

from helpers import extract_code


class Advisor:
    """An expertise to put in front of the model, with a record of how well that went."""

    def __init__(self, text):
        self.text = text
        self.pulls = 0
        self.total = 0.0

    def index(self, all_pulls):
        if self.pulls == 0:
            return math.inf
        return self.total / self.pulls + math.sqrt(2 * math.log(all_pulls) / self.pulls)

    def learn(self, reward):
        self.pulls += 1
        self.total += reward


def compiles(code):
    try:
        compile(code, "<candidate>", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def improve_algorithm(initial_solution, utility, language_model):
    advisors = [
        Advisor("You are a specialist for numerical methods and numpy."),
        Advisor("You are a competitive programmer; you know every heuristic and metaheuristic."),
        Advisor("You are a mathematician who reasons about the structure of a problem first."),
    ]
    leader, leading_value = initial_solution, utility(initial_solution)
    for step in range(language_model.budget):
        advisor = max(advisors, key=lambda a: a.index(max(1, step)))
        message = (
            f"Current best program (value {leading_value}):\n"
            f"```python\n{leader}\n```\n"
            f"Values come from this function:\n```python\n{utility.str}\n```\n"
            "Beat it. Output one complete Python program in a code block."
        )
        wanted = min(language_model.max_responses_per_call, utility.budget - utility.uses)
        if wanted <= 0:
            break
        replies = language_model.prompt(advisor.text, message, n_responses=wanted)
        sound = [code for code in extract_code(replies) if code and compiles(code)]
        gains = 0
        old_value = leading_value
        for code in sound:
            value = utility(code)
            if value > old_value:
                gains += 1
            if value > leading_value:
                leader, leading_value = code, value
        advisor.learn(gains / wanted)
    return leader
