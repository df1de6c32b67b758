"""Figures drawn with Altair: as Vega-Lite, and of it SVG and PNG, with no browser or network.

Colours are those of Okabe and Ito, which the colour-blind tell apart; whatever has a colour has a
shape or a dash pattern, too, so that a grey print can be read.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import altair as alt
import vl_convert

from selftaught.pages.blocks import (
    CurveChart,
    Figure,
    Page,
    PanelsChart,
    Rows,
    SearchChart,
    StepsChart,
)
from selftaught.pages.text import printable

Part: TypeAlias = alt.LayerChart | alt.FacetChart

_PNG_SCALE = 2.0  # sharp in print at the width of a column
_BLUE, _ORANGE, _GREY = "#0072B2", "#E69F00", "#555555"
_ARMS = [_BLUE, _ORANGE, "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000"]
_DASHES = [[1, 0], [6, 4], [2, 2], [8, 3, 2, 3], [12, 4], [4, 2, 1, 2], [1, 3]]
# Liberation Sans comes with what draws the figures; the others have the same widths.
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
# Where that font is not to be had, words are wider than they were measured.
_PADDING = {"left": 16, "right": 12, "top": 10, "bottom": 10}
_STREAMS = ["test", "val"]
_APART = {"test": 0.04, "val": -0.04}
_META_UTILITY = "meta-utility (normalised, 0 to 1)"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure, drawn. `narrow_svg` is the same for a small screen."""

    svg: str
    narrow_svg: str
    png: bytes


def drawn_figures(page: Page) -> dict[str, Drawn]:
    """All figures of a page, by name."""
    return {figure.name: _drawn(figure) for figure in page.figures}


def _drawn(figure: Figure) -> Drawn:
    nowhere: list[str] = []  # no address may be asked for data
    svg, narrow_svg = (
        vl_convert.vegalite_to_svg(specification(figure, narrow=narrow), allowed_base_urls=nowhere)
        for narrow in (False, True)
    )
    return Drawn(svg, narrow_svg, vl_convert.svg_to_png(svg, scale=_PNG_SCALE))


def specification(figure: Figure, *, narrow: bool = False) -> dict[str, Any]:
    """The chart of a figure as Vega-Lite, for a page or for a small screen."""
    match figure.chart:
        case CurveChart():
            chart, letters = _curve_and_arms(figure.chart, narrow=narrow)
        case PanelsChart(panels):
            chart, letters = _panels(panels, narrow=narrow), 92
        case SearchChart():
            chart, letters = _search(figure.chart, narrow=narrow), 84
        case StepsChart(panels):
            chart, letters = _steps(panels, narrow=narrow), 92
    return _finished(chart, figure, 36 if narrow else letters)


def _curve_and_arms(chart: CurveChart, *, narrow: bool) -> tuple[Any, int]:
    """The chart, and how many letters a line of its title may have."""
    points, runs, arms = chart.points, chart.runs, chart.arms
    shown = [row.get(name) for row in (*points, *runs, *arms) for name in ("mean", "low", "high")]
    domain = _domain([value for value in shown if value is not None])
    curve = _curve(points, runs, domain).properties(width=235 if narrow else 330, height=250)
    if not arms:
        return curve, 56
    beside = _arms(arms, alt.Scale(domain=domain, zero=False)).properties(
        title="On test, at equal samples", width=150 if narrow else 250, height=36 * len(arms)
    )
    parts = alt.vconcat(curve, beside) if narrow else alt.hconcat(curve, beside)
    return parts.resolve_scale(color="independent", shape="independent"), 104


def _panels(panels: Mapping[str, Rows], *, narrow: bool) -> Any:
    drawn = [
        _arms(arms, alt.Scale(zero=False, nice=True), "value on test (own units)").properties(
            title=textwrap.wrap(printable(name), 28) if narrow else printable(name),
            width=150 if narrow else 210,
            height=28 * len(arms),
        )
        for name, arms in panels.items()
    ]
    grid = alt.concat(*drawn, columns=1 if narrow else 2)
    return grid.resolve_scale(x="independent", y="independent")


