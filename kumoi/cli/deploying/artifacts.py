"""Where packages and templates lie while they are deployed: a bucket of Kumoi's, under the hash of their content."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from botocore.exceptions import ClientError


class Artifact(NamedTuple):
    """Something stored."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """As SAM and the AWS CLI write it."""
        return f"s3://{self.bucket}/{self.key}"

    def url(self, region: str) -> str:
        """As CloudFormation takes templates."""
        return f"https://{self.bucket}.s3.{region}.amazonaws.com/{self.key}"


class Artifacts:
    """Stores content once; the same content has the same key."""

    def __init__(self, s3: Any, account: str, region: str) -> None:
        self._s3 = s3
        self.region = region
        self._bucket = f"kumoi-deploy-{account}-{region}"
        self._known: set[str] = set()

    def store(self, content: bytes, suffix: str = "") -> Artifact:
        """Store content unless it is there."""
        artifact = Artifact(self._bucket, hashlib.sha256(content).hexdigest() + suffix)
        if artifact.key not in self._known and not self._is_there(artifact):
            self._put(artifact, content)
        self._known.add(artifact.key)
        return artifact

    def _is_there(self, artifact: Artifact) -> bool:
        try:
            self._s3.head_object(Bucket=artifact.bucket, Key=artifact.key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def _put(self, artifact: Artifact, content: bytes) -> None:
        try:
            self._s3.put_object(Bucket=artifact.bucket, Key=artifact.key, Body=content)
        except self._s3.exceptions.NoSuchBucket:
            place = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
            self._s3.create_bucket(Bucket=artifact.bucket, **({"CreateBucketConfiguration": place} if place else {}))
            self._s3.put_object(Bucket=artifact.bucket, Key=artifact.key, Body=content)
