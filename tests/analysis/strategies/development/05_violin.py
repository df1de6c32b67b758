from dataclasses import dataclass, field

from helpers import extract_code


@dataclass
class Individual:
    genome: str
    fitness: float = float("-inf")


@dataclass
class Population:
    """A population of programs, from which natural selection picks the fittest."""

    utility: object
    individuals: list = field(default_factory=list)

    def breed(self, parent, language_model):
        # Genetic step: the parent's offspring are born here.
        offspring = language_model.prompt(
            expertise="You are an evolutionary computation expert writing Python.",
            message=self._letter(parent),
            n_responses=language_model.max_responses_per_call,
            temperature=0.9,
        )
        for genome in extract_code(offspring):
            if genome is not None:
                self.individuals.append(Individual(genome))

    def _letter(self, parent):
        return "\n".join(
            [
                "Improve this program, which is evaluated with the utility function shown below.",
                "```python",
                parent,
                "```",
                "Utility function:",
                "```python",
                self.utility.str,
                "```",
                "Give the whole improved program as one Python code block.",
            ]
        )

    def select(self):
        for individual in self.individuals:
            individual.fitness = self.utility(individual.genome)
        return max(self.individuals, key=lambda individual: individual.fitness)


def improve_algorithm(initial_solution, utility, language_model):
    population = Population(utility)
    population.individuals.append(Individual(initial_solution))
    population.breed(initial_solution, language_model)
    return population.select().genome
