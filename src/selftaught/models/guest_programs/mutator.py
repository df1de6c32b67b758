"""The program behind `local:mutator`: it edits the program that it finds in the prompt.

This is not a language model. It reads no prose, knows no task and learns nothing. It parses the
first fenced program of the prompt and returns copies of it, each with one to three edits drawn at
random with the probabilities of `OPERATORS`. The edits are general, from the operators of genetic
programming (subtree mutation, crossover, hoisting, duplication) and of mutation testing (constant,
operator, comparison, name and statement replacement). The operators were chosen knowing the seed
improver: composing a function with itself, and keeping an argument among the choices of a
`max(...)`, are useful edits of it. Other programs of the prompt are donors for crossover.

Of a program with `# EVOLVE-BLOCK-START` and `END` only what stands between them is edited. Of a
program of several files one is edited, the longer it is the likelier, and returned by itself; of a
program of which the prompt shows a part, one of the functions that stand there whole.

It runs in a sandbox job, since the text that it parses is hostile.
"""

from __future__ import annotations

import ast
import random
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from selftaught.models.guest_programs.draft import FUNCTIONS, Draft
from selftaught.models.guest_programs.edits import MAX_TRIES, OPERATORS, is_number
from selftaught_guest.extract import code_blocks
from selftaught_guest.files import FilesError, head, split_files
from selftaught_guest.focus import PART

# With fewer numbers than this, constants are edited less, in proportion: else a program with one
# number would get little but other values of it.
FEW_NUMBERS = 4

MAX_PROGRAM_CHARS = 100_000
BLOCK = re.compile(
    r"^[ \t]*#[ \t]*EVOLVE-BLOCK-START\b[^\n]*\n(?P<code>.*?)^[ \t]*#[ \t]*EVOLVE-BLOCK-END\b",
    re.MULTILINE | re.DOTALL,
)
NO_PROGRAM = "I found no program to edit."


@dataclass(frozen=True, slots=True)
class Target:
    """What is edited: its text, as Python writes it, and where it belongs in the program."""

    source: str
    original: str
    path: str = ""
    is_part: bool = False
    before: str = ""
    indent: str = ""
    after: str = ""

    def replied(self, program: str) -> str:
        if self.is_part:
            return f"<<<<<<< SEARCH\n{self.source}\n=======\n{program}\n>>>>>>> REPLACE"
        program = self.before + textwrap.indent(program, self.indent) + self.after
        return in_fence(f"{head(self.path)}\n{program}" if self.path else program)


def sample(system: str, user: str, n: int, temperature: float, seeds: list[int]) -> list[str]:
    """n replies, each with an edited copy of the prompt's program in a fenced block.

    Args:
        system, user: the prompt; the first fenced block that parses and defines a function is the
            program, the others that parse are donors.
        temperature: how far constants move and how many edits are made; useful from 0 to 2.
        seeds: one a reply; a reply depends on the prompt, the temperature and its seed only.
    Returns: n texts. Without a program to edit they hold no code. Nothing is raised.
    """
    temperature = min(max(float(temperature), 0.0), 2.0)
    try:
        targets, others = find_program([*code_blocks(user), *code_blocks(system)])
        if not targets:
            return [NO_PROGRAM] * n
        donors = [Draft(tree, random.Random(0), 0.0, []) for tree in others]
        return [reply(targets, donors, temperature, seeds[i]) for i in range(n)]
    except (RecursionError, MemoryError, ValueError):
        return [NO_PROGRAM] * n


def find_program(blocks: list[str]) -> tuple[list[Target], list[ast.Module]]:
    targets: list[Target] = []
    others: list[ast.Module] = []
    for block in blocks:
        if not targets:
            targets = list(targets_in(block))
            if targets:
                continue
        if (tree := parsed(block)) is not None:
            others.append(tree)
    return targets, others


