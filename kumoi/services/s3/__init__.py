"""Amazon S3: buckets, objects and their versions, listings, multipart uploads, and the bucket's configurations.

A bucket's name is global; its rows lie at home, in the account and region it was made in (`lookup.home`). An object is
one row of metadata, with its bytes where they are the fewest; up to 16 KB lie in a row beside it, more in blobs
(`bodies.py`), and the parts of a multipart upload stay the blobs they came as (`manifests.py`). `versions.py` writes
and removes versions, in the order of `sequences.py`; `walk.py` reads a bucket in order, skipping what a delimiter
groups, and `glimpse.py` finds what most reads ask for. Whatever has to follow a write (notifications, lifecycle
rules, defaults) has one place each: `changed.py` and `configured.py`. `lifecycle.py` lets objects expire, `keeper.py`
removes files that nothing refers to, `authorization.py` says what calls need permission for, and `select/` queries
objects.

Rules: the Amazon S3 API reference and user guide, and recorded answers of the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State
from kumoi.wire.http import HeaderList, Request

s3 = Service(
    "s3",
    __name__,
    modules=(
        "operations.acls",
        "operations.attributes",
        "operations.bucket_tagging",
        "operations.buckets",
        "operations.configurations",
        "operations.copying",
        "operations.deleting",
        "operations.listed_configurations",
        "operations.listing",
        "operations.locking",
        "operations.notifications",
        "operations.objects",
        "operations.parts",
        "operations.posting",
        "operations.preflight",
        "operations.reading",
        "operations.replicating",
        "operations.restoring",
        "operations.selecting",
        "operations.tagging",
        "operations.uploads",
        "operations.versioning",
        "operations.website",
    ),
    resource=("Bucket",),
    data_planes=("s3-post", "s3-preflight", "s3-website"),
    authorization="authorization",
    held="held",
    tagged="tagged",
)


@s3.resource_name
def bucket_node(value: str) -> str:
    """The bucket's name."""
    return value


@s3.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep removing the bytes that nothing refers to any more, and delivering notifications."""
    from kumoi.services.s3.lifespan import running

    async with running(parts):
        yield


@s3.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Forget the names of buckets, the bytes and the notifications of what is being forgotten."""
    from kumoi.services.s3.lifespan import forget

    await forget(parts, state, account)


@s3.cross_origin
async def cross_origin(state: State, request: Request) -> HeaderList:
    """The CORS headers of an answer, as the bucket's configuration has them."""
    from kumoi.services.s3.operations.preflight import actual_headers

    bucket = request.path.removeprefix("/").partition("/")[0]
    return await actual_headers(state, bucket, request.headers.index["origin"], request.method)
