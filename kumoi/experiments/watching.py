"""What an experiment looks at: probes of the steady state, invariants of the data, dead letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from kumoi.experiments.application import Application, BudgetUsedUp
from kumoi.experiments.lately import found_in_the_last_while, title_of
from kumoi.experiments.model import Invariant, Place, Probe, Source, filled
from kumoi.experiments.users import Users
from kumoi.experiments.verdict import Check, Outcome, added_up, arrived, met


class Watch:
    """Looks at one application."""

    def __init__(self, application: Application, users: Users) -> None:
        self._application = application
        self._users = users
        self._counted: dict[tuple[str | None, ...], Counter[str]] = {}

    def probe(self, probe: Probe, variables: Mapping[str, Any]) -> Check:
        """Whether a probe holds now."""
        if probe.empty is not None:
            return self._empty(probe.title, str(filled(probe.empty, variables)))
        looked = probe.logs or probe.metric or probe.workflow
        if looked is not None:
            told = msgspec.convert(filled(msgspec.to_builtins(looked), variables), type(looked))
            answer = found_in_the_last_while(self._application, told)
        else:
            answer = self._users.ask(probe.http, probe.call, variables)
        expect = msgspec.convert(filled(msgspec.to_builtins(probe.expect), variables), type(probe.expect))
        wrong = met(expect, answer.status, answer.body, answer.error)
        usual = (
            title_of(looked)
            if looked is not None
            else probe.http.path
            if probe.http is not None
            else probe.call.operation
            if probe.call
            else ""
        )
        return Check(title=probe.title or usual, held=not wrong, seen=wrong or f"status {answer.status}")

    def invariants(
        self, several: Iterable[Invariant], variables: Mapping[str, Any], outcomes: list[Outcome]
    ) -> list[Check]:
        """Whether invariants hold now; what several of them look at is looked at once."""
        self._counted.clear()
        return [self._looked(one, variables, outcomes) for one in several]

    def _looked(self, one: Invariant, variables: Mapping[str, Any], outcomes: list[Outcome]) -> Check:
        try:
            return self._invariant(one, variables, outcomes)
        except BudgetUsedUp as error:
            return Check(title=one.title or "an invariant", held=False, seen=str(error))

    def _invariant(self, one: Invariant, variables: Mapping[str, Any], outcomes: list[Outcome]) -> Check:
        """Whether an invariant holds now."""
        accepted = [outcome.id for outcome in outcomes if outcome.accepted]
        refused = [outcome.id for outcome in outcomes if not outcome.accepted]
        if one.arrives is not None:
            place = msgspec.convert(filled(msgspec.to_builtins(one.arrives), variables), Place)
            where = place.table or str(place.queue).rpartition("/")[2]
            if place.source is not None:
                accepted, refused = list(self._found(place.source)), []
            return arrived(one.title or f"{place.times} in {where}", place, accepted, refused, self._found(place))
        if one.total is not None:
            table, attribute = str(filled(one.total.table, variables)), one.total.attribute
            found = sum(float(item[attribute]) for item in self._application.items(table) if attribute in item)
            title = one.title or f"the {attribute} of {table} add up"
            return added_up(title, found, one.total.each, len(accepted), len(refused))
        return self._empty(one.title, str(filled(one.empty, variables)))

    def dead_letters(self) -> dict[str, int]:
        """How many messages each dead-letter queue holds, of those that hold any."""
        counts = {url.rpartition("/")[2]: self._application.waiting(url) for url in self._dead_letter_queues()}
        return {name: count for name, count in counts.items() if count}

    def _empty(self, title: str, queue: str) -> Check:
        waiting = self._application.waiting(queue)
        title = title or f"nothing in {queue.rpartition('/')[2]}"
        return Check(title=title, held=not waiting, seen=f"{waiting} messages")

    def _found(self, place: Place | Source) -> Counter[str]:
        key = (place.table, place.attribute, place.queue, place.select, place.prefix)
        if key not in self._counted:
            self._counted[key] = self._count(place)
        return self._counted[key]

    def _count(self, place: Place | Source) -> Counter[str]:
        found: Counter[str] = Counter()
        if place.table is not None:
            values = (item.get(place.attribute) for item in self._application.items(place.table))
        else:
            import jmespath

            expression = jmespath.compile(place.select)
            bodies = self._application.messages(str(place.queue))
            values = (expression.search(body) for body in map(_decoded, bodies))
        for value in values:
            if value is not None and str(value).startswith(place.prefix):
                found[str(value).removeprefix(place.prefix)] += 1
        return found

    def _dead_letter_queues(self) -> set[str]:
        """The queues that others send to what they cannot get rid of."""
        found = set()
        for url in self._application.queues():
            client = self._application.client("sqs")
            asked = {"QueueUrl": url, "AttributeNames": ["RedrivePolicy", "QueueArn"]}
            policy = client.get_queue_attributes(**asked).get("Attributes", {}).get("RedrivePolicy")
            if policy:
                arn = str(msgspec.json.decode(policy).get("deadLetterTargetArn", ""))
                name = arn.rpartition(":")[2]
                found.add(f"{url.rpartition('/')[0]}/{name}")
        existing = set(self._application.queues())
        return found & existing


def _decoded(body: str) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {"id": body}
