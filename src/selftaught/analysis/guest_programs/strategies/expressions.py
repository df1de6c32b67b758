"""Following expressions."""

from __future__ import annotations

import ast
from typing import NamedTuple

from selftaught.analysis.guest_programs.strategies.graph import Guard, Loop, Node
from selftaught.analysis.guest_programs.strategies.state import Scope, State
from selftaught.analysis.guest_programs.strategies.walk import is_collection


class Arguments(NamedTuple):
    """Of a call: `*x` is in `starred` by its place, and stands in `placed` as x itself."""

    placed: list[Node]
    starred: frozenset[int]
    named: dict[str, Node]

    def get(self, place: int, name: str) -> Node | None:
        if name in self.named:
            return self.named[name]
        return self.placed[place] if place < len(self.placed) else None


class Expressions(State):
    """What each kind of expression comes to."""

    def all_placed(self, values: list[Node]) -> Arguments:
        return Arguments(values, frozenset(), {})

    def call(self, function: Node, arguments: Arguments) -> Node:
        raise NotImplementedError

    def attribute(self, base: Node, name: str) -> Node:
        raise NotImplementedError

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
                return self._subscript(self.evaluate(base), place)
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
                return self._yielded(value and self.evaluate(value), spread=False)
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
                return self._collection(type(expression).__name__.lower(), items)
            case ast.Dict(keys=keys, values=values):
                return self._dict(keys, values)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(expression)
        return self.node("call", name=type(expression).__name__)

    def combined(self, op: ast.operator, left: Node, right: Node) -> Node:
        """The result of an operator with two operands."""
        fixed = _computed(op, left, right)
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
        if isinstance(op, ast.Mod) and left.op in ("const", "text") and not _is_number(left):
            return self.node("text", left, right)
        return self.node("math", left, right, name=type(op).__name__)

    # --- collections ------------------------------------------------------------------------------

    def _collection(self, op: str, items: list[ast.expr]) -> Node:
        made = self.node(op)
        for item in items:
            self.put(made, self.evaluate(item), spread=isinstance(item, ast.Starred))
        made.value = len(made.writes)
        return made

    def _dict(self, keys: list[ast.expr | None], values: list[ast.expr]) -> Node:
        made = self.node("dict")
        for key, value in zip(keys, values, strict=True):
            held = self.evaluate(value)
            self.put(made, held, key=key and self.evaluate(key), spread=key is None)
        return made

    def _comprehension(
        self, expression: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> Node:
        outside, loops, guards = self.scope, self.loops, self.guards
        inside = Scope(outside)
        for place, generator in enumerate(expression.generators):
            self.scope = outside if place == 0 else inside
            source = self.evaluate(generator.iter)
            self.scope = inside
            loop = Loop("comprehension", generator.iter.lineno, source)
            self.loops = (*self.loops, loop)
            self.store(generator.target, self.element(source, loop))
            for condition in generator.ifs:
                self.guards = (*self.guards, Guard(self.evaluate(condition), True))
        if isinstance(expression, ast.DictComp):
            parts = [self.evaluate(expression.key), self.evaluate(expression.value)]
        else:
            parts = [self.evaluate(expression.elt)]
        made = self.node("comp", *parts)
        made.line = expression.lineno
        made.value = self.loops[len(loops) :]
        made.guards = (self.guards[len(guards) :],)
        self.scope, self.loops, self.guards = outside, loops, guards
        return self.node("dedupe", made) if isinstance(expression, ast.SetComp) else made

    def element(self, collection: Node, loop: Loop | None = None) -> Node:
        """Any item of a collection; with a loop, the one at which it is."""
        for target in self.targets(collection):
            found = self.overloaded(target, "__iter__", [target])
            if found is not None:
                collection = found
        made = self.node("elem", collection)
        made.loop = loop
        return made

    def _subscript(self, base: Node, place: ast.expr) -> Node:
        if not isinstance(place, ast.Slice):
            return self.item(base, self.evaluate(place))
        bounds = (place.lower, place.upper, place.step)
        return self.node(
            "slice", base, *(self.const(None) if at is None else self.evaluate(at) for at in bounds)
        )

    def item(self, base: Node, index: Node) -> Node:
        """`base[index]`."""
        if index.op == "const" and isinstance(index.value, str):
            this = only(base)
            if this is not None and this.op == "dict":
                return self.entry(this, index.value)
        if index.op == "const" and isinstance(index.value, int) and base.op == "tuple":
            held = [write.value for write in base.writes if not write.spread]
            if len(held) == len(base.writes) and -len(held) <= index.value < len(held):
                return held[index.value]
        for target in self.targets(base):
            found = self.overloaded(target, "__getitem__", [target, index])
            if found is not None:
                return found
        made = self.node("index", base, index)
        self.raising.append(made)
        for target in self.targets(base):
            self.caches += 1  # a dict asks for what is missing, and only for that
            found = self.overloaded(target, "__missing__", [target, index])
            self.caches -= 1
            if found is not None:
                return self.node("either", found, made)
        return made

    def overloaded(self, target: Node, name: str, arguments: list[Node]) -> Node | None:
        """What an object's own method for an operator gives; None if it has none."""
        raise NotImplementedError

    def entry(self, record: Node, key: str) -> Node:
        """A dict's value for a constant key, as a variable of its own."""
        if key not in record.cells:
            cell = self.node("cell", name=key)
            cell.writes = [w for w in record.writes if w.key is not None and w.key.value == key]
            record.cells[key] = cell
        return record.cells[key]

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
            listed = _listed(value) if isinstance(argument, ast.Starred) else None
            if isinstance(argument, ast.Starred) and listed is None:
                starred.add(len(placed))
            placed.extend([value] if listed is None else listed)
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

    # --- assignment -------------------------------------------------------------------------------

    def store(self, target: ast.expr, value: Node) -> None:
        """Assign to a name, an attribute, an item, or to each of several targets."""
        match target:
            case ast.Name(id=name):
                self.assign(name, value)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                for place, each in enumerate(targets):
                    if isinstance(each, ast.Starred):
                        self.store(each.value, self.node("slice", value))
                    else:
                        self.store(each, self.item(value, self.const(place)))
            case ast.Attribute(value=base, attr=name):
                self.set_attribute(self.evaluate(base), name, value)
            case ast.Subscript(value=base, slice=place):
                self._set_item(base, place, value)

    def set_attribute(self, base: Node, name: str, value: Node) -> None:
        for target in self.targets(base):
            if target.op in ("instance", "class"):
                if name not in target.cells:
                    target.cells[name] = self.node("cell", name=name)
                self.put(target.cells[name], value)

    def _set_item(self, base: ast.expr, place: ast.expr, value: Node) -> None:
        collection = self.evaluate(base)
        if isinstance(place, ast.Slice):  # x[:] = y
            for container in self.containers(collection):
                self.put(container, value, spread=True)
            if place.lower is None and place.upper is None:
                self.store(base, value)
            return
        key = self.evaluate(place)
        for container in self.containers(collection):
            self.put(container, value, key=key)
            if key.op == "const" and key.value in container.cells:
                self.put(container.cells[key.value], value)


_LARGE = 1e9
# Names of what puts a collection into another order in its place.
_IN_PLACE = frozenset({"sort", "shuffle", "reverse"})


def only(base: Node, depth: int = 0) -> Node | None:
    """The one object or dict that a variable always holds."""
    if base.op in ("instance", "dict"):
        return base
    goes_around = base.loop is not None and base.loop.kind != "recursion"
    if base.op in ("carried", "phi", "cell") and not goes_around and depth < 4:
        held = [*base.args, *(write.value for write in base.writes)]
        found = {id(one): one for one in (only(value, depth + 1) for value in held)}
        if len(found) == 1:
            return next(iter(found.values()))
    return None


def _computed(op: ast.operator, left: Node, right: Node) -> float | None:
    """The result for two constant numbers, where it is as plain as they are."""
    if not (_is_number(left) and _is_number(right)):
        return None
    match op:
        case ast.Add():
            return left.value + right.value  # type: ignore[no-any-return]
        case ast.Sub():
            return left.value - right.value  # type: ignore[no-any-return]
        case ast.Mult() if max(abs(left.value), abs(right.value)) < _LARGE:
            return left.value * right.value  # type: ignore[no-any-return]
        case ast.Div() if right.value:
            return left.value / right.value  # type: ignore[no-any-return]
    return None


def _listed(collection: Node) -> list[Node] | None:
    """The items of a list or tuple, if it is known what they are."""
    is_known = collection.op in ("list", "tuple") and collection.value == len(collection.writes)
    if not is_known or any(write.spread for write in collection.writes):
        return None
    return [write.value for write in collection.writes]


def _is_number(node: Node) -> bool:
    return node.op == "const" and isinstance(node.value, (int, float))
