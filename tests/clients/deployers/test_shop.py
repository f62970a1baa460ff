"""The example shop by each deployer: deployed, called, updated, removed; every one of them unmodified."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def reporter(kumoi: Any) -> str:
    functions = kumoi.client("lambda").list_functions()["Functions"]
    return str(next(one["FunctionName"] for one in functions if "eport" in one["FunctionName"]))


def test_cdk(
    kumoi: Any,
    deployer: Callable[[str], Path],
    project: Path,
    run: Any,
    customer: Any,
    changed: Any,
    nothing_left: Any,
) -> None:
    modules = deployer("cdk") / "node_modules"

    def cdk(*arguments: str) -> str:
        return str(run(modules / ".bin" / "cdk", *arguments, cwd=project, NODE_PATH=str(modules)))

    environment = f"aws://{kumoi.account}/us-east-1"
    assert f"Environment {environment} bootstrapped" in cdk("bootstrap", environment)
    deployed = cdk("deploy", "--require-approval", "never")
    assert "shop.Url = http" in deployed
    customer().buy()
    assert customer().orders(reporter(kumoi)) == 1
    changed()
    assert "[~] AWS::Lambda::Function" in cdk("diff")
    made = ("--app", "cdk.out")  # what `diff` has synthesized
    cdk("deploy", "--require-approval", "never", *made)
    customer().buy(expected=201)
    assert "shop: destroyed" in cdk("destroy", "--force", *made)
    nothing_left()


def test_osls(
    kumoi: Any,
    deployer: Callable[[str], Path],
    project: Path,
    run: Any,
    customer: Any,
    changed: Any,
    nothing_left: Any,
) -> None:
    osls = deployer("osls") / "node_modules" / ".bin" / "osls"
    assert "Service deployed to stack shop-dev" in run(osls, "deploy", cwd=project)
    customer().buy()
    assert customer().orders(reporter(kumoi)) == 1
    changed()
    run(osls, "deploy", cwd=project)
    customer().buy(expected=201)
    run(osls, "remove", cwd=project)
    nothing_left()


def test_sam(
    kumoi: Any,
    deployer: Callable[[str], Path],
    project: Path,
    run: Any,
    customer: Any,
    changed: Any,
    nothing_left: Any,
) -> None:
    sam = deployer("sam") / "bin" / "sam"
    deploy = (sam, "deploy", "--template-file", "template.yaml", "--stack-name", "shop", "--resolve-s3")
    deploy = (*deploy, "--capabilities", "CAPABILITY_IAM", "--no-progressbar")
    assert "Successfully created/updated stack - shop" in run(*deploy, cwd=project)
    customer().buy()
    assert customer().orders(reporter(kumoi)) == 1
    assert "No changes to deploy" in run(*deploy, "--no-fail-on-empty-changeset", cwd=project)
    changed()
    run(*deploy, cwd=project)
    customer().buy(expected=201)
    run(sam, "logs", "--stack-name", "shop", cwd=project)
    run(sam, "delete", "--stack-name", "shop", "--no-prompts", "--region", "us-east-1", cwd=project)
    nothing_left()


def test_aws_cli_package_and_deploy(
    kumoi: Any, project: Path, aws_cli: Callable[..., str], customer: Any, changed: Any, nothing_left: Any
) -> None:
    def aws(*arguments: str) -> str:
        return aws_cli(*arguments, environment=kumoi.environment, directory=project)

    kumoi.client("s3").create_bucket(Bucket=f"code-{kumoi.account}")

    def deploy() -> str:
        out = ("--s3-bucket", f"code-{kumoi.account}", "--output-template-file", "packaged.yaml")
        aws("cloudformation", "package", "--template-file", "template.yaml", *out)
        stack = ("--stack-name", "shop", "--template-file", "packaged.yaml", "--capabilities", "CAPABILITY_IAM")
        return aws("cloudformation", "deploy", *stack)

    assert "Successfully created/updated stack - shop" in deploy()
    customer().buy()
    changed()
    deploy()
    customer().buy(expected=201)
    aws("cloudformation", "delete-stack", "--stack-name", "shop")
    kumoi.client("cloudformation").get_waiter("stack_delete_complete").wait(
        StackName="shop", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    nothing_left()


def test_chalice(
    kumoi: Any, deployer: Callable[[str], Path], project: Path, run: Any, customer: Any, nothing_left: Any
) -> None:
    bin_directory = deployer("chalice") / "bin"
    table, queue = kumoi.client("dynamodb"), kumoi.client("sqs")
    url = queue.create_queue(QueueName="shop-placed")["QueueUrl"]
    table.create_table(
        TableName="shop-orders",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    variables = {"PATH": f"{bin_directory}:/usr/local/bin:/usr/bin:/bin"}
    app = project / "chalice"
    assert "Rest API URL" in run(bin_directory / "chalice", "deploy", cwd=app, **variables)
    (api,) = kumoi.client("apigateway").get_rest_apis()["items"]
    shop = customer(f"{kumoi.url}/_kumoi/execute-api/{api['id']}/api")
    shop.buy()
    assert shop.orders(reporter(kumoi)) == 1
    code = app / "app.py"
    code.write_text(code.read_text().replace("status_code=202", "status_code=201"))
    run(bin_directory / "chalice", "deploy", cwd=app, **variables)
    shop.buy(expected=201)
    run(bin_directory / "chalice", "delete", cwd=app, **variables)
    table.delete_table(TableName="shop-orders")
    queue.delete_queue(QueueUrl=url)
    nothing_left()
