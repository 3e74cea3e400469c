"""The demonstration's second story in the made-up city: brought in once, told as it is."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from gridsvc.api.app import create_app
from gridsvc.api.clock import utc_now
from gridsvc.demo import leaking
from gridsvc.demo.leaking import Roofs, tell_leaks
from gridsvc.demo.leaks import made_up_leaks
from gridsvc.demo.playing import Playing
from gridsvc.settings import Settings
from tests.service import joint_city as city
from tests.service.conftest import REPORTER_KEY, TOKEN_KEY, served

pytestmark = pytest.mark.system(19)


def test_roofs_leak_are_found_and_leak_less_in_the_next_season(
    service_database, index_folder, city_session, monkeypatch
):
    """A twentieth of the reports: of the whole, the tests of words tell."""
    monkeypatch.setattr(
        leaking, "made_up_leaks", lambda *given, **more: made_up_leaks(*given, **more)[::20]
    )
    app = create_app(
        Settings(
            DATABASE_URL=service_database,
            var_dir=index_folder,
            token_key=TOKEN_KEY,
            reporter_key=REPORTER_KEY,
        )
    )
    told = []
    with served(app) as http:
        service = app.state.service
        playing = Playing(1, http, service.tokens.key, service.sessions)
        ground = city.DISTRICTS[0].geometry
        atlas = service.atlases.get(None)
        roofs = Roofs(city.WEST, ground, service.city, atlas, service.sessions)
        for _ in range(2):
            told.append(tell_leaks(playing, roofs, utc_now(), lambda what: None))
    assert told[0] == told[1]
    assert [row[0] for row in told[0]] == ["leaking roofs", "their next season", "looked at again"]
    assert told[0][0][1].startswith("88 reports of two years, found by 漏雨, are about 8")
    assert city_session.scalar(text("select count(*) from report")) == 98
    assert city_session.scalar(text("select count(*) from recurring_list")) == 1
