"""Which resources an experiment breaks: found by their ARNs or tags, filtered, and chosen by the selection mode.

Everything is looked up in the experiment's role, as AWS does it. Targets of types that Kumoi does not break are taken
as they are named: their actions fail when they start.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Mapping
from typing import Any

from kumoi.doorway import Doorway, Principal
from kumoi.names import Arn
from kumoi.services.fis.catalogue import BUCKET, CLUSTER, DATABASE, FUNCTION, GLOBAL_TABLE, ROLE, STREAM, SUBNET
from kumoi.services.fis.records import Experiment
from kumoi.services.fis.rules import chosen, passes
from kumoi.state import State
from kumoi.wire.errors import AwsError

Ask = Callable[..., Awaitable[dict[str, Any]]]
Found = tuple[str, dict[str, str], dict[str, Any]]
"""A resource: its ARN, its tags, and its description for filters."""


class Unresolved(Exception):
    """The targets could not be found."""


def asking(doorway: Doorway, place: State, experiment: Experiment) -> Ask:
    """How an experiment calls other services: in its role, in a session named like it."""
    return _asking(doorway, place, place.account, experiment.template.role, experiment)


def asking_targets(doorway: Doorway, place: State, experiment: Experiment) -> dict[str, Ask]:
    """How an experiment calls services in each account that it breaks: in its role, or in the account's."""
    if not experiment.accounts:
        return {place.account: asking(doorway, place, experiment)}
    return {one.account: _asking(doorway, place, one.account, one.role, experiment) for one in experiment.accounts}


