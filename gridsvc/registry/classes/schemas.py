"""Classes as the interface gives them."""

from __future__ import annotations

from pydantic import Field

from gridsvc.answers import Answer, ClassNamed, Next


class ClassAnswer(ClassNamed):
    """A class of a list, with its name."""

    name: str
    major: str = Field(description="The group of its list, by the first two digits.")
    pinyin: str = Field(description="Of the name, without tones.")


class ClassPage(Answer):
    """Classes by kind and code."""

    classes: list[ClassAnswer]
    next: Next
