"""A boto3 client of the platform, for verbs that do what an SDK does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kumoi.cli.connection import Connection, environment


def client(service: str, data: Path | None, region: str | None = None, models: Path | None = None) -> Any:
    """A client of the platform of a data directory, with the environment's credentials or the usual ones.

    `models` is a folder of models that botocore does not bring.
    """
    import boto3
    import botocore.session
    from botocore.config import Config

    variables = {**environment(Connection.find(data).url), **_given()}
    session = botocore.session.Session()
    if models is not None:
        session.set_config_variable("data_path", str(models))
    return boto3.Session(botocore_session=session).client(
        service,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=region or variables["AWS_DEFAULT_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables.get("AWS_SESSION_TOKEN"),
        config=Config(inject_host_prefix=False),
    )


def _given() -> dict[str, str]:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION")
    return {name: os.environ[name] for name in names if os.environ.get(name)}
