"""Following what makes collections, takes items out of them, and assigns."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod

from selftaught.analysis.guest_programs.strategies.graph import Guard, Loop, Node
from selftaught.analysis.guest_programs.strategies.state import Scope, State
from selftaught.analysis.guest_programs.strategies.values import Arguments, only


class Items(State, ABC):
    """Displays, comprehensions, items and assignments."""

    @abstractmethod
    def evaluate(self, expression: ast.expr) -> Node: ...

    def all_placed(self, values: list[Node]) -> Arguments:
        return Arguments(values, frozenset(), {})

    @abstractmethod
    def call(self, function: Node, arguments: Arguments) -> Node: ...

    @abstractmethod
    def attribute(self, base: Node, name: str) -> Node: ...

    @abstractmethod
    def overloaded(self, target: Node, name: str, arguments: list[Node]) -> Node | None:
        """What an object's own method for an operator gives; None if it has none."""

    def displayed(self, op: str, items: list[ast.expr]) -> Node:
        made = self.node(op)
        for item in items:
            self.put(made, self.evaluate(item), spread=isinstance(item, ast.Starred))
        made.value = len(made.writes)
        return made

    def displayed_dict(self, keys: list[ast.expr | None], values: list[ast.expr]) -> Node:
        made = self.node("dict")
        for key, value in zip(keys, values, strict=True):
            held = self.evaluate(value)
            known = None if key is None else self.evaluate(key)
            self.put(made, held, key=known, spread=key is None)
        return made

    def comprehension(
        self, expression: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> Node:
        outside, loops, guards = self.scope, self.loops, self.guards
        inside = Scope(outside)
        for place, generator in enumerate(expression.generators):
            self.scope = outside if place == 0 else inside
            source = self.evaluate(generator.iter)
            self.scope = inside
            loop = Loop("comprehension", generator.iter.lineno)
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

    def subscript(self, base: Node, place: ast.expr) -> Node:
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

    def entry(self, record: Node, key: str) -> Node:
        """A dict's value for a constant key, as a variable of its own."""
        if key not in record.cells:
            cell = self.node("cell", name=key)
            cell.writes = [w for w in record.writes if w.key is not None and w.key.value == key]
            record.cells[key] = cell
        return record.cells[key]

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
