"""The citizen's side of a case: what came of a report, in plain words."""

from gridsvc.cases.systems.citizen.outcome import (
    Told,
    closed_words,
    history_of,
    stage_of,
    words_of,
)

__all__ = ["Told", "closed_words", "history_of", "stage_of", "words_of"]
