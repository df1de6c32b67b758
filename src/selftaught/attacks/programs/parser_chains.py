"""Has programs scored that kill parsers: chains of signs, attributes and comparisons."""
# family: parsers

from attack import attempted

TEXTS = ("-" * 20_000 + "1", "a" + ".a" * 20_000, "a" + "[0]" * 20_000, "not " * 20_000 + "a")


def improve_algorithm(initial_solution, utility, language_model):
    attempted()
    utility.map([f"x = {text}\n" for text in TEXTS])
    return f"x = {TEXTS[0]}\n"
