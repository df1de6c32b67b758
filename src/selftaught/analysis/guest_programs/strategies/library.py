"""What functions and methods of the standard library and numpy do to the flow of values."""

from __future__ import annotations

from selftaught.analysis.guest_programs.strategies.calls import Calls
from selftaught.analysis.guest_programs.strategies.expressions import Arguments
from selftaught.analysis.guest_programs.strategies.graph import Guard, Node

# By the last part of a dotted name.
_CHECKS = frozenset({"compile", "exec", "eval", "parse", "literal_eval", "exec_module"})
_TEXTS = frozenset(
    "str repr ascii format dedent indent shorten fill wrap escape encode decode strip lstrip rstrip"
    " lower upper casefold title capitalize swapcase removeprefix removesuffix format_map join"
    " center ljust rjust zfill translate expandtabs sha256 sha1 md5 sha512 blake2b hexdigest digest"
    " hash quote dumps crc32 adler32 normalize substitute safe_substitute write Template".split()
)
_PARTS = frozenset(
    "split rsplit splitlines partition rpartition findall finditer search match fullmatch group"
    " groups groupdict get_source_segment unparse walk iter_child_nodes getsource loads"
    " generate_tokens get_docstring dump ndiff unified_diff".split()
)
_NUMBERS = frozenset(
    "len sum abs round int float bool complex any all pow divmod isinstance issubclass callable"
    " startswith endswith count find rfind isidentifier isdigit ord exp log log2 log10 log1p expm1"
    " sqrt tanh sin cos ceil floor mean fmean median stdev pstdev variance std var prod cumsum clip"
    " average quantile percentile isfinite isnan isinf ratio hypot sign dot maximum minimum power"
    " square isclose total bit_length time monotonic perf_counter process_time".split()
)
_RANDOM = frozenset(
    "random uniform gauss normalvariate betavariate expovariate triangular randint randrange"
    " randbelow integers normal beta binomial exponential standard_normal rand randn lognormvariate"
    " random_sample poisson gammavariate gamma dirichlet".split()
)
_SAME = frozenset(
    "list tuple iter reversed copy deepcopy array asarray tolist result run wait_for create_task"
    " ensure_future await shield cycle as_completed flatten ravel asdict astuple nullcontext wait"
    " from_iterable".split()
)
_LISTS = frozenset({"list", "deque", "Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"})
_SETS = frozenset({"set", "frozenset"})
_DICTS = frozenset({"dict", "OrderedDict", "Counter", "WeakValueDictionary", "ChainMap"})
_EMPTY = (("list", _LISTS), ("set", _SETS), ("dict", _DICTS | {"defaultdict"}))
_PUTS = frozenset({"append", "add", "appendleft", "put", "put_nowait", "push", "insort"})
_TAKES = frozenset({"pop", "popleft", "popitem", "get_nowait", "heappop"})
_REMOVES = frozenset({"remove", "discard", "clear", "difference_update"})
_GENERATORS = frozenset({"default_rng", "Random", "SystemRandom", "RandomState", "Generator"})
_ARGUMENTS = frozenset({"argmax", "argmin", "argsort", "argpartition"})