def _search(chart: SearchChart, *, narrow: bool) -> Any:
    x = alt.X("calls:Q", title="model calls answered so far", axis=alt.Axis(tickMinStep=1))
    values = [row["value"] for row in chart.scored]
    scale = alt.Scale(domain=_domain(values or [0.0]), zero=False)
    dots = (
        alt.Chart(_data(chart.scored))
        .mark_point(size=22, opacity=0.55, color=_GREY, strokeWidth=1)
        .encode(x=x, y=alt.Y("value:Q", title="value on search (task's own units)", scale=scale))
    )
    line = (
        alt.Chart(_data(chart.best))
        .mark_line(interpolate="step-after", color=_BLUE, strokeWidth=2.5)
        .encode(x=x, y=alt.Y("best:Q", scale=scale))
    )
    return alt.layer(dots, line).properties(width=250 if narrow else 560, height=240)


def _steps(panels: Mapping[str, Rows], *, narrow: bool) -> Any:
    """A line an arm, each with a colour and a dash pattern, over the band of its interval."""
    names = list(dict.fromkeys(_safe(row["arm"]) for rows in panels.values() for row in rows))
    # After the last colour they begin anew, with another dash pattern.
    colors = [_ARMS[place % len(_ARMS)] for place in range(len(names))]
    dashes = [_DASHES[(place + place // len(_ARMS)) % len(_DASHES)] for place in range(len(names))]
    line: Any = {"symbolType": "stroke", "symbolOpacity": 1, "symbolStrokeWidth": 2}
    line["symbolSize"] = 400
    below = alt.Legend(title=None, orient="bottom", columns=2 if narrow else 4, **line)
    color = alt.Color("arm:N", scale=alt.Scale(domain=names, range=colors), legend=below)
    dash = alt.StrokeDash("arm:N", scale=alt.Scale(domain=names, range=dashes), legend=below)
    drawn = []
    for name, rows in panels.items():
        base = alt.Chart(_data(rows)).encode(x=alt.X("samples:Q", title="samples drawn"))
        scale = alt.Scale(zero=False, nice=True)
        title = "best so far on test (own units)"
        band = base.transform_filter("isValid(datum.low)").mark_area(
            opacity=0.13, interpolate="step-after"
        )
        steps = base.mark_line(strokeWidth=2, interpolate="step-after")
        chart = alt.layer(
            band.encode(y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q", color=color),
            steps.encode(y=alt.Y("mean:Q", scale=scale), color=color, strokeDash=dash),
        )
        above = textwrap.wrap(printable(name), 28) if narrow else printable(name)
        drawn.append(chart.properties(title=above, width=235 if narrow else 300, height=210))
    return alt.concat(*drawn, columns=1 if narrow else 2).resolve_scale(y="independent")


# --- parts ------------------------------------------------------------------------------------


def _curve(points: Rows, runs: Rows, domain: list[float]) -> Part:
    last = max(row["t"] for row in points)
    x = alt.X(
        "at:Q",
        title="iteration t",
        scale=alt.Scale(domain=[-0.25, last + 0.25], nice=False),
        axis=alt.Axis(values=list(range(last + 1)), format="d", grid=False),
    )
    scale = alt.Scale(domain=domain, zero=False)
    y = alt.Y("mean:Q", title=_META_UTILITY, scale=scale)
    color = _by_stream(alt.Color, [_BLUE, _ORANGE])
    dash = _by_stream(alt.StrokeDash, [[1, 0], [6, 4]])
    shape = _by_stream(alt.Shape, ["circle", "square"])
    # Side by side, so that intervals do not hide one another.
    apart = [{**row, "at": row["t"] + _APART[row["stream"]]} for row in points]
    base = alt.Chart(_data(apart)).encode(x=x, color=color)
    low = alt.Y("low:Q", title=_META_UTILITY, scale=scale)
    layers = [
        base.transform_filter("isValid(datum.low)")
        .mark_errorbar(ticks=True, thickness=1.5)
        .encode(y=low, y2="high:Q"),
        base.mark_line(strokeWidth=2.5).encode(y=y, strokeDash=dash),
        base.mark_point(size=65, filled=True, opacity=1).encode(y=y, shape=shape),
        alt.Chart(_data(_labels(apart, domain)))
        .mark_text(align="left", dx=9, fontSize=12, fontWeight="bold")
        .encode(x=x, y=alt.Y("place:Q", scale=scale), text="stream:N", color=color),
    ]
    if runs:
        thin = alt.Chart(_data([{**row, "at": row["t"]} for row in runs]))
        mark = thin.mark_line(strokeWidth=1, opacity=0.45, color=_GREY)
        layers.insert(0, mark.encode(x=x, y=y, detail="run:N"))
    return alt.layer(*layers)


def _by_stream(channel: Any, values: Sequence[Any]) -> Any:
    """A channel that tells the streams apart. The lines are labelled, so there is no legend."""
    return channel("stream:N", scale=alt.Scale(domain=_STREAMS, range=list(values)), legend=None)


def _labels(points: Rows, domain: Sequence[float]) -> list[dict[str, Any]]:
    """The name of each line at its end, moved apart where they would lie on one another."""
    ends = {row["stream"]: row for row in points}  # by t: the last one stays
    ranked = sorted(ends.values(), key=lambda row: row["mean"])
    room = 0.07 * (domain[1] - domain[0])
    lack = max(0.0, room - (ranked[-1]["mean"] - ranked[0]["mean"])) / 2
    places = [ranked[0]["mean"] - lack, ranked[-1]["mean"] + lack]
    right = max(row["at"] for row in ranked)
    return [
        {"stream": row["stream"], "at": right, "place": place}
        for row, place in zip(ranked, places, strict=True)
    ]


def _arms(arms: Rows, scale: alt.Scale, title: str = _META_UTILITY) -> Part:
    """A row an arm: its mean and its interval. The final one is filled and blue."""
    order = [_safe(row["arm"]) for row in arms]
    y = alt.Y("arm:N", sort=order, title=None, axis=alt.Axis(grid=True))
    final = alt.condition("datum.final", alt.value(_BLUE), alt.value(_GREY))
    x = alt.X("mean:Q", title=title, scale=scale, axis=alt.Axis(tickCount=4))
    base = alt.Chart(_data(arms)).encode(y=y)
    known = base.transform_filter("isValid(datum.low)")
    return alt.layer(
        known.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q", title=title, scale=scale), x2="high:Q", color=final
        ),
        base.mark_point(size=75, opacity=1, strokeWidth=2).encode(
            x=x,
            color=final,
            fill=alt.condition("datum.final", alt.value(_BLUE), alt.value("white")),
            shape=alt.condition("datum.final", alt.value("diamond"), alt.value("circle")),
        ),
    )


def _domain(values: Sequence[float]) -> list[float]:
    """Around the values, with a margin; but what begins at 0 begins there on the axis, too."""
    low, high = min(values), max(values)
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 0.05
    return [low if low == 0 else low - margin, high + margin]


def _data(rows: Rows) -> alt.InlineData:
    """Rows, whose texts a picture may hold."""
    values = [{name: _safe(value) for name, value in row.items()} for row in rows]
    return alt.InlineData(values=values)


def _safe(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else value


def _finished(chart: Any, figure: Figure, letters: int) -> dict[str, Any]:
    """The specification of a chart, with what all have in common.

    Args:
        letters: of a line of its title, at most.
    """
    heading = alt.TitleParams(
        textwrap.wrap(printable(figure.title), letters - 4),
        subtitle=[line for note in figure.notes for line in textwrap.wrap(note, letters)],
        anchor="start",
        offset=14,
        fontSize=14,
        subtitleFontSize=12,
        subtitleColor="#444",
    )
    plain = {"labelColor": "#222", "titleColor": "#222", "labelFontSize": 12, "titleFontSize": 12}
    configured = (
        chart.properties(title=heading, background="white", padding=_PADDING)
        .configure(font=_FONT)
        .configure_view(stroke=None)
        .configure_axis(
            **plain,
            titleFontWeight="normal",
            gridColor="#ddd",
            domainColor="#888",
            tickColor="#888",
            labelLimit=170,
            labelFlush=False,
        )
        .configure_title(fontSize=13, anchor="start")
    )
    whole: dict[str, Any] = configured.to_dict()
    return whole
