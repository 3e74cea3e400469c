"""What came of a report: who has it, until when, what was done, and its history in plain words.

Only what a table or a procedure has words for is told, never what somebody wrote, but for what a
body wrote to be read by the public (``public_answer``) or, in an answer, by whoever asked.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from gridsvc.cases.core import trace_repository as trace
from gridsvc.cases.core.act import Act, procedure_of
from gridsvc.cases.core.engine import parties
from gridsvc.cases.core.models import Case, TraceEntry
from gridsvc.cases.core.progress import Progress
from gridsvc.cases.core.repository import case_by_id
from gridsvc.cases.intake.models import Report
from gridsvc.cases.systems.citizen.schemas import (
    Appeal,
    Happened,
    Office,
    Outcome,
    PublicAnswer,
    PublishedPhoto,
)
from gridsvc.cases.systems.citizen.words import WORDS
from gridsvc.cases.systems.evidence import (
    PUBLISHED,
    Evidence,
    photo_or_refuse,
    photos_of,
    photos_of_report,
)
from gridsvc.city import City
from gridsvc.city.procedures.model import Actor, Procedure, Return, Step
from gridsvc.errors import NotFound
from gridsvc.registry.bodies.repository import BodyRef, bodies_by_code, telephones
from gridsvc.texts import LANGUAGES

_ORDER = ("lead", "side", "called")
#: Entries of a trace that say by which procedure a case goes on.
_BEGINS = {"dispatch": "procedure", "open": "procedure", "raise": "to"}


def outcome_of(
    session: Session,
    city: City,
    report: Report,
    *,
    language: str,
    own: bool,
    now: dt.datetime,
) -> Outcome:
    """What came of a report, in a language; ``own``: for whoever filed it."""
    return _Reading.of(session, city, report, language, own=own, now=now).outcome()


def last_day(city: City, case: Case) -> dt.date | None:
    """The last day on which citizens reopen a case; None for one that is open or was joined."""
    if case.closed_at is None or case.joined_into is not None:
        return None
    return city.day(case.closed_at) + dt.timedelta(days=city.settings.reopen_days)


def shown_photo(session: Session, report: Report, photo_id: uuid.UUID, *, own: bool) -> Evidence:
    """A photo that a body has published in the case of a report, or one of the reporter's ``own``.

    Raises NotFound.
    """
    case = _case_of(session, report)
    if own:
        for photo in photos_of_report(session, case, report):
            if photo.id == photo_id:
                return photo
    for entry in trace.entries(session, case):
        if str(photo_id) in (*_named(entry.content, "before"), *_named(entry.content, "after")):
            return photo_or_refuse(session, case, photo_id)
    raise NotFound(f"Report {report.receipt} has no published photo {photo_id}.")


def photo_shown(report: Report, photo: Evidence) -> PublishedPhoto:
    """A photo as whoever reads of a report is told of it."""
    url = f"/v1/reports/{report.receipt}/photos/{photo.id}"
    return PublishedPhoto(id=photo.id, url=url, taken_at=photo.taken_at)


def stage_of(city: City, case: Case, language: str) -> str:
    """The present step of a case, in a language."""
    step = procedure_of(city, case).step(case.step)
    if step is None or case.state == "closed":
        return city.table(WORDS).said(language, "stage.closed", {}) or ""
    return step.title_zh if language == "zh" else step.title


def words_of(act: Act, report: Report, entry: TraceEntry) -> dict[str, str] | None:
    """What is told of an entry of a report's case, by language; None where nothing is."""
    said = {}
    for language in LANGUAGES:
        reading = _Reading.of(
            act.session,
            act.city,
            report,
            language,
            own=False,
            now=act.now,
            case=act.case,
            told=[entry],
        )
        found = reading.said_of(entry, act.case.lead_body)
        if not found:
            return None
        said[language] = found
    return said


def closed_words(city: City) -> dict[str, str]:
    """What is told of the closing of a case, by language."""
    return {
        language: city.table(WORDS).said(language, "closed", {}) or "" for language in LANGUAGES
    }


