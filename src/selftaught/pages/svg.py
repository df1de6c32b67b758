"""Charts as SVG that a page holds as a part of itself: small, quickly drawn, without a library.

Colours and dash patterns are classes, so that a page's style sheet gives those of light and of dark
ground; a file by itself brings `svg.css` with it. What has a colour has a dash pattern or a shape,
too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

from selftaught.pages import words
from selftaught.pages.markup import Html, tag

_WIDTH, _HEIGHT = 440, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 10, 40
_LEGEND_PX = 17
_LOOKS = 7  # colours with a dash pattern each, as in svg.css
_MOST_NAME = 44
_TABLE_ROWS = 60


class At(NamedTuple):
    """A point, and the interval there, if there is one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A line; with `steps` each value holds until the next point, and intervals are a band."""

    name: str
    points: Sequence[At]
    steps: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines and dots over common axes."""

    x: str
    y: str
    lines: Sequence[Series]
    dots: Sequence[At] = ()
    whole: bool = False  # whether x counts


def drawn(plot: Plot, alt: str, *, alone: bool = False) -> Html:
    """One SVG.

    Args:
        alt: what is seen on it.
        alone: as a file by itself, with its style.
    """
    height, parts = _plot(plot)
    head: tuple[Html, ...] = ()
    if alone:
        style = resources.files("selftaught.pages").joinpath("svg.css").read_text("utf-8")
        ground = tag("rect", class_="ground", width=_WIDTH, height=height)
        head = tag("style", Html(style)), ground
    space = "http://www.w3.org/2000/svg"
    return tag(
        *("svg", *head, *parts),
        xmlns=space if alone else None,
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        aria_label=alt,
        class_="chart",
    )


def numbers_of(plot: Plot) -> Html:
    """The numbers of the lines, the last of them if they are many."""
    rows = [(line.name, at) for line in plot.lines if line.name for at in line.points]
    body = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            tag("td", words.plain(at.x)),
            tag("td", words.number(at.y)),
            tag("td", "" if at.low is None else f"{words.number(at.low)} to {_high(at)}"),
        )
        for name, at in rows[-_TABLE_ROWS:]
    ]
    heads = [tag("th", name, scope="col") for name in ("line", plot.x, plot.y, "95 % interval")]
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *body), class_="counts")
    of = f"Numbers ({len(rows):,})" if len(rows) <= _TABLE_ROWS else f"The last {_TABLE_ROWS}"
    scrolled = tag("div", table, class_="scrolled", tabindex="0", role="region", aria_label=of)
    return tag("details", tag("summary", of), scrolled)


def _high(at: At) -> str:
    return words.number(at.high)


# --- drawing ------------------------------------------------------------------------------------


class _Axis(NamedTuple):
    """From values to pixels."""

    low: float
    high: float
    start_px: float
    end_px: float

    def px(self, value: float) -> str:
        share = (value - self.low) / (self.high - self.low)
        return f"{self.start_px + share * (self.end_px - self.start_px):.1f}"


def _axis(values: Sequence[float], start_px: float, end_px: float, room: float = 0.06) -> _Axis:
    known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    if low == high:
        low, high = low - (abs(low) or 1) * 0.1, high + (abs(high) or 1) * 0.1
    extra = (high - low) * room
    return _Axis(low - extra, high + extra, start_px, end_px)


