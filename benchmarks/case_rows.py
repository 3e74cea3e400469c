"""The rows of made-up cases: files, traces with their chains, hand-ins, messages, whistles."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.case_sites import CLASSES, JOINT_STEPS, Answering, Dispatch, Site, subject_of
from benchmarks.made_up_cases import Chunk, uuids
from benchmarks.report_rows import points, receipts
from gridsvc.city.calendar import Clock, deadline

__all__ = ["CASE_COLUMNS", "case_rows"]

#: The columns of each table, in the order of the rows.
CASE_COLUMNS = {
    "case_file": "district_code, id, procedure, procedure_version, step, progress, state, standard,"
    " kind, class_code, lead_body, participant_district, part_code, point, trace_entries,"
    " trace_head, limit_at, opened_at, closed_at, grade, step_since, due_at, street_code,"
    " community_code, inspector",
    "trace": "district_code, case_id, n, written_at, at, action, actor, body_code, content,"
    " previous_hash, hash",
    "message": "district_code, id, written_at, body_code, topic, case_id, content, state, tries,"
    " due_at, next_try_at, last_error, delivered_at",
    "hand_in": "district_code, case_id, n, step, body_code, since, limit_at, handed_in_at, overdue,"
    " score",
    "callback": "district_code, report_id, n, case_district, case_id, reading, contacted,"
    " unit_contacted, solved, satisfied, valid, reason, given_by, at, written_at",
    "whistle": "district_code, id, case_id, kind, joint, ground, facts, demand, caller_body,"
    " participant_district, point, footprint, state, blown_at, closed_at",
    "called_body": "district_code, whistle_id, body_code, called_from, role, task, told_at,"
    " report_in_by, accepted_at, reported_in_at, metres_off, late, far, done_at, score, scored_by",
}

_HOUR = 3_600_000_000
_MINUTE = 60_000_000
_DAY_H = 24
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_STEPS = ("refuse", "handle", "feed_back", "handle", "feed_back", "verify", "assess")
_REPORT_IN_MINUTES = 30
#: Every so many cases one is an inspector's; so many work in a street.
_PATROLLED, _INSPECTORS = 5, 20

Rows = dict[str, dict[str, list[str]]]


@dataclass(frozen=True, slots=True)
class _Event:
    """One entry of a trace before its hash; ``content`` is canonical JSON."""

    at: int
    action: str
    actor: str
    body: str | None
    content: str


def case_rows(chunk: Chunk, sites: Sequence[Site], answering: Answering, seed: int) -> Rows:
    """The rows of a chunk, by table and month of its partition (``""`` where it has none)."""
    return _Writer(chunk, sites, answering, np.random.default_rng([seed, 2, chunk.serial[0]])).all()


class _Writer:
    """Writes the cases of one chunk, one after the other."""

    def __init__(
        self,
        chunk: Chunk,
        sites: Sequence[Site],
        answering: Answering,
        rng: np.random.Generator,
    ) -> None:
        self.chunk = chunk
        self.sites = sites
        self.answering = answering
        self.rows: Rows = {table: defaultdict(list) for table in CASE_COLUMNS}
        self.named = receipts(chunk.serial)
        self.reported = chunk.reported.tolist()
        self.pins = points(np.array([(sites[i].lon, sites[i].lat) for i in chunk.site]))
        count = len(chunk.opened)
        self.whistle_id = uuids(rng, chunk.opened)
        most = 2 * len(chunk.serial) + 3 * count
        self.message_ids = iter(uuids(rng, np.resize(chunk.reported, most)))
        self.minutes = rng.lognormal(2.7, 0.45, (count, 3)).tolist()
        procedures = answering.city.procedures
        self.versions = {name: procedures.newest(name).version for name in ("ordinary", "joint")}
        self.hours = procedures.newest("ordinary")

    def all(self) -> Rows:
        """Every row."""
        chunk = self.chunk
        starts = np.searchsorted(chunk.case_of, np.arange(len(chunk.opened) + 1)).tolist()
        steps = chunk.steps.tolist()
        for i, chosen in enumerate(chunk.chosen.tolist()):
            site = self.sites[chunk.site[i]]
            joint = bool(chunk.joint[i]) and site.across != "" and steps[i][6] <= chunk.until
            dispatch = self.answering.of(site, chosen, joint=joint)
            reports = range(starts[i], starts[i + 1])
            if joint:
                self._joint_case(i, site, dispatch, reports, steps[i])
            else:
                self._ordinary_case(i, site, dispatch, reports, steps[i])
        return self.rows

    def _ordinary_case(
        self, i: int, site: Site, dispatch: Dispatch, reports: range, steps: list[int]
    ) -> None:
        chunk, until = self.chunk, self.chunk.until
        taken = [(at, name) for at, name in zip(steps, _STEPS, strict=True) if 0 < at <= until]
        refused = bool(taken) and taken[0][1] == "refuse" and dispatch.lead != site.street
        taken = [step for step in taken if step[1] != "refuse" or refused]
        lead, district, score = dispatch.lead, site.district, int(chunk.score[i])
        reworked = steps[1] > 0
        due, since, limit_h = "handle", int(chunk.opened[i]), dispatch.limit_hours
        events = self._opening(i, site, dispatch, reports)
        handed: list[tuple[int, str, str, int, int]] = []
        for at, name in taken:
            if name in ("handle", "feed_back"):
                handed.append((at, name, lead, since, since + round(limit_h * _HOUR)))
                events.append(_Event(at, name, subject_of(lead), lead, '{"note":"已到场处理"}'))
                due, limit_h = ("feed_back", _DAY_H) if name == "handle" else ("verify", 0)
                if name == "feed_back" and reworked and at == steps[2]:
                    again = at + (steps[3] - at) // 4
                    if again <= until:
                        note = '{"note":"现场复查不合格"}'
                        events.append(_Event(again, "rework", f"district:{district}", None, note))
                        at, due, limit_h = again, "handle", dispatch.limit_hours
            elif name == "refuse":
                handed.append((at, name, lead, since, since + round(limit_h * _HOUR)))
                note = '{"clause":"not_listed","note":"不属本单位职责",'
                note += f'"responsible_now":"{site.street}"}}'
                events.append(_Event(at, name, subject_of(lead), lead, note))
                on = f'{{"from":"{lead}","reason":"不属本单位职责","to":"{site.street}"}}'
                events.append(_Event(at, "send_on", subject_of(lead), site.street, on))
                self._tell(site, chunk.case_id[i], site.street, "case_sent_on", on, at)
                lead = site.street
            else:
                closing = name == "assess"
                content = f'{{"score":{score}}}' if closing else '{"note":"核查属实"}'
                events.append(_Event(at, name, f"district:{district}", None, content))
                due = "closed" if closing else "assess"
            since = at
        numbers = self._trace(district, chunk.case_id[i], events)
        closed = due == "closed"
        for k, (at, name, body, began, limit) in enumerate(handed):
            scored = closed and k == len(handed) - 1
            self.rows["hand_in"][""].append(
                f"{district}\t{chunk.case_id[i]}\t{numbers[0][at, name]}\t{name}\t{body}"
                f"\t{_text(began)}\t{_text(limit)}\t{_text(at)}\t{'t' if at >= limit else 'f'}"
                f"\t{score if scored else _NULL}\n"
            )
        limit_at = None if closed else self._limit(due, since, limit_h)
        limits = [limit for *_, limit in handed]
        late = [limit for at, *_, limit in handed if at >= limit]
        deadline_at = min(late) if late else limit_at or max(limits)
        if closed:
            self._call_back(site.district, chunk.case_id[i], reports, since)
        self._file(
            i,
            site,
            "ordinary",
            "assess" if closed else due,
            dispatch.stages["refused " + due if refused else due],
            lead,
            numbers,
            limit_at,
            since if closed else None,
            since,
            dispatch.grade,
            deadline_at,
        )

    def _joint_case(
        self, i: int, site: Site, dispatch: Dispatch, reports: range, steps: list[int]
    ) -> None:
        chunk = self.chunk
        lead, other, department = site.street, site.across, f"{site.across[:6]}-CGJ"
        opened, closed = int(chunk.opened[i]), steps[6]
        every = [(name, side) for name, sides, _ in JOINT_STEPS for side in sides]
        pause = (closed - opened) // len(every)
        whistle = self.whistle_id[i]
        facts = f'{{"sides":[{{"code":"{lead}"}},{{"code":"{other}"}}]}}'
        blown = f'{{"facts":{facts},"ground":"near","leads":"{lead}","whistle_id":"{whistle}"}}'
        events = self._opening(i, site, dispatch, reports)
        events.insert(2, _Event(opened, "whistle_blown", "gridsvc", lead, blown))
        for k, (name, side) in enumerate(every, 1):
            body = lead if side == "lead" else other
            at = closed if k == len(every) else opened + k * pause
            events.append(_Event(at, name, subject_of(body), body, '{"note":"联合处置"}'))
        events.sort(key=lambda event: event.at)
        numbers = self._trace(site.district, chunk.case_id[i], events)
        met = opened + 4 * pause
        by = met + _REPORT_IN_MINUTES * _MINUTE
        for minutes, body in zip(self.minutes[i], (lead, other, department), strict=True):
            came = met + round(minutes * _MINUTE)
            is_side = body != department
            self.rows["called_body"][""].append(
                f"{site.district}\t{whistle}\t{body}\t{body if is_side else other}"
                f"\t{'side' if is_side else 'department'}\t\t{_text(opened)}\t{_text(by)}"
                f"\t{_text(opened + pause)}\t{_text(came)}\t{minutes:.1f}"
                f"\t{'t' if came > by else 'f'}\tf\t{_text(came + _HOUR)}\t{chunk.score[i]}"
                f"\t{lead}\n"
            )
            self._tell(site, chunk.case_id[i], body, "joint_whistle", blown, opened)
        self.rows["whistle"][""].append(
            f"{site.district}\t{whistle}\t{chunk.case_id[i]}\teveryday\tt\tnear\t{facts}\t{{}}"
            f"\t{lead}\t{other[:6]}\t{self.pins[i]}\t{_NULL}\tclosed\t{_text(opened)}"
            f"\t{_text(closed)}\n"
        )
        stage = dispatch.stages["closed"]
        self._file(
            i,
            site,
            "joint",
            "close",
            stage,
            lead,
            numbers,
            None,
            closed,
            closed,
            dispatch.grade,
            closed + _DAY_H * _HOUR,
        )

    def _opening(self, i: int, site: Site, dispatch: Dispatch, reports: range) -> list[_Event]:
        """Dispatch and every report, told to the lead; the reports all come before closing."""
        chunk, district, case_id = self.chunk, site.district, self.chunk.case_id[i]
        name, point = CLASSES[chunk.chosen[i]][0], f"{site.lon!r},{site.lat!r}"
        content = (
            f'{{"grade":"{dispatch.grade}","procedure":"ordinary","responsibility":'
            f'{dispatch.responsibility},"to":"{dispatch.lead}","version":{self.versions["ordinary"]}}}'
        )
        opened = int(chunk.opened[i])
        events = [_Event(opened, "dispatch", "citizen:12345", dispatch.lead, content)]
        told = (
            f'{{"class":{{"code":"{name.code}","kind":"{name.kind}","standard":"{name.standard}"}},'
            f'"lead":"{dispatch.lead}","point":[{point}]}}'
        )
        for body in (dispatch.lead, *dispatch.assist):
            self._tell(site, case_id, body, "case_opened", told, opened)
        for k in reports:
            filed = (
                f'{{"across_border":false,"channel":"12345","district_code":"{district}",'
                f'"receipt":"{self.named[k]}","report_id":"{chunk.report_id[k]}"}}'
            )
            at, first = self.reported[k], k == reports.start
            action = "report_filed" if first else "report_joined"
            events.append(_Event(at, action, "citizen:12345", None, filed))
            if not first:
                self._tell(site, case_id, dispatch.lead, "report_joined", filed, at)
        return events

    def _trace(
        self, district: str, case_id: str, events: list[_Event]
    ) -> tuple[dict[tuple[int, str], int], int, str]:
        """Chain the events; gives the number of each, how many there are, and the last hash."""
        events.sort(key=lambda event: event.at)
        previous, numbers = "0" * 64, {}
        for n, event in enumerate(events, 1):
            at = _text(event.at)
            body = "null" if event.body is None else f'"{event.body}"'
            canonical = (
                f'{{"action":"{event.action}","actor":"{event.actor}","at":"{at}",'
                f'"body_code":{body},"case_id":"{case_id}","content":{event.content},'
                f'"district_code":"{district}","n":{n},"previous_hash":"{previous}",'
                f'"written_at":"{at}"}}'
            )
            digest = hashlib.sha256(canonical.encode()).hexdigest()
            self.rows["trace"][at[:7]].append(
                f"{district}\t{case_id}\t{n}\t{at}\t{at}\t{event.action}\t{event.actor}"
                f"\t{event.body or _NULL}\t{event.content}\t{previous}\t{digest}\n"
            )
            numbers[event.at, event.action] = n
            previous = digest
        return numbers, len(events), previous

    def _tell(self, site: Site, case_id: str, body: str, topic: str, content: str, at: int) -> None:
        when = _text(at)
        self.rows["message"][when[:7]].append(
            f"{site.district}\t{next(self.message_ids)}\t{when}\t{body}\t{topic}\t{case_id}"
            f"\t{content}\tdelivered\t0\t{when}\t{_NULL}\t{_NULL}\t{when[:20]}999999+00:00\n"
        )

    def _call_back(self, district: str, case_id: str, reports: range, closed: int) -> None:
        """What reporters said a day later: the first always, of the others each third."""
        if closed + _DAY_H * _HOUR > self.chunk.until:
            return
        when = _text(closed + _DAY_H * _HOUR)
        for k in reports:
            asked, reached, solved, pleased, counts = self.chunk.verdict[k].tolist()
            if k != reports.start and asked > 0.33:
                continue
            said = (_NULL, _NULL, _NULL)
            if reached < 0.93:
                pleasure = "satisfied" if pleased < 0.6 else "fairly" if pleased < 0.85 else "not"
                unit = "t" if pleased * 7 % 1 < 0.9 else "f"
                said = (unit, "t" if solved < 0.86 else "f", pleasure)
            valid, reason = ("t", _NULL) if counts < 0.97 else ("f", "号码有误")
            self.rows["callback"][""].append(
                f"{district}\t{self.chunk.report_id[k]}\t1\t{district}\t{case_id}"
                f"\tunit\t{'t' if reached < 0.93 else 'f'}\t{said[0]}\t{said[1]}\t{said[2]}"
                f"\t{valid}\t{reason}\tcity:12345\t{when}\t{when}\n"
            )

    def _limit(self, due: str, since: int, limit_h: float) -> int:
        """Until when the step that is due must be taken; on the working clock where it says so."""
        step = self.hours.step(due)
        if step is None or step.limit is None or step.limit.clock is not Clock.WORKING:
            return since + round(limit_h * _HOUR)
        span = dt.timedelta(hours=step.limit.hours)
        begun = _EPOCH + dt.timedelta(microseconds=since)
        until = deadline(begun, span, Clock.WORKING, self.answering.city.calendar)
        return (until - _EPOCH) // dt.timedelta(microseconds=1)

    def _file(
        self,
        i: int,
        site: Site,
        procedure: str,
        step: str,
        progress: str,
        lead: str,
        numbers: tuple[dict[tuple[int, str], int], int, str],
        limit_at: int | None,
        closed_at: int | None,
        since: int,
        grade: str,
        deadline_at: int,
    ) -> None:
        key, chunk = CLASSES[self.chunk.chosen[i]][0], self.chunk
        participant = site.across[:6] if procedure == "joint" else _NULL
        number = int(chunk.serial[0]) + i
        patrol = number % _PATROLLED == 0
        inspector = f"grid_worker:{site.street}-{number % _INSPECTORS:02d}" if patrol else _NULL
        self.rows["case_file"][""].append(
            f"{site.district}\t{chunk.case_id[i]}\t{procedure}\t{self.versions[procedure]}\t{step}"
            f"\t{progress}\t{'open' if closed_at is None else 'closed'}\t{key.standard}\t{key.kind}"
            f"\t{key.code}\t{lead}\t{participant}\t{_NULL}\t{self.pins[i]}\t{numbers[1]}"
            f"\t{numbers[2]}\t{_NULL if limit_at is None else _text(limit_at)}"
            f"\t{_text(int(chunk.opened[i]))}\t{_NULL if closed_at is None else _text(closed_at)}"
            f"\t{grade}\t{_text(since)}\t{_text(deadline_at)}\t{site.street}"
            f"\t{site.community or _NULL}\t{inspector}\n"
        )


_NULL = "\\N"


def _text(at: int) -> str:
    return (_EPOCH + dt.timedelta(microseconds=at)).isoformat(timespec="microseconds")
