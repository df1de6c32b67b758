"""Following expressions."""

from __future__ import annotations

import ast

from selftaught.analysis.guest_programs.strategies.graph import Guard, Node
from selftaught.analysis.guest_programs.strategies.items import Items
from selftaught.analysis.guest_programs.strategies.values import (
    Arguments,
    computed,
    is_number,
    listed,
)
from selftaught.analysis.guest_programs.strategies.walk import is_collection

# Names of what puts a collection into another order in its place.
_IN_PLACE = frozenset({"sort", "shuffle", "reverse"})


class Expressions(Items):
    """What each kind of expression comes to."""

    def evaluate(self, expression: ast.expr) -> Node:
        self.line = expression.lineno
        match expression:
            case ast.Constant(value=value):
                return self.const(value)
            case ast.Name(id=name):
                return self.lookup(name)
            case ast.Attribute(value=base, attr=name):
                return self.attribute(self.evaluate(base), name)
            case ast.Call():
                return self._call(expression)
            case ast.Subscript(value=base, slice=place):
                return self.subscript(self.evaluate(base), place)
            case ast.Lambda():
                return self.closure(expression)
            case ast.NamedExpr(target=target, value=value):
                made = self.evaluate(value)
                self.store(target, made)
                return made
            case ast.IfExp():
                return self._either_or(expression)
            case ast.Await(value=value) | ast.Starred(value=value):
                return self.evaluate(value)
            case ast.Yield(value=value):
                return self._yielded(None if value is None else self.evaluate(value), spread=False)
            case ast.YieldFrom(value=value):
                return self._yielded(self.evaluate(value), spread=True)
        return self._composed(expression)

    def _composed(self, expression: ast.expr) -> Node:
        """Of operands, items or parts."""
        match expression:
            case ast.JoinedStr(values=values):
                return self.node("text", *map(self.evaluate, values))
            case ast.FormattedValue(value=value):
                return self.evaluate(value)
            case ast.BinOp():
                return self.combined(
                    expression.op, self.evaluate(expression.left), self.evaluate(expression.right)
                )
            case ast.BoolOp(op=op, values=values):
                return self._chained(values, goes_on=isinstance(op, ast.And))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return self.const(-value)
            case ast.UnaryOp(op=op, operand=operand):
                kind = "logic" if isinstance(op, ast.Not) else "math"
                return self.node(kind, self.evaluate(operand), name=type(op).__name__)
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [self.evaluate(left), *map(self.evaluate, others)]
                if isinstance(ops[0], (ast.In, ast.NotIn)):
                    for target in self.targets(sides[1]):
                        found = self.overloaded(target, "__contains__", [target, sides[0]])
                        if found is not None:
                            return found
                made = self.node("compare", *sides)
                made.name = " ".join(type(op).__name__ for op in ops)
                return made
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
                return self.displayed(type(expression).__name__.lower(), items)
            case ast.Dict(keys=keys, values=values):
                return self.displayed_dict(keys, values)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self.comprehension(expression)
        return self.node("call", name=type(expression).__name__)

    def combined(self, op: ast.operator, left: Node, right: Node) -> Node:
        """The result of an operator with two operands."""
        fixed = computed(op, left, right)
        if fixed is not None:
            return self.const(fixed)
        if isinstance(op, (ast.Sub, ast.BitAnd)) and is_collection(left):  # of sets
            item = self.element(left)
            test = self.node("compare", item, right, name="NotIn")
            made = self.node("comp", item)
            made.value, made.guards = (), ((Guard(test, isinstance(op, ast.Sub)),),)
            return made
        if isinstance(op, (ast.Add, ast.BitOr)):
            return self.node("add", left, right)
        if isinstance(op, ast.Mult):
            for one, other in ((left, right), (right, left)):
                if one.op == "tuple" or is_collection(one):  # [x] * n
                    return self.node("slice", one, other)
        if isinstance(op, ast.Mod) and left.op in ("const", "text") and not is_number(left):
            return self.node("text", left, right)
        return self.node("math", left, right, name=type(op).__name__)

    # --- the rest ---------------------------------------------------------------------------------

    def _chained(self, values: list[ast.expr], *, goes_on: bool) -> Node:
        """`and` and `or`: each operand is come to only if those before it were so."""
        guards = self.guards
        made: list[Node] = []
        for value in values:
            made.append(self.evaluate(value))
            self.guards = (*self.guards, Guard(made[-1], goes_on))
        self.guards = guards
        return self.node("either", *made)

    def _either_or(self, expression: ast.IfExp) -> Node:
        condition = self.evaluate(expression.test)
        guards, made = self.guards, []
        for holds, branch in ((True, expression.body), (False, expression.orelse)):
            self.guards = (*guards, Guard(condition, holds))
            made.append((self.evaluate(branch), (Guard(condition, holds),)))
        self.guards = guards
        return self.joined(made)

    def _yielded(self, value: Node | None, *, spread: bool) -> Node:
        if self.frames and value is not None:
            frame = self.frames[-1]
            if frame.yields is None:
                frame.yields = self.node("list")
            self.put(frame.yields, value, spread=spread)
        return self.const(None)

    def _call(self, expression: ast.Call) -> Node:
        function = self.evaluate(expression.func)
        placed: list[Node] = []
        starred: set[int] = set()
        for argument in expression.args:
            value = self.evaluate(argument)
            items = listed(value) if isinstance(argument, ast.Starred) else None
            if isinstance(argument, ast.Starred) and items is None:
                starred.add(len(placed))
            placed.extend([value] if items is None else items)
        named: dict[str, Node] = {}
        for keyword in expression.keywords:
            value = self.evaluate(keyword.value)
            if keyword.arg is not None:
                named[keyword.arg] = value
            elif value.op == "dict":
                named |= {
                    str(write.key.value): write.value
                    for write in value.writes
                    if write.key is not None and write.key.op == "const"
                }
        self.line = expression.lineno
        made = self.call(function, Arguments(placed, frozenset(starred), named))
        if made.name in _IN_PLACE and made.op in ("sorted", "copy", "draw"):
            by_method = isinstance(expression.func, ast.Attribute) and made.name != "shuffle"
            ordered = expression.func.value if by_method else expression.args[0]  # type: ignore[attr-defined]
            self.store(ordered, made)  # the collection, in its new order
            return self.const(None)
        return made

    def closure(self, function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Node:
        """A function with the variables around it; its defaults are evaluated now."""
        made = self.node("closure", name=getattr(function, "name", "lambda"))
        arguments = function.args
        defaults = [*map(self.evaluate, arguments.defaults)]
        for_keywords = [default and self.evaluate(default) for default in arguments.kw_defaults]
        made.value = (function, self.scope, defaults, for_keywords)
        return made
