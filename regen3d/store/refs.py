"""References to blobs, and digests of documents."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Ref(BaseModel):
    """A blob in the store, named by its content."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the bytes, hexadecimal.")
    suffix: str = Field(pattern=r"^(\.[a-z0-9]+)+$", description="What the bytes are, as a file ending.")
    size: int = Field(ge=0, description="Number of bytes.")

    @property
    def path(self) -> str:
        """Where the blob lies below the root of its store."""
        return f"blobs/{self.digest[:2]}/{self.digest}{self.suffix}"


def digest_of(document: Any) -> str:
    """SHA-256 of a JSON document, independent of the order of its keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_jsonable)
    return hashlib.sha256(text.encode()).hexdigest()


def _jsonable(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no digest")
