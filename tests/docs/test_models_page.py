"""What the page on language models shows works as it stands there.

Its commands and examples run as they are written, in their order. Replaced are the addresses of
servers, by servers on loopback that stand in for them, and keys, by one of the tests' own.
"""

from __future__ import annotations

import json
import re
import runpy
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

import model_server as ms
from model_server.__main__ import main as model_server_main
from selftaught.cli.main import selftaught
from selftaught.engine.account import RequestState
from selftaught.models import anthropic, openai
from selftaught.models.faults import ProviderError, read_fault
from selftaught.models.keys import KEYS_OF_HOSTS, NO_KEY, variables_for

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
KEY = "sk-of-the-tests-of-this-page-0815"
VARIABLES = {*openai.VARIABLES, *anthropic.VARIABLES, *KEYS_OF_HOSTS.values()}
WIDTH = "140"  # of the outputs on the page
LISTENING_S = 60.0


@dataclass(frozen=True)
class Block:
    """A block of commands or code, and the blocks of output that follow it."""

    language: str
    text: str
    output: str

    @property
    def lines(self) -> list[list[str]]:
        """Its commands, in words, without comments."""
        return [words for line in self.text.splitlines() if (words := shlex.split(line, True))]


def page_blocks() -> list[Block]:
    found: list[Block] = []
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        if language == "text" and found:
            before = found.pop()
            found.append(Block(before.language, before.text, before.output + text))
        else:
            found.append(Block(language, text, ""))
    return found


BLOCKS = page_blocks()


def block_with(what: str) -> Block:
    """The only block of commands or code with these words in it."""
    (block,) = (block for block in BLOCKS if what in block.text)
    return block


def table(heading: str) -> list[list[str]]:
    """The rows of the table whose heading begins so; cells without backquotes."""
    lines = iter(TEXT.splitlines())
    next(line for line in lines if line.startswith(heading))
    next(lines)  # the rule below the heading
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.replace("`", "").strip("|").split("|")])
    return rows


def on_loopback(text: str, url: str) -> str:
    """The text with every address in it replaced; a path that no server here has becomes /v1."""

    def replaced(match: re.Match[str]) -> str:
        path = urlsplit(match[0]).path
        return url + (path if path in ("", "/openai/v1/") else "/v1")

    return re.sub(r"https?://[^\s\"']+", replaced, text)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name of a host is looked up, so that nothing can leave this machine."""
    resolve = socket.getaddrinfo

    def of_this_machine(host: Any, *rest: Any, **named: Any) -> Any:
        assert host in ("127.0.0.1", "localhost", "::1", None), f"{host} was looked up"
        return resolve(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", of_this_machine)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def output_of(words: list[str], environment: Mapping[str, str] | None = None) -> str:
    """What a command prints, run in this process among these variables and no others of ours."""
    assert words[0] == "selftaught"
    variables = {**dict.fromkeys(VARIABLES), "COLUMNS": WIDTH, **(environment or {})}
    done = CliRunner().invoke(
        selftaught, words[1:], env=variables, catch_exceptions=False, standalone_mode=False
    )
    assert done.exit_code == 0, done.output
    assert KEY not in done.output
    return done.stdout


@contextmanager
def listening(command: list[str]) -> Iterator[str]:
    """The first line that a server says, while it runs."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline()
    finally:
        process.terminate()
        process.communicate(timeout=LISTENING_S)


def with_a_free_port(words: list[str]) -> list[str]:
    place = words.index("--port") + 1
    return [*words[:place], "0", *words[place + 1 :]]


# --- outputs are compared in their shape --------------------------------------------------------


def shape(text: str) -> list[str]:
    """Lines without numbers whole, others by their first column, with its numbers left out."""
    return [_shape(line.strip()) for line in text.splitlines() if line.strip()]


def _shape(line: str) -> str:
    if not re.search(r"\d", line):
        return " ".join(line.split())
    return re.sub(r"[0-9a-f]{8,}|\d[\d,.]*", "#", re.split(r"\s{2,}", line)[0])


def assert_shown(on_page: str, real: str) -> None:
    """Each line of the page is in the real output, in the same order; the page may leave some out.

    Its blocks stand for parts of the output.
    """
    left = iter(shape(real))
    missing = [line for line in shape(on_page) if line not in left]
    assert on_page
    assert not missing, f"{missing} in\n{real}"


def test_a_line_that_is_not_printed_or_not_in_its_place_is_found_out() -> None:
    real = "role  calls\nimprove  3\nin all  3\n"
    assert_shown("role  calls\nin all  4", real)
    for wrong in ("role  call", "in all  3\nimprove  3", "in part  3"):
        with pytest.raises(AssertionError):
            assert_shown(wrong, real)


# --- providers and keys -------------------------------------------------------------------------

PROVIDERS = block_with("openai:gpt-5-mini --check")


