"""What S3 stores: buckets, versions of objects, inline bodies, uploads with their parts, manifests, and blobs in use.

Buckets are found by their global name; everything else lies under the bucket's number, at the bucket's home. Keys of
objects are bytes in rows, so that they sort as S3 lists them: by UTF-8.
"""

from __future__ import annotations

import msgspec

from kumoi.state.space import Space

INLINE_LIMIT = 16_384
"""Bytes up to which an object's body lies in state."""

OWN_LIMIT = 1_536
"""Bytes up to which it lies in the object's own row, which then still fits its page beside others: one row is written
and read instead of two. Larger ones lie beside it, where a listing does not read them."""


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """A bucket. `versioning` is empty until it was first set; `secret` keys the ids of versions and list tokens.

    `lock` is whether Object Lock is on; `retention` is its default (mode, days, years), days or years being 0.
    """

    name: str
    id: int
    account: str
    region: str
    created: float
    secret: bytes
    constraint: str = ""
    versioning: str = ""
    lock: bool = False
    retention: tuple[str, int, int] | None = None
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:aws:s3:::{self.name}"


class OwnedBucket(msgspec.Struct, frozen=True):
    """That an account owns the bucket of this name."""

    name: str


class Encryption(msgspec.Struct, frozen=True, array_like=True):
    """How an object says it is encrypted. With a key of the customer's, `customer_key` is that key's MD5 in base64."""

    algorithm: str = "AES256"
    kms_key: str = ""
    bucket_key: bool = False
    customer_key: str = ""


class Checksum(msgspec.Struct, frozen=True, array_like=True):
    """A checksum in base64; `composite` ones are of the parts' checksums."""

    algorithm: str
    value: str
    composite: bool = False


class Lock(msgspec.Struct, frozen=True, array_like=True):
    """Retention until a moment in a mode (empty: none), and legal hold (ON, OFF, or empty: never set)."""

    mode: str = ""
    until: float = 0.0
    legal_hold: str = ""


class Grant(msgspec.Struct, frozen=True, array_like=True):
    """A permission (READ, WRITE, READ_ACP, WRITE_ACP, FULL_CONTROL) of a canonical user id or a group's URI."""

    grantee: str
    permission: str


class Restoration(msgspec.Struct, frozen=True, array_like=True):
    """That an archived object may be read between two moments, epoch seconds."""

    ready: float
    expires: int


class Replication(msgspec.Struct, frozen=True, array_like=True):
    """How a version takes part in replication: a `status` of PENDING, COMPLETED or FAILED, or REPLICA of another
    bucket's, which then has that one's version `id`. `at` and `order` say when its original was written: the moment,
    and the sequence number in its bucket.
    """

    status: str
    at: float
    order: int
    id: str = ""


NO_LOCK = Lock()
MANAGED = Encryption()


class ListedVersion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A version of an object, or a delete marker, as listings read it: without its body.

    `seq` is its place in the order of the bucket's writes; `null` versions have the id `null`. `modified` are whole
    seconds, rounded up, so that no object is older than its upload. `headers` are system headers by member name.
    The body is inline where neither `blob` nor `manifest` is set; `parts` counts those of a multipart upload.
    `acl` is None for what is its owner's alone; `owner` is an account, empty where it is the bucket's.
    """

    bucket: int
    key: str
    seq: int
    modified: int
    etag: str = ""
    size: int = 0
    null: bool = True
    marker: bool = False
    blob: str = ""
    manifest: str = ""
    parts: int = 0
    content_type: str = "binary/octet-stream"
    storage_class: str = "STANDARD"
    headers: dict[str, str] = {}
    metadata: dict[str, str] = {}
    tags: dict[str, str] = {}
    encryption: Encryption = MANAGED
    checksum: Checksum | None = None
    lock: Lock = NO_LOCK
    acl: tuple[Grant, ...] | None = None
    owner: str = ""
    restored: Restoration | None = None
    replication: Replication | None = None


class ObjectVersion(ListedVersion, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A version with the bytes of its inline body, unless they lie in a row of their own (`bodies.body_key`)."""

    body: bytes = b""


class NullVersion(msgspec.Struct, frozen=True, kw_only=True):
    """Where a key's null version lies among the others."""

    bucket: int
    key: bytes
    seq: int


