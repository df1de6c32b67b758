from helpers import extract_code


class Hiker:
    """Goes where the model points, unless that is too far down."""

    def __init__(self, utility, language_model, start):
        self.utility = utility
        self.language_model = language_model
        self.log = {}
        self.position = start
        self.slack = 0.1 * abs(self.height(start)) + 0.01

    def height(self, program):
        program = program.strip()
        try:
            return self.log[program]
        except KeyError:
            self.log[program] = self.utility(program)
            return self.log[program]

    def directions(self):
        replies = self.language_model.prompt(
            "You know many ways to solve a problem.",
            "Show me another way to write this program:\n\n```python\n"
            + self.position
            + "\n```\n\nIt will be measured with:\n\n```python\n"
            + self.utility.str
            + "\n```\n\nOne complete program in a code block.",
            n_responses=self.language_model.max_responses_per_call,
            temperature=0.9,
        )
        return [program for program in extract_code(replies) if program]

    def walk(self):
        for _ in range(self.language_model.budget):
            for program in self.directions():
                # A step down is fine as long as it is a short one.
                if self.height(program) > self.height(self.position) - self.slack:
                    self.position = program
            self.slack /= 3
        return max(self.log, key=self.log.get)


def improve_algorithm(initial_solution, utility, language_model):
    return Hiker(utility, language_model, initial_solution).walk()
