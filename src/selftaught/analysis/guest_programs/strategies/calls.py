"""Following calls: functions of the program are followed where they are called."""

from __future__ import annotations

import ast
from abc import abstractmethod
from typing import Any

from selftaught.analysis.guest_programs.strategies.graph import Loop, Node, Request, Scoring
from selftaught.analysis.guest_programs.strategies.objects import Objects
from selftaught.analysis.guest_programs.strategies.state import MAX_INLINED, Frame, Function, Scope
from selftaught.analysis.guest_programs.strategies.values import Arguments


class Calls(Objects):
    """What is called, and what comes of it."""

    @abstractmethod
    def library(self, name: str, arguments: Arguments) -> Node: ...

    @abstractmethod
    def method(self, base: Node, name: str, arguments: Arguments) -> Node: ...

    @abstractmethod
    def follow(self, body: list[ast.stmt]) -> bool: ...

    # --- calls ------------------------------------------------------------------------------------

    def call(self, function: Node, arguments: Arguments) -> Node:
        if function.op == "attr":
            known = [one for one in self.targets(function) if one.op != "attr"]
            if not known:
                return self.method(function.args[0], function.name, arguments)
        made = [self._call_one(target, arguments) for target in self.targets(function)]
        if len(made) == 1:
            return made[0]
        if not made:
            return self.unknown(function, arguments)
        phi = self.node("phi", *made)
        # Which of them is called is a choice, too.
        phi.value = function.value if function.op == "phi" and function.value else function
        phi.guards = ((),) * len(made)
        return phi

    def _call_one(self, target: Node, arguments: Arguments) -> Node:
        match target.op:
            case "closure":
                return self.inline(target, arguments)
            case "bound":
                base, function = target.args
                return self._call_one(function, self.shifted(arguments, base))
            case "class":
                return self.instance(target, arguments)
            case "instance":
                called = self.member(target, "__call__")
                if called is not None:
                    return self.inline(called, self.shifted(arguments, target))
            case "partial":
                bound: Arguments = target.value
                starred = frozenset(at + len(bound.placed) for at in arguments.starred)
                merged = Arguments(
                    [*bound.placed, *arguments.placed],
                    bound.starred | starred,
                    bound.named | arguments.named,
                )
                return self.call(target.args[0], merged)
            case "cached":
                self.caches += 1
                made = self.call(target.args[0], arguments)
                self.caches -= 1
                return made
            case "getter":
                return self._got(target, arguments)
            case "module":
                return self.library(target.name, arguments)
            case "attr":
                return self.method(target.args[0], target.name, arguments)
            case "input" if target.name == "utility" and arguments.placed:
                return self.scored(arguments.placed[0])
        return self.unknown(target, arguments)

    def _got(self, getter: Node, arguments: Arguments) -> Node:
        found = []
        for key in getter.args:
            if getter.name == "attrgetter":
                found.append(self.attribute(arguments.placed[0], str(key.value)))
            else:
                found.append(self.item(arguments.placed[0], key))
        return found[0] if len(found) == 1 else self.collection("tuple", found)

    def unknown(self, function: Node, arguments: Arguments) -> Node:
        """A call of something else; functions given to it may be called by it."""
        given = [*arguments.placed, *arguments.named.values()]
        results = []
        for one in given:
            for target in self.targets(one):
                if target.op in ("closure", "bound", "cached"):
                    others = [self.element(other) for other in given if other is not one]
                    results.append(self.call(target, Arguments(others, frozenset(), {})))
        made = self.node("call", *given, *results, name=function.name)
        if "exec" in _origin_of(function):
            self.raising.append(made)
        return made

    # --- the utility and the model ----------------------------------------------------------------

    def scored(self, program: Node) -> Node:
        self.scorings.append(Scoring(program, self.caches > 0, self.guards, self.loops, self.line))
        return self.node("score", program)

    def asked(self, arguments: Arguments, *, is_batch: bool) -> Node:
        """A call of the language model, for a message or a list of them."""
        nothing = self.const("")
        expertise = arguments.get(0, "expertise") or nothing
        names = ("message_batch", "messages") if is_batch else ("message", "message")
        messages = arguments.get(1, names[0]) or arguments.named.get(names[1]) or nothing
        temperature = arguments.get(2 if is_batch else 3, "temperature")
        made = self.node("asked", name="batch_prompt" if is_batch else "prompt")
        self.requests.append(
            Request(
                *(made, expertise, messages, temperature, is_batch),
                *(self.guards, self.loops, self.line),
            )
        )
        return made

    # --- functions of the program -----------------------------------------------------------------

    def inline(self, closure: Node, arguments: Arguments) -> Node:
        """What a function returns for these arguments."""
        function, around, defaults, for_keywords = closure.value
        for frame in self.frames:
            if frame.function is function and frame.parameters:
                return self._again(frame, arguments)
        if len(self.frames) >= MAX_INLINED or any(f.function is function for f in self.frames):
            return self.node("call", *arguments.placed, name=closure.name)
        scope = Scope(around)
        values = self._bound(function, arguments, defaults, for_keywords)
        frame = Frame(function, len(self.guards), self.node("cell", name=closure.name))
        before, scopes_guards, loops = self.scope, self.guards, self.loops
        if _calls_itself(function):
            loop = Loop("recursion", getattr(function, "lineno", self.line))
            self.loops = (*self.loops, loop)
            for name, value in values.items():
                around_again = self.node("carried", value, name=name)
                around_again.loop, around_again.guards = loop, ((),)
                values[name] = frame.parameters[name] = around_again
        self.scope = scope
        scope.names.update(values)
        self.frames.append(frame)
        loops_of_body, self.carried = self.carried, []
        if isinstance(function, ast.Lambda):
            returned = self.evaluate(function.body)
        else:
            self.follow(function.body)
            returned = frame.yields or self.joined(frame.returns or [(self.const(None), ())])
        self.carried = loops_of_body
        self.frames.pop()
        self.scope, self.guards, self.loops = before, scopes_guards, loops
        if frame.result.writes:  # it called itself
            self.put(frame.result, returned)
            return frame.result
        return returned

    def _again(self, frame: Frame, arguments: Arguments) -> Node:
        """A function calls itself: its parameters go around once more."""
        parameters = frame.function.args
        names = [one.arg for one in (*parameters.posonlyargs, *parameters.args)]
        given = dict(zip(names, arguments.placed, strict=False)) | arguments.named
        for name, value in given.items():
            parameter = frame.parameters.get(name)
            if parameter is not None and value is not parameter:
                parameter.args = (*parameter.args, value)
                parameter.guards = (*parameter.guards, self.guards)
        if not frame.result.writes:
            for value, _ in frame.returns:
                self.put(frame.result, value)
            self.put(frame.result, self.node("call", name="recursion"))
        return frame.result

    def _bound(
        self, function: Function, arguments: Arguments, defaults: list[Node], kw: list[Any]
    ) -> dict[str, Node]:
        """Values of the parameters."""
        placed: list[Node] = []
        for place, value in enumerate(arguments.placed):
            if place not in arguments.starred:
                placed.append(value)
            elif value.op in ("tuple", "list") and not any(w.spread for w in value.writes):
                placed.extend(write.value for write in value.writes)
            else:
                placed.extend([self.element(value)] * len(function.args.args))
        parameters = [*function.args.posonlyargs, *function.args.args]
        values: dict[str, Node] = {}
        with_default = dict(
            zip(
                [p.arg for p in parameters[len(parameters) - len(defaults) :]],
                defaults,
                strict=True,
            )
        )
        with_default |= {
            p.arg: value
            for p, value in zip(function.args.kwonlyargs, kw, strict=True)
            if value is not None
        }
        for place, parameter in enumerate(parameters):
            if place < len(placed):
                values[parameter.arg] = placed[place]
        names = {parameter.arg for parameter in (*parameters, *function.args.kwonlyargs)}
        values |= {name: value for name, value in arguments.named.items() if name in names}
        for name in names - values.keys():
            values[name] = with_default.get(name) or self.node("call", name="missing")
        if function.args.vararg is not None:
            rest = self.collection("list", placed[len(parameters) :])
            values[function.args.vararg.arg] = rest
        if function.args.kwarg is not None:
            extra = self.node("dict")
            for name, value in arguments.named.items():
                if name not in names:
                    self.put(extra, value, key=self.const(name))
            values[function.args.kwarg.arg] = extra
        return values


def _calls_itself(function: Function) -> bool:
    name = getattr(function, "name", None)
    return name is not None and any(
        isinstance(node, ast.Call)
        and name in (getattr(node.func, "id", None), getattr(node.func, "attr", None))
        for node in ast.walk(function)
    )


def _origin_of(function: Node) -> str:
    """Names of what a called value was taken out of."""
    names: list[str] = []
    while function.args and len(names) < 8:
        names.append(function.name)
        function = function.args[0]
    return " ".join((*names, function.name))