def ticks(low: float, high: float, most: int = 5, *, whole: bool = False) -> list[float]:
    """Round values between two bounds: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * by for by in (1, 2, 5, 10) if power * by >= rough * (1 - 1e-9))
    step = max(step, 1.0) if whole else step
    first = math.ceil(low / step - 1e-9)
    return [place * step for place in range(first, math.floor(high / step + 1e-9) + 1)]


def _plot(plot: Plot) -> tuple[int, Iterator[Html]]:
    lines = [line for line in plot.lines if line.points]
    named = [line for line in lines if line.name]
    legend = len(named) * _LEGEND_PX if len(named) > 1 else 0
    return _HEIGHT + legend, _plot_parts(plot, lines, legend)


def _plot_parts(plot: Plot, lines: Sequence[Series], legend: int) -> Iterator[Html]:
    all_of = [at for line in lines for at in line.points] + [*plot.dots]
    top, bottom = _TOP + legend, _HEIGHT + legend - _BOTTOM
    x = _axis([at.x for at in all_of], _LEFT, _WIDTH - _RIGHT, 0.03)
    heights = [v for at in all_of for v in (at.y, at.low, at.high) if v is not None]
    y = _axis(heights, bottom, top)
    for value in ticks(y.low, y.high):
        yield tag("path", class_="grid", d=f"M{_LEFT} {y.px(value)}H{_WIDTH - _RIGHT}")
        said = words.plain(round(value, 12))
        yield tag("text", said, class_="end", x=_LEFT - 6, y=f"{float(y.px(value)) + 4:.1f}")
    for value in ticks(max(x.low, 0.0), x.high, whole=plot.whole):
        said = words.plain(round(value, 12))
        yield tag("text", said, class_="middle", x=x.px(value), y=bottom + 16)
    yield tag("path", class_="axis", d=f"M{_LEFT} {top}V{bottom}H{_WIDTH - _RIGHT}")
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    yield tag("text", plot.x, class_="middle", x=middle, y=bottom + 33)
    across = f"rotate(-90 12 {(top + bottom) / 2:.0f})"
    yield tag("text", plot.y, class_="middle", x=12, y=(top + bottom) // 2, transform=across)
    if plot.dots:
        rings = "".join(f"M{x.px(at.x)} {y.px(at.y)}h0" for at in plot.dots if _finite(at.y))
        yield tag("path", class_="dots", d=rings)
    looks = iter(range(len(lines)))
    place = 0
    for line in lines:
        look = f"s{next(looks) % _LOOKS}" if line.name else "thin"
        yield from _line(line, look, x, y)
        if line.name and legend:
            level = _TOP + 6 + place * _LEGEND_PX
            yield tag("path", class_=f"line {look}", d=f"M{_LEFT} {level - 4}h28")
            yield tag("text", _cut(line.name), x=_LEFT + 36, y=level)
            place += 1


def _line(line: Series, look: str, x: _Axis, y: _Axis) -> Iterator[Html]:
    points = [at for at in line.points if _finite(at.y)]
    ranged = [at for at in points if at.low is not None and at.high is not None]
    if line.steps and ranged:
        upper = _path([(at.x, at.high or 0.0) for at in ranged], x, y, steps=True)
        lower = _path([(at.x, at.low or 0.0) for at in ranged], x, y, steps=True)
        back = lower[1:].replace("H", " H").replace("V", " V")
        yield tag("path", class_=f"edge {look}", d=f"{upper}M{back}")
    elif ranged:
        bars = "".join(
            f"M{x.px(at.x)} {y.px(at.low or 0.0)}V{y.px(at.high or 0.0)}" for at in ranged
        )
        yield tag("path", class_=f"bar {look}", d=bars)
    yield tag(
        "path",
        class_=f"line {look}",
        d=_path([(at.x, at.y) for at in points], x, y, steps=line.steps),
    )
    if not line.steps and line.name:
        for at in points:
            yield tag("circle", class_=look, cx=x.px(at.x), cy=y.px(at.y), r=3.5)


def _path(points: Sequence[tuple[float, float]], x: _Axis, y: _Axis, *, steps: bool) -> str:
    said = [
        f"H{x.px(at)}V{y.px(value)}"
        if steps and place
        else f"{'L' if place else 'M'}{x.px(at)} {y.px(value)}"
        for place, (at, value) in enumerate(points)
    ]
    return "".join(said)


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _cut(name: str, most: int = _MOST_NAME) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def spark(values: Sequence[float]) -> Html:
    """A line without axes, for a cell of a table."""
    known = [value for value in values if math.isfinite(value)]
    if len(known) < 2:
        return Html()
    x, y = _axis([0, len(known) - 1], 2, 78, 0), _axis(known, 20, 4)
    path = _path(list(enumerate(known)), x, y, steps=True)
    said = f"from {words.number(known[0])} to {words.number(known[-1])}"
    line = tag("path", class_="line s0", d=path)
    return tag("svg", line, viewBox="0 0 80 24", class_="spark", role="img", aria_label=said)
