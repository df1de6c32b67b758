"""`gguf:`: what is refused before a model is loaded; and a real model, small, weak and slow."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from selftaught.core.errors import ConfigError, ModelFailure
from selftaught.core.language_model import ModelServices, ModelSettings, Prompt
from selftaught.models import gguf

ASKED = Prompt(
    "You write Python.", "Write a function that sorts a list.", n=3, max_tokens=24, seeds=(5, 6, 7)
)
# The one setting in which llama.cpp repeats itself.
ALONE = {"n_parallel": 1, "cache_prompt": False}


@contextlib.asynccontextmanager
async def opened(name: str | Path, **args: Any) -> AsyncIterator[gguf.GgufModel]:
    nobody: Any = None
    model = await gguf.create(str(name), ModelServices(nobody, ModelSettings(args=args)))
    try:
        yield model
    finally:
        await model.aclose()


def refused(name: str | Path, **args: Any) -> str:
    """The one line that a user is told."""

    async def work() -> None:
        async with opened(name, **args):
            pytest.fail("it was opened")

    with pytest.raises(ConfigError) as caught:
        asyncio.run(work())
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def as_if_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """llama.cpp is looked for before the file is, and is not loaded here."""
    (tmp_path / "xllamacpp.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)


def test_without_llama_cpp_a_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    assert refused("smollm2") == (
        "llama.cpp of gguf:smollm2 is not installed: pip install 'selftaught[gguf]'"
    )


@pytest.mark.usefixtures("as_if_installed")
def test_a_model_that_is_got_by_its_name_says_how_until_it_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert refused("smollm2") == "gguf:smollm2 is not here yet: selftaught models --get smollm2"


@pytest.mark.usefixtures("as_if_installed")
def test_a_file_that_is_not_there_or_no_gguf_is_told_as_such(tmp_path: Path) -> None:
    file = tmp_path / "weights.gguf"
    assert refused(file) == f"cannot read the model's file {file}: No such file or directory"
    file.write_text("version https://git-lfs.github.com/spec/v1\n")
    assert refused(file) == f"the model's file {file} is no GGUF file"


@pytest.mark.usefixtures("as_if_installed")
@pytest.mark.parametrize("name", ["n_ctx", "n_parallel", "n_threads", "n_gpu_layers"])
def test_numbers_of_the_server_are_numbers(name: str, tmp_path: Path) -> None:
    file = tmp_path / "weights.gguf"
    file.write_bytes(b"GGUF")
    assert refused(file, **{name: "many"}) == f"--model-arg {name}='many' must be a number above 0"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "words"), [(4096, "failed to read"), (8 << 20, "not within the file bounds")]
)
def test_a_file_that_is_cut_short_is_found_before_anything_is_asked(
    smollm2: Path, tmp_path: Path, size: int, words: str
) -> None:
    file = tmp_path / "cut.gguf"
    with smollm2.open("rb") as whole:
        file.write_bytes(whole.read(size))
    said = refused(file)
    assert said.startswith(f"gguf:{file} cannot be loaded (is the file whole?): ")
    assert words in said


@pytest.mark.slow
def test_all_responses_of_a_request_are_counted_each_with_a_seed_of_its_own(smollm2: Path) -> None:
    async def work() -> None:
        async with opened(smollm2, ignore_eos=True) as model:
            answer = await model.sample(ASKED)
            alone = await model.sample(Prompt("", ASKED.user, max_tokens=24, seeds=(5,)))
        assert len(set(answer.texts)) == 3
        assert answer.finishes == ("length",) * 3
        assert answer.model == f"gguf:{smollm2}"
        assert answer.cost_usd == 0.0
        assert answer.usage is not None
        assert alone.usage is not None
        assert (answer.usage.tokens_out, alone.usage.tokens_out) == (72, 24)
        assert 20 < answer.usage.tokens_in < 60

    asyncio.run(work())


@pytest.mark.slow
def test_a_response_that_ends_by_itself_says_so_and_its_tokens_are_counted(smollm2: Path) -> None:
    async def work() -> None:
        async with opened(smollm2, stop=[".", "!", "\n"]) as model:
            answer = await model.sample(Prompt("", "Say hi.", n=2, max_tokens=200, seeds=(1, 2)))
        assert set(answer.finishes) == {"stop"}
        assert answer.usage is not None
        letters = sum(map(len, answer.texts))
        assert letters / 8 < answer.usage.tokens_out < letters + 4

    asyncio.run(work())


@pytest.mark.slow
def test_with_one_slot_and_no_cache_a_seed_gives_its_text_again(smollm2: Path) -> None:
    def one(seed: int) -> Prompt:
        return Prompt("", ASKED.user, max_tokens=24, seeds=(seed << 32,))

    async def work() -> None:
        async with opened(smollm2, **ALONE) as model:
            first, other, again = [(await model.sample(one(seed))).texts for seed in (1, 2, 1)]
        assert first == again != other

    asyncio.run(work())


@pytest.mark.slow
def test_a_prompt_without_room_for_a_response_is_refused_with_both_lengths(smollm2: Path) -> None:
    async def work() -> ModelFailure:
        async with opened(smollm2, n_ctx=512) as model:
            with pytest.raises(ModelFailure) as caught:
                await model.sample(Prompt("", "word " * 600, max_tokens=400))
            await model.sample(ASKED)  # the next is answered
        return caught.value

    failure = asyncio.run(work())
    assert failure.kind == "prompt"
    assert f"gguf:{smollm2}: the prompt has 6" in str(failure)
    assert "no room for a response in the model's context of 512" in str(failure)


@pytest.mark.slow
def test_no_more_is_asked_at_once_than_the_context_holds(smollm2: Path) -> None:
    async def work() -> None:
        async with opened(smollm2, n_ctx=256, ignore_eos=True) as model:
            few = await model.sample(Prompt("", "Hi.", n=6, max_tokens=70, seeds=(1,) * 6))
            assert len(few.texts) == 3
            one = Prompt("", "Hi.", max_tokens=70, seeds=(1,))
            many = await asyncio.gather(*(model.sample(one) for _ in range(6)))
        assert [len(answer.texts) for answer in many] == [1] * 6

    asyncio.run(work())


async def killed_in(model: gguf.GgufModel) -> ModelFailure:
    """What a request says whose process is killed, as by the kernel for want of memory."""
    request = asyncio.create_task(model.sample(Prompt("", "Go on.", max_tokens=2000, seeds=(1,))))
    llama = await model.running()
    while model._free_tokens == model.numbers["n_ctx"]:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    os.kill(llama.process.pid, signal.SIGKILL)
    with pytest.raises(ModelFailure) as caught:
        await request
    return caught.value


@pytest.mark.slow
def test_a_process_that_is_killed_fails_a_request_and_is_started_once_more(smollm2: Path) -> None:
    async def work() -> None:
        async with opened(smollm2, ignore_eos=True) as model:
            failure = await killed_in(model)
            assert failure.kind == "fault"
            assert str(failure) == (
                f"the process of gguf:{smollm2} ended: "
                "it was killed, for want of memory most likely (SIGKILL)"
            )
            await model.sample(ASKED)
            first = await killed_in(model)
            second = await killed_in(model)
            assert (first.kind, second.kind) == ("fault", "fault")
            with pytest.raises(ModelFailure, match="ended twice in a row: it was killed") as caught:
                await model.sample(ASKED)
            assert caught.value.kind == "rejected"

    asyncio.run(work())


HOST = """
import asyncio, sys
sys.path[:0] = sys.argv[2:]
from test_gguf import opened

async def work():
    async with opened(sys.argv[1]) as model:
        print((await model.running()).process.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(work())
"""


@pytest.mark.slow
def test_the_process_ends_with_its_parent_even_if_that_is_killed(smollm2: Path) -> None:
    here = str(Path(__file__).parent)
    with subprocess.Popen(
        [sys.executable, "-c", HOST, str(smollm2), here], stdout=subprocess.PIPE
    ) as host:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        host.kill()
    until_s = time.monotonic() + 5
    while Path(f"/proc/{pid}/fd/0").exists() and time.monotonic() < until_s:
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}/fd/0").exists()  # of a zombie there is nothing open
