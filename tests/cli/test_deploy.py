"""`kumoi deploy` and `kumoi destroy`: local code is packaged, stacks come, change and go."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kumoi.cli import main
from kumoi.cli.deploy import default_name
from kumoi.cli.deploying.packages import package

Run = Callable[..., Result]
TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Greeting: {Type: String, Default: hello}}
Resources:
  Greet:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: RUNTIME
      Handler: app.handler
      CodeUri: code
      Environment: {Variables: {GREETING: !Ref Greeting}}
      FunctionUrlConfig: {AuthType: NONE}
  Plain:
    Type: AWS::Lambda::Function
    Properties: {Runtime: RUNTIME, Handler: app.handler, Code: code, Role: !GetAtt GreetRole.Arn}
Outputs:
  Url: {Value: !GetAtt GreetUrl.FunctionUrl}
  Plain: {Value: !Ref Plain}
  Api: {Value: "https://a1.execute-api.us-east-1.amazonaws.com/dev"}
""".replace("RUNTIME", f"python3.{sys.version_info.minor}")
CODE = "import os\ndef handler(event, context):\n    return os.environ.get('GREETING', 'plain') + ' MARK'\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    place = tmp_path / "greetings"
    (place / "code" / "__pycache__").mkdir(parents=True)
    (place / "code" / "__pycache__" / "app.pyc").write_bytes(b"no part of it")
    (place / "code" / "app.py").write_text(CODE)
    (place / "template.yaml").write_text(TEMPLATE)
    return place