@dataclass(frozen=True)
class ProviderCommand:
    """A command of the providers' block, and what was exported before it."""

    words: list[str]
    exported: dict[str, str]

    @property
    def url(self) -> str | None:
        """Of the server, as it stands on the page."""
        if "--base-url" in self.words:
            return self.words[self.words.index("--base-url") + 1]
        return self.exported.get("AZURE_OPENAI_ENDPOINT")

    @property
    def variable(self) -> str | None:
        """Where the key of this server is looked for; None for a local one, which needs none."""
        if self.words[2].startswith("anthropic:"):
            return "ANTHROPIC_API_KEY"
        if urlsplit(self.url or "").hostname == "127.0.0.1":
            return None
        (variable,) = variables_for(self.url, "OPENAI_API_KEY")
        return variable

    def __str__(self) -> str:
        return f"{self.words[2]}, {self.url}"


def provider_commands() -> list[ProviderCommand]:
    exported: dict[str, str] = {}
    commands = []
    for words in PROVIDERS.lines:
        if words[0] == "export":
            exported |= dict(pair.split("=", 1) for pair in words[1:])
        else:
            commands.append(ProviderCommand(words, dict(exported)))
    return commands


@pytest.mark.parametrize("command", provider_commands(), ids=str)
def test_the_command_for_a_provider_reaches_a_server_that_stands_in_for_it(
    command: ProviderCommand,
) -> None:
    with ms.ModelServer(reply=lambda number, body, index: "ready") as server:
        words = [on_loopback(word, server.root_url) for word in command.words]
        exported = {n: on_loopback(v, server.root_url) for n, v in command.exported.items()}
        environment = {**_stand_in(command, server), **exported}
        shown = output_of(words, environment)
    assert f"{words[2]} works" in shown
    assert "ready | ready" in shown
    assert {one.path for one in server.served} == {_path(command)}
    key = NO_KEY if command.variable is None else KEY
    assert all(one.authorization.endswith(key) for one in server.served)


def _stand_in(command: ProviderCommand, server: ms.ModelServer) -> dict[str, str]:
    """The key's variable, and what makes the loopback server the provider's own."""
    if command.variable is None:
        return {}
    if command.variable == "AZURE_OPENAI_API_KEY":
        endpoint = on_loopback(str(command.url), server.root_url)
        return {command.variable: KEY, "AZURE_OPENAI_ENDPOINT": endpoint}
    if command.variable == "ANTHROPIC_API_KEY":
        return {command.variable: KEY, "ANTHROPIC_BASE_URL": server.anthropic_url}
    # An address on loopback is not known as the company's; tests/models/test_keys.py has those.
    return {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.base_url}


def _path(command: ProviderCommand) -> str:
    if command.words[2].startswith("anthropic:"):
        return "/v1/messages"
    if command.variable == "AZURE_OPENAI_API_KEY":
        classic = "/openai/deployments/DEPLOYMENT/chat/completions"
        return "/openai/v1/chat/completions" if "/v1" in str(command.url) else classic
    return "/v1/chat/completions"


def test_the_table_of_providers_names_the_variable_in_which_each_key_is_looked_for() -> None:
    rows = table("| what | `--model` |")
    assert len(rows) >= 12
    urls = {command.url for command in provider_commands()} - {None}
    for what, _, server, key, _, _ in rows:
        found = re.search(r"https?://\S+", server)
        if found is not None:
            assert variables_for(found[0], "OPENAI_API_KEY")[0] in key, what
            assert found[0] in urls, f"no command for {what}"
    said = TEXT.partition("## Keys")[2].partition("\n## ")[0]
    assert all(variable in TEXT for variable in KEYS_OF_HOSTS.values())
    assert NO_KEY in said


def test_the_embedded_and_the_scripted_model_need_no_server(here: Path) -> None:
    (here / "FILE").write_text(json.dumps(["ready", "ready"]), encoding="utf-8")
    for _, model, server, *_ in table("| what | `--model` |")[:2]:
        assert server == "none"
        name = model.partition(",")[0]
        assert f"{name} works" in output_of(["selftaught", "models", name, "--check"])


def test_the_variables_that_the_page_names_are_read() -> None:
    named = set(re.findall(r"\b[A-Z]{3,}(?:_[A-Z]+)+\b", TEXT))
    assert len(named) > 10
    assert named <= VARIABLES


def test_the_options_that_the_page_names_exist(capsys: pytest.CaptureFixture[str]) -> None:
    commands = ("run", "improve", "models", "serve-model", "show")
    pages = [output_of(["selftaught", command, "--help"]) for command in commands]
    with pytest.raises(SystemExit):
        model_server_main(["--help"])
    known = set(re.findall(r"--[a-z][a-z-]*", "".join(pages) + capsys.readouterr().out))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", TEXT))
    assert len(named) > 15
    assert named <= known


def test_the_files_and_tests_that_the_page_names_exist() -> None:
    files = [ROOT / name for name in re.findall(r"\b(?:tests|benchmarks)/[\w/]+\.py", TEXT)]
    assert len(files) >= 5
    assert all(file.is_file() for file in files)
    sources = "".join(file.read_text(encoding="utf-8") for file in files)
    tests = re.findall(r"`(test_\w+)`", TEXT)
    assert len(tests) >= 2
    assert all(f"def {test}(" in sources for test in tests)


# --- commands and their outputs -----------------------------------------------------------------


