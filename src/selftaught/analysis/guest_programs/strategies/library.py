"""Following functions of the standard library and numpy."""

from __future__ import annotations

from selftaught.analysis.guest_programs.strategies.containers import Containers
from selftaught.analysis.guest_programs.strategies.graph import Loop, Node
from selftaught.analysis.guest_programs.strategies.names import (
    ARGUMENTS,
    CHECKS,
    EMPTY,
    GENERATORS,
    NUMBERS,
    PARTS,
    RANDOM,
    TEXTS,
)
from selftaught.analysis.guest_programs.strategies.values import Arguments


class Library(Containers):
    """Functions by their dotted name, and methods of what is no object of the program."""

    def library(self, name: str, arguments: Arguments) -> Node:
        last = name.rpartition(".")[2]
        first = arguments.placed[0] if arguments.placed else None
        if "random" in name or name.startswith("secrets"):
            made = self._random(last, arguments, first)
            if made is not None:
                return made
        if name.startswith("re.") and last in ("compile", "sub", "subn"):
            return self._expression(name, last, arguments)
        if first is None:
            empty = next((op for op, names in EMPTY if last in names), None)
            if empty is not None:
                return self._filled(empty, arguments)
        elif (found := self.of_collection(last, arguments)) is not None:
            return found
        match last:
            case "extract_code" if first is not None:
                return self.node("code", first)
            case "range" | "count" | "linspace" | "arange" | "geomspace" | "logspace":
                return self.node("range", *arguments.placed)
            case "getattr" if len(arguments.placed) > 1 and arguments.placed[1].op == "const":
                return self.attribute(arguments.placed[0], str(arguments.placed[1].value))
            case "setattr" if len(arguments.placed) > 2 and arguments.placed[1].op == "const":
                key = str(arguments.placed[1].value)
                self.set_attribute(arguments.placed[0], key, arguments.placed[2])
                return self.const(None)
            case "SimpleNamespace" | "Namespace":
                return self.instance(self.node("class", name=last), arguments)
            case "namedtuple" if len(arguments.placed) > 1:
                return self._named_tuple(arguments)
            case "replace" if first is not None and arguments.named:  # of dataclasses
                return self._replaced(first, arguments)
            case "cache" | "lru_cache" if first is not None and first.op != "const":
                return self.node("cached", first)
            case "lru_cache" | "cache":
                return self.node("module", name="functools.cache")
            case "partial" | "partialmethod" if first is not None:
                starred = frozenset(at - 1 for at in arguments.starred if at)
                made = self.node("partial", first)
                made.value = Arguments(arguments.placed[1:], starred, arguments.named)
                return made
            case "itemgetter" | "attrgetter":
                return self.node("getter", *arguments.placed, name=last)
            case "Thread" | "Timer" | "Process":
                return self._thread(arguments)
            case "to_thread" | "submit" | "run_in_executor" if first is not None:
                skipped = 2 if last == "run_in_executor" else 1
                rest = Arguments(arguments.placed[skipped:], frozenset(), arguments.named)
                return self.call(arguments.placed[skipped - 1], rest)
            case "gather":
                made = self.node("list")
                for place, value in enumerate(arguments.placed):
                    self.put(made, value, spread=place in arguments.starred)
                return made
            case "reduce" if len(arguments.placed) > 1:
                return self._reduced(*arguments.placed[:3])
            case "wraps" | "update_wrapper":
                return self.node("module", name="builtins.identity")
            case "dataclass" | "total_ordering" | "contextmanager":
                return self.node("module", name="builtins.identity") if first is None else first
            case "identity" if first is not None:
                return first
            case "super" if self.frames:
                return self._super()
        if last in GENERATORS:
            return self.node("module", name="random.generator")
        return self.by_kind(last, arguments) or self.unknown(
            self.node("module", name=name), arguments
        )

    def _expression(self, name: str, last: str, arguments: Arguments) -> Node:
        """Regular expressions: made, or used to put one text into another."""
        if last == "compile":
            return self.node("module", name="re.pattern")
        skipped = 1 if name == f"re.{last}" else 0
        return self.node("splice", *reversed(arguments.placed[skipped : skipped + 2]))

    def _filled(self, op: str, arguments: Arguments) -> Node:
        """A new collection, with the items that are named."""
        made = self.node(op)
        for name, value in arguments.named.items():
            if op == "dict":
                self.put(made, value, key=self.const(name))
        return made

    def by_kind(self, last: str, arguments: Arguments) -> Node | None:
        """Functions and methods that are told by their name alone."""
        given = [*arguments.placed, *arguments.named.values()]
        if last in CHECKS:
            made = self.node("check", *given, name=last)
            self.raising.append(made)
            return made
        kinds = (("text", TEXTS), ("part", PARTS), ("math", NUMBERS), ("argselect", ARGUMENTS))
        for op, names in kinds:
            if last in names:
                return self.node(op, *given, name=last)
        return None

    # --- chance -----------------------------------------------------------------------------------

    def _random(self, last: str, arguments: Arguments, first: Node | None) -> Node | None:
        placed = arguments.placed
        if last in ("choice", "choices", "sample", "shuffle", "permutation", "permuted") and placed:
            weights = [value for name, value in arguments.named.items() if name in ("weights", "p")]
            made = self.node("draw", placed[0], *placed[1:2], *weights, name=last)
            made.value = "one" if last == "choice" and "size" not in arguments.named else "many"
            if placed[0].op in ("math", "const", "limit"):  # of so many
                made.op = "random"
            return made
        if last in GENERATORS:
            return self.node("module", name="random.generator")
        if last in ("seed", "set_state"):
            return self.const(None)
        if last in RANDOM:
            return self.node("random", *placed, name=last)
        return None

    # --- records and threads ----------------------------------------------------------------------

    def _reduced(self, function: Node, collection: Node, initial: Node | None = None) -> Node:
        """A loop around what the function makes of the value so far and an item."""
        loop = Loop("reduce", self.line)
        item = self.element(collection, loop)
        so_far = self.node("carried", initial or item, name="reduce")
        so_far.loop, so_far.guards = loop, ((),)
        self.loops = (*self.loops, loop)
        made = self.call(function, self.all_placed([so_far, item]))
        self.loops = self.loops[:-1]
        so_far.args, so_far.guards = (*so_far.args, made), (*so_far.guards, ())
        return so_far

    def _named_tuple(self, arguments: Arguments) -> Node:
        made = self.node("class", name="namedtuple")
        listed = arguments.placed[1]
        if listed.op == "const":
            names = str(listed.value).replace(",", " ").split()
        else:
            names = [str(write.value.value) for write in listed.writes]
        made.value = dict.fromkeys(names)
        return made

    def _replaced(self, record: Node, arguments: Arguments) -> Node:
        made = self.node("instance", self.node("class", name="replaced"))
        for target in self.targets(record):
            if target.op == "instance":
                made.args = target.args
                for name, cell in target.cells.items():
                    made.cells[name] = self.node("cell", name=name)
                    self.put(made.cells[name], cell)
        for name, value in arguments.named.items():
            made.cells[name] = self.node("cell", name=name)
            self.put(made.cells[name], value)
        return made

    def _thread(self, arguments: Arguments) -> Node:
        target = arguments.named.get("target") or arguments.get(1, "function")
        given = arguments.named.get("args")
        if target is not None:
            items = [write.value for write in given.writes] if given is not None else []
            return self.call(target, Arguments(items, frozenset(), {}))
        return self.const(None)

    def _super(self) -> Node:
        """What the object of the method that is being followed extends."""
        parameters = self.frames[-1].function.args.args
        this = self.lookup(parameters[0].arg if parameters else "")
        classes = [one.args[0] for one in self.targets(this) if one.op == "instance"]
        return self.node("super", this, *(classes[:1] or [this]))
