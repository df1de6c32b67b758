"""Runs with a provider over HTTP: faults, budgets, keys and errors, as a user meets them."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from installed import COMMAND, Done, environment, selftaught, started

import model_server as ms
from model_server.exchange import Refusal
from sandbox_support import descendants

KEY = "sk-planted-somewhere-it-must-not-leave-4711"
PRICES = ("--price-in", "1", "--price-out", "4")
SMALL = ("--search-runs", "1", "--val-runs", "2", "--test-runs", "2")
FAULTS = tuple(fault for fault in ms.ALL if fault.name not in ("slow", "trickle"))


def run(server: ms.ModelServer, *arguments: str, cwd: Path, **changes: str) -> Done:
    url = ("--model", "openai:test", "--base-url", server.base_url)
    return selftaught(*arguments, *url, cwd=cwd, OPENAI_API_KEY=KEY, **changes)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("work", "rate", "kinds", "answers"),
    [
        (("flow_shop", "--iterations", "1", *SMALL), 0.4, 4, 10),
        pytest.param(("bin_packing", "--iterations", "2"), 0.2, 8, 50, marks=pytest.mark.slow),
    ],
    ids=["small", "usual"],
)
def test_a_run_among_faults_ends_in_order_within_its_budget_and_counts_as_the_server_does(
    work: tuple[str, ...], rate: float, kinds: int, answers: int, here: Path
) -> None:
    """`rate` of the requests have a fault, of so many kinds at least, and so many are answered."""
    plan = ms.at_random(rate, seed=5, faults=FAULTS)
    budget = ("--usd", "0.50", *PRICES, "--max-tokens", "1024", "--request-timeout-s", "2")
    with ms.ModelServer(plan=plan) as server:
        url = ("--model", "openai:test", "--base-url", server.base_url)
        process = started(
            *("run", *work, "--json", *budget, *url), cwd=here, limit_s=280, OPENAI_API_KEY=KEY
        )
        stdout, stderr = process.communicate(timeout=280)
        server.wait_until_idle()
    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr
    result = json.loads(stdout)
    usage, counts = result["usage"], server.counts()
    assert result["state"] in ("done", "budget")
    assert result["iterations"][0]["t"] == 0
    assert len(counts.faults) >= kinds
    answered = json.loads(selftaught("show", "latest", "--json", cwd=here).stdout)["counts"]
    assert answered["requests"]["answered"] >= answers
    assert usage["requests"] == counts.requests == sum(answered["requests"].values())
    bill_usd = (counts.billed_tokens_in + 4 * counts.billed_tokens_out) / 1e6
    assert bill_usd <= usage["usd"] <= 0.50
    assert counts.billed_tokens_in + counts.billed_tokens_out <= (
        usage["tokens_in"] + usage["tokens_out"]
    )
    spending = json.loads(selftaught("show", "latest", "--json", cwd=here).stdout)["spending"]
    assert spending["total"] == pytest.approx(usage)
    verified = selftaught("verify", cwd=here)
    assert verified.code == 0, verified.stdout


def test_a_parameter_that_the_model_does_not_take_is_told_once(here: Path) -> None:
    with ms.ModelServer(plan=ms.always(ms.refuses_parameter("temperature"))) as server:
        done = run(server, "improve", "flow_shop", "--lm-calls", "3", cwd=here)
    assert done.code == 0, done.stderr
    assert done.stderr.count("openai:test does not take temperature") == 1
    assert "does not take temperature" in selftaught("show", "latest", cwd=here).stdout


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (ms.unauthorized(), "HTTP 401"),
        (ms.forbidden(), "HTTP 403"),
        (ms.not_found(), "HTTP 404"),
        (ms.bad_request("The stars are wrong."), "HTTP 400: The stars are wrong."),
        (ms.insufficient_quota(), "HTTP 429"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_what_the_provider_refuses_is_one_line_in_its_words(
    fault: ms.Fault, said: str, here: Path
) -> None:
    with ms.ModelServer(plan=ms.always(fault)) as server:
        done = run(server, "improve", "flow_shop", "--lm-calls", "3", cwd=here)
    assert done.code == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("selftaught: error: ")
    assert said in last
    assert KEY not in done.stderr
    assert "Traceback" not in done.stderr
    assert len(server.served) == 1


def test_a_server_that_is_not_there_is_said_soon(here: Path) -> None:
    with ms.ModelServer() as gone:
        pass
    done = run(gone, "improve", "flow_shop", "--lm-calls", "3", cwd=here)
    assert done.code == 1
    assert "cannot be reached" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--usd", "1"), "the price of openai:test is not known"),
        (("--price-in", "1"), "give both prices"),
        (("--model-arg", "stream=true"), "--model-arg stream"),
        (("--model-arg", "nothing"), "must be written K=V"),
        (("--api-key-file", "nowhere"), "cannot read the key file"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_call_and_nothing_is_written(
    arguments: tuple[str, ...], said: str, here: Path
) -> None:
    with ms.ModelServer() as server:
        done = run(server, "improve", "flow_shop", *arguments, cwd=here)
    assert (done.code, server.served) == (2, [])
    assert said in done.stderr
    assert list(here.iterdir()) == []


def test_an_estimate_asks_nothing_writes_nothing_and_bounds_what_a_run_takes(here: Path) -> None:
    with ms.ModelServer() as server:
        small = ("run", "flow_shop", "--iterations", "1", *SMALL, *PRICES, "--json")
        estimated = run(server, *small, "--estimate", cwd=here)
        assert (estimated.code, server.served, list(here.iterdir())) == (0, [], [])
        ran = run(server, *small, cwd=here)
    estimate, usage = json.loads(estimated.stdout), json.loads(ran.stdout)["usage"]
    assert [step["name"] for step in estimate["steps"]] == ["t = 0", "t = 1", "comparison"]
    for name in ("lm_calls", "samples", "tokens_in", "tokens_out", "usd"):
        assert 0 < usage[name] <= estimate["most"][name], name
    # The scripted model does what the rehearsal takes for granted; the second step may be cut.
    assert 0.5 <= usage["lm_calls"] / estimate["likely"]["lm_calls"] <= 1.5
    within = run(server, *small, "--estimate", "--usd", "0.1", cwd=here)
    assert json.loads(within.stdout)["most_within_budget"]["usd"] == 0.1


def test_an_estimate_needs_no_key(here: Path) -> None:
    done = selftaught("run", "flow_shop", "--estimate", "--model", "openai:gpt-4o", cwd=here)
    assert done.code == 0, done.stderr
    assert "spent: nothing" in done.stdout


def test_a_model_is_checked_with_one_request_as_a_run_makes_it(here: Path) -> None:
    with ms.ModelServer(plan=ms.always(ms.refuses_parameter("n"))) as server:
        url = ("--base-url", server.base_url)
        done = selftaught(
            *("models", "openai:test", "--check", *url, *PRICES, "--json"),
            cwd=here,
            OPENAI_API_KEY=KEY,
        )
        page = selftaught("models", "openai:test", "--check", *url, cwd=here)
    checked = json.loads(done.stdout)
    assert checked["latency_s"] > 0
    assert (checked["price_in"], checked["price_out"]) == pytest.approx((1, 4))
    assert checked["samples_per_request"] == 1
    assert (checked["programs"], checked["lost"]) == (2, {})
    assert checked["quirks"] == ["openai:test does not take n; it is not sent again"]
    assert "openai:test works" in page.stdout
    assert "not known: a budget in USD needs --price-in and --price-out" in page.stdout
    assert list(here.iterdir()) == []


def test_models_tells_names_of_variables_and_never_values(here: Path) -> None:
    listed = selftaught("models", "--json", cwd=here, OPENAI_API_KEY=KEY)
    providers = {one["provider"]: one for one in json.loads(listed.stdout)["providers"]}
    assert "OPENAI_API_KEY" in providers["openai"]["environment"]
    assert KEY not in listed.stdout + selftaught("models", cwd=here, OPENAI_API_KEY=KEY).stdout


def test_interrupting_a_run_leaves_no_request_behind(here: Path) -> None:
    with ms.ModelServer(plan=ms.always(ms.never())) as server:
        process = _start(server, here)
        # Two improver runs on val: all that there is to ask, since those on test come after it.
        _wait_for(lambda: server.counts().under_way == 2)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=20)
        server.wait_until_idle()
    assert process.returncode == 128 + signal.SIGTERM
    assert server.counts().disconnected == server.counts().requests
    assert "Traceback" not in stderr
    counts = json.loads(selftaught("show", "latest", "--json", cwd=here).stdout)["counts"]
    assert counts["requests"] == {"abandoned": server.counts().requests}


@pytest.mark.parametrize("limit_s", [None, 3.0], ids=["interrupted", "wall_s"])
def test_a_server_that_accepts_and_never_answers_is_left_soon(
    limit_s: float | None, here: Path
) -> None:
    """Connections are taken by the kernel; nobody reads from them."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/v1"
        limit = () if limit_s is None else ("--wall-s", str(limit_s))
        model = ("--model", "openai:test", "--base-url", url)
        process = started(*("improve", "flow_shop", *limit, "--json", *model), cwd=here)
        mute.settimeout(30)
        connection, _ = mute.accept()
        with connection:
            connection.recv(1)
            start_s = time.monotonic()
            if limit_s is None:
                process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=20)
            took_s = time.monotonic() - start_s
    assert process.returncode == (130 if limit_s is None else 0), stderr
    assert "Traceback" not in stderr
    assert took_s < (limit_s or 0.0) + 2.0
    counts = json.loads(selftaught("show", "latest", "--json", cwd=here).stdout)["counts"]
    assert counts["requests"] == {"abandoned": 1}


