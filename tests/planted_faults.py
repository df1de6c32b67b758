"""Plants faults in a copy of the sources, one by one: the tests of `make test` must find each.

    make planted-faults, or python tests/planted_faults.py [WORD ...]

With words, only the faults whose file or tests hold one of them. Each is one replacement, which
has to fit exactly once; only the tests of its floor run, up to the first that fails. A fault that
nothing finds is a gap in the tests. The tests of the floors have to pass without one.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parents[1]
PYTEST = (sys.executable, "-m", "pytest", "-m", "not slow", "-x", "-q", "--no-header", "--tb=no")
IN_PROCESSES = ("-n", "2", "--dist", "worksteal", "-p", "no:cacheprovider")
LIMIT_S = 1200  # a fault that hangs the tests is found


@dataclass(frozen=True)
class Fault:
    """One replacement in a file of `src`, and where the tests are that have to find it."""

    file: str
    old: str
    new: str
    tests: str

    def __str__(self) -> str:
        return f"{self.file}: {self.old.strip()!r} -> {self.new.strip()!r}"

    def concerns(self, words: Sequence[str]) -> bool:
        return any(word in self.file or word in self.tests for word in words)

    @property
    def paths(self) -> list[str]:
        return [f"tests/{part}" for part in self.tests.split()]


CORE, ENGINE, GUEST = "selftaught/core", "selftaught/engine", "selftaught_guest"
ATTACKS = "wall/test_attacks.py::test_an_attack_is_attempted_and_blocked"
FAULTS = (
    # core and the algorithm
    Fault(
        f"{CORE}/statistics.py",
        "student_t(freedom, 0.025)",
        "student_t(freedom, 0.05)",
        "algorithm/test_statistics.py",
    ),
    Fault(
        f"{CORE}/statistics.py",
        "/ (len(values) - 1)",
        "/ len(values)",
        "algorithm/test_statistics.py",
    ),
    Fault(
        "selftaught/studies/sandbox_audit/rates.py",
        "share + z * z / (2 * n)",
        "share + z / (2 * n)",
        "studies/test_sandbox_audit.py",
    ),
    Fault(f"{CORE}/seeds.py", "else (key,)", "else ()", "cli/test_sandbox_settings.py"),
    Fault(
        f"{CORE}/seeds.py",
        "repeat, call_index)",
        "repeat)",
        "engine/test_evaluator.py wall/test_randomness.py",
    ),
    Fault(
        "selftaught/algorithm.py", "await I(u_queried, J.", "await I(u_queried, I_0.", "algorithm"
    ),
    Fault("selftaught/meta_utility.py", "task.judged(stream, run)(s)", "u(s)", "algorithm"),
    Fault("selftaught/acceptance.py", "difference.mean > 0:", "difference.mean >= 0:", "algorithm"),
    Fault("selftaught/acceptance.py", "estimate.mean <= 0:", "estimate.mean < 0:", "algorithm"),
    # frames and messages
    Fault(
        f"{GUEST}/wire.py",
        "    def value(self, depth: int) -> Any:\n        if depth > MAX_DEPTH:",
        "    def value(self, depth: int) -> Any:\n        if depth > 99 * MAX_DEPTH:",
        "wire",
    ),
    Fault(f"{GUEST}/wire.py", "charge(of_each * count +", "charge(0 * count +", "wire"),
    Fault(f"{GUEST}/wire.py", "if reader.odd_keys_left < 0:", "if False:", "wire"),
    Fault(f"{CORE}/messages.py", " and kind in FAILURE_KINDS", "", "wire"),
    Fault(f"{CORE}/messages.py", "if fields.keys() != kinds.keys():", "if False:", "wire"),
    Fault(f"{CORE}/messages.py", '_tag(first) == "locked" and', "", "wire"),
    # the wall
    Fault(
        f"{GUEST}/system_calls.py",
        "machine.mprotect: _without(2, _PROT_EXEC)",
        "machine.mprotect: [_ALLOW]",
        ATTACKS,
    ),
    Fault(
        f"{GUEST}/system_calls.py",
        "_instruction(_JSET, _CLONE_THREAD, 1, 0), _DENY,",
        "",
        "wall/test_filter.py",
    ),
    Fault(
        f"{GUEST}/system_calls.py",
        "_IOCTL_SAFE = (",
        "_IOCTL_SAFE = (0x541B, ",
        "wall/test_filter.py",
    ),
    Fault(
        f"{GUEST}/lockdown.py",
        "os.closerange(keep + 1, 1 << 16)",
        "pass",
        f"wall/test_what_guests_have.py wall/test_failures.py {ATTACKS}",
    ),
    Fault(
        f"{GUEST}/lockdown.py",
        "        _drop_capabilities()\n        if folder",
        "        if folder",
        "wall/test_settings.py wall/test_what_guests_have.py",
    ),
    Fault(
        f"{GUEST}/lockdown.py",
        "(resource.RLIMIT_NOFILE, 64),",
        "",
        f"wall/test_what_guests_have.py wall/test_failures.py {ATTACKS}",
    ),
    Fault(
        f"{GUEST}/randomness.py",
        "_entropy.seed(seed ^ 0x5DEECE66D)",
        "pass",
        "wall/test_randomness.py",
    ),
    Fault(
        "selftaught/executors/limits.py",
        "if threads <= limits.threads:",
        "if True:",
        "wall/test_limits.py wall/test_failures.py",
    ),
    Fault(
        "selftaught/executors/session.py",
        " and watch.is_over_cpu():",
        " and False:",
        "wall/test_limits.py wall/test_failures.py",
    ),
    # executors and engine
    Fault(
        "selftaught/executors/guest_memory.py",
        "SHARE = 0.8",
        "SHARE = 1.0",
        "engine/test_guest_memory.py",
    ),
    Fault(f"{ENGINE}/ledger.py", ") + held > limit:", ") > limit:", "engine/test_ledger.py"),
    Fault(
        f"{ENGINE}/ledger.py",
        "wall_s - elapsed_s",
        "wall_s",
        "engine/test_ledger.py engine/test_resume.py",
    ),
    Fault(f"{ENGINE}/ledger.py", "if not reservation.open:", "if False:", "engine/test_ledger.py"),
    Fault(
        f"{ENGINE}/broker.py", "utility_uses - self.uses)", "utility_uses)", "engine/test_broker.py"
    ),
    Fault(
        f"{ENGINE}/broker.py",
        "self.samples_left -= wanted",
        "pass",
        "engine/test_broker.py studies/test_series.py",
    ),
    Fault(
        f"{ENGINE}/utility_error.py",
        "and lo <= value <= hi",
        "and value <= hi",
        "engine/test_evaluator.py",
    ),
    Fault(f"{ENGINE}/evaluate.py", "self._trouble = error", "pass", "engine/test_evaluator.py"),
    Fault(
        f"{ENGINE}/requests.py",
        "self.waited_s > self.policy.limited_s",
        "False",
        "engine/test_requests.py",
    ),
    Fault(
        f"{ENGINE}/broker.py",
        '"uses": uses,',
        '"uses": math.ceil(self.uses),',
        "engine/test_starting.py",
    ),
    Fault(f"{ENGINE}/broker.py", "await before.wait()", "pass", "engine/test_racing.py"),
    Fault(
        f"{ENGINE}/broker.py", "against not in self._whole", "not against", "engine/test_racing.py"
    ),
    Fault(
        f"{ENGINE}/requests.py", "granted[len(came)", "places[len(came)", "engine/test_requests.py"
    ),
    Fault(
        f"{ENGINE}/history.py",
        "return self._known(keys), []",
        "return super().responses(keys, n)",
        "engine/test_resume.py",
    ),
    Fault(f"{GUEST}/run.py", "requests.take_in()", "pass", "engine/test_starting.py"),
    Fault(f"{GUEST}/services.py", "_STARTED = 32", "_STARTED = 3200", "engine/test_starting.py"),
    Fault(
        f"{ENGINE}/utilities.py",
        "TaskUtility(self._context, self._task, stream, repeat, normalised=True)",
        'TaskUtility(self._context, self._task, "search", repeat, normalised=True)',
        "engine/test_runs.py",
    ),
    # journal and resume
    Fault("selftaught/journal/journal.py", '"FULL" if batch.durable else', "", "store"),
    Fault(
        "selftaught/journal/journal.py",
        "if _identity(self._location) != self._file:",
        "if False:",
        "store",
    ),
    Fault("selftaught/engine/recall.py", "total += cut.reserved", "pass", "engine/test_resume.py"),
    Fault("selftaught/engine/recall.py", "call.place + offset", "offset", "engine/test_resume.py"),
    # studies
    Fault(
        "selftaught/studies/improve/finalists.py",
        "(-len(one[1]), -math.fsum(one[1]))",
        "(-len(one[1]), math.fsum(one[1]))",
        "studies/test_improve_run.py",
    ),
    Fault(
        "selftaught/studies/improve/finalists.py",
        "if drops and sets",
        "if sets < 0 and sets",
        "studies/test_improve_end.py",
    ),
    Fault(
        "selftaught/studies/transfer/run.py",
        'task, "test", run)',
        'task, "search", run)',
        "studies/test_transfer.py",
    ),
    Fault(
        "selftaught/studies/restarts.py",
        "samples_cap=left",
        "samples_cap=None",
        "studies/test_series.py studies/test_transfer.py",
    ),
    # models, extraction, command line
    Fault(
        "selftaught/models/faults.py",
        "maybe_billed=not never_sent",
        "maybe_billed=False",
        "models/test_providers.py",
    ),
    Fault(
        "selftaught/models/keys.py", "mode & (stat.S_IRWXG | ", "mode & (", "models/test_keys.py"
    ),
    Fault(
        "selftaught/models/guest_programs/mutator.py",
        "seeds[i])",
        "seeds[0])",
        "models/test_mutator_program.py",
    ),
    Fault(f"{GUEST}/extract.py", " and _closes(token, fence)", "", "guest"),
    Fault(
        "selftaught/pages/html.py",
        "return escape(printable(text))",
        "return printable(text)",
        "pages",
    ),
    Fault("selftaught/pages/terminal.py", "+ last <= width", "+ last <= 2 * width", "pages"),
    Fault("selftaught/cli/edge.py", "128 + error.signum", "error.signum", "cli/test_edge.py"),
)


def main(words: Sequence[str]) -> int:
    chosen = [fault for fault in FAULTS if not words or fault.concerns(words)]
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        tree = copied(Path(folder) / "tree")
        for fault in FAULTS:
            with planted(tree, fault):
                pass
        for path in dict.fromkeys(path for fault in chosen for path in fault.paths):
            if (found := failing(tree, [path])) is not None:
                print(f"{path} fails without a fault: {found}")
                return 1
        missed = 0
        for fault in chosen:
            start_s = time.monotonic()
            with planted(tree, fault):
                found = failing(tree, fault.paths)
            missed += found is None
            took = f"{time.monotonic() - start_s:4.0f} s"
            print(
                f"{'MISSED' if found is None else 'found'} {took}  {fault}  [{found}]", flush=True
            )
    print(f"{len(chosen) - missed} of {len(chosen)} found")
    return 1 if missed else 0


def copied(tree: Path) -> Path:
    """The files that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=HERE,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (HERE / name).exists():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(HERE / name, tree / name)
    return tree


# Files of one size that change within a second would be taken for the same by compiled ones.
_stamps = itertools.count(int(time.time()), 2)


@contextmanager
def planted(tree: Path, fault: Fault) -> Iterator[None]:
    """Raises: ValueError if it does not fit, or not only once."""
    file = tree / "src" / fault.file
    before = file.read_text(encoding="utf-8")
    if before.count(fault.old) != 1:
        raise ValueError(f"it fits {before.count(fault.old)} times: {fault}")
    _write(file, before.replace(fault.old, fault.new))
    try:
        yield
    finally:
        _write(file, before)


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    stamp = next(_stamps)
    os.utime(file, (stamp, stamp))


def failing(tree: Path, paths: Sequence[str]) -> str | None:
    """The first test that fails, or how the tests end; None if all pass."""
    # Before the installed package, which is that of the checkout.
    environment = {**os.environ, "PYTHONPATH": str(tree / "src")}
    try:
        done = subprocess.run(
            [*PYTEST, *IN_PROCESSES, *paths],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no end in {LIMIT_S} s"
    if done.returncode == 0:
        return None
    lines = (done.stdout + done.stderr).splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return failed[0].split(" - ")[0] if failed else lines[-1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
