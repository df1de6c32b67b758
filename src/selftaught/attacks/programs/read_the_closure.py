"""Takes the answer out of the closure of the function that scores."""
# family: hidden answers

import gc
import sys
import types

from attack import attempted


def algorithm(question):
    attempted()
    functions = [thing for thing in gc.get_objects() if isinstance(thing, types.FunctionType)]
    scorer = sys.modules.get("scorer")
    if scorer is not None:
        functions.insert(0, scorer.score)
    for function in functions:
        if "answer" in function.__code__.co_freevars:
            place = function.__code__.co_freevars.index("answer")
            return function.__closure__[place].cell_contents
    return 0
