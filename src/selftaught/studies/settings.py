"""Settings: what the annotation of a field says, and values from outside made into configurations.

An annotated field is the key of the file, the command-line option and, where a public function has
an argument of its name, that argument. Help pages read it, so pydantic, which takes long to import,
is not imported before values are to be validated.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast, get_args, get_type_hints

from selftaught.core.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import TypeAdapter


class Heading(StrEnum):
    """What options stand under in help pages, in this order."""

    OPTIONS = "Options"
    RUNS = "Improver runs for each task, in one meta-utility evaluation"
    MODEL = "The language model"
    BUDGET = "Budget of the whole run (none by default)"
    LIMITS = "Limits of each improver run"
    SANDBOX = "Limits of each generated program"
    MACHINE = "Where it runs and what it writes"


@dataclass(frozen=True, kw_only=True)
class Section:
    """Settings that belong together: a table of the file, or all of it.

    `heading` is that of its own fields, where they do not say another.
    """

    heading: ClassVar[Heading | None] = None
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "allow_inf_nan": False}


S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a field's annotation says besides its type; of a section, its heading alone.

    Attributes:
        help: of the option; without it there is none, and the setting is one of the file.
        heading: under which the option stands; of a section, those of its fields.
        option: its name, where that is not the field's.
        metavar: stands for the value, where it does not follow from type and unit.
        unset: what holds where the default is None or nothing.
        ge, gt, le: bounds, "greater than or equal to" and so on.
        min_length, max_length: of a text or a list.
        read: makes the value of what is given; of an option that may be given again, of them all.
    """

    help: str = ""
    heading: Heading | None = None
    option: str | None = None
    metavar: str | None = None
    unset: str | None = None
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    read: Callable[[Any], Any] | None = None

    # How pydantic finds bounds in an annotation that is not its own.
    __is_annotated_types_grouped_metadata__: ClassVar[bool] = True

    def __iter__(self) -> Iterator[Any]:
        from pydantic import BeforeValidator
        from pydantic import Field as Bounds

        names = ("ge", "gt", "le", "min_length", "max_length")
        bounds: dict[str, Any] = {name: getattr(self, name) for name in names}
        reading = [BeforeValidator(self.read)] if self.read else []
        return iter([*Bounds(**bounds).metadata, *reading])


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting that is an option.

    Attributes:
        path: its name, after that of its section if it is in one.
        setting: with the heading under which it stands.
    """

    path: tuple[str, ...]
    setting: Setting
    heading: Heading
    type: Any
    default: Any


def declared(kind: type[Section]) -> list[Declared]:
    """The options of a configuration, as help lists them."""
    headings = list(Heading)
    return sorted(_declared(kind, Heading.OPTIONS), key=lambda one: headings.index(one.heading))


def _declared(kind: type[Section], heading: Heading) -> Iterator[Declared]:
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        hint = hints[field.name]
        homes = (one for one in kind.__mro__ if field.name in vars(one).get("__annotations__", ()))
        own = vars(next(homes)).get("heading")
        said = [word for word in getattr(hint, "__metadata__", ()) if isinstance(word, Setting)]
        for setting in said:
            under, values = setting.heading or own or heading, hint.__origin__
            if isinstance(values, type) and issubclass(values, Section):
                for inner in _declared(values, under):
                    yield replace(inner, path=(field.name, *inner.path))
            elif setting.help:
                yield Declared(
                    (field.name,), setting, under, _without_none(values), _default(field)
                )


def _without_none(hint: Any) -> Any:
    others = [one for one in get_args(hint) if one is not type(None)]
    return others[0] if type(None) in get_args(hint) else hint


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


# --- configurations -----------------------------------------------------------------------------


def make_config(kind: type[S], values: Mapping[str, Any]) -> S:
    """A validated configuration.

    Raises: ConfigError in one line, that names the setting, what is wrong and the value.
    """
    from pydantic import ValidationError

    try:
        config: S = _adapter(cast(Any, kind)).validate_python(dict(values))
        return config
    except ValidationError as error:
        first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "unexpected_keyword_argument":
        raise ConfigError(f"unknown setting {name!r}")
    if first["type"] == "missing":
        raise ConfigError(f"{name} must be given")
    if first["type"] == "dataclass_type":
        raise ConfigError(f"{name} must be a table, not {first['input']!r}")
    said = re.sub(r"^\w+ should ", "must ", first["msg"])
    raise ConfigError(f"{name} {said}, not {first['input']!r}")


def as_json(config: Section) -> dict[str, Any]:
    """The configuration as it is written, from which `make_config` makes it again."""
    values: dict[str, Any] = _adapter(cast(Any, type(config))).dump_python(config, mode="json")
    return values


@lru_cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def read_toml(path: Path) -> dict[str, Any]:
    """The settings of a configuration file. Raises: ConfigError."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the configuration {path} is not TOML: {error}") from None


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with what `over` sets; sections are merged, None sets nothing."""
    result = dict(base)
    for name, value in over.items():
        if isinstance(value, dict):
            section = result.get(name, {})
            if not isinstance(section, dict):
                raise ConfigError(f"{name} must be a table, not {section!r}")
            result[name] = merged(section, value)
        elif value is not None:
            result[name] = value
    return result
