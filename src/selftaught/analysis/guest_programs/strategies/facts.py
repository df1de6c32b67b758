"""What is known of a followed program: its candidates, and what numbers and conditions tell of."""

from __future__ import annotations

from collections.abc import Iterable

from selftaught.analysis.guest_programs.strategies.graph import Flow, Guard, Loop, Node, Request
from selftaught.analysis.guest_programs.strategies.walk import (
    Path,
    dependencies,
    origins,
    walk,
)

SCORE, CHANCE, PROGRESS = "score", "chance", "progress"

_STOPS = frozenset({"compare", "score", "asked", "code", "check"})


class Facts:
    """A flow, with questions about it answered."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self._request_of = {id(request.asked): request for request in flow.requests}
        # Responses out of which the program itself gets the code.
        self._own: set[int] = set()
        self._wholes: set[int] = set()
        scored = [node for scoring in flow.scorings for node in self._leaves(scoring.program)]
        self._own = {id(node) for node in scored if node.op == "asked"}
        self.scored = {id(node) for node in scored}
        # What is scored is a whole program, whatever it was made of.
        self._wholes = {
            id(at) for scoring in flow.scorings for at, _ in walk(scoring.program, texts=False)
        }
        wanted = [*scored, *self._leaves(flow.returned)]
        asked = {id(request.asked) for leaf in wanted for request in self.requests_of(leaf)}
        self.program_requests = [one for one in flow.requests if id(one.asked) in asked]
        # Those, and others whose code they are made of.
        used = [leaf for one in self.program_requests for leaf in self._leaves(one.messages)]
        asked |= {
            id(one.asked) for leaf in used if leaf.op == "code" for one in self.requests_of(leaf)
        }
        self.code_requests = [one for one in flow.requests if id(one.asked) in asked]

    # --- programs ---------------------------------------------------------------------------------

    def _leaves(self, node: Node, path: Path = (), *, whole: bool = False) -> list[Node]:
        def into(at: Node, path: Path) -> bool:
            return not (whole and at.op in ("part", "check") and self._takes_apart(at))

        places = walk(node, path, into=into)
        return [at for at, _ in places if at.op in ("code", "asked") or is_initial(at)]

    def _takes_apart(self, part: Node) -> bool:
        """Whether a part is one of a program, not of a response in which it is found."""
        if id(part) in self._wholes:
            return False
        return any(at.op == "code" or is_initial(at) for at, _ in walk(part))

    def parts_in(self, node: Node, path: Path = ()) -> list[Node]:
        """What takes a program apart, of which a value may be a part."""
        return [
            at
            for at, _ in walk(node, path, texts=False)
            if at.op in ("part", "check") and self._takes_apart(at)
        ]

    def programs(self, node: Node, path: Path = (), *, whole: bool = True) -> list[Node]:
        """The candidates that a text or collection holds: code of responses, the first program.

        Args:
            whole: not those of which it holds but parts.
        """
        found = self._leaves(node, path, whole=whole)
        return [at for at in found if at.op != "asked" or id(at) in self._own]

    def candidates(self, node: Node, path: Path = (), *, whole: bool = True) -> list[Node]:
        """The same without the first program."""
        return [at for at in self.programs(node, path, whole=whole) if not is_initial(at)]

    def fresh(self, node: Node) -> list[Node]:
        """Candidates that a text holds which were not kept from an earlier round."""

        def into(at: Node, path: Path) -> bool:
            if at.op == "cell":
                return not any(is_initial(write.value) for write in at.writes)
            return at.op != "carried" or not any(
                is_in(at.loop, r.loops) for r in self.flow.requests
            )

        return [at for at, _ in walk(node, into=into) if at.op == "code" or self.is_own(at)]

    def requests_of(self, leaf: Node) -> list[Request]:
        """The requests in whose responses a candidate was found."""
        if leaf.op == "asked":
            return [self._request_of[id(leaf)]] if id(leaf) in self._request_of else []
        if leaf.op != "code":
            return []
        reached = {id(at): at for at, _ in walk(leaf.args[0]) if at.op == "asked"}
        return [self._request_of[known] for known in reached if known in self._request_of]

    def is_own(self, asked: Node) -> bool:
        return id(asked) in self._own

    def words(self, request: Request) -> str:
        """The constant text of a request, in no particular order."""
        texts = [
            at.value
            for node in (request.expertise, request.messages)
            for at, _ in walk(node)
            if at.op == "const" and isinstance(at.value, str)
        ]
        return " ".join(dict.fromkeys(texts))

    # --- conditions -------------------------------------------------------------------------------

    def comparisons(self, guards: Iterable[Guard]) -> list[Node]:
        """Comparisons on which conditions depend, those of programs themselves aside."""
        conditions = [guard.condition for guard in guards]
        reached = dependencies(*conditions, into=lambda node: node.op not in _STOPS)
        return [node for node in reached if node.op == "compare"]

    def is_better(self, guards: Iterable[Guard]) -> bool:
        """Whether one of them lets pass only what scores higher than another program."""
        return any(
            any(map(_compares_scores, found))
            and not any(CHANCE in tags(side) for one in found for side in one.args)
            and not any(_is_lenient(side) for one in found for side in one.args)
            for found in (self.comparisons([guard]) for guard in guards)
        )

    def is_annealed(self, guards: Iterable[Guard]) -> bool:
        """Whether they let pass a worse one by chance, or by a margin, that falls."""
        for found in self.comparisons(guards):
            sides = [tags(side) for side in found.args]
            together = set().union(*sides)
            if PROGRESS in together and (CHANCE in together or SCORE in together):
                return True
        return False


def is_initial(node: Node) -> bool:
    return node.op == "input" and node.name == "solution"


def _compares_scores(comparison: Node) -> bool:
    """`value > best`, or `value - best` with a number."""
    sides = comparison.args
    if any(map(_is_turned_to, sides)):
        return False
    return sum(SCORE in tags(side) for side in sides) > 1 or any(
        at.op == "math" and at.name == "Sub" and all(SCORE in tags(arg) for arg in at.args)
        for side in sides
        for at, _ in walk(side, numbers=True)
    )


def _is_turned_to(side: Node) -> bool:
    """Such as `history[step % 3]`: the score of some earlier time."""
    return side.op == "index" and side.args[1].op == "math" and PROGRESS in tags(side.args[1])


def _is_lenient(side: Node) -> bool:
    """Such as `best - margin`: a little worse is good enough."""
    if side.op != "math" or side.name not in ("Sub", "Mult"):
        return False
    scores = [SCORE in tags(arg) for arg in side.args]
    if side.name == "Sub":
        return scores == [True, False]
    fixed = [arg.value for arg in side.args if arg.op == "const"]
    return any(scores) and any(isinstance(value, float) and 0 < value < 1 for value in fixed)


def tags(node: Node, path: Path = ()) -> set[str]:
    """What a number is made of: scores, chance, how far the run has come."""
    found: set[str] = set()
    for at, rest in walk(node, path, numbers=True, into=lambda at, path: not is_length(at)):
        match at.op:
            case "score":
                found.add(SCORE)
            case "random" | "draw":
                found.add(CHANCE)
            case "range":
                found.add(PROGRESS)
            case "limit" if at.name in ("times_used", "uses"):
                found.add(PROGRESS)
            case "module" if at.name.startswith("time."):
                found.add(PROGRESS)
            case "elem" if _is_planned(at, rest):
                found.add(PROGRESS)
            case "carried" | "cell" if is_stepped(at):
                found.add(PROGRESS)
    return found


def is_length(node: Node) -> bool:
    """A number of items, which tells nothing of them."""
    return node.op == "math" and node.name == "len"


def _is_planned(item: Node, path: Path) -> bool:
    """One number after the other of a list of constants."""
    found = [at.value for at, _ in origins(item, path) if at.op == "const"]
    numbers = {value for value in found if isinstance(value, (int, float))}
    return item.loop is not None and len(numbers) > 1


def steps(node: Node) -> list[tuple[Node, tuple[Guard, ...]]]:
    """The values that a variable gets in the course of a loop."""
    if node.op == "carried":
        return list(zip(node.args[1:], node.guards[1:], strict=True))
    return [(write.value, write.guards) for write in node.writes if write.loops]


def is_stepped(node: Node) -> bool:
    """Whether a variable is computed anew from itself, and from no score: a counter, a heat."""
    for value, _ in steps(node):
        reached = [at for at, _ in walk(value, numbers=True, into=lambda at, path: at is not node)]
        ops = {at.op for at in reached}
        is_number = not ops & {"score", "code", "asked", "input"}
        if any(at is node for at in reached) and ops & {"math", "add"} and is_number:
            return True
    return False


def is_in(loop: Loop | None, loops: Iterable[Loop]) -> bool:
    return loop is not None and any(loop is one for one in loops)
