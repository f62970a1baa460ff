"""From a template with local paths to one that can be deployed: what they name is packaged and stored.

The properties are those that `sam package` and `aws cloudformation package` know: code and layers become zips,
definitions are stored as they are, nested templates are packaged themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import click

from kumoi.cli.deploying.artifacts import Artifact, Artifacts
from kumoi.cli.deploying.packages import package
from kumoi.cli.deploying.requirements import installed
from kumoi.services.cloudformation.template.parsing import parse_template
from kumoi.wire.errors import AwsError


class _Local(NamedTuple):
    """A property that may name something local: what becomes of it, and how the template is to name what is stored."""

    property: str
    kind: Literal["code", "file", "template"]
    form: Literal["uri", "url", "S3Bucket", "Bucket"]


_LOCAL = {
    "AWS::Serverless::Function": _Local("CodeUri", "code", "uri"),
    "AWS::Serverless::LayerVersion": _Local("ContentUri", "code", "uri"),
    "AWS::Serverless::Api": _Local("DefinitionUri", "file", "uri"),
    "AWS::Serverless::HttpApi": _Local("DefinitionUri", "file", "uri"),
    "AWS::Serverless::StateMachine": _Local("DefinitionUri", "file", "uri"),
    "AWS::Serverless::Application": _Local("Location", "template", "url"),
    "AWS::Lambda::Function": _Local("Code", "code", "S3Bucket"),
    "AWS::Lambda::LayerVersion": _Local("Content", "code", "S3Bucket"),
    "AWS::StepFunctions::StateMachine": _Local("DefinitionS3Location", "file", "Bucket"),
    "AWS::ApiGateway::RestApi": _Local("BodyS3Location", "file", "Bucket"),
    "AWS::ApiGatewayV2::Api": _Local("BodyS3Location", "file", "Bucket"),
    "AWS::AppSync::GraphQLSchema": _Local("DefinitionS3Location", "file", "uri"),
    "AWS::CloudFormation::Stack": _Local("TemplateURL", "template", "url"),
}


class Packaged(NamedTuple):
    """A template that can be deployed, and the files and directories it was made from."""

    template: dict[str, Any]
    sources: frozenset[Path]


def read_template(path: Path) -> dict[str, Any]:
    """A template from its file; ClickException where it is none."""
    try:
        return parse_template(path.read_text())
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
    except AwsError as error:
        raise click.ClickException(f"{path}: {error.message}") from None


class Packager:
    """Packages what templates name. `tell` gets a line for each thing that takes time."""

    def __init__(self, artifacts: Artifacts, tell: Callable[[str], None]) -> None:
        self._artifacts = artifacts
        self._tell = tell
        self._packages: dict[tuple[Path, str], Artifact] = {}

    def packaged(self, path: Path) -> Packaged:
        """The template of a file with everything local stored."""
        self._packages.clear()
        sources: set[Path] = set()
        return Packaged(self._template(path.resolve(), sources), frozenset(sources))

    def _template(self, path: Path, sources: set[Path]) -> dict[str, Any]:
        if path in sources:
            raise click.ClickException(f"{path} is nested in itself.")
        sources.add(path)
        template = read_template(path)
        globals_ = template.get("Globals") or {}
        defaults = globals_.get("Function") or {}
        for name, resource in (template.get("Resources") or {}).items():
            local = _LOCAL.get(str(resource.get("Type"))) if isinstance(resource, dict) else None
            if local is None:
                continue
            properties = resource.setdefault("Properties", {})
            stated = properties.get(local.property)
            if stated is None and resource["Type"] == "AWS::Serverless::Function":
                if "InlineCode" in properties or properties.get("PackageType") == "Image":
                    continue
                stated = defaults.get("CodeUri", ".")
            if not isinstance(stated, str) or stated.startswith(("s3://", "http://", "https://", "arn:")):
                continue
            found = (path.parent / stated).resolve()
            if not found.exists():
                raise click.ClickException(f"{path}: {local.property} of {name} names {stated}, which does not exist.")
            sources.add(found)
            runtime = str(properties.get("Runtime", defaults.get("Runtime", "")))
            artifact = self._stored(found, local, runtime, sources)
            properties[local.property] = _named(artifact, local.form, self._artifacts.region)
        if isinstance(defaults, dict):
            defaults.pop("CodeUri", None)
        return template

    def _stored(self, found: Path, local: _Local, runtime: str, sources: set[Path]) -> Artifact:
        if local.kind == "template":
            sources.discard(found)
            content = json.dumps(self._template(found, sources)).encode()
            return self._artifacts.store(content, ".template")
        if local.kind == "file":
            return self._artifacts.store(found.read_bytes())
        known = self._packages.get((found, runtime))
        if known is None:
            requires = installed(found, runtime, self._tell) if found.is_dir() else None
            known = self._packages[found, runtime] = self._artifacts.store(package(found, requires))
        return known


def _named(artifact: Artifact, form: str, region: str) -> Any:
    if form == "uri":
        return artifact.uri
    if form == "url":
        return artifact.url(region)
    bucket, key = ("S3Bucket", "S3Key") if form == "S3Bucket" else ("Bucket", "Key")
    return {bucket: artifact.bucket, key: artifact.key}
