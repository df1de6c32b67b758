"""Figures drawn: from one specification as SVG and as PNG, with no browser and no network."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import vl_convert

from selftaught.pages.blocks import Figure, Page
from selftaught.pages.charts import specification

_PNG_SCALE = 2.0  # sharp in print at the width of a column
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


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
    png = vl_convert.svg_to_png(svg, scale=_PNG_SCALE)
    return Drawn(svg, narrow_svg, _packed(png))


def _packed(png: bytes) -> bytes:
    """The same picture in a third of the bytes: what draws it packs its data in haste."""
    place = len(_SIGNATURE)
    data = b""
    before: list[bytes] = []
    after: list[bytes] = []
    while place < len(png):
        (size,) = struct.unpack_from(">I", png, place)
        chunk = png[place : place + size + 12]
        if chunk[4:8] == b"IDAT":
            data += chunk[8:-4]
        else:
            (after if data else before).append(chunk)
        place += len(chunk)
    packed = b"IDAT" + zlib.compress(zlib.decompress(data), 9)
    whole = struct.pack(">I", len(packed) - 4) + packed + struct.pack(">I", zlib.crc32(packed))
    return b"".join([_SIGNATURE, *before, whole, *after])
