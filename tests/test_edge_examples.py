"""The examples below `edge`: `kumoi deploy` deploys each by itself, and viewers get what its page says."""

from __future__ import annotations

import base64
import io
import os
import shutil
import sys
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import PIL
import pytest
from click.testing import CliRunner
from PIL import Image

from kumoi.cli import main

EXAMPLES = Path(__file__).resolve().parent.parent / "examples/edge"


class Stay(HTTPRedirectHandler):
    """Shows redirects instead of following them."""

    def redirect_request(self, *given: Any, **more: Any) -> None:
        """Nowhere."""


class Answer(NamedTuple):
    """What a viewer got."""

    status: int
    headers: Message
    body: bytes


class Site:
    """A deployed example."""

    def __init__(self, kumoi: Any, outputs: dict[str, str]) -> None:
        self._kumoi = kumoi
        self._domain = outputs["Domain"]
        self.bucket = outputs["Pages"]

    def put(self, key: str, content: bytes = b"", **more: Any) -> None:
        """Put a page into its bucket."""
        self._kumoi.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content or key.encode(), **more)

    def visit(self, path: str, **headers: str) -> Answer:
        """Ask for a path as a viewer."""
        request = Request(f"{self._kumoi.url}{path}", headers={"Host": self._domain, **headers})
        try:
            with build_opener(Stay).open(request, timeout=60) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())


Deploy = Callable[..., Site]


@pytest.fixture
def deploy(kumoi: Any, tmp_path: Path) -> Deploy:
    own = {"KUMOI_URL": kumoi.url, "KUMOI_DATA": str(tmp_path / "none"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment = {**os.environ, **kumoi.environment, **own, "NO_COLOR": "1"}

    def act(place: Path, **parameters: str) -> Site:
        given = [f"--param={name}={value}" for name, value in parameters.items()]
        done = CliRunner(env=environment).invoke(
            main, ["deploy", str(place), "--stack", place.name, *given], prog_name="kumoi"
        )
        assert done.exit_code == 0, done.output
        [stack] = kumoi.client("cloudformation").describe_stacks(StackName=place.name)["Stacks"]
        return Site(kumoi, {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]})

    return act


def test_security_headers(deploy: Deploy) -> None:
    site = deploy(EXAMPLES / "security-headers")
    site.put("index.html", b"<h1>Home</h1>", Metadata={"author": "ada"})
    for path, status in (("/", 200), ("/no/such/page", 403)):
        answer = site.visit(path)
        assert answer.status == status
        assert answer.headers["Content-Security-Policy"] == "default-src 'self'; frame-ancestors 'none'"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
        assert answer.headers["X-Amz-Meta-Author"] is None


def test_redirects_and_a_single_page_application(deploy: Deploy) -> None:
    site = deploy(EXAMPLES / "redirects")
    site.put("index.html", b"the application")
    site.put("app.js", b"its script")
    for path, target in (
        ("/old", "/new"),
        ("/old/page?x=1&y=a%20b&x=2", "/new/page?x=1&x=2&y=a%20b"),
        ("/blog/2026?draft", "/articles/2026?draft"),
    ):
        answer = site.visit(path)
        assert (answer.status, answer.headers["Location"]) == (301, target)
    for path in ("/", "/orders/17", "/older"):
        assert site.visit(path).body == b"the application"
    assert site.visit("/app.js").body == b"its script"
    assert site.visit("/no.js").status == 403


def test_two_versions_of_a_page(deploy: Deploy) -> None:
    site = deploy(EXAMPLES / "ab-test")
    site.put("a/index.html")
    site.put("b/index.html")
    for group in "ab":
        answer = site.visit("/", Cookie=f"group={group}")
        assert answer.body.decode() == f"{group}/index.html"
        assert answer.headers["Set-Cookie"].startswith(f"group={group};")
        assert site.visit("/", Cookie=f"group={group}").headers["X-Cache"] == "Hit from cloudfront"
    seen = set()
    while len(seen) < 2:  # who has no group gets either in time
        answer = site.visit("/")
        assert answer.headers["Set-Cookie"][6] == answer.body.decode()[0]
        seen.add(answer.body)


def test_a_name_and_a_password(deploy: Deploy) -> None:
    site = deploy(EXAMPLES / "basic-auth")
    site.put("index.html", b"for members")

    def coded(text: str) -> str:
        return f"Basic {base64.b64encode(text.encode()).decode()}"

    assert site.visit("/", Authorization=coded("ada:lovelace")).body == b"for members"
    for refused in (coded("ada:byron"), coded(""), "Basic", "Bearer x", "Basic ???"):
        assert site.visit("/", Authorization=refused).status == 401
    answer = site.visit("/")
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="members"')


def test_pictures_as_wide_as_wanted(deploy: Deploy, tmp_path: Path) -> None:
    place = tmp_path / "image-resize"
    shutil.copytree(EXAMPLES / "image-resize", place)
    (place / "code/requirements.txt").unlink()  # what pip would install is there already
    pillow = Path(PIL.__file__).parent
    for folder in (pillow, pillow.parent / "pillow.libs"):
        if folder.is_dir():
            shutil.copytree(folder, place / "code" / folder.name, ignore=shutil.ignore_patterns("__pycache__"))
    site = deploy(place, Runtime=f"python3.{sys.version_info.minor}")
    picture = io.BytesIO()
    Image.linear_gradient("L").resize((800, 400)).save(picture, "PNG")
    site.put("sky.png", picture.getvalue(), ContentType="image/png")
    answer = site.visit("/sky.png?width=200")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(answer.body)).size == (200, 100)
    assert site.visit("/sky.png?width=200").headers["X-Cache"] == "Hit from cloudfront"
    assert Image.open(io.BytesIO(site.visit("/sky.png").body)).size == (800, 400)


def test_another_regions_bucket(deploy: Deploy, kumoi: Any) -> None:
    far = kumoi.client("s3", region_name="eu-central-1")
    name = f"spare-{kumoi.account}"
    far.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    site = deploy(EXAMPLES / "failover", SpareDomain=f"{name}.s3.eu-central-1.amazonaws.com")
    site.put("index.html", b"near")
    far.put_object(Bucket=name, Key="index.html", Body=b"far")
    far.put_object(Bucket=name, Key="rescued.html", Body=b"only far")
    assert site.visit("/").body == b"near"
    assert site.visit("/rescued.html").body == b"only far"
