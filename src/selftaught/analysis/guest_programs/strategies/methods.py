"""Following methods of what is no object of the program's own classes."""

from __future__ import annotations

from selftaught.analysis.guest_programs.strategies.graph import Node
from selftaught.analysis.guest_programs.strategies.library import Library
from selftaught.analysis.guest_programs.strategies.names import (
    ARGUMENTS,
    PUTS,
    REMOVES,
    SAME,
    TAKES,
)
from selftaught.analysis.guest_programs.strategies.values import Arguments


class Methods(Library):
    """Of the model and the utility, of collections, texts and numbers."""

    def method(self, base: Node, name: str, arguments: Arguments) -> Node:
        for target in self.targets(base):
            if target.op == "input" and target.name == "model":
                if name in ("prompt", "batch_prompt"):
                    return self.asked(arguments, is_batch=name == "batch_prompt")
            elif target.op == "input" and target.name == "utility" and name == "map":
                function = self.node("input", name="utility")
                return self.mapped("map", [function, *arguments.placed[:1]])
            elif target.op == "module" and target.name != name:
                dotted = f"{target.name}.{name}"
                if target.name.startswith(("re.", "random.")):
                    return self.library(dotted, arguments)
            elif target.op == "super":
                return self._of_super(target, name, arguments)
        return self._of_container(base, name, arguments) or self._of_value(base, name, arguments)

    def _of_super(self, target: Node, name: str, arguments: Arguments) -> Node:
        this, of_class = target.args
        for base in of_class.args:
            for extended in self.targets(base):
                found = self.member(extended, name) if extended.op == "class" else None
                if found is not None:
                    return self.inline(found, self.shifted(arguments, this))
        return self.const(None)

    def _of_container(self, base: Node, name: str, arguments: Arguments) -> Node | None:
        """Methods that change a collection, or look something up in it."""
        placed = arguments.placed
        if name in PUTS and placed:
            self.put_all(base, placed[0])
        elif name == "insert" and len(placed) > 1:
            self.put_all(base, placed[1])
        elif name in ("extend", "update", "extendleft") and placed:
            self.put_all(base, placed[0], spread=True)
        elif name in TAKES or (name == "get" and not placed):
            return self.taken(base, name)
        elif name in REMOVES:
            for container in self.containers(base):
                container.removals.append(self.line)
        elif name == "get":
            return self.node("get", base, *placed)
        elif name == "setdefault" and len(placed) > 1:
            for container in self.containers(base):
                self.put(container, placed[1], key=placed[0])
            return self.node("get", base, *placed)
        elif name in ("items", "keys", "values"):
            return self.node("view", base, name=name)
        elif name == "most_common":
            pairs = self.node("view", base, name="items")
            value = self.item(self.element(pairs), self.const(1))
            return self.node("sorted", pairs, value, name=name)
        elif name == "sort":
            key = self.key(base, arguments)
            return self.node("sorted", base, key, name="sort")
        elif name == "reverse":
            return self.node("copy", base, name=name)
        else:
            return None
        return self.const(None)

    def _of_value(self, base: Node, name: str, arguments: Arguments) -> Node:
        placed = arguments.placed
        with_base = Arguments([base, *placed], frozenset(), arguments.named)
        if name == "replace":
            if len(placed) > 1 and placed[1].op != "const":
                return self.node("splice", base, placed[1], placed[0])
            return self.node("text", base)
        if name == "map" and len(placed) > 1:  # of a pool of threads
            return self.mapped("map", placed)
        if name in ("submit", "to_thread", "run_in_executor"):
            return self.library(name, arguments)
        if name == "index" and placed:
            return self.node("argselect", base, *placed, name=name)
        if name in ("max", "min"):
            return self.node("math", base, name=name)
        if name in ARGUMENTS or name in SAME:
            return self.node("argselect" if name in ARGUMENTS else "copy", base, name=name)
        return self.by_kind(name, with_base) or self.unknown(
            self.node("attr", base, name=name), with_base
        )
