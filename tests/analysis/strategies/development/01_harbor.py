"""Keep the three best, let the model have a go at every one of them, repeat."""

from helpers import extract_code

WIDTH = 3
EXPERTISE = "You are an expert Python programmer with an eye for better algorithms."


def squeeze(code):
    lines = (line.rstrip() for line in code.splitlines())
    return "\n".join(line for line in lines if line)


def request(code, value, utility):
    return (
        f"This program scores {value:.6g}:\n\n```python\n{code}\n```\n\n"
        f"It is scored by:\n\n```python\n{utility.str}\n```\n\n"
        "Change it so that it scores higher. Answer with the complete program in one code block."
    )


def improve_algorithm(initial_solution, utility, language_model):
    known = {}

    def score(code):
        key = squeeze(code)
        if key not in known:
            known[key] = utility(code)
        return known[key]

    front = {squeeze(initial_solution): initial_solution}
    for _ in range(language_model.budget):
        share = max(1, language_model.max_responses_per_call // len(front))
        messages = [
            request(code, score(code), utility) for code in front.values() for _ in range(share)
        ]
        replies = language_model.batch_prompt(EXPERTISE, messages, temperature=0.8)
        front.update((squeeze(code), code) for code in extract_code(replies) if code)
        ranked = sorted(front.values(), key=score, reverse=True)
        front = {squeeze(code): code for code in ranked[:WIDTH]}
    return max(front.values(), key=score)