def _asking(doorway: Doorway, place: State, account: str, role: str, experiment: Experiment) -> Ask:
    caller = Principal.of_role(account, role, experiment.id, f"fis:{experiment.template.id}")

    async def ask(service: str, operation: str, **params: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await doorway.ask(service, operation, params, caller, place.region)
        return answer

    return ask


async def resolve(asks: Mapping[str, Ask], place: State, experiment: Experiment) -> dict[str, list[str]]:
    """The ARNs of each target, of all accounts; Unresolved for what is not there, or elsewhere than the experiment."""
    resolved = {}
    for name, target in experiment.template.targets.items():
        for arn in target.get("resourceArns") or ():
            if not _is_here(arn, asks, place.region):
                raise Unresolved(f"Target resolution of {name} failed: {arn} is not of this account and region.")
        try:
            found = [arn for account, ask in asks.items() for arn in await _found(account, ask, target, place.region)]
        except AwsError as error:
            raise Unresolved(f"Target resolution of {name} failed: {error.message}") from error
        wanted = {arn for arn in target.get("resourceArns") or () if arn.startswith("arn:aws:s3:")}
        if target["resourceType"] == BUCKET and not wanted.issubset(found):
            missing = ", ".join(sorted(wanted.difference(found)))
            raise Unresolved(f"Target resolution of {name} failed: {missing} is not of this account and region.")
        resolved[name] = chosen(found, target["selectionMode"], name)
    return resolved


def _is_here(arn: str, accounts: Container[str], region: str) -> bool:
    try:
        parsed = Arn.parse(arn)
    except ValueError:
        return False
    return (not parsed.account or parsed.account in accounts) and parsed.region in ("", region)


async def _found(account: str, ask: Ask, target: dict[str, Any], region: str) -> list[str]:
    """The resources of a target in one account."""
    kind = target["resourceType"]
    arns = [arn for arn in target.get("resourceArns") or () if Arn.parse(arn).account in ("", account)]
    if kind not in _KINDS:
        return arns
    one, every = _KINDS[kind]
    if target.get("resourceArns"):
        return [found[0] for arn in arns if _is_at(found := await one(ask, arn), region)]
    wanted = target["resourceTags"].items()
    filters = target.get("filters") or ()
    return [
        found[0]
        for found in await every(ask)
        if wanted <= found[1].items() and passes(found[2], filters) and _is_at(found, region)
    ]


def _is_at(found: Found, region: str) -> bool:
    """Whether a bucket, which all Regions list, is in the experiment's; all else is."""
    return bool(found[2].get("BucketRegion", region) == region)


async def _function(ask: Ask, arn: str) -> Found:
    answer = await ask("lambda", "GetFunction", FunctionName=arn)
    return answer["Configuration"]["FunctionArn"], answer.get("Tags") or {}, answer["Configuration"]


async def _functions(ask: Ask) -> list[Found]:
    found = []
    async for one in _pages(ask, ("lambda", "ListFunctions"), "Functions", ("NextMarker", "Marker")):
        found.append(await _function(ask, one["FunctionArn"]))
    return found


async def _role(ask: Ask, arn: str) -> Found:
    role = (await ask("iam", "GetRole", RoleName=arn.rpartition("/")[2]))["Role"]
    return role["Arn"], {tag["Key"]: tag["Value"] for tag in role.get("Tags") or ()}, role


async def _roles(ask: Ask) -> list[Found]:
    return [
        await _role(ask, one["Arn"]) async for one in _pages(ask, ("iam", "ListRoles"), "Roles", ("Marker", "Marker"))
    ]


async def _stream(ask: Ask, arn: str) -> Found:
    name = Arn.parse(arn).resource.removeprefix("stream/")
    told = (await ask("kinesis", "DescribeStreamSummary", StreamName=name))["StreamDescriptionSummary"]
    tags = (await ask("kinesis", "ListTagsForResource", ResourceARN=told["StreamARN"]))["Tags"]
    return told["StreamARN"], {tag["Key"]: tag.get("Value", "") for tag in tags}, told


async def _streams(ask: Ask) -> list[Found]:
    found = []
    async for one in _pages(ask, ("kinesis", "ListStreams"), "StreamSummaries", ("NextToken", "NextToken")):
        found.append(await _stream(ask, one["StreamARN"]))
    return found


async def _table(ask: Ask, arn: str) -> Found:
    """A global table by its ARN, or by the ARN of its table in the experiment's Region."""
    told = (await ask("dynamodb", "DescribeTable", TableName=arn.rpartition("/")[2]))["Table"]
    if not told.get("Replicas"):
        raise Unresolved(f"Target resolution failed: {told['TableName']} is no global table: it has no replicas.")
    tags = (await ask("dynamodb", "ListTagsOfResource", ResourceArn=told["TableArn"])).get("Tags") or ()
    return told["TableArn"], {tag["Key"]: tag["Value"] for tag in tags}, told


async def _tables(ask: Ask) -> list[Found]:
    found = []
    pages = _pages(ask, ("dynamodb", "ListTables"), "TableNames", ("LastEvaluatedTableName", "ExclusiveStartTableName"))
    async for name in pages:
        try:
            found.append(await _table(ask, f"table/{name}"))
        except Unresolved:
            continue
    return found


async def _bucket(ask: Ask, arn: str) -> Found:
    """A bucket of the account's own; one that is not is in no Region."""
    name = arn.rpartition(":")[2]
    listed = (await ask("s3", "ListBuckets", Prefix=name, MaxBuckets=1))["Buckets"]
    if not listed or listed[0]["Name"] != name:
        return arn, {}, {"BucketRegion": ""}
    return await _told_bucket(ask, listed[0])


async def _buckets(ask: Ask) -> list[Found]:
    found: list[Found] = []
    answer: dict[str, Any] = {"ContinuationToken": ""}
    while "ContinuationToken" in answer:
        answer = await ask("s3", "ListBuckets", MaxBuckets=1000, ContinuationToken=answer["ContinuationToken"])
        found += [await _told_bucket(ask, one) for one in answer["Buckets"]]
    return found


async def _told_bucket(ask: Ask, told: dict[str, Any]) -> Found:
    try:
        tags = (await ask("s3", "GetBucketTagging", Bucket=told["Name"]))["TagSet"]
    except AwsError as error:
        if error.code != "NoSuchTagSet":
            raise
        tags = []
    return told["BucketArn"], {tag["Key"]: tag["Value"] for tag in tags}, told


async def _subnet(_ask: Ask, arn: str) -> Found:
    return arn, {}, {}


async def _subnets(ask: Ask) -> list[Found]:
    """The subnets that functions name in their VpcConfig: there are no others. They have the tags of the functions."""
    found: dict[str, Found] = {}
    for arn, tags, told in await _functions(ask):
        vpc = told.get("VpcConfig") or {}
        for subnet in vpc.get("SubnetIds") or ():
            function = Arn.parse(arn)
            name = f"arn:{function.partition}:ec2:{function.region}:{function.account}:subnet/{subnet}"
            known = found.get(name, (name, {}, {}))[1]
            found[name] = name, {**known, **tags}, {"SubnetId": subnet, "VpcId": vpc.get("VpcId", "")}
    return list(found.values())


async def _cluster(ask: Ask, arn: str) -> Found:
    return _told_cluster((await ask("rds", "DescribeDBClusters", DBClusterIdentifier=_last(arn)))["DBClusters"][0])


async def _clusters(ask: Ask) -> list[Found]:
    pages = _pages(ask, ("rds", "DescribeDBClusters"), "DBClusters", ("Marker", "Marker"))
    return [_told_cluster(one) async for one in pages]


def _told_cluster(one: dict[str, Any]) -> Found:
    return one["DBClusterArn"], _tags(one), one


async def _database(ask: Ask, arn: str) -> Found:
    return _told_database((await ask("rds", "DescribeDBInstances", DBInstanceIdentifier=_last(arn)))["DBInstances"][0])


async def _databases(ask: Ask) -> list[Found]:
    pages = _pages(ask, ("rds", "DescribeDBInstances"), "DBInstances", ("Marker", "Marker"))
    return [_told_database(one) async for one in pages]


def _told_database(one: dict[str, Any]) -> Found:
    return one["DBInstanceArn"], _tags(one), one


def _tags(one: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in one.get("TagList") or ()}


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]


async def _pages(ask: Ask, call: tuple[str, str], member: str, markers: tuple[str, str]) -> Any:
    """The items of every page of a list."""
    given: dict[str, Any] = {}
    while True:
        answer = await ask(*call, **given)
        for one in answer[member]:
            yield one
        if not answer.get(markers[0]):
            return
        given = {markers[1]: answer[markers[0]]}


_KINDS: dict[str, tuple[Callable[[Ask, str], Awaitable[Found]], Callable[[Ask], Awaitable[list[Found]]]]] = {
    BUCKET: (_bucket, _buckets),
    FUNCTION: (_function, _functions),
    ROLE: (_role, _roles),
    GLOBAL_TABLE: (_table, _tables),
    STREAM: (_stream, _streams),
    SUBNET: (_subnet, _subnets),
    CLUSTER: (_cluster, _clusters),
    DATABASE: (_database, _databases),
}
