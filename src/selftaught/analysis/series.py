"""Series: independent repeats of one STOP run, each a run of its own in the store."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from selftaught.analysis.recorded_run import RecordedRun, recorded
from selftaught.analysis.run_head import RunHead, read_head
from selftaught.core.budget import Usage
from selftaught.journal.codec import Event
from selftaught.journal.events import Run
from selftaught.journal.reader import JournalReader
from selftaught.journal.record import EventRecord


def series_runs(reader: JournalReader, series_id: str) -> dict[int, RunHead]:
    """The runs of a series that were started, by their index, in its order."""
    heads = (read_head(reader, run_id) for run_id in reader.runs())
    places = ((head.series, head) for head in heads)
    found = {
        place.index: head
        for place, head in places
        if place is not None and place.series_id == series_id
    }
    return dict(sorted(found.items()))


def recorded_series(
    reader: JournalReader, run_id: str, own: Collection[type[EventRecord]] = ()
) -> list[RecordedRun]:
    """The runs of the series that a run is of, in its order, or the run by itself.

    Raises: LookupError if the store does not hold it.
    """
    run = recorded(reader, run_id, own)
    if run.head.series is None:
        return [run]
    heads = series_runs(reader, run.head.series.series_id).values()
    return [run if one.run_id == run_id else recorded(reader, one.run_id, own) for one in heads]


def carried_problems(
    reader: JournalReader, run_id: str, events: Sequence[Event]
) -> Iterator[tuple[int | None, str]]:
    """How what a run says of the earlier ones of its series is not what they say themselves."""
    starts = [(event, event.body.series) for event in events if isinstance(event.body, Run)]
    for start, place in starts:
        if place is None:
            continue
        try:
            runs = series_runs(reader, place.series_id)
            earlier = [runs[index] for index in range(place.index)]
        except (LookupError, TypeError, ValueError) as error:
            yield start.seq, f"the runs before it in its series cannot be read ({error!r})"
            continue
        usage = sum((head.usage or Usage() for head in earlier), Usage())
        wall_s = sum(head.wall_s or 0.0 for head in earlier)
        if usage != place.usage or wall_s != place.wall_s:
            yield start.seq, f"the runs before it in its series took {usage}, and it says otherwise"
