from helpers import extract_code


class Climber:
    """Hill climbing with an evolutionary touch.

    There are `n_ropes` ropes. Each of them holds a program. In every round each rope gets its
    share of the model's answers, and the strongest programs of all are tied to the ropes again.
    """

    def __init__(self, utility, language_model, n_ropes=2):
        self.utility = utility
        self.language_model = language_model
        self.n_ropes = n_ropes
        # `memory` holds (score, program) for each rope
        self.memory = []

    def pull(self, rope):
        score, program = rope
        prompt = (
            "Your job is to improve a program.\n"
            f"Program with a score of {score}:\n"
            f"```python\n{program}\n```\n"
            "Code that computes the score:\n"
            f"```python\n{self.utility.str}\n```\n"
            "Your answer ends with the complete improved program in a code block."
        )
        # Never ask for more than can still be evaluated.
        left = self.utility.budget - self.utility.uses
        n_responses = min(self.language_model.max_responses_per_call, left)
        if n_responses <= 0:
            return []
        return self.language_model.prompt(
            "You are an expert in computer science.",
            prompt,
            n_responses=n_responses,
            temperature=0.7,
        )

    def climb(self, initial_solution):
        self.memory = [(self.utility(initial_solution), initial_solution)]
        while self.language_model.times_used < self.language_model.budget:
            new = []
            for rope in self.memory:
                if self.language_model.times_used >= self.language_model.budget:
                    break
                for answer in self.pull(rope):
                    program = extract_code(answer)
                    # Genetic selection happens below
                    if program is not None:
                        new.append((self.utility(program), program))
            self.memory = sorted(self.memory + new, key=lambda r: r[0], reverse=True)
            self.memory = self.memory[: self.n_ropes]
            if self.utility.uses >= self.utility.budget:
                break
        return self.memory[0][1]


def improve_algorithm(initial_solution, utility, language_model):
    return Climber(utility, language_model).climb(initial_solution)
