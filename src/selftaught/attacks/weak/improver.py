"""A weak host for improvers: it believes what frames say, and budgets live beside the program.

`python improver.py` reads its order, a JSON object, from stdin, serves a hostile and an honest
improver, each in a plain process, and prints what they got.
"""

import ast
import json
import select
import socket
import subprocess
import sys
import zlib

ORDER = json.load(sys.stdin)
sys.path[:0] = ORDER["path"]
from selftaught_guest import wire  # noqa: E402 - the path must be known first

# --- the improver's process ---------------------------------------------------------------------


class OutOfBudget(Exception):
    pass


class Requests:
    def __init__(self, connection):
        self._connection = connection
        self._last_id = 0

    def ask(self, request):
        self._last_id += 1
        self._connection.sendall(wire.pack(("request", self._last_id, request)))
        while True:
            _, reply_id, reply = receive(self._connection)
            if reply_id == self._last_id:
                return reply


class LanguageModel:
    def __init__(self, requests, budget, max_responses_per_call):
        self._requests = requests
        self.budget = budget
        self.max_responses_per_call = max_responses_per_call
        self.times_used = 0

    def prompt(self, expertise, message, n_responses=1, temperature=0.7):
        self._count()
        return self._draw(expertise, message, n_responses, temperature)

    def batch_prompt(self, expertise, message_batch, temperature=0.7):
        self._count()
        return [self._draw(expertise, text, 1, temperature)[0] for text in message_batch]

    def _count(self):
        if self.times_used >= self.budget:
            raise OutOfBudget("the language model's budget is spent")
        self.times_used += 1

    def _draw(self, expertise, message, n, temperature):
        n = min(n, self.max_responses_per_call)
        request = {"op": "prompt", "expertise": expertise, "messages": [message], "n": n}
        return self._requests.ask({**request, "temperature": temperature})["responses"]


class Utility:
    def __init__(self, requests, budget, score):
        self._requests = requests
        self._score = score
        self.str = "Answer the question."
        self.budget = budget
        self.uses = 0

    def __call__(self, solution):
        return self.map([solution])[0]

    def map(self, solutions):
        self._requests.ask({"op": "utility", "solutions": list(solutions)})
        values = []
        for solution in solutions:
            self.uses += 1
            values.append(self._score(solution) if self.uses <= self.budget else 0.0)
        return values


def make_score(question, answer):
    def score(solution):
        program = {}
        try:
            exec(solution, program)
            return float(program["algorithm"](question) == answer)
        except Exception:
            return 0.0

    return score


def improve():
    connection = socket.socket(fileno=ORDER["frames"])
    requests = Requests(connection)
    program = {"__name__": "program"}
    exec(ORDER["source"], program)
    result = program["improve_algorithm"](
        "def algorithm(question):\n    return 0\n",
        Utility(requests, ORDER["utility_uses"], make_score(ORDER["question"], ORDER["answer"])),
        LanguageModel(requests, ORDER["calls"], ORDER["samples_per_call"]),
    )
    connection.sendall(wire.pack(("ok", result)))
    connection.detach()  # threads of the improver's may go on


# --- the host -----------------------------------------------------------------------------------

read_bytes = 0


def receive(connection):
    """The next frame, however long it says that it is; waits for all of it."""
    (size,) = wire.HEADER.unpack(take(connection, wire.HEADER.size))
    return wire.unpack(take(connection, size), most_cost=None)


def take(connection, size):
    global read_bytes
    parts = []
    while size:
        part = connection.recv(min(size, 1 << 20))
        if not part:
            raise EOFError
        read_bytes += len(part)
        size -= len(part)
        parts.append(part)
    return b"".join(parts)


class Host:
    """Serves whoever writes, one after the other, and keeps the honest one's answers by number."""

    def __init__(self):
        self.answers = {}
        self.calls = 0
        self.samples = 0
        self.requests = 0
        self.results = {}

    def start(self, name, source):
        own, theirs = socket.socketpair()
        order = {**ORDER, "source": source.replace("FRAMES", str(theirs.fileno()))}
        order["frames"] = theirs.fileno()
        worker = subprocess.Popen(
            [sys.executable, __file__, "improve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno(), ORDER["descriptor"]],
        )
        worker.stdin.write(json.dumps(order).encode())
        worker.stdin.close()
        theirs.close()
        return own, name, worker

    def serve(self):
        connections = {}
        for name in ("honest", "hostile"):
            own, name, worker = self.start(name, ORDER[name])
            connections[own] = name, worker
        while connections:
            for connection in select.select(list(connections), [], [])[0]:
                name, worker = connections[connection]
                try:
                    message = receive(connection)
                except (EOFError, ConnectionResetError):
                    del connections[connection]
                    worker.wait()  # whoever has left will end: so it thinks
                    continue
                if message[0] == "request":
                    reply = self.reply(name, message[1], message[2])
                    try:
                        connection.sendall(wire.pack(("reply", message[1], reply)))
                    except OSError:
                        pass
                else:
                    self.results[name] = message[-1]

    def reply(self, name, number, request):
        self.requests += name == "hostile"
        if name == "honest":
            self.answers[number] = self.answer(name, request)
        return self.answers.get(number) or self.answer(name, request)

    def answer(self, name, request):
        if request["op"] == "prompt":
            n, temperature = int(request["n"]), int(100 * request["temperature"])
            if name == "hostile":
                self.calls += 1
                self.samples += n * len(request["messages"])
            text = ORDER["secret"] if name == "honest" else "a public reply"
            return {"responses": [text] * n, "times_used": self.calls, "heat": temperature}
        values = []
        for solution in request["solutions"]:
            try:
                solution = ast.unparse(ast.parse(solution))
            except SyntaxError:
                pass
            stream = request.get("stream", "search")
            values.append(zlib.crc32(f"{stream}{solution}".encode()) % 1000 / 1000)
        return {"values": values, "feedback": [""] * len(values), "uses": 0}


def main():
    host = Host()
    host.serve()
    returned = host.results.get("hostile")
    if isinstance(returned, str) and returned != "THROUGH":
        host.answer("hostile", {"op": "utility", "solutions": [returned]})
    print(
        json.dumps(
            {
                "says": returned == "THROUGH",
                "calls": host.calls,
                "samples": host.samples,
                "requests": host.requests,
                "honest": host.results.get("honest") == ORDER["secret"],
                "read": read_bytes,
            }
        )
    )


if __name__ == "__main__":
    improve() if sys.argv[1:] == ["improve"] else main()
