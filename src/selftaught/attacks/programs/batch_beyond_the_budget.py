"""Hands in batches that are far larger than what a call may draw."""
# family: budgets

from attack import attempted


def improve_algorithm(initial_solution, utility, language_model):
    attempted()
    replies = language_model.batch_prompt("", [f"message {number}" for number in range(50)])
    replies += language_model.batch_prompt("", ["the same"] * 50)
    return "THROUGH" if len(replies) > 10 else "nothing"
