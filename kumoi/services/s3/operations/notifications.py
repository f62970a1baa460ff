"""PutBucketNotificationConfiguration and GetBucketNotificationConfiguration."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call, Principal
from kumoi.names import Arn
from kumoi.services.s3 import s3
from kumoi.services.s3.conforming import conform
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.notification_events import Occasion
from kumoi.services.s3.notification_rules import Subscription, checked, subscriptions, unreachable
from kumoi.services.s3.notifier import Notifier
from kumoi.services.s3.records import Bucket as BucketRecord
from kumoi.services.s3.settings import configure, settings_of
from kumoi.state import Transaction, transactional
from kumoi.wire import AwsError, Wire
from kumoi.wire.xml_shapes import malformed

KIND = "Notification"
_LOOKUPS = {
    "sqs": ("GetQueueAttributes", "QueueUrl", "The destination queue does not exist"),
    "sns": ("GetTopicAttributes", "TopicArn", "The destination topic does not exist"),
    "lambda": ("GetFunctionConfiguration", "FunctionName", "The destination Lambda does not exist"),
}


@s3.operation
async def put_bucket_notification_configuration(
    call: Call,
    Bucket: str,
    NotificationConfiguration: dict[str, Any] | None = None,
    ExpectedBucketOwner: str | None = None,
    SkipDestinationValidation: bool = False,
) -> None:
    """Replace all notifications of a bucket; queues and topics get a test event."""
    if NotificationConfiguration is None:
        raise malformed()
    operation = call.part(Wire).codec("s3").operation("PutBucketNotificationConfiguration")
    if operation.input is not None:
        shape = operation.input.members["NotificationConfiguration"]
        conform(shape, NotificationConfiguration, ("Event", "FilterRuleName"))
    bucket = await _find(call.state, Bucket, ExpectedBucketOwner)
    content = checked(NotificationConfiguration, bucket)
    destinations = list(subscriptions(content))
    if not SkipDestinationValidation:
        failed = [(one, text) for one in destinations if (text := await _missing(call, bucket, one))]
        if failed:
            raise unreachable(failed)
    await _put(call.state, call.part(Notifier), Occasion.of(call), Bucket, ExpectedBucketOwner, content)


@s3.operation
async def get_bucket_notification_configuration(
    call: Call, Bucket: str, ExpectedBucketOwner: str | None = None
) -> dict[str, Any]:
    """All notifications of a bucket."""
    return await _get(call.state, Bucket, ExpectedBucketOwner)


@transactional
async def _find(tx: Transaction, name: str, expected_owner: str | None) -> BucketRecord:
    return await find_bucket(tx, name, expected_owner)


async def _missing(call: Call, bucket: BucketRecord, to: Subscription) -> str:
    """What is wrong with a destination; empty where nothing is."""
    operation, member, text = _LOOKUPS[to.service]
    destination = Arn.parse(to.arn)
    caller = Principal.looking(destination.account, to.service, f"s3:{bucket.name}")
    try:
        await call.doorway.ask(to.service, operation, {member: to.arn}, caller, destination.region)
    except AwsError as error:
        if error.code == "NotImplemented":
            raise
        return text
    return ""


@transactional
async def _put(
    tx: Transaction,
    notifier: Notifier,
    occasion: Occasion,
    name: str,
    expected_owner: str | None,
    content: dict[str, Any],
) -> None:
    bucket = await find_bucket(tx, name, expected_owner)
    tx = home(tx, bucket)
    await configure(tx, bucket, KIND, content or None)
    await notifier.try_out(tx, occasion, bucket, list(subscriptions(content)))


@transactional
async def _get(tx: Transaction, name: str, expected_owner: str | None) -> dict[str, Any]:
    bucket = await find_bucket(tx, name, expected_owner)
    return (await settings_of(home(tx, bucket), bucket)).get(KIND) or {}
