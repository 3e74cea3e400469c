"""What the answers of the interface have in common: strict models, geometries, pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class Answer(BaseModel):
    """An answer, or a part of one: these members and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @classmethod
    def of(cls, source: object, **more: Any) -> Self:
        """The answer from the attributes of a stored row or a value, and ``more`` beside them."""
        names = cls.model_fields.keys() - more.keys()
        return cls(**{name: getattr(source, name) for name in names}, **more)


@dataclass(frozen=True, slots=True)
class AsBuilt:
    """Documents an answer by its model; what the route gives is sent as it is."""

    model: type[BaseModel]

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # Inside another schema the model is named, not repeated.
        return handler(core_schema.definitions_schema(self.model.__pydantic_core_schema__, []))


def as_built(model: type[BaseModel]) -> Any:
    """The ``response_model`` of a route whose answer is not validated again as it is sent."""
    return Annotated[Any, AsBuilt(model)]


T = TypeVar("T")

AreaLevel = Literal["district", "street", "community"]
Geometry = Annotated[dict[str, Any], Field(description="GeoJSON, WGS84, longitude first.")]
Position = Annotated[
    tuple[float, float], Field(description="Longitude and latitude in degrees, WGS84.")
]
Next = Annotated[str | None, Field(description="The cursor of the next page; null on the last.")]


class Point(Answer):
    """A GeoJSON point, WGS84, longitude first."""

    type: Literal["Point"]
    coordinates: Position


class Counted(Answer, Generic[T]):
    """All are counted, the first ones listed."""

    count: int
    listed: list[T]


class Named(Answer):
    """An area: its code and its name."""

    code: str
    name: str = Field(description="Empty when the source names none.")


class BodyNamed(Answer):
    """A body: its code, its name, its kind."""

    code: str
    name: str
    kind: str


class ClassNamed(Answer):
    """A class of parts or events: the same digits mean different things in two standards."""

    standard: str
    kind: Literal["part", "event"]
    code: str = Field(description="5 digits.")
