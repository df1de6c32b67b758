"""The process of a `gguf:` model: llama.cpp's own server, on a port of loopback that it finds.

    python -m selftaught.models.llama_server FILE [NAME=NUMBER ...]

It reads the key that it will ask for, writes a line of JSON (`url`, and `context`: tokens that a
conversation may have), and ends with its parent, however that ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from collections.abc import Mapping
from urllib.request import Request, urlopen

# `n_ctx` is that of all conversations at once: of a model of 8 billion parameters that takes 4 GB.
DEFAULTS: Mapping[str, int] = {
    "n_ctx": 32_768,
    "n_parallel": 8,
    "n_threads": max(1, len(os.sched_getaffinity(0)) - 1),  # a core is left to score programs
    "n_gpu_layers": -1,
}
_PR_SET_PDEATHSIG = 1  # prctl(2)


def main(file: str, *options: str) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    key = sys.stdin.readline().strip()
    if not key:
        return  # the parent ended before
    os.environ["GGML_NO_BACKTRACE"] = "1"  # a crash would start a debugger
    import xllamacpp

    given = {name: int(number) for name, _, number in (one.partition("=") for one in options)}
    numbers = {**DEFAULTS, **given}
    params = xllamacpp.CommonParams()
    params.model.path = file
    params.n_ctx, params.n_parallel = numbers["n_ctx"], numbers["n_parallel"]
    params.n_gpu_layers = numbers["n_gpu_layers"]
    for threads in (params.cpuparams, params.cpuparams_batch):
        threads.n_threads = numbers["n_threads"]
    params.kv_unified = True  # the responses to a prompt share it
    params.cache_ram_mib = 0  # prompts are kept where there is room, and not 8 GB of them besides
    params.fit_params = params.ui = False
    params.verbosity = 1
    params.api_keys = [key]
    server = xllamacpp.Server(params)  # it serves as long as it is held
    url = server.listening_address
    with urlopen(Request(f"{url}/props", headers={"Authorization": f"Bearer {key}"})) as answer:
        context = json.load(answer)["default_generation_settings"]["n_ctx"]
    sys.stdout.write(f"{json.dumps({'url': url, 'context': context})}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
