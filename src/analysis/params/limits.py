"""What parameters are made of: a strict model, and limits that several reports share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Confidence = Annotated[float, Field(gt=0.5, lt=1)]
Days = Annotated[int, Field(ge=1, le=36_500)]


class Strict(BaseModel):
    """A model that takes no unknown key and no wrong type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
