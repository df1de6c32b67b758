"""What a prompt showed, and what its replies hold, by the code that improvers have."""

from selftaught_guest.reply import find_program
from selftaught_guest.reply_files import programs_of


def read(entry, solution, message, texts):
    """Where the prompt shows no program, it is about the one that the improver was given."""
    shown = programs_of(message, entry) or ([solution] if solution else [])
    found = [find_program(text, entry, shown) for text in texts]
    return [shown[0] if shown else None, [list(one) for one in found]]
