"""More of the model and of the utility than was granted."""

import threading
import time

from attack import attempted, receive, send_prompt, send_solutions


def absurd_amounts(initial_solution, utility, language_model):
    """Asks for absurd numbers of replies: huge, negative, no number at all."""
    got = 0
    for number, n in enumerate((10**6, -(10**6), 2**62, -1, 0)):
        for temperature in (0.5, float("nan"), float("inf"), -1e308):
            send_prompt(1000 + 10 * number, n=n, temperature=temperature)
            got += len(receive()[2].get("responses", ()))
    return "THROUGH" if got > 100 else "nothing"


def batch_beyond_the_budget(initial_solution, utility, language_model):
    """Hands in batches that are far larger than what a call may draw."""
    replies = language_model.batch_prompt("", [f"message {number}" for number in range(50)])
    replies += language_model.batch_prompt("", ["the same"] * 50)
    return "THROUGH" if len(replies) > 10 else "nothing"


def call_from_many_threads(initial_solution, utility, language_model):
    """Calls the model from many threads at once, to pass between the look and the count."""
    threads = [threading.Thread(target=send_prompt, args=(1000 + number,)) for number in range(12)]
    attempted()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(0.2)
    return "nothing"


def reset_counters(initial_solution, utility, language_model):
    """Sets its budgets and counters anew, and goes on calling the model."""
    replies = []
    for _ in range(20):
        for thing in (language_model, utility):
            for name in ("times_used", "uses"):
                setattr(thing, name, 0)
            thing.budget = 10**9
        language_model.max_responses_per_call = 10**6
        try:
            replies += language_model.prompt("", "go on", 50)
        except Exception:
            pass
    return "THROUGH" if len(replies) > 100 else "nothing"


def utility_without_end(initial_solution, utility, language_model):
    """Scores programs far beyond its budget of uses, in one call and from changed counters."""
    programs = [f"def algorithm(question):\n    return {number}\n" for number in range(40)]
    send_solutions(1000, programs, uses=-100)
    beyond = [text for text in receive()[2]["feedback"] if "budget" in text]
    return "THROUGH" if len(beyond) < 30 else "nothing"
