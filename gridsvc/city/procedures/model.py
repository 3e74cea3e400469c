"""What a procedure is: ordered steps, who takes each, its evidence; and the library of them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gridsvc.city.calendar import Limit
from gridsvc.city.classes import ClassKey
from gridsvc.errors import BadInput, Unavailable

#: In a table, whatever it is.
ANY = "*"


class Actor(StrEnum):
    """Who takes a step.

    A case has a lead; a joint case has another side too. ``supervision`` files and checks,
    ``command`` dispatches. ``called`` is one of the called bodies, ``each_called`` every one of
    them, ``named`` one of those that a step has named; ``reporter`` is whoever opened the case. The
    others are seats (:data:`SEATS`).
    """

    SYSTEM = "system"
    LEAD = "lead"
    OTHER = "other"
    EACH_SIDE = "each_side"
    EITHER_SIDE = "either_side"
    SUPERVISION = "supervision"
    COMMAND = "command"
    CALLED = "called"
    EACH_CALLED = "each_called"
    NAMED = "named"
    REPORTER = "reporter"
    CALLER = "caller"
    TERRITORY = "territory"
    COMMUNITY = "community"
    ENTERPRISE = "enterprise"
    LEADER = "leader"


#: The roles that one body of a case holds under that name.
SEATS = frozenset({Actor.CALLER, Actor.TERRITORY, Actor.COMMUNITY, Actor.ENTERPRISE, Actor.LEADER})
#: The roles whose every party must take the step.
EACH = frozenset({Actor.EACH_SIDE, Actor.EACH_CALLED})


class Seat(StrEnum):
    """Which body takes a seat when a case is opened."""

    RESPONSIBLE = "responsible"
    TERRITORY = "territory"
    COMMUNITY = "community"
    NAMED = "named"
    #: The court of the judge whose contact point is there for the community; of a lead alone.
    CONTACT_POINT = "contact_point"


class Requirement(StrEnum):
    """What must be true of the bodies that the open whistles of a case called, before a step.

    ``self_reported_in`` is about the body that takes the step.
    """

    SELF_REPORTED_IN = "self_reported_in"
    SIDES_REPORTED_IN = "sides_reported_in"
    ALL_REPORTED_IN = "all_reported_in"
    ALL_DONE = "all_done"
    ALL_SCORED = "all_scored"


#: A case is not closed before all of this holds of the whistles that are open in it.
CLOSING = (Requirement.ALL_REPORTED_IN, Requirement.ALL_DONE, Requirement.ALL_SCORED)


class Callee(StrEnum):
    """Whom a step calls.

    The step's evidence lists those of :data:`LISTED` in ``bodies``: ``city_units`` work for the
    whole city, ``offices`` in the territory. ``grid_bodies`` are all of the place's unit grid.
    """

    NAMED = "named"
    CITY_UNITS = "city_units"
    OFFICES = "offices"
    ASSISTANTS = "assistants"
    GRID_BODIES = "grid_bodies"
    LEAD = "lead"
    TERRITORY = "territory"
    COMMUNITY = "community"


#: Those whom whoever takes the step chooses.
LISTED = frozenset({Callee.NAMED, Callee.CITY_UNITS, Callee.OFFICES})


class Scored(StrEnum):
    """Whom a step scores, 0 to 100: the lead (``score``) or each called body (``scores``)."""

    LEAD = "lead"
    CALLED = "called"


class Follows(StrEnum):
    """What follows a verdict: the next step, or an end, another case, the way back, a new check.

    ``do_not_file`` (不予立案) and ``void`` (作废) close the case as one that was not handled;
    ``close`` as one that was, without the steps behind.
    """

    GO_ON = "go_on"
    CLOSE = "close"
    DO_NOT_FILE = "do_not_file"
    VOID = "void"
    MERGE = "merge"
    REWORK = "rework"
    HOLD = "hold"


#: What a verdict must carry, besides what its step needs.
VERDICT_NEEDS: Mapping[Follows, tuple[str, ...]] = {
    Follows.GO_ON: (),
    Follows.CLOSE: (),
    Follows.DO_NOT_FILE: ("reason",),
    Follows.VOID: ("reason",),
    Follows.MERGE: ("into", "reason"),
    Follows.REWORK: ("note",),
    Follows.HOLD: ("note",),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check may find, and what follows; it is given by its name or its Chinese title.

    ``needs`` is its own evidence, besides that of its step and of what follows.
    """

    name: str
    title: str
    title_zh: str
    follows: Follows
    needs: tuple[str, ...] = ()

    @property
    def carries(self) -> tuple[str, ...]:
        """All that it must carry besides what its step needs."""
        return (*VERDICT_NEEDS[self.follows], *self.needs)