def targets_in(block: str) -> Iterator[Target]:
    """A program, its files, or the whole functions of a part of one."""
    if block.startswith(PART):
        yield from functions_in(block)
        return
    try:
        files = split_files(block) or {"": block}
    except FilesError:
        return
    for path, text in files.items():
        tree = parsed(text)
        if tree is None or not any(isinstance(node, FUNCTIONS) for node in tree.body):
            continue
        marked = [*BLOCK.finditer(text)]
        yield from (
            in_blocks(text, marked, path) if marked else [Target(text, ast.unparse(tree), path)]
        )


def in_blocks(text: str, marked: list[re.Match[str]], path: str) -> Iterator[Target]:
    """What stands between marks, where it is whole statements by itself."""
    for block in marked:
        code = textwrap.dedent(block["code"])
        if (tree := parsed(code)) is not None:
            indent = re.match(r"[ \t]*", block["code"].lstrip("\n"))
            start, end = block.span("code")
            around = text[:start], indent[0] if indent else "", f"\n{text[end:]}"
            yield Target(code, ast.unparse(tree), path, False, *around)


def functions_in(part: str) -> Iterator[Target]:
    lines, tree = part.split("\n"), parsed(part)
    for node in tree.body if tree is not None else ():
        for one in node.body if isinstance(node, ast.ClassDef) else [node]:
            text = "\n".join(
                line[one.col_offset :] for line in lines[one.lineno - 1 : one.end_lineno]
            )
            if isinstance(one, FUNCTIONS) and "lines, not shown ..." not in text:
                yield Target(text, ast.unparse(ast.parse(text)), is_part=True)


def parsed(text: str) -> ast.Module | None:
    if len(text) > MAX_PROGRAM_CHARS:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def reply(targets: list[Target], donors: list[Draft], temperature: float, seed: int) -> str:
    rng = random.Random(seed)
    target = targets[0]
    if len(targets) > 1:
        (target,) = rng.choices(targets, [len(one.source) for one in targets])
    for _ in range(MAX_TRIES):
        # Parsing again is several times faster than a deep copy of the tree.
        draft = Draft(ast.parse(target.source), rng, temperature, donors)
        names = [edit_once(draft)]
        for _ in range(number_of_edits(rng, temperature) - 1):
            draft = Draft(draft.tree, rng, temperature, donors)
            names.append(edit_once(draft))
        program = unparsed(draft.tree)
        if program is not None and is_sound(program, target.original):
            edits = ", ".join(name for name in names if name)
            return f"Edited: {edits}.\n\n{target.replied(program)}\n"
    return f"I found no edit that leaves a program.\n\n{target.replied(target.original)}\n"


def number_of_edits(rng: random.Random, temperature: float) -> int:
    if rng.random() > 0.35 + 0.2 * temperature:
        return 1
    return 3 if rng.random() < 0.1 + 0.1 * temperature else 2


def edit_once(draft: Draft) -> str | None:
    """Apply one operator, drawn by weight; its name, or None where none applies."""
    weights = {name: weight for name, (_, weight) in OPERATORS.items()}
    numbers = sum(is_number(site.node) for site in draft.expressions)
    weights["constants"] *= min(1.0, numbers / FEW_NUMBERS)
    weights = {name: weight for name, weight in weights.items() if weight}
    while weights:
        name = draft.rng.choices(list(weights), list(weights.values()))[0]
        operator, _ = OPERATORS[name]
        if operator(draft):
            return name
        del weights[name]
    return None


def unparsed(tree: ast.Module) -> str | None:
    try:
        return ast.unparse(tree)
    except ValueError:  # an f-string that this Python cannot write
        return None


def is_sound(program: str, original: str) -> bool:
    """Whether the program compiles, is another one, and has not run away in size."""
    if program == original or len(program) > 2 * len(original) + 2000:
        return False
    try:
        compile(program, "<edited>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def in_fence(program: str) -> str:
    inner = re.findall(r"^[ \t]*(`{3,})", program, re.MULTILINE)
    fence = "`" * (1 + max(map(len, inner), default=2))
    return f"{fence}python\n{program}\n{fence}"
