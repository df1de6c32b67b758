import ast
import random

from helpers import extract_code


class Gene:
    __slots__ = ("code", "fitness")

    def __init__(self, code, fitness):
        self.code = code
        self.fitness = fitness


class Improver:
    expertise = "You are an expert in evolutionary algorithms and in Python."

    def __init__(self, utility, language_model):
        self.utility = utility
        self.lm = language_model
        self.pool = []

    # -- talking to the model ------------------------------------------------------------------

    def ask(self, messages):
        if len(messages) == 1:
            n = self.lm.max_responses_per_call
            return self.lm.prompt(self.expertise, messages[0], n_responses=n, temperature=0.8)
        return self.lm.batch_prompt(self.expertise, messages, temperature=0.8)

    def block(self, gene):
        return f"Fitness {gene.fitness}:\n```python\n{gene.code}\n```\n"

    def goal(self):
        return f"The fitness function:\n```python\n{self.utility.str}\n```\nFull program, please."

    # -- the pool ------------------------------------------------------------------------------

    def insert(self, responses):
        for response in responses:
            code = extract_code(response)
            if code is None:
                continue
            try:
                ast.parse(code)
            except (SyntaxError, ValueError):
                continue  # not worth a use of the utility
            self.pool.append(Gene(code, self.utility(code)))
        self.pool.sort(key=lambda gene: -gene.fitness)
        del self.pool[8:]

    def parents(self):
        """Two of the better half, by chance."""
        half = self.pool[: max(2, len(self.pool) // 2)]
        return random.choice(half), random.choice(half)

    # -- phases --------------------------------------------------------------------------------

    def found(self, code):
        self.pool.append(Gene(code, self.utility(code)))
        self.insert(self.ask([f"Vary this.\n{self.block(self.pool[0])}\n{self.goal()}"]))

    def evolve(self):
        messages = []
        for _ in range(self.lm.max_responses_per_call):
            a, b = self.parents()
            messages.append(
                "Cross these two programs and mutate the result.\n"
                + self.block(a)
                + self.block(b)
                + self.goal()
            )
        self.insert(self.ask(messages))

    def unite(self):
        best = "".join(self.block(gene) for gene in self.pool[:4])
        self.insert(
            self.ask([f"The final programs of a long search:\n{best}\nFuse them.\n{self.goal()}"])
        )


def improve_algorithm(initial_solution, utility, language_model):
    improver = Improver(utility, language_model)
    improver.found(initial_solution)
    for _ in range(language_model.budget - 2):
        improver.evolve()
    improver.unite()
    return improver.pool[0].code
