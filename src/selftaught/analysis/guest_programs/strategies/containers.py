"""Following functions whose argument is a collection."""

from __future__ import annotations

from selftaught.analysis.guest_programs.strategies.calls import Calls
from selftaught.analysis.guest_programs.strategies.graph import Guard, Node
from selftaught.analysis.guest_programs.strategies.names import (
    DICTS,
    LISTS,
    SAME,
)
from selftaught.analysis.guest_programs.strategies.values import Arguments


class Containers(Calls):
    """Choosing, ordering, mapping, filling and emptying collections."""

    def of_collection(self, last: str, arguments: Arguments) -> Node | None:
        """Functions whose first argument, or last, is a collection."""
        placed = arguments.placed
        match last:
            case "max" | "min":
                given = self._given(arguments)
                made = self.node("select", given, self.key(given, arguments), name=last)
                default = arguments.named.get("default")
                return made if default is None else self.node("either", made, default)
            case "sorted" | "sort":
                key = self.key(placed[0], arguments)
                return self.node("sorted", placed[0], key, name=last)
            case "nlargest" | "nsmallest" if len(placed) > 1:
                given = placed[1]
                ranked = self.node("sorted", given, self.key(given, arguments, 2), name=last)
                return self.node("slice", ranked, self.const(None), placed[0])
            case "heappush" | "insort" | "insort_left" | "insort_right" if len(placed) > 1:
                self.put_all(placed[0], placed[1])
                for container in self.containers(placed[0]):
                    container.name = "heap"
                return self.const(None)
            case "heappop":
                return self.taken(placed[0], last)
            case "heappushpop" | "heapreplace" if len(placed) > 1:
                self.put_all(placed[0], placed[1])
                return self.taken(placed[0], last)
            case "heapify":
                return self.const(None)
            case "next":
                return self.node("either", self.node("take", placed[0], name=last), *placed[1:])
            case "set" | "frozenset" | "fromkeys" | "unique":
                return self.node("dedupe", placed[0], name=last)
            case "enumerate":
                return self.node("zip", self.node("range"), placed[0])
            case "zip" | "zip_longest":
                return self.node("zip", *placed)
            case "combinations" | "permutations" | "pairwise" | "product":
                pair = placed if last == "product" and len(placed) > 1 else [placed[0]] * 2
                return self.node("zip", *pair)
            case "chain":
                return self._given(arguments)
            case "islice" | "takewhile" | "batched":
                return self.node("slice", *placed)
            case "map" | "starmap" | "filter" if len(placed) > 1:
                return self.mapped(last, placed)
            case "defaultdict":
                return self._defaultdict(arguments)
        if last in DICTS:
            made = self.node("dict")
            self.put(made, placed[0], spread=True)
            return made
        if last in SAME or last in LISTS:
            return self.node("copy", placed[0], name=last)
        return None

    def _given(self, arguments: Arguments) -> Node:
        """The collection of `f(collection)` or of `f(a, b, *rest)`."""
        if len(arguments.placed) == 1 and not arguments.starred:
            return arguments.placed[0]
        made = self.node("list")
        for place, value in enumerate(arguments.placed):
            self.put(made, value, spread=place in arguments.starred)
        return made

    def key(self, collection: Node, arguments: Arguments, place: int = 99) -> Node:
        """What the items of a collection are compared by."""
        item = self.element(collection)
        key = arguments.get(place, "key")
        if key is None or (key.op == "const" and key.value is None):
            return item
        return self.call(key, Arguments([item], frozenset(), {}))

    def put_all(self, collection: Node, value: Node, *, spread: bool = False) -> None:
        for container in self.containers(collection):
            self.put(container, value, spread=spread)

    def taken(self, collection: Node, name: str) -> Node:
        for container in self.containers(collection):
            container.removals.append(self.line)
        return self.node("take", collection, name=name)

    def mapped(self, last: str, placed: list[Node]) -> Node:
        """`map(f, a, b)` or `filter(f, a)` as comprehensions."""
        function, *collections = placed
        if last == "starmap":
            item = self.element(collections[0])
            items = [self.item(item, self.const(place)) for place in range(2)]
        else:
            items = [self.element(collection) for collection in collections]
        is_none = function.op == "const" and function.value is None
        called = items[0] if is_none else self.call(function, Arguments(items, frozenset(), {}))
        made = self.node("comp", items[0] if last == "filter" else called)
        made.value = ()
        if last == "filter":
            made.guards = ((Guard(called, True),),)
        return made

    def _defaultdict(self, arguments: Arguments) -> Node:
        made = self.node("dict")
        factory = arguments.placed[0]
        if factory.op != "const":
            self.put(
                made, self.call(factory, Arguments([], frozenset(), {})), key=self.node("call")
            )
        return made
