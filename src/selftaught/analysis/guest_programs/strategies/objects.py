"""Following objects of the program: attributes, members and instances of its classes."""

from __future__ import annotations

from abc import abstractmethod

from selftaught.analysis.guest_programs.strategies.expressions import Expressions
from selftaught.analysis.guest_programs.strategies.graph import Node
from selftaught.analysis.guest_programs.strategies.values import Arguments, only

_LIMITS = frozenset({"budget", "uses", "times_used", "max_responses_per_call"})
_NOTHING = Arguments([], frozenset(), {})


class Objects(Expressions):
    """What objects have, and how they are made."""

    @abstractmethod
    def inline(self, closure: Node, arguments: Arguments) -> Node: ...

    def shifted(self, arguments: Arguments, first: Node) -> Arguments:
        """With one more argument before the others."""
        starred = frozenset(place + 1 for place in arguments.starred)
        return Arguments([first, *arguments.placed], starred, arguments.named)

    def attribute(self, base: Node, name: str) -> Node:
        if base.op == "module":
            return self.node("module", name=f"{base.name}.{name}")
        targets = self.targets(base)
        for target in targets:
            if target.op == "input" and target.name != "solution":
                if name == "str":
                    return self.node("description")
                if name in _LIMITS:
                    return self.node("limit", name=name)
        this = only(base)
        if this is not None and this.op == "instance" and name in this.cells:
            return this.cells[name]
        objects = [target for target in targets if target.op in ("instance", "class")]
        if not any(name in one.cells for one in objects if one.op == "instance"):
            found: dict[int, Node] = {}
            for one in objects:
                cell = self.member_cell(one, name)
                if cell is not None and id(cell) not in found:
                    found[id(cell)] = self._member_of(base, one, cell)
            if found:
                made = self.joined([(member, ()) for member in found.values()])
                if len(found) > 1:
                    made.value = base  # whose member it is, is a choice
                return made
        return self.node("attr", base, name=name)

    def _member_of(self, base: Node, target: Node, cell: Node) -> Node:
        """A class's member, got from an object or from the class."""
        found = cell.writes[-1].value
        match found.op:
            case "property":
                return self.inline(found.args[0], Arguments([base], frozenset(), {}))
            case "static":
                return found.args[0]
            case "classmethod":
                return self.node("bound", target, found.args[0])
            case "closure" | "cached" if target.op == "instance":
                return self.node("bound", base, found)
            case "closure" | "class" | "cached":
                return found
        return cell

    def member(self, target: Node, name: str) -> Node | None:
        """A class's member of this name, or one of those that it extends."""
        cell = self.member_cell(target, name)
        return None if cell is None else cell.writes[-1].value

    def member_cell(self, target: Node, name: str) -> Node | None:
        """The variable that it is."""
        of_class = target if target.op == "class" else target.args[0]
        if name in of_class.cells:
            return of_class.cells[name]
        for base in of_class.args:
            for extended in self.targets(base):
                if extended.op == "class" and extended is not of_class:
                    found = self.member_cell(extended, name)
                    if found is not None:
                        return found
        return None

    def overloaded(self, target: Node, name: str, arguments: list[Node]) -> Node | None:
        if target.op != "instance":
            return None
        found = self.member(target, name)
        if found is None or found.op != "closure":
            return None
        return self.inline(found, self.all_placed(arguments))

    # --- classes ----------------------------------------------------------------------------------

    def instance(self, of_class: Node, arguments: Arguments) -> Node:
        made = self.node("instance", of_class, name=of_class.name)
        initial = self.member(of_class, "__init__")
        if initial is not None:
            self.inline(initial, self.shifted(arguments, made))
            return made
        fields: dict[str, Node | None] = self.fields(of_class)
        for place, (name, default) in enumerate(fields.items()):
            value = arguments.get(place, name)
            if value is None and default is not None:
                value = self.call(default.args[0], _NOTHING) if default.op == "factory" else default
            made.cells[name] = self.node("cell", name=name)
            if value is not None:
                self.put(made.cells[name], value)
        for name, value in arguments.named.items():
            if name not in made.cells:
                made.cells[name] = self.node("cell", name=name)
                self.put(made.cells[name], value)
        after = self.member(of_class, "__post_init__")
        if after is not None:
            self.inline(after, Arguments([made], frozenset(), {}))
        return made

    def fields(self, of_class: Node) -> dict[str, Node | None]:
        """Names and defaults of a record's fields, those of what it extends first."""
        found: dict[str, Node | None] = {}
        for base in of_class.args:
            for extended in self.targets(base):
                if extended.op == "class" and extended is not of_class:
                    found |= self.fields(extended)
        return found | dict(of_class.value or {})
