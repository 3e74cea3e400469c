"""What each rate divides by what, and the score of the three: pure rules over counts.

Sources: the domain's section 3, "Rates" (S and K) and "Three rates" (S).
"""

from __future__ import annotations

from fractions import Fraction

from gridsvc.assessment.model import Tally
from gridsvc.assessment.rates import Rate
from gridsvc.city.weights import ThreeRates

__all__ = ["RATES", "rates_of", "score_of"]

_NO_CALLBACK = "no data: no valid callback"
_NOT_DUE = "no data: nothing was due, or all of it is suspended"

#: Name, counts above the line, the count below it, and what is said without data.
_PLAIN = (
    ("response", "contacted", "valid", _NO_CALLBACK),
    ("solved", "solved", "valid", _NO_CALLBACK),
    ("closed", "closed", "counted", _NOT_DUE),
    ("closed_in_time", "closed_in_time", "counted", _NOT_DUE),
    ("filed", "filed", "reported", "no data: nothing was reported"),
    ("handled_in_time", "handled_in_time", "handled", "no data: nothing was handled"),
    ("rework", "reworked", "handled", "no data: nothing was handled"),
    ("returned", "returned", "received", "no data: nothing was received"),
    ("late", "late", "called", "no data: nobody was called"),
    ("far", "far", "reported_in", "no data: nobody reported in"),
    ("done_in_time", "done_in_time", "done", "no data: nobody called was done"),
)

#: Every rate with its names, in the order of showing.
RATES = {
    "response": ("响应率", "Response"),
    "solved": ("解决率", "Solved"),
    "satisfied": ("满意率", "Satisfied"),
    "closed": ("结案率", "Closed"),
    "closed_in_time": ("按期结案率", "Closed in time"),
    "filed": ("立案率", "Filed"),
    "handled_in_time": ("按期处置率", "Handled in time"),
    "rework": ("返工率", "Rework"),
    "returned": ("回退率", "Returned"),
    "late": ("报到迟到率", "Reported in late"),
    "far": ("报到偏离率", "Reported in far off"),
    "done_in_time": ("哨办按期率", "Whistle done in time"),
}


def rates_of(tally: Tally, weights: ThreeRates) -> tuple[Rate, ...]:
    """Every rate of what was counted, in the order of :data:`RATES`."""
    found = {
        name: Rate(name, Fraction(tally[above]), tally[below], (above,), below, nothing)
        for name, above, below, nothing in _PLAIN
    }
    content = Fraction(tally["satisfied"]) + weights.fairly * tally["fairly"]
    above = ("satisfied", "fairly")
    found["satisfied"] = Rate("satisfied", content, tally["valid"], above, "valid", _NO_CALLBACK)
    return tuple(found[name] for name in RATES)


def score_of(tally: Tally, weights: ThreeRates) -> Fraction | None:
    """The weighted three rates, exact, from 0 to 1; None without a valid callback."""
    if not tally["valid"]:
        return None
    content = tally["satisfied"] + weights.fairly * tally["fairly"]
    weighed = (
        weights.response * tally["contacted"]
        + weights.solved * tally["solved"]
        + weights.satisfied * content
    )
    return weighed / tally["valid"]
