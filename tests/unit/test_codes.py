import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.codes import (
    CodeKind,
    GridId,
    Level,
    LocalCode,
    PartId,
    Thing,
    covers,
    kind_of,
    level_of,
    next_local_code,
    parent_of,
    parse_code,
    part_id_of_class,
)
from gridsvc.errors import BadCode, CodesExhausted

AREA_NUMBERS = st.integers(1, 999).map("{:03d}".format)
DISTRICTS = st.integers(110_001, 659_999).map(str)
COMMUNITIES = st.builds(lambda *pieces: "".join(pieces), DISTRICTS, AREA_NUMBERS, AREA_NUMBERS)


@pytest.mark.parametrize(
    ("code", "level", "parent"),
    [
        ("110102", Level.DISTRICT, None),
        ("110102020", Level.STREET, "110102"),
        ("110102020003", Level.COMMUNITY, "110102020"),
    ],
)
def test_length_of_an_area_code_gives_level_and_parent(
    code: str, level: Level, parent: str | None
) -> None:
    assert level_of(code) is level
    assert parent_of(code) == parent


@pytest.mark.parametrize(
    "code",
    [
        "",
        "11",
        "1101020",
        "110102020003001",
        "11010a",
        "１１０１０２",
        " 110102",
        "110102\n",
        "-11010",
    ],
)
def test_what_is_no_area_code_is_refused_with_the_lengths(code: str) -> None:
    with pytest.raises(BadCode, match="6 digits for a district"):
        level_of(code)


@pytest.mark.parametrize(
    ("code", "meant"),
    [("110101000000", "110101"), ("110101000", "110101"), ("110101001000", "110101001")],
)
def test_code_filled_up_with_zeros_is_refused_with_the_code_that_is_meant(
    code: str, meant: str
) -> None:
    with pytest.raises(BadCode, match=f"write '{meant}'"):
        level_of(code)


@given(COMMUNITIES)
def test_every_area_covers_itself_and_what_lies_below(community: str) -> None:
    street = parent_of(community)
    assert street is not None
    district = parent_of(street)
    assert district is not None
    assert covers(district, community)
    assert covers(street, community)
    assert covers(community, community)
    assert not covers(community, street)


def test_neighbouring_street_is_not_covered() -> None:
    assert not covers("110102020", "110102021003")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("02000001", CodeKind.LOCAL),
        ("11010202000307", CodeKind.GRID_2013),
        ("110102020003107", CodeKind.GRID_2026),
        ("1101020102000045", CodeKind.PART_2013),
        ("11010201002000045", CodeKind.PART_2026),
    ],
)
def test_length_tells_the_five_codes_apart(code: str, kind: CodeKind) -> None:
    assert kind_of(code) is kind


@pytest.mark.parametrize("code", ["", "1234567", "123456789", "1234567８", "12 34567", "x" * 17])
def test_what_is_no_code_is_refused_with_the_lengths(code: str) -> None:
    with pytest.raises(BadCode, match="14 or 15 digits"):
        parse_code(code)


@given(st.integers(0, 99_999_999).map("{:08d}".format))
def test_any_eight_digits_can_be_read_and_written_back(code: str) -> None:
    parsed = parse_code(code)
    assert isinstance(parsed, LocalCode)
    assert str(parsed) == code
    assert parsed.thing is (Thing.UNIT_GRID if int(code[3:]) < 10_000 else Thing.PART)


@pytest.mark.parametrize(("street", "number"), [("20", 1), ("0200", 1), ("020", 100_000)])
def test_pieces_that_do_not_make_eight_digits_are_refused(street: str, number: int) -> None:
    with pytest.raises(BadCode):
        LocalCode(street, number)


@pytest.mark.parametrize(
    ("thing", "highest", "expected"),
    [
        (Thing.UNIT_GRID, None, "02000001"),
        (Thing.UNIT_GRID, 9_998, "02009999"),
        (Thing.PART, None, "02010000"),
        (Thing.PART, 10_000, "02010001"),
    ],
)
def test_next_code_follows_the_highest_ever_given(
    thing: Thing, highest: int | None, expected: str
) -> None:
    assert str(next_local_code("110102020", thing, highest)) == expected


@pytest.mark.parametrize(
    ("thing", "highest", "count"),
    [(Thing.UNIT_GRID, 9_999, "9,999"), (Thing.PART, 99_999, "90,000")],
)
def test_street_without_free_numbers_is_told_what_to_do(
    thing: Thing, highest: int, count: str
) -> None:
    with pytest.raises(CodesExhausted, match=f"all {count} numbers.*split the street"):
        next_local_code("110102020", thing, highest)


def test_next_code_needs_a_street_and_a_number_of_its_own_kind() -> None:
    with pytest.raises(BadCode, match="is the code of a district; the code of a street is needed"):
        next_local_code("110102", Thing.PART, None)
    with pytest.raises(BadCode, match="highest number of parts 5"):
        next_local_code("110102020", Thing.PART, 5)


@given(COMMUNITIES, st.integers(1, 999))
def test_grid_ids_come_back_as_they_were_built(community: str, serial: int) -> None:
    grid = GridId(community, serial)
    assert len(grid.national_2026) == 15
    assert parse_code(grid.national_2026) == grid
    if serial <= 99:
        assert grid.national_2013 is not None
        assert len(grid.national_2013) == 14
        assert parse_code(grid.national_2013) == grid
    else:
        assert grid.national_2013 is None


@given(DISTRICTS, st.integers(1, 99), st.integers(1, 999), st.integers(1, 999_999))
def test_part_ids_come_back_as_they_were_built(
    district: str, major: int, minor: int, serial: int
) -> None:
    part = PartId(district, major, minor, serial)
    assert len(part.national_2026) == 17
    assert parse_code(part.national_2026) == part
    if minor <= 99:
        assert part.national_2013 is not None
        assert len(part.national_2013) == 16
        assert parse_code(part.national_2013) == part
    else:
        assert part.national_2013 is None


def test_part_ids_of_a_sewer_manhole_are_the_ones_written_in_the_standards() -> None:
    part = part_id_of_class("110101", "01002", 45)
    assert part.national_2013 == "1101010102000045"
    assert part.national_2026 == "11010101002000045"


@pytest.mark.parametrize("class_code", ["0102", "010020", "01-02", "０１００２", "00001", "01000"])
def test_class_of_another_form_is_refused(class_code: str) -> None:
    with pytest.raises(BadCode):
        part_id_of_class("110101", class_code, 1)


@pytest.mark.parametrize(
    "code", ["11010202000300", "110102020003000", "1101020102000000", "11010201000000001"]
)
def test_serial_or_class_zero_is_refused(code: str) -> None:
    with pytest.raises(BadCode, match="outside 1-"):
        parse_code(code)