@pytest.fixture
def environment(kumoi: Any, tmp_path: Path) -> dict[str, str]:
    own = {"KUMOI_URL": kumoi.url, "KUMOI_DATA": str(tmp_path / "none"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    return {**os.environ, **kumoi.environment, **own, "NO_COLOR": "1"}


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Run the command in this process; what it printed (`stdout`, `stderr`) and its status."""

    def act(*arguments: Any) -> Result:
        return CliRunner(env=environment).invoke(main, [str(one) for one in arguments], prog_name="kumoi")

    return act


def answers(kumoi: Any) -> dict[str, Any]:
    """What each function answers, by its logical name."""
    functions, client = {}, kumoi.client("lambda")
    for one in client.list_functions()["Functions"]:
        answer = client.invoke(FunctionName=one["FunctionName"])
        functions[one["FunctionName"].split("-")[1]] = json.load(answer["Payload"])
    return functions


def test_deploy_change_plan_and_destroy(kumoi: Any, project: Path, run: Run) -> None:
    planned = run("deploy", project, "--plan")
    assert "+ Greet  AWS::Lambda::Function" in planned.stdout, planned
    cloudformation = kumoi.client("cloudformation")
    assert cloudformation.describe_stacks()["Stacks"] == []
    review = {"StackName": "greetings", "ChangeSetName": "theirs", "ChangeSetType": "CREATE"}
    cloudformation.create_change_set(
        **review, TemplateBody=json.dumps({"Resources": {"It": {"Type": "AWS::SQS::Queue"}}})
    )
    run("deploy", project, "--plan")
    assert [one["ChangeSetName"] for one in cloudformation.list_change_sets(StackName="greetings")["Summaries"]] == [
        "theirs"
    ]
    done = run("deploy", project)
    assert done.exit_code == 0, done
    assert "✓ Greet  AWS::Lambda::Function" in done.stdout
    assert "greetings deployed (" in done.stdout
    assert any(line.split()[0] == "Url" and "http" in line for line in done.stdout.splitlines() if line.strip())
    assert f"Api    http://a1.execute-api.us-east-1.localhost:{kumoi.url.rpartition(':')[2]}/dev\n" in done.stdout
    assert answers(kumoi) == {"Greet": "hello MARK", "Plain": "plain MARK"}
    assert "is as it should be" in run("deploy", project / "template.yaml").stdout
    (project / "code" / "app.py").write_text(CODE.replace("MARK", "again"))
    planned = run("deploy", project, "--plan", "--param", "Greeting=hi")
    assert "~ Greet  AWS::Lambda::Function  Code, Environment" in planned.stdout
    assert run("deploy", project, "--param", "Greeting=hi").exit_code == 0
    assert run("deploy", project).exit_code == 0  # a parameter keeps its value
    assert answers(kumoi) == {"Greet": "hi again", "Plain": "plain again"}
    gone = run("destroy", "greetings")
    assert gone.stdout.endswith("greetings is gone\n")
    assert answers(kumoi) == {}
    assert "there is no stack greetings" in run("destroy", "greetings").stderr


def test_what_fails_says_why(kumoi: Any, project: Path, run: Run) -> None:
    template = project / "template.yaml"
    bad = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 8}}
    (project / "bad.json").write_text(json.dumps({"Resources": {"Bad": bad}}))
    failed = run("deploy", project / "bad.json")
    assert failed.exit_code == 1
    assert "✗ Bad  AWS::Logs::LogGroup" in failed.stdout
    assert "bad is ROLLBACK_COMPLETE" in failed.stderr
    planned = run("deploy", project / "bad.json", "--plan")
    assert "ROLLBACK_COMPLETE state and can not be updated" in planned.stderr, planned
    (left,) = kumoi.client("cloudformation").describe_stacks()["Stacks"]  # a plan changes nothing
    assert left["StackName"] == "bad"
    bad["Properties"] = {}
    (project / "bad.json").write_text(json.dumps({"Resources": {"Good": bad}}))
    assert run("deploy", project / "bad.json").exit_code == 0  # what failed to be made is made anew
    for change, arguments, message in (
        ((), ("--param", "Nope=1"), "the template has no parameter Nope"),
        ((), ("--param", "Nope"), "'Nope' is not KEY=VALUE"),
        (("CodeUri: code", "CodeUri: cod"), (), "CodeUri of Greet names cod, which does not exist"),
        (("Resources:", "Resources: }"), (), "YAML not well-formed"),
        (("Handler: app.handler\n      CodeUri", "CodeUri"), (), "Invalid Serverless Application Specification"),
    ):
        template.write_text(TEMPLATE.replace(*change) if change else TEMPLATE)
        failed = run("deploy", template, *arguments)
        assert failed.exit_code != 0
        assert message in failed.stderr, failed
    unknown = {"Type": "AWS::Nobody::Knows", "Properties": {}}
    (project / "unknown.json").write_text(json.dumps({"Resources": {"It": unknown}}))
    assert run("deploy", project / "unknown.json").exit_code == 1
    assert run("deploy", project / "unknown.json", "--stub-unknown").exit_code == 0


def test_watch_deploys_what_changes(kumoi: Any, project: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-u", "-m", "kumoi", "deploy", str(project), "--watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as watching:
        assert watching.stdout is not None

        def wait_for(text: str) -> None:
            assert watching.stdout is not None
            for line in watching.stdout:
                if text in line:
                    return
            raise AssertionError(f"{text} did not come")

        wait_for("watching")
        (project / "code" / "app.py").write_text(CODE.replace("MARK", "changed"))
        wait_for("greetings deployed")
        assert answers(kumoi)["Greet"] == "hello changed"
        wait_for("watching")
        (project / "template.yaml").write_text("Resources: {")
        wait_for("watching")  # what fails is waited with
        (project / "template.yaml").write_text(TEMPLATE.replace("!Ref Greeting", "good day"))
        wait_for("greetings deployed")
        assert answers(kumoi)["Greet"] == "good day changed"
        watching.terminate()


def wheel(path: Path) -> None:
    metadata = "Metadata-Version: 2.1\nName: polite\nVersion: 1.0\n"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("polite.py", "WORD = 'please'\n")
        out.writestr("polite-1.0.dist-info/METADATA", metadata)
        out.writestr("polite-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        out.writestr("polite-1.0.dist-info/RECORD", "")


def test_requirements_are_installed_once(kumoi: Any, project: Path, run: Run) -> None:
    wheel(project / "polite-1.0-py3-none-any.whl")
    (project / "code" / "requirements.txt").write_text(f"{project}/polite-1.0-py3-none-any.whl\n")
    (project / "code" / "app.py").write_text("import polite\ndef handler(event, context):\n    return polite.WORD\n")
    done = run("deploy", project)
    assert "requirements.txt with pip" in done.stdout, done
    assert answers(kumoi) == {"Greet": "please", "Plain": "please"}
    (project / "code" / "new.py").write_text("")
    assert "with pip" not in run("deploy", project).stdout
    (project / "code" / "requirements.txt").write_text("./nothing.whl\n")
    assert "failed" in run("deploy", project).stderr
    (project / "template.yaml").write_text(TEMPLATE.replace(f"python3.{sys.version_info.minor}", "python2.7"))
    assert "requirements.txt: Kumoi runs python3.*" in run("deploy", project).stderr


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_packages_of_node_are_installed(kumoi: Any, project: Path, run: Run) -> None:
    with tarfile.open(project / "polite.tgz", "w:gz") as out:
        for name, content in (
            ("package.json", b'{"name": "polite", "version": "1.0.0"}'),
            ("index.js", b"module.exports = 'please';"),
        ):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            out.addfile(entry, io.BytesIO(content))
    code = project / "node"
    code.mkdir()
    (code / "package.json").write_text(json.dumps({"dependencies": {"polite": f"file:{project}/polite.tgz"}}))
    (code / "app.js").write_text("exports.handler = async () => require('polite');")
    properties = {
        "Runtime": "nodejs20.x",
        "Handler": "app.handler",
        "Code": "node",
        "Role": f"arn:aws:iam::{kumoi.account}:role/any",
    }
    resources = {"Say": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    (project / "node.json").write_text(json.dumps({"Resources": resources}))
    done = run("deploy", project / "node.json")
    assert "package.json with npm" in done.stdout, done
    assert answers(kumoi) == {"Say": "please"}


def test_the_same_files_make_the_same_package(project: Path) -> None:
    first = package(project / "code")
    os.utime(project / "code" / "app.py", (0, 0))
    assert package(project / "code") == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.namelist() == ["app.py"]


@pytest.mark.parametrize(
    ("path", "name"),
    [("/x/my shop/template.yaml", "my-shop"), ("/x/api.json", "api"), ("/x/7up.yaml", "stack-7up")],
)
def test_stacks_are_named_after_their_templates(path: str, name: str) -> None:
    assert default_name(Path(path)) == name