def history_of(
    session: Session, city: City, report: Report, *, language: str, now: dt.datetime
) -> list[Told]:
    """What happened to a report, in a language, the oldest first."""
    return list(_Reading.of(session, city, report, language, own=False, now=now).history())


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened: a name that stays its own, when it did, since when it is known."""

    name: str
    at: dt.datetime
    written_at: dt.datetime
    said: str


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading of a report's case: its entries, and the bodies that they name."""

    session: Session
    city: City
    report: Report
    case: Case
    language: str
    own: bool
    now: dt.datetime
    entries: Sequence[TraceEntry]
    bodies: Mapping[str, BodyRef]
    titles: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        session: Session,
        city: City,
        report: Report,
        language: str,
        *,
        own: bool,
        now: dt.datetime,
        case: Case | None = None,
        told: Sequence[TraceEntry] | None = None,
    ) -> _Reading:
        """The reading of the whole case, or of those entries that are ``told`` alone."""
        case = case or _case_of(session, report)
        entries = trace.entries(session, case) if told is None else told
        progress = Progress.from_json(case.progress)
        named: list[Any] = [case.lead_body, *progress.sides, *progress.called_bodies]
        for entry in entries:
            named += [entry.body_code, entry.content.get("to")]
        bodies = bodies_by_code(session, (one for one in named if isinstance(one, str)))
        reading = cls(session, city, report, case, language, own, now, entries, bodies)
        reading._learn_titles_of(procedure_of(city, case))
        return reading

    def outcome(self) -> Outcome:
        """Everything that is told."""
        case = self.case
        return Outcome(
            language="zh" if self.language == "zh" else "en",
            stage=self._stage(),
            offices=self._offices(),
            deadline=case.limit_at,
            overall_deadline=case.overall_at if case.state == "open" else None,
            suspended_until=case.suspended_until,
            answers=list(self._answers()),
            photos=[
                photo_shown(self.report, one)
                for one in photos_of_report(self.session, case, self.report)
                if self.own
            ],
            appeal=self._appeal(),
            history=[Happened(at=one.at, said=one.said) for one in self.history()],
        )

    def _said(self, name: str, **blanks: str) -> str | None:
        return self.city.table(WORDS).said(self.language, name, blanks)

    def _name(self, code: Any) -> str:
        body = self.bodies.get(code) if isinstance(code, str) else None
        return str(code or "") if body is None else body.name

    def _stage(self) -> str:
        if self.report.withdrawn_at is not None:
            return self._said("stage.withdrawn") or ""
        return stage_of(self.city, self.case, self.language)

    def _offices(self) -> list[Office]:
        case, progress = self.case, Progress.from_json(self.case.progress)
        step = procedure_of(self.city, case).step(progress.step)
        due = () if step is None or progress.closed else parties(progress, step.by)
        own_clock = step is not None and step.by is Actor.EACH_CALLED
        numbers = telephones(self.session, self.bodies)
        since = {case.lead_body: self._lead_since()}
        since |= {one.body: one.since for one in progress.called if one.body not in since}
        limits = {one.body: one.limit_at for one in progress.called if own_clock}
        roles = {
            **dict.fromkeys(progress.called_bodies, "called"),
            **dict.fromkeys(progress.sides, "side"),
            case.lead_body: "lead",
        }
        return [
            Office.model_validate(
                {
                    "code": code,
                    "name": self._name(code),
                    "telephone": numbers.get(code),
                    "role": role,
                    "since": since.get(code, case.opened_at),
                    "deadline": (limits.get(code) or case.limit_at) if code in due else None,
                }
            )
            for code, role in sorted(roles.items(), key=lambda one: _ORDER.index(one[1]))
        ]

    def _lead_since(self) -> dt.datetime:
        """Since when the lead has the case without a break."""
        holder, since = None, self.case.opened_at
        for entry in self.entries:
            to = self._given_to(entry)
            if to not in (None, holder):
                holder, since = to, entry.at
        return since

    def _given_to(self, entry: TraceEntry) -> str | None:
        """The body that leads the case from an entry on, None where that changes nothing."""
        to = entry.content.get("to")
        known = isinstance(to, str) and to in self.bodies and entry.action != "raise"
        return to if known else None

    def _answers(self) -> Iterator[PublicAnswer]:
        photos = {str(one.id): one for one in photos_of(self.session, self.case)}
        for entry in self.entries:
            told = entry.told
            answer, result = told.get("public_answer"), told.get("answer")
            shown = {
                name: [
                    photo_shown(self.report, photos[id])
                    for id in _named(entry.content, name)
                    if id in photos
                ]
                for name in PUBLISHED
            }
            if answer is None and result is None and not any(shown.values()):
                continue
            if result is not None and answer is None and self.own:
                answer = told.get("note")
            yield PublicAnswer(
                at=entry.at,
                office=None if entry.body_code is None else self._name(entry.body_code),
                result=result if self._said(f"answer.{result}", body="") else None,
                text=answer,
                before=shown["before"],
                after=shown["after"],
            )

    def _appeal(self) -> Appeal:
        hotline, last = self.city.settings.hotline, last_day(self.city, self.case)
        name = f"appeal.{self.case.state}"
        blanks = {"hotline": hotline, "receipt": self.report.receipt}
        if last is not None and self.city.day(self.now) <= last:
            name, blanks["until"] = "appeal.reopen", last.isoformat()
        how = self._said(name, **blanks)
        return Appeal(how=how or "", telephone=hotline)

    def history(self) -> Iterator[Told]:
        """What is told of the entries, and the closing."""
        lead = self.case.lead_body
        for entry in self.entries:
            lead = self._given_to(entry) or lead
            said = self.said_of(entry, lead)
            if said:
                yield Told(f"{entry.case_id} {entry.n}", entry.at, entry.written_at, said)
        closed_at = self.case.closed_at
        if closed_at is not None:
            said = self._said("closed") or ""
            yield Told(f"{self.case.id} closed", closed_at, closed_at, said)

    def said_of(self, entry: TraceEntry, lead: str) -> str | None:
        """What is told of an entry, with who leads; nothing of what is about another report."""
        self._learn_titles(entry)
        return self._words_of(entry, lead) if self._concerns(entry) else None

    def _learn_titles(self, entry: TraceEntry) -> None:
        """Know the steps of the procedure by which the case goes on from an entry."""
        member = _BEGINS.get(entry.action)
        if member is None or "version" not in entry.content:
            return
        name, version = str(entry.content[member]), int(entry.content["version"])
        self._learn_titles_of(self.city.procedures.get(name, version))

    def _learn_titles_of(self, procedure: Procedure) -> None:
        steps: list[Step | Return] = [*procedure.steps, *procedure.returns]
        for step in steps:
            self.titles[step.name] = step.title_zh if self.language == "zh" else step.title

    def _concerns(self, entry: TraceEntry) -> bool:
        """Whether an entry is about the case or this report, not about somebody else's."""
        content = entry.content
        if "report_id" in content:
            return bool(content["report_id"] == str(self.report.id))
        return "reports" not in content or self.report.receipt in content["reports"]

    def _words_of(self, entry: TraceEntry, lead: str) -> str | None:
        told = entry.told
        blanks = {"body": self._name(entry.body_code), "to": self._name(told.get("to") or lead)}
        if entry.action == "suspend":
            until = dt.datetime.fromisoformat(told["until"])
            blanks["until"] = self.city.day(until).isoformat()
        names = (f"answer.{told['answer']}",) if "answer" in told else ()
        if entry.action == "citizen_verdict":
            names = ("citizen_verdict.solved" if told["solved"] else "citizen_verdict.not_solved",)
        for name in (*names, entry.action):
            said = self._said(name, **blanks)
            if said is not None:
                return said
        title = self.titles.get(entry.action)
        if title is None or entry.body_code is None:
            return title
        return self._said("by_body", title=title, **blanks)


def _case_of(session: Session, report: Report) -> Case:
    case = case_by_id(session, report.case_id)
    if case is None:
        raise AssertionError(f"report {report.id} has no case")
    return case


def _named(content: Mapping[str, Any], name: str) -> list[str]:
    """The ids of photos that the evidence of a step has under a name: one, or a list."""
    given = content.get(name)
    return (
        []
        if given is None
        else [str(one) for one in (given if isinstance(given, list) else [given])]
    )
