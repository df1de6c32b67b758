"""Have every function of the program rewritten by itself, then put the good rewrites together."""

import ast

from helpers import extract_code


def parse(source):
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None


def list_functions(source):
    tree = parse(source)
    nodes = [] if tree is None else tree.body
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    return sorted(functions, key=lambda node: node.end_lineno - node.lineno, reverse=True)


def defines(code, name):
    """A rewrite is usable if it parses and holds the function that was asked for."""
    return any(node.name == name for node in list_functions(code))


def splice(source, replacements):
    """`source` with the text of several functions replaced, from the bottom to the top."""
    lines = source.splitlines()
    for node, text in sorted(replacements, key=lambda pair: pair[0].lineno, reverse=True):
        lines[node.lineno - 1 : node.end_lineno] = text.splitlines()
    return "\n".join(lines) + "\n"


def message_for(node, source, utility):
    segment = ast.get_source_segment(source, node)
    return f"""Here is one function, `{node.name}`:

```python
{segment}
```

It belongs to this program:

~~~python
{source}
~~~

which is evaluated so:

~~~python
{utility.str}
~~~

Write a better `{node.name}`. Give me that function alone, with the imports it needs inside it."""


def improve_algorithm(initial_solution, utility, language_model):
    functions = list_functions(initial_solution)[: language_model.max_responses_per_call]
    start_value = utility(initial_solution)
    results = [(start_value, initial_solution)]
    winners = {}
    for _ in range(min(3, language_model.budget) if functions else 0):
        replies = language_model.batch_prompt(
            "You are a Python expert.",
            [message_for(node, initial_solution, utility) for node in functions],
        )
        for node, code in zip(functions, extract_code(replies), strict=False):
            if code is None or not defines(code, node.name):
                continue
            program = splice(initial_solution, [(node, code)])
            if parse(program) is None:
                continue
            value = utility(program)
            results.append((value, program))
            if value > winners.get(node.name, (start_value,))[0]:
                winners[node.name] = (value, node, code)

    if len(winners) > 1:
        whole = splice(initial_solution, [(node, code) for _, node, code in winners.values()])
        if parse(whole) is not None:
            results.append((utility(whole), whole))
    return max(results, key=lambda result: result[0])[1]