def test_a_run_goes_on_with_the_key_of_the_variable_that_is_named(here: Path) -> None:
    def refuse(question: Any) -> Refusal | None:
        return None if question.credential == KEY else Refusal(401, "Who are you?")

    with ms.ModelServer(plan=ms.always(ms.Fault("who", refuse=refuse))) as server:
        url = ("--model", "openai:test", "--base-url", server.base_url)
        keys = {"OPENAI_API_KEY": "of-somebody-else", "MINE": KEY}
        refused = selftaught("improve", "flow_shop", "--lm-calls", "2", *url, cwd=here, **keys)
        goes_on = ("resume", "latest", "--json", "--api-key-env")
        unset = selftaught(*goes_on, "YOURS", cwd=here, **keys)
        done = selftaught(*goes_on, "MINE", cwd=here, **keys)
    assert (refused.code, unset.code) == (1, 2)
    assert "no key for openai:test: set YOURS" in unset.stderr
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["usage"]["lm_calls"] == 2
    assert selftaught("replay", "latest", cwd=here, **keys).code == 0


# --- a planted key -------------------------------------------------------------------------------


@pytest.fixture
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "key"
    path.write_text(KEY)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("from_file", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_key_is_nowhere_but_in_the_host_and_on_its_way_to_the_provider(
    from_file: bool, here: Path, key_file: Path
) -> None:
    """Neither in files, output, arguments, nor in the environment or memory of any guest."""
    arguments = ("--api-key-file", str(key_file)) if from_file else ()
    changes = {} if from_file else {"OPENAI_API_KEY": KEY}
    changes |= {"SELFTAUGHT_TRACEBACK": "1", "OPENAI_LOG": "debug"}
    plan = ms.sequence([None] * 2 + [ms.never()] * 50)
    with ms.ModelServer(plan=plan) as server:
        process = _start(server, here, *arguments, **changes)
        _wait_for(lambda: server.counts().requests >= 3)
        children = descendants(process.pid)
        assert len(children) >= 3
        searched = sum(map(_search_guest, children))
        _search_process(process.pid, is_child=False)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
    assert searched > 50_000_000  # bytes: memory was really read
    assert all(one.authorization == f"Bearer {KEY}" for one in server.served)
    assert KEY not in stdout + stderr
    for path in here.rglob("*"):
        assert KEY.encode() not in path.read_bytes(), path


def test_a_key_that_the_provider_sends_back_is_in_no_traceback_and_no_journal(here: Path) -> None:
    with ms.ModelServer(plan=ms.always(ms.unauthorized())) as server:
        done = run(
            server,
            *("improve", "flow_shop", "--lm-calls", "2"),
            cwd=here,
            SELFTAUGHT_TRACEBACK="1",
        )
    assert "Traceback" in done.stderr
    assert KEY not in done.stderr + done.stdout
    for path in here.rglob("*"):
        assert KEY.encode() not in path.read_bytes(), path


def _start(
    server: ms.ModelServer, cwd: Path, *arguments: str, **changes: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(COMMAND, "run", "flow_shop", "--iterations", "1", *SMALL, "--json", *arguments),
            *("--model", "openai:test", "--base-url", server.base_url),
        ],
        cwd=cwd,
        env=environment(**{"OPENAI_API_KEY": KEY, **changes}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait_for(is_true: Any, limit_s: float = 40.0) -> None:
    end_s = time.monotonic() + limit_s
    while not is_true():
        assert time.monotonic() < end_s, "it did not come to that"
        time.sleep(0.02)


def _search_guest(pid: int) -> int:
    try:
        return _search_process(pid, is_child=True)
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has ended: candidates come and go


def _search_process(pid: int, *, is_child: bool) -> int:
    """Look for the key in a process: its arguments, and a guest's environment and memory."""
    assert KEY.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    if not is_child:
        return 0
    assert KEY.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
    read = 0
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if not rights.startswith("r") or line.endswith(
                ("[vvar]", "[vsyscall]", "[vvar_vclock]")
            ):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            memory.seek(start)
            try:
                found = memory.read(end - start)
            except OSError:
                continue  # a guard page
            read += len(found)
            assert KEY.encode() not in found, f"{pid}: {line}"
    return read
