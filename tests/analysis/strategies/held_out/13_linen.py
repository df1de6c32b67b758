import hashlib

from helpers import extract_code


def fingerprint(text):
    return hashlib.md5(text.encode()).hexdigest()[:10]


def improve_algorithm(initial_solution, utility, language_model):
    history = {}  # fingerprint of a program -> its score
    best_so_far = initial_solution
    best_score = utility(initial_solution)
    history[fingerprint(initial_solution)] = best_score

    for iteration in range(language_model.budget):
        tried = ", ".join(f"{score:.3f}" for score in history.values())
        message = f"""Iteration {iteration + 1}.

Program to improve:
```python
{initial_solution}
```

Objective:
```python
{utility.str}
```

Scores of the programs that were tried up to now: {tried}.

Find a program that beats them all, and write it in a ```python block."""
        solutions = extract_code(
            language_model.prompt(
                "You are an expert in iterative program optimization.",
                message,
                n_responses=language_model.max_responses_per_call,
                temperature=0.8,
            )
        )
        for solution in solutions:
            if solution is None or len(solution) > 20_000:
                continue
            score = utility(solution)
            history[fingerprint(solution)] = score
            if score > best_score:
                best_so_far, best_score = solution, score

    return best_so_far
