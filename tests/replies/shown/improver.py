def improve_algorithm(initial_solution, utility, language_model):
    """Ask for several better versions and keep the best."""
    prompt = f"""Improve this program so that its utility is higher:
```python
{initial_solution}
```
Its score is {utility(initial_solution)}. Answer with the whole program in one block:
```python
...
```
"""
    candidates = [initial_solution]
    for reply in [language_model.prompt(prompt) for _ in range(4)]:
        parts = reply.split("```")
        if len(parts) >= 3:
            candidates.append(parts[1].removeprefix("python").strip())
    return max(candidates, key=utility)