@dataclass(frozen=True, slots=True)
class Summons:
    """Bodies that a step calls, and their own limit, where it differs from the steps'."""

    who: Callee
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step: ``needs`` names its evidence, ``choices`` the values that some of it may have.

    ``limit`` runs from the step before, with ``from_opening`` from the opening of the case; with
    ``graded`` the grade of the case replaces it. ``names`` are the seats that its evidence fills.
    A step that ``sends_on`` gives the case to the body in ``to``; one that is ``on_return`` is
    passed by every case that was not sent back to it; an ``optional`` one may be left out; one
    that ``repeats`` may be taken again and again. One that ``blows`` makes a whistle of the bodies
    that it calls. With one that ``answers`` the case is done for whoever reported it: by then the
    overall limit must be kept. A check names its verdict in the evidence ``verdict_in``; one
    ``on_spot`` is a task for the inspector of the cell.
    """

    name: str
    title: str
    title_zh: str
    by: Actor
    needs: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    requires: tuple[Requirement, ...] = ()
    limit: Limit | None = None
    graded: bool = False
    from_opening: bool = False
    calls: tuple[Summons, ...] = ()
    blows: bool = False
    names: tuple[Actor, ...] = ()
    scores: Scored | None = None
    sends_on: bool = False
    on_return: bool = False
    names_who: bool = False
    hears_all: bool = False
    optional: bool = False
    repeats: bool = False
    closes: bool = False
    answers: bool = False
    verdict_in: str = ""
    verdicts: tuple[Verdict, ...] = ()
    on_spot: bool = False

    def verdict(self, given: object) -> Verdict | None:
        """The verdict of that name or Chinese title; None for any other."""
        return next((one for one in self.verdicts if given in (one.name, one.title_zh)), None)


@dataclass(frozen=True, slots=True)
class Return:
    """A way back: from one step to an earlier one, with a reason.

    One that ``refuses`` says that the body is not responsible, and who is.
    """

    name: str
    title: str
    title_zh: str
    source: str
    target: str
    by: Actor
    needs: tuple[str, ...] = ()
    refuses: bool = False


@dataclass(frozen=True, slots=True)
class SideAct:
    """What may be done beside some steps: suspend (挂账), extend (延期), raise, say, go without.

    With ``say`` a called body gives its word about the matter; with ``absent`` a step goes on
    without a called body that never came, with ``not_ours`` without one that is not responsible.

    ``times`` is how often an extension may be given, ``within_days`` how long a suspension may
    last, ``to`` the procedure that follows when a case is raised.
    """

    by: Actor
    at: tuple[str, ...]
    times: int = 1
    within_days: int = 0
    to: str = ""


@dataclass(frozen=True, slots=True)
class Procedure:
    """A versioned procedure; a case keeps the version that it began with.

    ``seats`` says which bodies take which role at the opening, ``opened_by`` which roles of
    tokens may open such a case. Reports of one thing join a case that ``merges``; only such a
    case can become a joint one. ``two_sides``: it runs between two sides of a border. ``level``
    is that of its whistle (4: to the city), None without one; ``after_the_fact_hours`` how long
    afterwards a whistle that was made by telephone may be recorded, 0 for not at all.
    """

    name: str
    version: int
    title: str
    title_zh: str
    source: str
    steps: tuple[Step, ...]
    returns: tuple[Return, ...] = ()
    seats: Mapping[Actor, Seat] = field(default_factory=dict)
    opened_by: frozenset[str] = frozenset()
    merges: bool = True
    two_sides: bool = False
    level: int | None = None
    after_the_fact_hours: float = 0.0
    acts: Mapping[str, SideAct] = field(default_factory=dict)

    def step(self, name: str) -> Step | None:
        """The step of that name, or None when the procedure has none."""
        return next((step for step in self.steps if step.name == name), None)

    @property
    def blows(self) -> Step | None:
        """The step that blows its whistle, or None when the procedure has none."""
        return next((step for step in self.steps if step.blows), None)

    def return_step(self, name: str) -> Return | None:
        """The return of that name, or None when the procedure has none."""
        return next((back for back in self.returns if back.name == name), None)

    @property
    def graded(self) -> bool:
        """Whether the grade of a case sets its limit."""
        return any(step.graded for step in self.steps)

    @property
    def answering(self) -> Step:
        """The step by which the overall limit must be kept: one that answers, else the last."""
        return next((step for step in self.steps if step.answers), self.steps[-1])

    def index(self, name: str) -> int:
        """The position of a step."""
        return next(i for i, step in enumerate(self.steps) if step.name == name)

    def after(self, name: str) -> Step | None:
        """The step that follows, or None at the end."""
        i = self.index(name) + 1
        return self.steps[i] if i < len(self.steps) else None

    @property
    def calls_at_once(self) -> bool:
        """Whether the service calls bodies before anybody has taken a step."""
        first = next(step for step in self.steps if step.by is not Actor.SYSTEM)
        return bool(self.summoning_steps(None, first.name))

    def summoning_steps(self, since: str | None, until: str) -> tuple[Step, ...]:
        """The service's own steps that summon, behind ``since`` (None: from the beginning).

        Those before ``until``.
        """
        first = 0 if since is None else self.index(since) + 1
        passed = self.steps[first : self.index(until)]
        return tuple(step for step in passed if step.by is Actor.SYSTEM and step.calls)


@dataclass(frozen=True, slots=True)
class Grade:
    """How urgent a case is, and its limit."""

    name: str
    limit: Limit
    title: str
    title_zh: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Reports of a channel (``*``: any), a kind (``*``) and classes with a prefix begin so.

    A channel's own rule may have an empty grade: then the class's counts.
    A citizen's begins ``citizen_procedure``, which checks it on the spot first; where the class
    says that it needs no check, that is '', and it begins as all others.
    """

    channel: str
    kind: str
    class_prefix: str
    procedure: str
    grade: str
    citizen_procedure: str = ""

    def begins(self, *, citizen: bool) -> str:
        """The procedure that a report begins."""
        return (self.citizen_procedure if citizen else "") or self.procedure

    def fits(self, channel: str, key: ClassKey) -> bool:
        """Whether the rule speaks of a report."""
        return (
            self.channel in (ANY, channel)
            and self.kind in (ANY, key.kind)
            and key.code.startswith(self.class_prefix)
        )


