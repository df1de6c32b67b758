"""Numbers as CSV (RFC 4180, UTF-8): whole, as the journal gives them."""

from __future__ import annotations

import csv
import io
from typing import Any

from selftaught.analysis.report.document import Sheet
from selftaught.analysis.safe_text import printable

# A spreadsheet takes a text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t")


def as_csv(sheet: Sheet) -> str:
    """One line a row; what is missing is empty."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(sheet.columns)
    for row in sheet.rows:
        writer.writerow([_cell(row[column]) for column in sheet.columns])
    return written.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
