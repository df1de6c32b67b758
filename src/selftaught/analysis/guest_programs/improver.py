"""An improver's text as the rules see it: its requests, its scorings, and how it chooses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TypeAlias

from selftaught.analysis.guest_programs.program import (
    ENTRY,
    FUNCTIONS,
    LOOPS,
    MODEL,
    UTILITY,
    Given,
    name_of,
)
from selftaught.analysis.guest_programs.reach import Reached

Nodes: TypeAlias = Iterator[ast.AST]

# Argument places of what a request is made of.
_REQUESTS = {
    "prompt": {"expertise": 0, "message": 1, "temperature": 3},
    "batch_prompt": {"expertise": 0, "message_batch": 1, "temperature": 2},
    "start": {"expertise": 0, "message": 1, "temperature": 3},
    "start_batch": {"expertise": 0, "message_batch": 1, "temperature": 2},
}
_SCORINGS = {"map", "start", "start_map", "__call__"}
_DRAWS = {"choice", "choices", "sample"}
RANDOM = {"random", "uniform", "rand"}


class Improver(Reached):
    """A program with an `improve_algorithm`.

    Attributes:
        asks: its requests of the model.
        scorings: where the utility is called, or handed to something that calls it.
    """

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._choices: dict[ast.AST, str] = {}
        self._chosen: dict[ast.AST, dict[str, list[ast.AST]]] = {}
        self._scored: dict[ast.AST, bool] = {}
        self._made: dict[ast.AST, dict[ast.AST, ast.AST | None]] = {}
        calls = [node for node in self.nodes if isinstance(node, ast.Call)]
        self.asks = [one for one in calls if self._is_request(one)]
        self.scorings = {one for node in self.nodes for one in self._scoring(node)}
        self._asked = set(self.asks)
        self._ends = {*self.asks, *self.scorings}

    def _is_request(self, call: ast.Call) -> bool:
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in _REQUESTS:
            return False
        is_plain = call.func.attr in ("prompt", "batch_prompt") and not self.called(call)
        return is_plain or self._is_given(call.func.value, MODEL)

    def _scoring(self, node: ast.AST) -> Iterator[ast.AST]:
        if not isinstance(node, (ast.Name, ast.Attribute)) or not self._is_given(node, UTILITY):
            return
        above = self.parent[node]
        over = self.parent.get(above)
        if isinstance(above, ast.Call) and node is above.func:
            yield above
        elif isinstance(above, ast.Attribute) and above.attr in _SCORINGS:
            yield over if isinstance(over, ast.Call) and over.func is above else above
        elif getattr(above, "arg", "") == "key" or (
            isinstance(above, ast.Call) and not self.called(above)
        ):
            yield node

    def _is_given(self, node: ast.AST, mark: str, deep: int = 0) -> bool:
        """Whether it is the utility, or the model, by whatever name."""
        if deep > 8 or not isinstance(node, (ast.Name, ast.Attribute)):
            return False
        given = self.given(node) or ()
        values = [one.value for one in given if one.value is not None and not one.inside]
        is_marked = any(one.dotted == mark for one in given)
        return is_marked or any(self._is_given(one, mark, deep + 1) for one in values)

    # --- what expressions are made of ------------------------------------------------------------

    def argument(self, ask: ast.Call, name: str) -> ast.expr | None:
        """What a request is made of: `expertise`, `message` (of a batch, too) or `temperature`."""
        assert isinstance(ask.func, ast.Attribute)
        for word, place in _REQUESTS[ask.func.attr].items():
            if word.startswith(name):
                named = [one.value for one in ask.keywords if one.arg == word]
                return [*named, *ask.args[place : place + 1], None][0]
        return None

    def made_of(self, node: ast.AST) -> dict[ast.AST, ast.AST | None]:
        """What it is made of, as far as requests and scorings."""
        if node not in self._made:
            self._made[node] = self.reach(node, self._ends.__contains__)
        return self._made[node]

    def has_program(self, node: ast.AST) -> bool:
        """Whether what the model replied is in it."""
        return not self._asked.isdisjoint(self.made_of(node))

    def has_score(self, node: ast.AST) -> bool:
        """Whether a score is in it, or decided about what is counted in it."""
        if node not in self._scored:
            seen: set[ast.AST] = set()
            waiting: list[ast.AST] = [node]
            self._scored[node] = False
            while waiting and not self._scored[node]:
                found = self.made_of(waiting.pop())
                self._scored[node] = not self.scorings.isdisjoint(found)
                counted = [one for one in found if _counts(one) and one not in seen]
                seen.update(counted)
                waiting += [test for one in counted for test in self.tests(one)]
        return self._scored[node]

    def texts(self, node: ast.AST | None) -> str:
        """All texts that it is made of, NUL between them."""
        found = {} if node is None else self.made_of(node)
        values = [one.value for one in found if isinstance(one, ast.Constant)]
        return "\0".join(one for one in values if isinstance(one, str))

    def prose(self, node: ast.AST) -> bool:
        """Whether it is made of words, several of them, and of no program."""
        words = re.search(r"[A-Za-z]\S* +\S+", self.texts(node))
        return words is not None and not self.has_program(node)

    def judged(self) -> set[ast.AST]:
        """What programs are made of that are scored: requests for them, and texts."""
        given = [one for call in self.scorings for one in getattr(call, "args", ())]
        names = [one for one in self.scorings if isinstance(one, ast.Name)]
        calls = (one for name in names for one in self.around(name) if isinstance(one, ast.Call))
        handed = [one for call in calls for one in call.args]
        return {node for one in (*given, *handed) for node in self.made_of(one)}

    # --- when ------------------------------------------------------------------------------------

    def loops(self, node: ast.AST, deep: int = 0) -> list[ast.AST]:
        """Loops in which it runs, those of its function's callers too."""
        found: list[ast.AST] = []
        here = node
        for one in self.around(node):
            if isinstance(one, LOOPS) and getattr(one, "iter", None) is not here:
                found.append(one)
            here = one
        function = next((one for one in self.around(node) if isinstance(one, FUNCTIONS)), None)
        name = getattr(function, "name", ENTRY)
        if deep < 4 and name != ENTRY:
            for call in self.calls_of.get(name, ()):
                is_again = function in [*self.around(call)]
                found += [call] if is_again else self.loops(call, deep + 1)
        return found

    def tests(self, node: ast.AST) -> list[ast.expr]:
        """Conditions under which a statement runs: of the `if`s around it, or that left before."""
        value = getattr(node, "value", None)
        found = [value.test] if isinstance(value, ast.IfExp) else []
        here = node
        for above in self.around(node):
            if isinstance(above, ast.If):
                found.append(above.test)
            listed = self.list_of(here)
            for one in listed:
                if one is here:
                    break
                if isinstance(one, ast.If) and leaves(one.body):
                    found.append(one.test)
            if isinstance(above, (*LOOPS, *FUNCTIONS)):
                break
            here = above
        return found

    def varies(self, node: ast.AST) -> bool:
        """Whether it is another in other rounds, by plan or by progress."""
        constants: set[object] = set()
        for one in self.made_of(node):
            match one:
                case ast.AugAssign() | ast.For() | ast.comprehension():
                    return True
                case ast.Assign(value=ast.Constant(value=value)) if self.loops(one):
                    constants.add(value)
                case ast.Assign(value=value) if self.loops(one) and not self._is_fixed(value):
                    return True
        return len(constants) > 1

    def _is_fixed(self, value: ast.AST) -> bool:
        return not any(isinstance(one, (ast.Name, ast.Attribute)) for one in ast.walk(value))

    # --- how it chooses --------------------------------------------------------------------------

    def is_sorted(self, node: ast.AST) -> bool:
        values = [node, *(one.value for one in self.given(node) or () if one.value is not None)]
        return any(name_of(one) in ("sorted", "sort", "nlargest", "nsmallest") for one in values)

    def choice(self, node: ast.AST) -> str:
        """How a node chooses: `draw`, `top`, `frontier`, `best`, `walk`, `other` or not at all."""
        if node not in self._choices:
            self._choices[node] = self._choice(node)
        return self._choices[node]

    def _choice(self, node: ast.AST) -> str:
        match node:
            case ast.Call() if self.called(node):
                return ""
            case ast.Call() if _is_draw(node):
                return "draw"
            case ast.Call() if name_of(node) in ("heappop", "heapreplace", "heappushpop"):
                return "frontier"
            case ast.Call() if name_of(node) in ("nlargest", "nsmallest"):
                return "top"
            case ast.Call() if name_of(node) in ("max", "min") and self.has_score(node):
                return self._picked(node)
            case ast.Subscript(value=base, slice=ast.Slice()) if self.is_sorted(base):
                return "top"
            case ast.Subscript(value=base, slice=place):
                is_first = self.is_sorted(base) and not self.varies(place)
                calls = {name_of(one) for one in self.made_of(place)}
                return "best" if is_first or "argmax" in calls else ""
            case ast.Assign() | ast.AnnAssign():
                return self._guarded(node)
        return ""

    def _picked(self, node: ast.Call) -> str:
        """The best of drawn ones is drawn; the best of those that are left is of a frontier."""
        made = self.made_of(node)
        if any(_is_draw(one) and self.has_program(one) for one in made):
            return "draw"
        taken = {"remove", "pop", "discard"}
        names = {one.id for one in made if isinstance(one, ast.Name)}
        attributes = {one.attr for one in made if isinstance(one, ast.Attribute)}
        for one in self.nodes:
            match one:
                case ast.Call(func=ast.Attribute(value=base, attr=name), args=[_]) if name in taken:
                    root = getattr(base, "id", None) in names
                    if root or getattr(base, "attr", None) in attributes:
                        return "frontier"
        return "best"

    def _guarded(self, node: ast.AST) -> str:
        """Of an assignment under a condition about scores."""
        found = ""
        for test in self.tests(node):
            parts = [*self.made_of(test)]
            compared = [
                one for one in parts if isinstance(one, ast.Compare) and self.has_score(one)
            ]
            if not any(
                isinstance(one.ops[0], (ast.Gt, ast.GtE, ast.Lt, ast.LtE)) for one in compared
            ):
                continue
            by_chance = any(name_of(one) in RANDOM for one in parts)
            sides = [side for one in compared for side in (one.left, *one.comparators)]
            margins = [side for side in sides if isinstance(side, ast.BinOp)]
            looked = parts if by_chance else [one for side in margins for one in ast.walk(side)]
            if any(self._falls(one) for one in looked):
                return "walk"
            if by_chance:
                return "other"
            found = "best"
        return found

    def _falls(self, node: ast.AST) -> bool:
        """Whether a name is given, in a loop, something that no score and no program is in."""
        if not isinstance(node, (ast.Name, ast.Attribute)) or not isinstance(node.ctx, ast.Load):
            return False
        return any(self._is_planned(one, name_of(node)) for one in self.given(node) or ())

    def _is_planned(self, given: Given, name: str) -> bool:
        if isinstance(given.by, ast.AugAssign):
            is_new = True
        else:
            is_fixed = given.value is None or isinstance(given.value, ast.Constant)
            is_new = not is_fixed and (isinstance(given.by, ast.For) or bool(self.loops(given.by)))
        others = [
            one
            for one in ast.walk(given.value or given.by)
            if isinstance(one, (ast.Name, ast.Call)) and name_of(one) != name
        ]
        return is_new and not any(self.has_score(one) or self.has_program(one) for one in others)

    def chosen(self, ask: ast.Call) -> dict[str, list[ast.AST]]:
        """How the programs that a request shows were chosen, and where.

        Beside the ways of `choice`: `joined` (several at once), `latest` (as they came).
        """
        if ask not in self._chosen:
            message = self.argument(ask, "message")
            self._chosen[ask] = {} if message is None else self._chosen_in(message)
        return self._chosen[ask]

    def _chosen_in(self, message: ast.AST) -> dict[str, list[ast.AST]]:
        def ends(node: ast.AST) -> bool:
            is_end = node in self._ends or name_of(node) == "extract_code"
            return is_end or (self.choice(node) != "" and self._is_of_programs(node))

        found = self.reach(message, ends)
        chosen: dict[str, list[ast.AST]] = {}
        for node in found:
            kind = "latest" if name_of(node) == "extract_code" else self.choice(node)
            if kind and self._is_of_programs(node):
                joined = kind == "top" and self._is_joined(node, found)
                chosen.setdefault("joined" if joined else kind, []).append(node)
        return chosen

    def _is_of_programs(self, node: ast.AST) -> bool:
        """Whether programs are chosen from, or assigned."""
        value = getattr(node, "value", None) or node
        values = node.args if isinstance(node, ast.Call) else [value]
        return any(map(self.has_program, values))

    def _is_joined(self, node: ast.AST, found: dict[ast.AST, ast.AST | None]) -> bool:
        """Whether what is looped over goes into one text, and not each into one of its own."""
        here: ast.AST | None = node
        path = []
        while here is not None and here not in path:
            path.append(here)
            here = found.get(here)
        joins = [one for one in path if name_of(one) == "join"]
        for one in path:
            loop = self.parent.get(one)
            if isinstance(loop, (ast.For, ast.comprehension)) and loop.iter is one:
                around = self.parent[loop] if isinstance(loop, ast.comprehension) else loop
                for join in joins:
                    is_here = self.scope(join) is self.scope(loop)
                    if is_here and around not in self.around(join):
                        return True
        return False


def _is_draw(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and name_of(node) in _DRAWS and bool(node.args)


def _counts(node: ast.AST) -> bool:
    """Whether it gives a variable a value that only says that something happened."""
    is_fixed = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    return is_fixed or isinstance(node, ast.AugAssign)


def leaves(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], (ast.Continue, ast.Break, ast.Return, ast.Raise))