@dataclass(frozen=True, slots=True)
class Library:
    """Procedures by name and version, grades by name, and the rules in the order of asking."""

    procedures: Mapping[tuple[str, int], Procedure]
    grades: Mapping[str, Grade]
    rules: tuple[Rule, ...]

    def get(self, name: str, version: int) -> Procedure:
        """That version of a procedure. Raises Unavailable when its file is gone."""
        found = self.procedures.get((name, version))
        if found is None:
            raise Unavailable(
                f"A case runs by '{name}' in version {version}, whose file is missing; put"
                f" {name}_v{version}.toml back into GRIDSVC_PROCEDURES_DIR."
            )
        return found

    def of(self, name: str, version: int | None = None) -> Procedure:
        """A procedure in a version, or in its newest one."""
        return self.newest(name) if version is None else self.get(name, version)

    def newest(self, name: str) -> Procedure:
        """The newest version, by which new cases begin. Raises BadInput for an unknown name."""
        versions = [version for known, version in self.procedures if known == name]
        if not versions:
            known = ", ".join(sorted({known for known, _ in self.procedures}))
            raise BadInput(
                f"There is no procedure '{name[:40]}'; there are {known}.", field="procedure"
            )
        return self.procedures[name, max(versions)]

    def newest_of_all(self) -> tuple[Procedure, ...]:
        """The newest version of every procedure, by name."""
        return tuple(self.newest(name) for name in sorted({name for name, _ in self.procedures}))

    def every_version(self) -> tuple[Procedure, ...]:
        """Every version of every procedure, by name and version."""
        return tuple(self.procedures[key] for key in sorted(self.procedures))

    def grade_for(self, channel: str, key: ClassKey) -> str:
        """The grade of a channel's rule; where that leaves it open, the class's own."""
        return self.rule_for(channel, key).grade or self.rule_for(ANY, key).grade

    def rule_for(self, channel: str, key: ClassKey) -> Rule:
        """The rule of a channel and a class: the channel's own first, then the narrowest class."""
        return next(rule for rule in self.rules if rule.fits(channel, key))