class ForeignVersion(msgspec.Struct, frozen=True, kw_only=True):
    """Where a replica lies among a key's versions, by the id that it has from its original."""

    bucket: int
    key: bytes
    id: str
    seq: int


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """That a version of a key was removed while an upload for it was under way."""

    bucket: int
    key: bytes
    seq: int


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """A piece of a blob."""

    blob: str
    offset: int
    length: int


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A part of an upload, or of the object it became; `etag` is the MD5 in hexadecimal."""

    number: int
    size: int
    etag: str
    modified: float
    segments: tuple[Segment, ...]
    checksum: Checksum | None = None


class UploadedPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part that was uploaded, under its upload."""

    upload: str
    part: Part


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A multipart upload under way. `version` is the object to be, as far as it is known; `algorithm` and `composite`
    say which checksum it will have (no algorithm: none was asked for). `began` is the bucket's sequence at its start.
    """

    bucket: int
    key: str
    id: str
    created: float
    began: int
    owner: str
    version: ObjectVersion
    algorithm: str = ""
    composite: bool = False


class CompletedUpload(msgspec.Struct, frozen=True, kw_only=True):
    """What completing an upload answered, kept for a day for a client that asks again."""

    id: str
    key: str
    answer: dict[str, str]


class ManifestChunk(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive parts of an object: the first begins at `start`, and is the `first`-th, counted from 0."""

    manifest: str
    start: int
    first: int
    parts: tuple[Part, ...]


class BlobUse(msgspec.Struct, frozen=True, kw_only=True):
    """How many segments and objects refer to a blob, and whose it is."""

    blob: str
    account: str
    count: int = 1


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """Something nothing refers to any more, to be removed at `due`, once those who still read it are through.

    `kind` is blob, manifest, or parts (of an upload that was aborted).
    """

    due: int
    what: str
    kind: str


def row_text(key: str) -> bytes:
    """An object's key as rows have it."""
    return key.encode("utf-8", "surrogatepass")


def _object_key(version: ListedVersion) -> tuple[int, bytes]:
    return version.bucket, row_text(version.key)


def _version_key(version: ListedVersion) -> tuple[int, bytes, int]:
    return version.bucket, row_text(version.key), -version.seq


buckets: Space[Bucket] = Space("s3.bucket", Bucket, lambda bucket: (bucket.name,), scope="global", remembered=True)
owned: Space[OwnedBucket] = Space("s3.owned", OwnedBucket, lambda bucket: (bucket.name,), scope="account")
current: Space[ObjectVersion] = Space("s3.object", ObjectVersion, _object_key)
"""The versions that GET answers: those of keys whose latest version is an object."""
others: Space[ObjectVersion] = Space("s3.version", ObjectVersion, _version_key)
"""All other versions, and every delete marker, the newest of a key first."""
listed_current: Space[ListedVersion] = Space("s3.object", ListedVersion, _object_key)
listed_others: Space[ListedVersion] = Space("s3.version", ListedVersion, _version_key)
"""The same rows, for who goes through many of them."""
nulls: Space[NullVersion] = Space("s3.null", NullVersion, lambda one: (one.bucket, one.key))
foreign: Space[ForeignVersion] = Space("s3.foreign", ForeignVersion, lambda one: (one.bucket, one.key, one.id))
marks: Space[Mark] = Space("s3.mark", Mark, lambda mark: (mark.bucket, mark.key))
uploads: Space[Upload] = Space("s3.upload", Upload, lambda upload: (upload.bucket, row_text(upload.key), upload.id))
uploaded: Space[UploadedPart] = Space("s3.part", UploadedPart, lambda one: (one.upload, one.part.number))
completed: Space[CompletedUpload] = Space("s3.completed", CompletedUpload, lambda upload: (upload.id,))
manifests: Space[ManifestChunk] = Space(
    "s3.manifest", ManifestChunk, lambda chunk: (chunk.manifest, chunk.start), scope="account"
)
blob_uses: Space[BlobUse] = Space("s3.blob", BlobUse, lambda use: (use.blob,), scope="account")
released: Space[Released] = Space("s3.released", Released, lambda one: (one.due, one.what))
