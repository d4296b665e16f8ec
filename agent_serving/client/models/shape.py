"""What all answers of the service share: a field that this client does not know is ignored, so
that it can talk to newer services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Model(BaseModel):
    # Built when first used: importing the client stays light.
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        defer_build=True,
        populate_by_name=True,
        protected_namespaces=(),
    )


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `last_id` is where the next one begins."""

    data: list[T]
    first_id: str | int | None
    last_id: str | int | None
    has_more: bool


class Deleted(Model):
    id: str
    deleted: bool


class Failure(Model):
    code: str
    message: str
