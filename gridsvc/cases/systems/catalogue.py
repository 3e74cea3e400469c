"""The one list of the systems of the field, in the order in which they hear of things."""

from __future__ import annotations

from pathlib import Path

from gridsvc.cases.core.events import (
    BodyLeaves,
    BodyRefused,
    CalendarAnnounced,
    CaseClosed,
    CaseRaised,
    Recorded,
    StatedTimeDecided,
    StepAsked,
    StepDue,
    StepTaken,
    Told,
    VerdictMerges,
)
from gridsvc.cases.intake.model import PinMoved, ReportFiled
from gridsvc.cases.intake.personal import ReportErased
from gridsvc.cases.intake.reports import ReportsGiven
from gridsvc.cases.systems.appeals import service as appeals
from gridsvc.cases.systems.callbacks.service import erase_said
from gridsvc.cases.systems.citizen.answering import check_public_answer
from gridsvc.cases.systems.citizen.words import WORDS
from gridsvc.cases.systems.evidence.service import (
    check_named,
    erase_originals,
    follow_reports,
)
from gridsvc.cases.systems.extensions import service as extensions
from gridsvc.cases.systems.following import service as following
from gridsvc.cases.systems.groups.service import say_in_groups
from gridsvc.cases.systems.groups.words import GROUP_WORDS
from gridsvc.cases.systems.hazard.service import erase_told
from gridsvc.cases.systems.help_requests.kinds import HELP_KINDS
from gridsvc.cases.systems.hot_spots.service import check_watched
from gridsvc.cases.systems.joint import steps, triggers
from gridsvc.cases.systems.judge_point.service import check_judge
from gridsvc.cases.systems.lanes import hearing as lanes
from gridsvc.cases.systems.leader_notes.service import shown_in_case as notes_of_case
from gridsvc.cases.systems.looking_back.seasons import SEASONS
from gridsvc.cases.systems.looking_back.service import hear_done
from gridsvc.cases.systems.merging import view as merging
from gridsvc.cases.systems.merging.joining import follow_verdict
from gridsvc.cases.systems.refusals.service import check_leaving, check_sent_on, follow_refusal
from gridsvc.cases.systems.reminders.rules import REMINDERS
from gridsvc.cases.systems.tasks import TaskDone
from gridsvc.cases.systems.tasks import hearing as tasks
from gridsvc.cases.systems.tasks.kinds import TASKS
from gridsvc.cases.systems.tasks.view import shown_in_case as tasks_of_case
from gridsvc.cases.systems.whistles import BodyAbsent, WhistleWithdrawn, hearing, view
from gridsvc.cases.systems.whistles.facts import FACTS
from gridsvc.cases.systems.whistles.kinds import KINDS
from gridsvc.city.system import System
from gridsvc.registry.lanes.rules import LANE_RULES
from gridsvc.registry.postings.rules import POSTING_RULES

_HERE = Path(__file__).parent

SYSTEMS = (
    System(
        "evidence",
        hears={
            StepAsked: check_named,
            StatedTimeDecided: check_named,
            ReportErased: erase_originals,
            ReportsGiven: follow_reports,
        },
    ),
    System("callbacks", hears={ReportErased: erase_said}),
    System(
        "whistles",
        _HERE / "whistles",
        tables=(KINDS, FACTS, POSTING_RULES),
        hears={
            StepAsked: hearing.what_holds,
            StepTaken: hearing.blow_at_step,
            StatedTimeDecided: hearing.count_stated_time,
            CalendarAnnounced: hearing.time_again,
            CaseRaised: hearing.raise_with_case,
            CaseClosed: hearing.close_with_case,
            PinMoved: hearing.move_with_case,
        },
        shows=view.shown_in_case,
        bodies=view.bodies_of_case,
    ),
    System(
        "joint",
        _HERE / "joint",
        hears={
            ReportFiled: triggers.follow_report,
            PinMoved: triggers.follow_pin,
            StepTaken: steps.follow_step,
            WhistleWithdrawn: steps.follow_withdrawal,
            BodyAbsent: steps.follow_absence,
        },
    ),
    System(
        "refusals",
        hears={BodyRefused: follow_refusal, StepAsked: check_sent_on, BodyLeaves: check_leaving},
    ),
    System("line_team", _HERE / "line_team"),
    System(
        "lanes",
        tables=(LANE_RULES,),
        hears={ReportFiled: lanes.follow_report, PinMoved: lanes.follow_pin},
    ),
    System("citizen", tables=(WORDS,), hears={StepAsked: check_public_answer}),
    System(
        "following",
        hears={
            Recorded: following.tell_entry,
            CaseClosed: following.tell_closing,
            ReportsGiven: following.follow_reports,
            ReportErased: following.forget_followers,
        },
    ),
    System("groups", tables=(GROUP_WORDS,), hears={Told: say_in_groups}),
    System("merging", hears={VerdictMerges: follow_verdict}, shows=merging.shown_in_case),
    System("appeals", shows=appeals.shown_in_case),
    System(
        "tasks",
        tables=(TASKS,),
        hears={
            StepDue: tasks.follow_step,
            CaseClosed: tasks.close_with_case,
            PinMoved: tasks.move_with_case,
            ReportErased: tasks.forget_words,
        },
        shows=tasks_of_case,
    ),
    System("looking_back", tables=(SEASONS,), hears={TaskDone: hear_done}),
    System("extensions", shows=extensions.shown_in_case),
    System("leader_notes", shows=notes_of_case),
    System("grading"),
    System("campaigns"),
    System("trials"),
    System("help_requests", tables=(HELP_KINDS,)),
    System("reminders", tables=(REMINDERS,)),
    System("ordinary", _HERE / "ordinary"),
    System("checked", _HERE / "checked"),
    System("city_whistle", _HERE / "city_whistle"),
    System("dual", _HERE / "dual"),
    System("post_48h", _HERE / "post_48h"),
    System("hazard", _HERE / "hazard", hears={ReportErased: erase_told}),
    System("hot_spots", _HERE / "hot_spots", hears={StepAsked: check_watched}),
    System("mobile_desk", _HERE / "mobile_desk"),
    System("leaking_roofs", _HERE / "leaking_roofs"),
    System("judge_point", _HERE / "judge_point", hears={StepAsked: check_judge}),
)