def test_the_list_of_models_is_as_shown() -> None:
    block = block_with("selftaught models\n")
    (words,) = block.lines
    assert_shown(block.output, output_of(words, {"OPENAI_API_KEY": KEY}))


def test_the_check_of_a_model_is_as_shown() -> None:
    block = block_with("openai:test --check")
    (words,) = block.lines
    plan = ms.always(ms.refuses_parameter("n"))
    with ms.ModelServer(plan=plan, reply=lambda number, body, index: "ready") as server:
        words = [on_loopback(word, server.root_url) for word in words]
        assert_shown(block.output, output_of(words, {"OPENAI_API_KEY": KEY}))


def test_the_estimate_is_as_shown_and_asks_nobody(here: Path) -> None:
    block = block_with("--estimate\n")
    (words,) = block.lines
    assert_shown(block.output, output_of(words))
    assert list(here.iterdir()) == []


def test_a_run_among_faults_is_told_as_shown() -> None:
    block = block_with("-m model_server")
    server, *commands = block.lines
    assert server[:2] == ["PYTHONPATH=tests", "python"]
    command = ["env", f"PYTHONPATH={Path(ms.__file__).parents[1]}", sys.executable, *server[2:]]
    with listening(with_a_free_port(command)) as said:
        url = json.loads(said)["azure_url"]
        shown = [
            output_of([on_loopback(word, url) for word in words], {"OPENAI_API_KEY": KEY})
            for words in commands
        ]
    told = "".join(shown[1:])
    assert_shown(block.output, told)
    for line in block.output.splitlines():
        if line.startswith(("improve ", "requests to the model", "responses")):
            assert line in told


def test_a_served_model_answers_the_sdk_and_selftaught(capsys: pytest.CaptureFixture[str]) -> None:
    serve, ask = block_with("selftaught serve-model").lines
    example = block_with("import openai").text
    command = Path(sys.executable).parent / serve[0]
    with listening([str(command), *with_a_free_port(serve)[1:]]) as said:
        (address,) = re.findall(r"answers at (http://127\.0\.0\.1:\d+)/v1$", said.strip())
        assert "model openai:mutator" in output_of([on_loopback(word, address) for word in ask])
        exec(compile(on_loopback(example, address), "docs/models.md", "exec"), {})
    assert "def algorithm(x):" in capsys.readouterr().out


def test_every_block_of_commands_and_code_is_run_by_a_test() -> None:
    tested = [
        PROVIDERS,
        block_with("selftaught models\n"),
        block_with("openai:test --check"),
        block_with("--estimate\n"),
        block_with("-m model_server"),
        block_with("selftaught serve-model"),
        block_with("import openai"),
        block_with("models --get"),  # tests/cli/test_gguf_command.py runs its like
        block_with("anthropic:claude-sonnet-4-5 --usd"),  # as tests/cli/test_two_model_servers.py
        block_with('[model."openai:qwen3"]'),
        block_with("for name in language_model.models"),  # engine/test_several_models
        block_with("def ask_ours"),  # tests/app/test_from_python.py has such a model
    ]
    assert [block for block in BLOCKS if block not in tested] == []


# --- faults -------------------------------------------------------------------------------------

FAULTS = table("| what comes |")


def statuses() -> list[tuple[int, str, str, bool]]:
    """Each status in the table that alone decides: with a message, the state, whether it counts."""
    found = []
    for comes, _, state, counted in FAULTS:
        if state not in ("limited", "fault", "rejected"):
            continue
        message = "insufficient_quota" if "without money" in comes else "no"
        for status in re.findall(r"\b[45]\d\d\b", comes):
            found.append((int(status), message, state, counted == "worst"))
    return found


@pytest.mark.parametrize(("status", "message", "state", "is_counted"), statuses())
def test_a_status_is_taken_as_the_page_says(
    status: int, message: str, state: str, is_counted: bool
) -> None:
    error = ProviderError.of_status(status, json.dumps({"message": message}).encode(), {})
    failure = read_fault(error, name="openai:test", secrets=())
    assert (failure.kind, failure.maybe_billed) == (state, is_counted)


def test_the_states_of_requests_are_all_explained() -> None:
    explained = {word for row in FAULTS for word in re.findall(r"[a-z]+", row[2])}
    assert set(words_of(RequestState)) <= explained
    assert len(statuses()) >= 20


def words_of(alias: Any) -> list[str]:
    """The words of literals, and of unions of them."""
    if isinstance(alias, str):
        return [alias]
    return [word for part in get_args(alias) for word in words_of(part)]


# --- benchmarks ---------------------------------------------------------------------------------


def test_the_benchmark_of_model_calls_prints_what_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (on_page,) = (block.output for block in BLOCKS if "the SDK and a semaphore" in block.output)
    file = str(ROOT / "benchmarks" / "models.py")
    small = ["--calls", "6", "--latency", "0.02", "--concurrency", "3"]
    monkeypatch.setattr(sys, "argv", [file, *small])
    runpy.run_path(file, run_name="__main__")
    assert_shown(on_page[on_page.index("200 calls") :], capsys.readouterr().out)
