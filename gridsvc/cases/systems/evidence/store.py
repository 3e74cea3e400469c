"""Where files of evidence lie, each under the SHA-256 of its bytes: a folder, or a bucket of S3."""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from typing import Any, Protocol

from gridsvc.errors import BadInput, MissingPrerequisite, NotFound, Unavailable
from gridsvc.settings import Settings
from gridsvc.whole import full, is_full, written_whole

_BUCKET = "s3://"


def digest_of(content: bytes) -> str:
    """The name of a file: its SHA-256, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


class EvidenceStore(Protocol):
    """Keeps files under their hash; a file that is there already is not written again."""

    def put(self, content: bytes) -> str:
        """Keep the bytes; gives their SHA-256. They are safe when this returns."""

    def get(self, sha256: str) -> bytes:
        """The bytes of a hash. Raises NotFound when there are none, Unavailable."""

    def remove(self, sha256: str) -> None:
        """Forget the bytes of a hash, if they are there. Raises Unavailable."""


class FolderStore:
    """Files in a folder, spread over 256 folders by the first two digits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keep the bytes: written beside their place, forced to the disk, then moved there."""
        sha256 = digest_of(content)
        path = self._path(sha256)
        if path.exists():
            return sha256
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise (full() if is_full(error) else error) from None
        with written_whole(path) as out:
            out.write(content)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes of a hash."""
        try:
            return self._path(sha256).read_bytes()
        except FileNotFoundError:
            raise _gone(sha256) from None

    def remove(self, sha256: str) -> None:
        """Forget the bytes of a hash, if they are there."""
        self._path(sha256).unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256


class BucketStore:
    """Objects in a bucket of S3 or of what speaks like it (``AWS_ENDPOINT_URL`` says where)."""

    def __init__(self, bucket: str, prefix: str) -> None:
        try:
            boto3 = importlib.import_module("boto3")
            self._faults: Any = importlib.import_module("botocore.exceptions")
        except ImportError:
            raise MissingPrerequisite(
                "Evidence in S3 needs boto3: pip install 'gridsvc[s3]'."
            ) from None
        self._client = boto3.client("s3")
        self._bucket = bucket
        self._prefix = prefix

    def put(self, content: bytes) -> str:
        """Keep the bytes; the bucket checks them against their hash as they arrive."""
        sha256 = digest_of(content)
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._prefix + sha256,
                Body=content,
                ChecksumAlgorithm="SHA256",
            )
        except (self._faults.ClientError, self._faults.BotoCoreError) as error:
            raise self._unavailable(error) from None
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes of a hash."""
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + sha256)
            content: bytes = found["Body"].read()
        except self._faults.ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                raise _gone(sha256) from None
            raise self._unavailable(error) from None
        except self._faults.BotoCoreError as error:
            raise self._unavailable(error) from None
        return content

    def remove(self, sha256: str) -> None:
        """Forget the bytes of a hash, if they are there."""
        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + sha256)
        except (self._faults.ClientError, self._faults.BotoCoreError) as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> Unavailable:
        return Unavailable(
            f"The bucket {self._bucket!r} failed ({error}); nothing was kept. Try again."
        )


def store_of(settings: Settings) -> EvidenceStore:
    """The store of the settings: ``s3://bucket/prefix``, a folder, or ``var/evidence``.

    Raises BadInput for a bucket without a name, MissingPrerequisite without boto3.
    """
    where = settings.evidence_store
    if where is None:
        return FolderStore(settings.var_dir / "evidence")
    if not where.startswith(_BUCKET):
        return FolderStore(Path(where))
    bucket, _, prefix = where.removeprefix(_BUCKET).partition("/")
    if not bucket:
        raise BadInput(f"GRIDSVC_EVIDENCE_STORE is {where!r}; name a bucket, s3://bucket/prefix.")
    return BucketStore(bucket, f"{prefix.rstrip('/')}/" if prefix else "")


def _gone(sha256: str) -> NotFound:
    return NotFound(f"The file {sha256} is not in the evidence store.")