class Library(Calls):
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
            empty = next((op for op, names in _EMPTY if last in names), None)
            if empty is not None:
                return self._filled(empty, arguments)
        elif (found := self._of_collection(last, arguments)) is not None:
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
                item = self.element(arguments.placed[1])
                pair = [*arguments.placed[2:3], item, item][:2]
                return self.call(arguments.placed[0], Arguments(pair, frozenset(), {}))
            case "wraps" | "update_wrapper":
                return self.node("module", name="builtins.identity")
            case "dataclass" | "total_ordering" | "contextmanager":
                return self.node("module", name="builtins.identity") if first is None else first
            case "identity" if first is not None:
                return first
            case "super" if self.frames:
                return self._super()
        if last in _GENERATORS:
            return self.node("module", name="random.generator")
        return self._by_kind(last, arguments) or self.unknown(
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

    def _by_kind(self, last: str, arguments: Arguments) -> Node | None:
        """Functions and methods that are told by their name alone."""
        given = [*arguments.placed, *arguments.named.values()]
        if last in _CHECKS:
            made = self.node("check", *given, name=last)
            self.raising.append(made)
            return made
        kinds = (("text", _TEXTS), ("part", _PARTS), ("math", _NUMBERS), ("argselect", _ARGUMENTS))
        for op, names in kinds:
            if last in names:
                return self.node(op, *given, name=last)
        return None

    # --- collections ------------------------------------------------------------------------------

    def _of_collection(self, last: str, arguments: Arguments) -> Node | None:
        """Functions whose first argument, or last, is a collection."""
        placed = arguments.placed
        match last:
            case "max" | "min":
                given = self._given(arguments)
                made = self.node("select", given, self._key(given, arguments), name=last)
                default = arguments.named.get("default")
                return made if default is None else self.node("either", made, default)
            case "sorted" | "sort":
                key = self._key(placed[0], arguments)
                return self.node("sorted", placed[0], key, name=last)
            case "nlargest" | "nsmallest" if len(placed) > 1:
                given = placed[1]
                ranked = self.node("sorted", given, self._key(given, arguments, 2), name=last)
                return self.node("slice", ranked, self.const(None), placed[0])
            case "heappush" | "insort" | "insort_left" | "insort_right" if len(placed) > 1:
                self._put_all(placed[0], placed[1])
                for container in self.containers(placed[0]):
                    container.name = "heap"
                return self.const(None)
            case "heappop":
                return self._taken(placed[0], last)
            case "heappushpop" | "heapreplace" if len(placed) > 1:
                self._put_all(placed[0], placed[1])
                return self._taken(placed[0], last)
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
                return self._mapped(last, placed)
            case "defaultdict":
                return self._defaultdict(arguments)
        if last in _DICTS:
            made = self.node("dict")
            self.put(made, placed[0], spread=True)
            return made
        if last in _SAME or last in _LISTS:
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

    def _key(self, collection: Node, arguments: Arguments, place: int = 99) -> Node:
        """What the items of a collection are compared by."""
        item = self.element(collection)
        key = arguments.get(place, "key")
        if key is None or (key.op == "const" and key.value is None):
            return item
        return self.call(key, Arguments([item], frozenset(), {}))

    def _put_all(self, collection: Node, value: Node, *, spread: bool = False) -> None:
        for container in self.containers(collection):
            self.put(container, value, spread=spread)

    def _taken(self, collection: Node, name: str) -> Node:
        for container in self.containers(collection):
            container.removals.append(self.line)
        return self.node("take", collection, name=name)

    def _mapped(self, last: str, placed: list[Node]) -> Node:
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
        if last in _GENERATORS:
            return self.node("module", name="random.generator")
        if last in ("seed", "set_state"):
            return self.const(None)
        if last in _RANDOM:
            return self.node("random", *placed, name=last)
        return None

    # --- records and threads ----------------------------------------------------------------------

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

    # --- methods ----------------------------------------------------------------------------------

    def method(self, base: Node, name: str, arguments: Arguments) -> Node:
        for target in self.targets(base):
            if target.op == "input" and target.name == "model":
                if name in ("prompt", "batch_prompt"):
                    return self.asked(arguments, is_batch=name == "batch_prompt")
            elif target.op == "input" and target.name == "utility" and name == "map":
                function = self.node("input", name="utility")
                return self._mapped("map", [function, *arguments.placed[:1]])
            elif target.op == "module" and target.name != name:
                dotted = f"{target.name}.{name}"
                if target.name.startswith(("re.", "random.")):
                    return self.library(dotted, arguments)
            elif target.op == "super":
                return self._of_super(target, name, arguments)
        return self._of_container(base, name, arguments) or self._of_value(base, name, arguments)

    def _super(self) -> Node:
        """What the object of the method that is being followed extends."""
        parameters = getattr(self.frames[-1].function, "args").args
        this = self.lookup(parameters[0].arg if parameters else "")
        classes = [one.args[0] for one in self.targets(this) if one.op == "instance"]
        return self.node("super", this, *(classes[:1] or [this]))

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
        if name in _PUTS and placed:
            self._put_all(base, placed[0])
        elif name == "insert" and len(placed) > 1:
            self._put_all(base, placed[1])
        elif name in ("extend", "update", "extendleft") and placed:
            self._put_all(base, placed[0], spread=True)
        elif name in _TAKES or (name == "get" and not placed):
            return self._taken(base, name)
        elif name in _REMOVES:
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
            key = self._key(base, arguments)
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
            return self._mapped("map", placed)
        if name in ("submit", "to_thread", "run_in_executor"):
            return self.library(name, arguments)
        if name == "index" and placed:
            return self.node("argselect", base, *placed, name=name)
        if name in ("max", "min"):
            return self.node("math", base, name=name)
        if name in _ARGUMENTS or name in _SAME:
            return self.node("argselect" if name in _ARGUMENTS else "copy", base, name=name)
        return self._by_kind(name, with_base) or self.unknown(
            self.node("attr", base, name=name), with_base
        )
