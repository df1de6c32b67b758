"""What prompts showed, and what their replies hold, by the code that improvers have."""

from selftaught_guest.reply import find_program, programs_of


def read(entry, solution, asked):
    """Of each message with its replies the program that it showed, and what these hold.

    Where a prompt shows no program, it is about the one that the improver was given.
    """
    answers = []
    for message, texts in asked:
        shown = programs_of(message, entry) or ([solution] if solution else [])
        found = [find_program(text, entry, shown) for text in texts]
        answers.append([shown[0] if shown else None, [list(one) for one in found]])
    return answers
