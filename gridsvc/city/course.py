"""How a limit runs: from a moment, one span after the other, each on its own clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from gridsvc.city.calendar import Calendar, Clock, Limit, deadline


@dataclass(frozen=True, slots=True)
class Course:
    """What a limit was made of, kept beside it so that it can be made again by a newer calendar."""

    since: dt.datetime
    spans: tuple[Limit, ...]

    def ends(self, calendar: Calendar) -> dt.datetime:
        """The moment at which the last span has run."""
        end = self.since
        for span in self.spans:
            end = deadline(end, dt.timedelta(hours=span.hours), span.clock, calendar)
        return end

    def provisional(self, calendar: Calendar) -> bool:
        """Whether it counts working days of a year whose holidays are not announced yet."""
        end = self.since
        for span in self.spans:
            begin = end
            end = deadline(begin, dt.timedelta(hours=span.hours), span.clock, calendar)
            years = range(calendar.day(begin).year, calendar.day(end).year + 1)
            if span.clock is Clock.WORKING and not all(map(calendar.knows, years)):
                return True
        return False

    def longer(self, *spans: Limit) -> Course:
        """The same course with more spans at its end."""
        return replace(self, spans=(*self.spans, *spans))

    def to_json(self) -> dict[str, Any]:
        """``{since, spans: [{hours, clock}]}``."""
        spans = [span.to_json() for span in self.spans]
        return {"since": self.since.isoformat(), "spans": spans}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Course:
        """The course that :meth:`to_json` wrote."""
        spans = tuple(Limit.from_json(span) for span in kept["spans"])
        return cls(dt.datetime.fromisoformat(kept["since"]), spans)
