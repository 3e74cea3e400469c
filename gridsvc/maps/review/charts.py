"""Charts of a review: bars of a ranking, curves over months, in the units of their viewBox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from gridsvc.assessment.rates import NO_DATA, RATES, Line, percent, rounded

#: Rates over the months, each with its colour and the dashes that tell it apart in grey print.
_CURVES = {
    "response": ("#1f6f8b", ""),
    "solved": ("#2f7d5b", "7 4"),
    "satisfied": ("#c2410c", "2 4"),
    "closed_in_time": ("#6a5a86", "10 3 2 3"),
}
WIDTH, HEIGHT = 1000, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 130, 16, 34
#: Labels at the ends of curves keep so far apart.
_LABEL = 18


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a ranking; ``width`` and ``before`` (a mark) are percent of the full width."""

    rank: str
    name: str
    key: str
    width: float | None
    before: float | None
    score: str


@dataclass(frozen=True, slots=True)
class Curve:
    """One rate over the months: pieces of its line (a gap means no data), its points, its label."""

    name: str
    title_zh: str
    title: str
    color: str
    dashes: str
    pieces: tuple[str, ...]
    points: tuple[tuple[float, float, str], ...]
    label: tuple[float, float, str] | None


@dataclass(frozen=True, slots=True)
class Trend:
    """A chart of months: the marks of both axes, and the curves."""

    months: tuple[tuple[float, str], ...]
    levels: tuple[tuple[float, str], ...]
    curves: tuple[Curve, ...]
    left: float
    right: float
    bottom: float


def bars(lines: Sequence[Line], before: Sequence[Line] = ()) -> list[Bar]:
    """The bars of a ranking, in its order; ``before`` are the same keys a period earlier."""
    earlier = {line.key: line.score for line in before}
    return [
        Bar(
            rank=NO_DATA if line.rank is None else str(line.rank),
            name=line.name,
            key=line.key,
            width=_hundredth(line.score),
            before=_hundredth(earlier.get(line.key)),
            score=NO_DATA if line.score is None else str(rounded(line.score * 100, 2)),
        )
        for line in lines
        if line.key is not None
    ]


def trend(months: Sequence[Line]) -> Trend | None:
    """The curves of the months, oldest first; None when there are fewer than two."""
    if len(months) < 2:
        return None
    lowest = _lowest(months)
    step = (WIDTH - _LEFT - _RIGHT) / (len(months) - 1)
    across = [_LEFT + step * place for place in range(len(months))]

    def up(value: Fraction) -> float:
        share = (float(value) * 100 - lowest) / (100 - lowest)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

    curves = []
    for name, (color, dashes) in _CURVES.items():
        values = [month.rate(name).value for month in months]
        points = [
            (round(x, 1), up(value), f"{percent(value)} %")
            for x, value in zip(across, values, strict=True)
            if value is not None
        ]
        known = [
            None if v is None else f"{x:.1f},{up(v)}" for x, v in zip(across, values, strict=True)
        ]
        zh, english = RATES[name]
        label = (points[-1][0] + 9, points[-1][1] + 4, f"{zh} {points[-1][2]}") if points else None
        curves.append(Curve(name, zh, english, color, dashes, _pieces(known), tuple(points), label))
    gap = (100 - lowest) // 4
    return Trend(
        months=tuple((round(x, 1), month.name) for x, month in zip(across, months, strict=True)),
        levels=tuple((up(Fraction(level, 100)), f"{level} %") for level in range(lowest, 101, gap)),
        curves=tuple(_apart(curves)),
        left=_LEFT,
        right=WIDTH - _RIGHT,
        bottom=HEIGHT - _BOTTOM,
    )


def _lowest(months: Sequence[Line]) -> int:
    """Where the axis begins: 0, or a multiple of 20 below every value."""
    values = [month.rate(name).value for month in months for name in _CURVES]
    least = min((value for value in values if value is not None), default=Fraction(0))
    return min(80, int(least * 100) // 20 * 20)


def _pieces(points: Sequence[str | None]) -> tuple[str, ...]:
    """The line's points, cut where there is no data."""
    pieces: list[list[str]] = [[]]
    for point in points:
        if point is None:
            pieces.append([])
        else:
            pieces[-1].append(point)
    return tuple(" ".join(piece) for piece in pieces if len(piece) > 1)


def _apart(curves: Sequence[Curve]) -> list[Curve]:
    """The curves with labels that do not lie on each other, pushed up from the axis."""
    floor = HEIGHT - _BOTTOM + 4.0
    moved: dict[str, tuple[float, float, str]] = {}
    labelled = [(curve.name, curve.label) for curve in curves if curve.label is not None]
    for name, (x, y, words) in sorted(labelled, key=lambda one: -one[1][1]):
        y = min(y, floor)
        moved[name], floor = (x, y, words), y - _LABEL
    # Pushed above the chart, all go down together.
    over = max(0.0, _TOP - min((y for _, y, _ in moved.values()), default=_TOP))
    return [replace(curve, label=_down(moved.get(curve.name), over)) for curve in curves]


def _down(label: tuple[float, float, str] | None, over: float) -> tuple[float, float, str] | None:
    return None if label is None else (label[0], round(label[1] + over, 1), label[2])


def _hundredth(score: Fraction | None) -> float | None:
    return None if score is None else round(float(score) * 100, 2)
