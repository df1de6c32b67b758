"""Following compound statements: conditions, attempts and loops."""

from __future__ import annotations

import ast
from abc import abstractmethod

from selftaught.analysis.guest_programs.strategies.graph import Guard, Loop
from selftaught.analysis.guest_programs.strategies.methods import Methods
from selftaught.analysis.guest_programs.strategies.state import Scope


class Blocks(Methods):
    """Each tells whether it leaves the block that it stands in."""

    @abstractmethod
    def in_line(self, body: list[ast.stmt]) -> bool: ...

    # --- conditions -------------------------------------------------------------------------------

    def follow_if(self, statement: ast.If) -> bool:
        condition = self.evaluate(statement.test)
        then, otherwise = Guard(condition, True), Guard(condition, False)
        left = self.alternatives(
            [
                ((then,), lambda: self.follow(statement.body)),
                ((otherwise,), lambda: self.follow(statement.orelse)),
            ]
        )
        if left == [True, False]:
            self.guards = (*self.guards, otherwise)
        elif left == [False, True]:
            self.guards = (*self.guards, then)
        return all(left)

    def follow_match(self, statement: ast.Match) -> bool:
        subject = self.evaluate(statement.subject)
        branches = []
        for case in statement.cases:
            names = [node for node in ast.walk(case.pattern) if isinstance(node, ast.MatchAs)]
            condition = self.node("compare", subject)

            def follow(case: ast.match_case = case, names: list[ast.MatchAs] = names) -> bool:
                for node in names:
                    if node.name is not None:
                        self.assign(node.name, self.element(subject))
                return self.follow(case.body)

            branches.append(((Guard(condition, True),), follow))
        self.alternatives(branches)
        return False

    def follow_try(self, statement: ast.Try | ast.TryStar) -> bool:
        raising, guards = len(self.raising), self.guards
        self.tries += 1
        left = self.in_line(statement.body)
        self.tries -= 1
        self.guards = guards
        raises = self.node("raises", *self.raising[raising:])
        if statement.handlers:
            branches = [((Guard(raises, False),), lambda: left)]
            for handler in statement.handlers:
                branches.append(
                    ((Guard(raises, True),), lambda handler=handler: self._handled(handler))  # type: ignore[misc]
                )
            handled = self.alternatives(branches)
            if all(handled[1:]) and not left:
                self.guards = (*self.guards, Guard(raises, False))
            left = all(handled)
        if statement.orelse and not left:
            self.guards = (*self.guards, Guard(raises, False))
            left = self.in_line(statement.orelse)
            self.guards = self.guards if left else guards
        return self.in_line(statement.finalbody) or left

    def _handled(self, handler: ast.ExceptHandler) -> bool:
        if handler.name is not None:
            self.assign(handler.name, self.node("call", name="exception"))
        return self.follow(handler.body)

    def follow_with(self, statement: ast.With | ast.AsyncWith) -> bool:
        suppresses = False
        for item in statement.items:
            made = self.evaluate(item.context_expr)
            suppresses = suppresses or made.name.endswith("suppress")
            if item.optional_vars is not None:
                self.store(item.optional_vars, made)
        self.tries += suppresses
        guards = self.guards
        left = self.in_line(statement.body)
        self.tries -= suppresses
        if suppresses:
            self.guards = guards
        return left and not suppresses

    # --- loops ------------------------------------------------------------------------------------

    def follow_for(self, statement: ast.For | ast.AsyncFor) -> None:
        is_lazy = self._makes_generator(statement.iter)
        before = None if is_lazy else self.evaluate(statement.iter)
        loop = Loop("for", statement.lineno)

        def follow() -> None:
            source = self.evaluate(statement.iter) if before is None else before
            self.line = statement.lineno
            self.store(statement.target, self.element(source, loop))
            self.follow(statement.body)

        self.looped(loop, self._assigned(statement.body), follow)
        self.in_line(statement.orelse)

    def _makes_generator(self, expression: ast.expr) -> bool:
        """Whether it calls a generator of the program, which runs between the loop's turns."""
        if not isinstance(expression, ast.Call) or not isinstance(expression.func, ast.Name):
            return False
        return any(
            target.op == "closure"
            and any(isinstance(node, ast.Yield) for node in ast.walk(target.value[0]))
            for target in self.targets(self.lookup(expression.func.id))
        )

    def follow_while(self, statement: ast.While) -> None:
        loop = Loop("while", statement.lineno)

        def follow() -> None:
            self.evaluate(statement.test)  # says when the run ends, not what is done in it
            self.follow(statement.body)

        self.looped(loop, self._assigned([statement]), follow)
        self.in_line(statement.orelse)

    def _assigned(self, body: list[ast.stmt]) -> list[tuple[Scope, str]]:
        """Variables that a body may assign, also through functions that share them."""
        found = [(self.scope.owner(name), name) for name in sorted(_names_in(body))]
        scope: Scope | None = self.scope
        while scope is not None:
            for value in scope.names.values():
                for closure in (value, *value.args):
                    if closure.op == "closure":
                        function, around = closure.value[:2]
                        found += [(around.owner(name), name) for name in _shared_by(function)]
            scope = scope.outer
        return [(owner, name) for owner, name in dict.fromkeys(found) if owner is not None]


def _names_in(body: list[ast.stmt]) -> set[str]:
    """Names that statements assign, those within functions left out."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="sort")):
                names.add(name)
            case ast.Call(func=ast.Attribute(attr="shuffle"), args=[ast.Name(id=name)]):
                names.add(name)
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=ast.Slice())]):
                names.add(name)
            case ast.Delete(targets=[ast.Subscript(value=ast.Name(id=name))]):
                names.add(name)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() | ast.ClassDef():
                continue
        waiting.extend(ast.iter_child_nodes(node))
    return names


def _shared_by(function: ast.AST) -> list[str]:
    """Names that a function assigns outside of itself."""
    shared = (at for at in ast.walk(function) if isinstance(at, (ast.Nonlocal, ast.Global)))
    return [name for at in shared for name in at.names]
