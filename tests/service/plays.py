"""Who may do what to a case, told by hand; and an office that brings any case to its end.

What the service says is due gives the names of acts and parties; whether somebody may act for a
party is decided here, from who they are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, text

from gridsvc.callers import Role
from tests.service import joint_city as city
from tests.service.procedures_world import (
    BUILDER,
    CGJ,
    COMMUNITY,
    GZ,
    LAW_OFFICE,
    POWER,
    SAFETY_OFFICE,
    World,
)

EAST_CGJ = f"{city.EAST}-CGJ"
#: The areas in which bodies work, which are those of whoever stands in for them.
AREAS = {
    **dict.fromkeys((city.LEAD, city.LEAD_NORTH, COMMUNITY, CGJ, GZ, BUILDER), city.WEST),
    **dict.fromkeys((city.OTHER, EAST_CGJ), city.EAST),
    **dict.fromkeys((POWER, city.WATER), "1101"),
    **dict.fromkeys((LAW_OFFICE, SAFETY_OFFICE), city.LEAD),
}
#: Role, area and body of everybody, by the names of the world.
PEOPLE: dict[str, tuple[Role, str, str | None]] = {
    "citizen": (Role.CITIZEN, "", None),
    "worker": (Role.GRID_WORKER, COMMUNITY, None),
    "command": (Role.DISTRICT, city.WEST, None),
    "supervision": (Role.DISTRICT, city.WEST, None),
    "east": (Role.DISTRICT, city.EAST, None),
    "city": (Role.CITY, "", None),
    city.LEAD: (Role.STREET, city.LEAD, None),
    "leader": (Role.STREET, city.LEAD, None),
    city.OTHER: (Role.STREET, city.OTHER, None),
    "auditor": (Role.CITY, "", None),
    "deputy": (Role.CITY, "", None),
    "secretary": (Role.DEPARTMENT, city.WEST, COMMUNITY),
    **{code: (Role.DEPARTMENT, AREAS[code], code) for code in (COMMUNITY, CGJ, GZ, EAST_CGJ)},
    **{code: (Role.DEPARTMENT, AREAS[code], code) for code in (BUILDER, POWER, city.WATER)},
    **{code: (Role.DEPARTMENT, city.LEAD, code) for code in (LAW_OFFICE, SAFETY_OFFICE)},
}
SUPERVISORS = (Role.DISTRICT, Role.CITY)
INSPECTOR = "person:the inspector"
#: What a step may carry: of some the first brings the case on, the others lead elsewhere.
GIVEN: dict[str, list[Any]] = {
    "matter": ["advice", "dispute"],
    "outcome": ["settled", "litigated"],
    "effect": ["cooled", "hot_again"],
    "bodies": [[CGJ, GZ], [POWER]],
    "who": [[INSPECTOR], [CGJ]],
    "to": [city.LEAD, CGJ],
    "responsible_now": [CGJ, city.OTHER],
    "clause": ["not_listed", "a clause of nobody"],
    "pre_filing_check": ["true", "unclear", "untrue", "mistaken"],
    "closing_check": ["agrees", "differs", "unclear"],
    "answer": ["planned", "cannot"],
    "kind": ["everyday", "emergency"],
    "ground": ["enforcement"],
    "score": [80, 0],
    "money": ["arranged"],
    "demand": ["Come and clear it."],
    "departments": [[EAST_CGJ]],
    "enterprise": [BUILDER],
    "leader": [city.LEAD],
}


@dataclass(frozen=True)
class Deed:
    """Something that can be done for a party: where it is sent and what is sent."""

    name: str
    party: str
    path: str
    given: dict[str, Any]
    #: Whether it goes back, leaves, or holds up: the office that closes a case does none of it.
    astray: bool = False
    #: Whether it is still to be done in its whistle: it is refused otherwise.
    due: bool = True


@dataclass
class Play:
    """One case, who opened it, and on which side of supervision everybody has acted."""

    world: World
    engine: Engine
    case: str
    receipt: str
    opener: str
    plan_at: dt.datetime
    seen: dict[str, Any] = field(default_factory=dict)
    whistles: list[dict[str, Any]] = field(default_factory=list)
    entries: int = 0
    #: Whether all that was true of its states was: a case is closed only then.
    sound: bool = True
    checked: set[str] = field(default_factory=set)
    handled: set[str] = field(default_factory=set)

    @property
    def closed(self) -> bool:
        return bool(self.seen["state"] == "closed")

    @property
    def now(self) -> dt.datetime:
        return self.world.clock.now

    def look(self) -> Play:
        """The case and its open whistles as they stand now."""
        reader = self.world["city"]
        self.seen = reader.get(f"/v1/cases/{self.case}")
        self.whistles = [
            reader.get(f"/v1/whistles/{one['id']}")
            for one in self.seen["whistles"]
            if one["state"] == "open"
        ]
        self.entries = self.count()
        return self

    def may(self, who: str, party: str) -> bool:
        """Whether somebody acts for a party, whatever else may stand against it."""
        role, area, body = PEOPLE[who]
        over = role in SUPERVISORS and self.seen["district_code"].startswith(area)
        if party in ("supervision", "command"):
            return over
        if party == "supervision of a side":
            beside = self.seen["participant_district"] or self.seen["district_code"]
            return over or (role in SUPERVISORS and beside.startswith(area))
        if party == "filer":
            return who == self.opener or over
        if party == "reporter":
            limit = dt.datetime.fromisoformat(self.seen["limit_at"])
            return who == self.opener or (over and self.now > limit)
        if party.startswith("person:"):
            return who == "worker" and party == INSPECTOR
        stands_in = role in SUPERVISORS and AREAS[party].startswith(area)
        return party == body or (role is Role.STREET and party == area) or stands_in

    def do(self, who: str, deed: Deed) -> int:
        """Try a deed; gives the status. Nothing that is refused may change anything."""
        self.sound, given = False, dict(deed.given)
        if deed.party in AREAS and deed.path.endswith("/steps"):
            given["body"] = deed.party
        self._approve(deed)
        answer = self.world[who].send("POST", deed.path, json=given)
        assert answer.status_code in (200, 201, 403, 409, 422), (
            answer.status_code,
            deed,
            answer.text,
        )
        if answer.is_success:
            self._keep_side(who, deed)
        before, were = self.entries, self.whistles
        if not answer.is_success:
            assert self.count() == before, (who, deed, answer.text)
        else:
            self.look()
            self._check(were)
        self.sound = True
        return answer.status_code

    def count(self) -> int:
        """The entries in the trace: whatever is done adds one."""
        query = text("select trace_entries from case_file where id = :case")
        with self.engine.connect() as connection:
            return int(connection.execute(query, {"case": self.case}).scalar_one())

    def _approve(self, deed: Deed) -> None:
        """Let the leaders agree to the letter of a whistle before it goes out."""
        letter = deed.given.get("evidence", deed.given)
        if deed.name in ("publish", "whistle_city", "whistle"):
            agreed = {"demand": letter["demand"], "bodies": letter["bodies"]}
            village = self.seen["procedure"]["name"] == "village"
            leader = "secretary" if village else "leader"
            for who, name in ((leader, "confirmed_by"), ("auditor", "approved_by")):
                given = {**agreed, "approval": name}
                self.world[who].send("POST", f"/v1/cases/{self.case}/approvals", json=given)
            self.look()

    def _check(self, were: list[dict[str, Any]]) -> None:
        """What is true of every state: a limit and a holder who exists, or a whole end."""
        seen = self.seen
        if not self.closed:
            assert seen["limit_at"] is not None, seen
            assert seen["overall_limit_at"] is not None, seen
            holders = {
                party for due in seen["next"] for party in due["by"] if party not in due["taken_by"]
            }
            assert any(self.may(who, party) for who in PEOPLE for party in holders), seen
            return
        assert (seen["next"], seen["acts"], self.whistles) == ([], [], [])
        for one in were:
            ended = self.world["city"].get(f"/v1/whistles/{one['id']}")
            if ended["state"] == "closed":
                for body in ended["called"]:
                    assert body["exit"] or body["score"] is not None, body

    def _keep_side(self, who: str, deed: Deed) -> None:
        assert self.may(who, deed.party), (who, deed)
        if deed.party in ("reporter", "filer"):
            return
        checks = deed.party.startswith("supervision")
        (self.checked if checks else self.handled).add(who)
        assert not self.checked & self.handled, (who, deed)

    def deeds(self, choice: int = 0) -> list[Deed]:
        """Everything that the service says is due, and all that can be done in its whistles."""
        found = [deed for whistle in self.whistles for deed in self._in_whistle(whistle)]
        found += [*self._steps(choice), *self._acts(choice)]
        withdrawal = f"/v1/reports/{self.receipt}/withdraw"
        found.append(Deed("withdraw", "filer", withdrawal, {}, astray=True))
        lead = self.seen["lead_body"]
        if PEOPLE[lead][0] is Role.STREET:
            letter = {"bodies": [GZ], "demand": "Come too.", "ground": "enforcement", "by": lead}
            again = f"/v1/cases/{self.case}/whistles"
            found.append(Deed("whistle", lead, again, letter, astray=True))
        return found

    def _steps(self, choice: int) -> Iterator[Deed]:
        path, known = f"/v1/cases/{self.case}/steps", self.seen["procedure"]["steps"]
        for due in self.seen["next"]:
            needs = [*due["needs"], "note", "pre_filing_check", "closing_check", "kind", "ground"]
            needs += ["advice", "agreement", "court_case"]
            if "responsible_now" in due["needs"]:
                needs.append("clause")
            carried = {name: self._value(name, choice) for name in dict.fromkeys(needs)}
            carried |= {"reason": "so"}
            for party in due["by"]:
                if party not in due["taken_by"]:
                    given = {"step": due["step"], "evidence": carried}
                    yield Deed(due["step"], party, path, given, astray=due["step"] not in known)

    def _value(self, name: str, choice: int) -> Any:
        if name == "bodies" and self.seen["procedure"]["name"] == "dual":
            return [BUILDER]
        if name == "bodies" and self.seen["procedure"]["name"] == "village":
            return [LAW_OFFICE, SAFETY_OFFICE]
        if name == "outcome" and self.seen["procedure"]["name"] == "mobile_desk":
            return ["settled", "meet"][choice % 2]
        if name == "scores":
            return {one["body_code"]: one["score"] or 0 for one in self.seen["called"]}
        if name == "reasons":
            return {one["body_code"]: "away" for one in self.seen["called"]}
        if name == "plan":
            return {"time": self.plan_at.isoformat(), "place": "there", "division": "by sides"}
        if name == "demand" and self.seen["procedure"]["name"] == "joint":
            return {"task": "Pull it down."}
        if name == "who" and not choice % 2 and CGJ not in self._called:
            return [INSPECTOR]
        values = GIVEN.get(name, ["given"])
        return values[choice % len(values)]

    @property
    def _called(self) -> list[str]:
        return [one["body_code"] for one in self.seen["called"]]

    def _acts(self, choice: int) -> Iterator[Deed]:
        path = f"/v1/cases/{self.case}/steps"
        until = (self.now + dt.timedelta(days=3)).isoformat()
        for act in self.seen["acts"]:
            for party in act["by"]:
                for body in self._called if act["act"] == "absent" else [None]:
                    carried = {"note": "so", "until": until, **({"absent": body} if body else {})}
                    given = {"step": act["act"], "evidence": carried}
                    astray = act["act"] != "absent"
                    yield Deed(act["act"], party, path, given, astray=astray)

    def _in_whistle(self, whistle: dict[str, Any]) -> Iterator[Deed]:
        path, caller = f"/v1/whistles/{whistle['id']}", whistle["caller"]
        sides = [one for one in whistle["called"] if one["role"] == "side" and not one["exit"]]
        names = [one["body_code"] for one in sides]
        later = (self.now + dt.timedelta(days=2)).isoformat()
        yield Deed("withdraw", caller, f"{path}/withdraw", {"reason": "so"}, astray=True)
        for party in names or [caller]:
            given = {"reason": "so", "time": later, "by": party}
            yield Deed("postpone", party, f"{path}/postpone", given, astray=True)
        pressed = {"leader": "the deputy head", "note": "so"}
        yield Deed("press", "supervision of a side", f"{path}/press", pressed, astray=True)
        for one in whistle["called"]:
            if one["exit"] is not None:
                continue
            code = one["body_code"]
            at = f"{path}/bodies/{code}"
            others = [name for name in names if name != code]
            scorer = one["called_from"] if one["role"] != "side" else (*others, "supervision")[0]
            came, done = one["reported_in_at"] is not None, one["done_at"] is not None
            accepted, by = one["accepted_at"] is not None, one["report_in_by"]
            here = city.beside_border(-300)
            yield Deed("accept", code, f"{at}/accept", {}, due=not accepted)
            waits = not came and one["arrived_at"] is not None
            due = bool(by) and not came and not waits
            yield Deed("report-in", code, f"{at}/report-in", here, due=due)
            signed = {"accepted": True, "by": scorer}
            yield Deed("sign-in", scorer, f"{at}/sign-in", signed, due=waits)
            yield Deed("done", code, f"{at}/done", {"note": "so"}, due=came and not done)
            given = {"score": 80 if done else 0, "by": scorer}
            late = (
                not came
                and not waits
                and self.now > dt.datetime.fromisoformat(by or self.seen["limit_at"])
            )
            scoring = one["score"] is None and (done or late)
            yield Deed("score", scorer, f"{at}/score", given, due=scoring)
            if one["role"] != "side":
                by = one["called_from"]
                dismissal = {"reason": "so", "by": by}
                yield Deed("dismiss", by, f"{at}/dismiss", dismissal, astray=True)
                yield Deed("again", by, f"{at}/again", {"note": "so"}, astray=True)
            clause = {"clause": "not_listed", "reason": "so"}
            yield Deed("decline", code, f"{at}/decline", clause, astray=True)


@dataclass
class Office:
    """Brings a case to its end, though somebody does nothing and nobody may act in their place.

    Whom a whistle or a step has called is not stood in for, unless it leads the case: a lead must
    act, and its superiors act for one that does not.
    """

    play: Play
    away: str | None
    waited: int = 0
    rounds: int = 0

    def finish(self) -> None:
        """Go on until the case is closed; a case that does not move for long is stuck."""
        while not self.play.closed:
            self.rounds += 1
            assert self.rounds < 100, (self.away, self.play.seen, self.play.whistles)
            self._stranger()
            moved = any(self._try(deed) for deed in self._wanted())
            self.waited = 0 if moved else self.waited + 1
            assert self.waited < 8, (self.away, self.play.seen, self.play.whistles)
            if not moved:
                self._wait()

    def _stranger(self) -> None:
        """Let one who may not try something, each time another: nothing comes of it."""
        deeds = self.play.deeds()
        deed = deeds[-self.rounds % len(deeds)]
        strangers = [who for who in PEOPLE if not self.play.may(who, deed.party)]
        assert self.play.do(strangers[self.rounds % len(strangers)], deed) >= 400, deed

    def _wanted(self) -> list[Deed]:
        """The deeds that bring it on: in whistles first, of the steps the farthest first."""
        deeds, seen = self.play.deeds(), self.play.seen
        wanted = [one for one in deeds if one.due and not one.astray]
        inside = [one for one in wanted if "/whistles/" in one.path]
        steps = [one for one in wanted if one.path.endswith("/steps")]
        if seen["actions"]:
            # What may be done again and again has been done.
            steps = [one for one in steps if one.name != seen["step"]] or steps
        # Ways round somebody who never comes: dismissed from a whistle, or others named for a step.
        round_it = [one for one in deeds if one.name == "dismiss" and str(self.away) in one.path]
        if any(self.away in due["by"] for due in seen["next"]):
            round_it += [
                one
                for one in deeds
                if one.astray and one.name in {due["step"] for due in seen["next"]}
            ]
        return [*inside, *reversed(steps), *(round_it if self.waited > 2 else [])]

    def _try(self, deed: Deed) -> bool:
        play = self.play
        called = {one["body_code"] for whistle in play.whistles for one in whistle["called"]}
        called |= {one["body_code"] for one in play.seen["called"]}
        leads = self.away == play.seen["lead_body"]
        replaced = self.waited > 3 and (leads or self.away not in called)
        if deed.party == self.away and not replaced:
            return False
        wrong = play.handled if deed.party == "supervision" else play.checked
        people = [who for who in PEOPLE if play.may(who, deed.party) and who not in wrong]
        own = sorted(people, key=lambda who: (PEOPLE[who][0] in SUPERVISORS, who == "command"))
        checks = deed.party == "supervision"
        first = [who for who in own if who in ("supervision", "auditor")] if checks else own
        return any(play.do(who, deed) < 300 for who in first[:2])

    def _wait(self) -> None:
        clock, limit = self.play.world.clock, self.play.seen["limit_at"]
        ahead = dt.datetime.fromisoformat(limit) - clock.now
        clock.forward(seconds=max(ahead.total_seconds(), 49 * 3600) + 1)
        self.play.look()
