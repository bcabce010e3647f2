"""A store in a bucket of any S3 service."""

import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regen3d.errors import ConfigError, Regen3dError, StoreUnavailableError
from regen3d.store.files import StoredFile

PREFIX = "REGEN3D_S3_"
"""Of the environment variables, one for each field of `S3Settings`."""

HEALS = {"RequestTimeout", "Throttling", "ThrottlingException", "RequestThrottled"}
"""Codes of refusals that services send as 400, though the same request may succeed later."""

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 10.0
"""Pauses between tries; they double from first to longest and vary by half, so that workers do not come at once."""

Answer = TypeVar("Answer")


class S3Settings(BaseModel):
    """How a bucket is spoken to; keys come from the environment, or from the machine's role, and are no part of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint_url: str | None = Field(default=None, pattern=r"^https?://", description="Service; null: AWS.")
    region: str | None = Field(default=None, description="Null: what AWS_REGION or AWS_DEFAULT_REGION says.")
    sse: Literal["AES256", "aws:kms"] | None = Field(default=None, description="Encryption at rest by the service.")
    sse_kms_key_id: str | None = Field(default=None, description="Key of the service for `aws:kms`.")
    part_mb: int = Field(default=32, ge=5, description="What is twice as large is sent in parts of this size.")
    patience_s: float = Field(default=90.0, ge=0, description="Seconds for which what failed is tried again.")


def s3_settings() -> S3Settings:
    """Settings from the environment: `REGEN3D_S3_ENDPOINT_URL`, ..., and the names that AWS's own tools know.

    Raises:
        ConfigError: one of them cannot be read.
    """
    given = {name: os.environ[f"{PREFIX}{name.upper()}"] for name in S3Settings.model_fields if _is_set(name)}
    for known in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if os.environ.get(known):
            given.setdefault("endpoint_url", os.environ[known])
    try:
        return S3Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{PREFIX}{str(first['loc'][0]).upper()}"
        raise ConfigError(f"the environment variable {name} cannot be used: {first['msg'].lower()}") from error


def _is_set(name: str) -> bool:
    return bool(os.environ.get(f"{PREFIX}{name.upper()}"))


class S3Files:
    """`Files` in a bucket, below a prefix.

    One request a call: nothing is listed but by `walk`. An object appears whole or not at all, also one that is sent in
    parts.
    """

    def __init__(self, place: str, settings: S3Settings) -> None:
        """Use `bucket/prefix`.

        Raises:
            ConfigError: s3fs is not installed.
        """
        try:
            import s3fs
        except ImportError as error:
            raise ConfigError(
                f"'s3://{place}' needs a package: install it with `pip install '.[s3]'` in regen3d's folder"
            ) from error
        self._settings = settings
        self._bucket, _, prefix = place.strip("/").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        # Instances with equal arguments are one: its connections are shared by all stores of the process.
        self._s3: Any = s3fs.S3FileSystem(
            endpoint_url=settings.endpoint_url,
            client_kwargs={"region_name": settings.region} if settings.region else {},
            config_kwargs={
                "connect_timeout": 5,
                "read_timeout": 60,
                "max_pool_connections": 32,
                # Tried again below, where patience is one number.
                "retries": {"max_attempts": 1, "mode": "standard"},
            },
            use_listings_cache=False,
        )
        self._s3.retries = 1

    def read(self, path: str) -> bytes | None:
        """See `Files.read`."""
        # At once: in parts, it would ask for the size first, and list where there is nothing.
        return self._absent_is_none(path, lambda: self._s3.cat_file(self._place(path), max_concurrency=1))

    def write(self, path: str, content: bytes) -> None:
        """See `Files.write`."""
        self._put(path, content, "overwrite")

    def create(self, path: str, content: bytes) -> bool:
        """See `Files.create`."""
        try:
            self._put(path, content, "create")
        except FileExistsError:
            # A try whose answer was lost may have been ours.
            return self.read(path) == content
        return True

    def stat(self, path: str) -> StoredFile | None:
        """See `Files.stat`."""
        # Not `info`: it lists where there is no such object.
        head = self._absent_is_none(
            path, lambda: self._s3.call_s3("head_object", Bucket=self._bucket, Key=f"{self._prefix}{path}")
        )
        return None if head is None else _stored(path, int(head["ContentLength"]), head)

    def remove(self, path: str) -> None:
        """See `Files.remove`."""
        self._absent_is_none(
            path, lambda: self._s3.call_s3("delete_object", Bucket=self._bucket, Key=f"{self._prefix}{path}")
        )

    def walk(self, prefix: str) -> Iterator[StoredFile]:
        """See `Files.walk`."""
        place = self._place(prefix).rstrip("/")
        found = self._patiently(prefix or "/", lambda: self._s3.find(place, detail=True))
        root = f"{self._bucket}/{self._prefix}"
        for path, info in sorted(found.items()):
            yield _stored(path.removeprefix(root), int(info["size"]), info)

    def link(self, path: str, seconds: float) -> str | None:
        """See `Files.link`: signed with this process's key."""
        return self._s3.url(self._place(path), expires=max(1, round(seconds)))

    def _put(self, path: str, content: bytes, mode: str) -> None:
        options = {"ServerSideEncryption": self._settings.sse} if self._settings.sse else {}
        if self._settings.sse_kms_key_id:
            options["SSEKMSKeyId"] = self._settings.sse_kms_key_id
        size = self._settings.part_mb * 1024 * 1024
        try:
            self._patiently(
                path,
                lambda: self._s3.pipe_file(self._place(path), content, chunksize=size, mode=mode, **options),
            )
        except FileNotFoundError as error:
            raise ConfigError(
                f"there is no bucket '{self._bucket}' at {self._settings.endpoint_url or 'AWS'}: make it first"
            ) from error

    def _place(self, path: str) -> str:
        return f"{self._bucket}/{self._prefix}{path}"

    def _absent_is_none(self, path: str, ask: Callable[[], Answer]) -> Answer | None:
        try:
            return self._patiently(path, ask)
        except FileNotFoundError:
            return None

    def _patiently(self, path: str, ask: Callable[[], Answer]) -> Answer:
        """The service's answer, asked for again while it is away or busy.

        Raises:
            FileNotFoundError: there is no such object, or bucket.
            FileExistsError: there is one already.
            ConfigError: the key is missing, wrong, or not allowed to.
            StoreUnavailableError: patience is at its end.
        """
        deadline, wait = time.monotonic() + self._settings.patience_s, FIRST_WAIT_S
        while True:
            try:
                return ask()
            except (FileNotFoundError, FileExistsError, Regen3dError):
                raise
            except Exception as error:
                if _is_present(error):
                    raise FileExistsError(path) from error
                if _is_final(error):
                    raise ConfigError(f"the store s3://{self._bucket} refuses {path}: {_said(error)}") from error
                if time.monotonic() + wait > deadline:
                    raise StoreUnavailableError(
                        f"the store s3://{self._bucket} did not take or give {path} "
                        f"for {self._settings.patience_s:g} s: {_said(error)}"
                    ) from error
            time.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(2 * wait, LONGEST_WAIT_S)


def _codes(error: BaseException) -> set[str]:
    """Codes that the service gave, wherever s3fs put them."""
    codes = set()
    each: BaseException | None = error
    while each is not None:
        response: Any = getattr(each, "response", None)
        if isinstance(response, dict):
            codes.add(str(response.get("Error", {}).get("Code")))
            codes.add(str(response.get("ResponseMetadata", {}).get("HTTPStatusCode")))
        each = each.__cause__
    return codes


def _is_present(error: Exception) -> bool:
    # 409: two creators at the same moment, and this one lost.
    return bool(_codes(error) & {"PreconditionFailed", "ConditionalRequestConflict", "412"})


def _is_final(error: Exception) -> bool:
    """Whether the same request will be refused again: no key, a wrong one, no rights, a malformed request."""
    if type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError", "ParamValidationError"):
        return True
    codes, final = _codes(error), {"400", "401", "403", "405", "501"}
    return not codes & HEALS and (isinstance(error, PermissionError) or bool(codes & final))


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _stored(path: str, size: int, info: dict[str, Any]) -> StoredFile:
    written: datetime = info["LastModified"]
    return StoredFile(path=path, size=size, modified=written.timestamp(), stamp=str(info["ETag"]))
