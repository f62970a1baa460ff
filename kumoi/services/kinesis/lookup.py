"""Which stream, shard or consumer a call means."""

from __future__ import annotations

import re

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.kinesis.errors import invalid, missing_shard, no_consumer, no_shard, no_stream
from kumoi.services.kinesis.records import Consumer, Shard, Stream, consumers, streams
from kumoi.state import State, Transaction, transactional

_SHARD = re.compile(r"shardId-([0-9]{1,12})")


class StreamName:
    """A stream as a call names it: by its name in the caller's account, or by its ARN."""

    def __init__(self, account: str, region: str, name: str) -> None:
        self.account = account
        self.region = region
        self.name = name

    @classmethod
    def of(cls, call: Call, name: str | None, stream_arn: str | None) -> StreamName:
        """The stream of StreamName or StreamARN, or both; InvalidArgumentException where they do not name one."""
        if stream_arn is None:
            if name is None:
                raise invalid("Either StreamName or StreamARN should be provided.")
            return cls(call.account, call.region, name)
        found = cls.of_arn(stream_arn)
        if name is not None and name != found.name:
            raise invalid(f"StreamARN {stream_arn} does not match StreamName {name}.")
        return found

    @classmethod
    def of_arn(cls, text: str) -> StreamName:
        """The stream of its ARN, or of a consumer's."""
        try:
            arn = Arn.parse(text)
        except ValueError:
            raise invalid(f"Invalid ARN: {text}") from None
        kind, _, rest = arn.resource.partition("/")
        if arn.service != "kinesis" or kind != "stream" or not rest:
            raise invalid(f"Invalid ARN: {text}")
        return cls(arn.account, arn.region, rest.partition("/")[0])

    def state(self, call: Call) -> State:
        """The key space where the stream lives."""
        return call.doorway.state.at(self.account, self.region)

    async def get(self, tx: Transaction) -> Stream:
        """The stream; ResourceNotFoundException where there is none."""
        found = await streams.get(tx, self.name)
        if found is None:
            raise no_stream(self.name, self.account)
        return found


@transactional
async def find_stream(tx: Transaction, name: StreamName) -> Stream:
    """A stream as it is now."""
    return await name.get(tx)


def named_shard(stream: Stream, name: str, *, reading: bool = False) -> Shard:
    """A shard by its name; ResourceNotFoundException, in the words of readers or of changes."""
    match = _SHARD.fullmatch(name)
    shard = stream.shard(int(match[1])) if match else None
    if shard is None:
        raise (missing_shard if reading else no_shard)(name, stream.name, stream.account)
    return shard


async def consumer_of(
    tx: Transaction, stream_arn: str | None, name: str | None, consumer_arn: str | None
) -> tuple[Stream, Consumer]:
    """A consumer by its ARN, or by its stream's ARN and its name."""
    created = None
    named = StreamName.of_arn(consumer_arn or stream_arn or "")
    if consumer_arn is not None:
        kind, _, told = Arn.parse(consumer_arn).resource.partition("/consumer/")
        told, _, created = told.partition(":")
        if not kind or not told:
            raise invalid(f"Invalid ConsumerARN: {consumer_arn}")
        if name is not None and name != told:
            raise invalid("ConsumerARN and ConsumerName name different consumers.")
        name = told
    elif name is None:
        raise invalid("Either ConsumerARN or both StreamARN and ConsumerName must be specified.")
    stream = await named.get(tx)
    found = await consumers.get(tx, stream.id, name)
    if found is None or created not in (None, str(found.created // 1000)):
        raise no_consumer(name, stream.account)
    return stream, found
