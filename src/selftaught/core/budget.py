"""Limits that the host keeps, and what was used of them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields

from selftaught.core.errors import ConfigError

# What a guest needs for its interpreter and a small program.
LEAST_MEMORY_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Budget:
    """The whole run's limits; None is no limit.

    Attributes:
        lm_calls: logical calls of the language model.
        samples: responses drawn.
        tokens: input and output tokens together.
        usd: money, US dollars.
        wall_s: wall-clock seconds.
    """

    lm_calls: int | None = None
    samples: int | None = None
    tokens: int | None = None
    usd: float | None = None
    wall_s: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ConfigError(f"budget {name} must be a number, not {value!r}")
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(f"budget {name} must be above 0, not {value!r}")
            if name in ("lm_calls", "samples", "tokens") and not isinstance(value, int):
                raise ConfigError(f"budget {name} must be a whole number, not {value!r}")


@dataclass(frozen=True, slots=True)
class ImproverLimits:
    """Each improver run's limits. The defaults are the paper's.

    Attributes:
        calls: calls of the language model.
        samples_per_call: responses a call.
        utility_uses: calls of the utility.
        cpu_s: CPU seconds of the improver's own guest.
    """

    calls: int = 4
    samples_per_call: int = 6
    utility_uses: int = 25
    cpu_s: float = 60.0

    def __post_init__(self) -> None:
        for name in ("calls", "samples_per_call", "utility_uses"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(
                    f"limit {name} must be a whole number of at least 1, not {value!r}"
                )
        cpu_s = self.cpu_s
        if isinstance(cpu_s, bool) or not isinstance(cpu_s, (int, float)) or not (0 < cpu_s < 1e6):
            raise ConfigError(f"limit cpu_s must be a number of seconds above 0, not {cpu_s!r}")


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used. `requests` counts attempts at the provider, `lm_calls` logical calls."""

    lm_calls: int = 0
    requests: int = 0
    samples: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: int | float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __mul__(self, times: int) -> Usage:
        return Usage(*(getattr(self, f.name) * times for f in fields(self)))
