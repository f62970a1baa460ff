"""The guard that breaks calls on purpose: declared faults that delay, fail, drop or repeat what they match.

A fault (`fault.py`) says itself which calls it strikes; here calls are counted, edge by edge, and every strike is noted
in a log, which reads the same for the same seed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

import msgspec

from kumoi.clock import Clock
from kumoi.doorway.fault import OF_CALLS, Fault, Point
from kumoi.doorway.strikes import Strike, StrikeLog

HANG_SECONDS = 900.0
"""How long a call hangs that no delay bounds: longer than any function runs."""
REORDER_SECONDS = 1.0
"""How long a call waits, at most, for the one that is to overtake it."""
REMEMBERED = 4096


class CallDropped(Exception):
    """The call, or its answer, is lost: the caller gets no answer at all."""


class Faults:
    """The declared faults of a platform, in memory: a restart begins without any.

    `active` is whether any is declared: lets the hot path skip the rest.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._faults: dict[str, Fault] = {}
        self.active = False
        self._calls: Counter[tuple[str, str]] = Counter()
        self._struck: Counter[str] = Counter()
        self._matching: dict[tuple[str, ...], tuple[Fault, ...]] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._hanging: dict[str, set[asyncio.Future[None]]] = {}
        self._listeners: list[Callable[[], None]] = []
        self.log = StrikeLog()

    def add(self, fault: Fault) -> Fault:
        """Declare a fault; one of the same id is replaced and counts anew."""
        self.remove(fault.id)
        self._faults[fault.id] = fault
        self._changed()
        return fault

    def remove(self, fault_id: str) -> bool:
        """Take a fault back; whether it was there. Calls that hang by it are lost now."""
        for hanging in self._hanging.pop(fault_id, ()):
            if not hanging.done():
                hanging.set_result(None)
        self._struck.pop(fault_id, None)
        for key in [key for key in self._calls if key[0] == fault_id]:
            del self._calls[key]
        found = self._faults.pop(fault_id, None) is not None
        self._changed()
        return found

    def holds(self, fault: Fault) -> bool:
        """Whether this very fault is declared, and may strike now."""
        return self._faults.get(fault.id) is fault and self._holds(fault)

    def clear(self, account: str | None = None) -> None:
        """Take all faults back, or those declared for one account alone."""
        for fault in list(self._faults.values()):
            if account is None or fault.account == account:
                self.remove(fault.id)

    def list(self) -> list[tuple[Fault, int]]:
        """Each fault with how often it has struck."""
        return [(fault, self._struck[fault.id]) for fault in self._faults.values()]

    def concern(self, account: str) -> bool:
        """Whether any is declared that may strike calls of an account now."""
        return self.active and any(
            fnmatchcase(account, fault.account) and self._holds(fault) for fault in self._faults.values()
        )

    def begin_anew(self) -> None:
        """Forget the log, and count the calls on every edge from nought again."""
        self.log.clear()
        self._calls.clear()
        self._struck.clear()

    def matching(
        self,
        account: str,
        source: str,
        service: str,
        operation: str,
        node: str,
        caller: str = "",
        region: str = "",
        point: Point = "call",
    ) -> tuple[Fault, ...]:
        """The faults that may strike such a call, the earliest declared first."""
        key = (account, source, service, operation, node, caller, region, point)
        found = self._matching.get(key)
        return self._match(key, point) if found is None else found

    def choose(
        self,
        account: str,
        source: str,
        service: str,
        operation: str,
        node: str,
        *,
        caller: str = "",
        region: str = "",
        point: Point = "call",
    ) -> Fault | None:
        """The fault that strikes what is no call but like one (a copy to another region), if any; the earliest wins.

        Counts it. Its `delay_ms` is then how long it is delayed. Faults that only calls can have are not chosen.
        """
        candidates = self.matching(account, source, service, operation, node, caller, region, point)

        def fits(fault: Fault) -> bool:
            return fault.action not in OF_CALLS and fault.belongs(source, node, {})

        return self.choose_of(candidates, f"{source}>{node}#{operation}", fits) if candidates else None

    def choose_of(
        self, candidates: Iterable[Fault], edge: str, fits: Callable[[Fault], bool] | None = None
    ) -> Fault | None:
        """As `choose`, of faults that match the call, declared here or elsewhere.

        `fits` tells of each whether the call is one that it strikes at all; where not, it does not count it.
        """
        for fault in candidates:
            if not self._holds(fault) or (fits is not None and not fits(fault)):
                continue
            number = self._calls[fault.id, edge]
            self._calls[fault.id, edge] = number + 1
            if fault.strikes(edge, number):
                self._struck[fault.id] += 1
                delay = fault.delay(edge, number)
                self.log.add(Strike(fault.id, edge, number, fault.action, round(delay, 3)))
                if delay == fault.delay_ms:
                    return fault
                return msgspec.structs.replace(fault, delay_ms=delay, distribution="fixed")
        return None

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when a fault was declared or taken back."""
        self._listeners.append(listener)

    def _changed(self) -> None:
        self._matching.clear()
        self.active = bool(self._faults)
        for listener in self._listeners:
            listener()

    def _holds(self, fault: Fault) -> bool:
        """Whether it may strike now: calls that come before or after are not counted."""
        if fault.begins is not None and self._clock.now() < fault.begins:
            return False
        if fault.strikes_at is not None:
            return True
        if fault.times and self._struck[fault.id] >= fault.times:
            return False
        now = self._clock.now()
        return (fault.ends is None or now < fault.ends) and fault.due(now)

    def _match(self, key: tuple[str, ...], point: Point) -> tuple[Fault, ...]:
        found = tuple(fault for fault in self._faults.values() if fault.point == point and fault.matches(*key[:7]))
        if len(self._matching) >= REMEMBERED:
            self._matching.clear()
        self._matching[key] = found
        return found

    async def strike(self, fault: Fault, service: str = "", edge: str = "") -> None:
        """Do to the call what the fault says: wait, raise its AwsError, or raise CallDropped."""
        if fault.action == "reorder":
            await self._be_overtaken(edge, fault.delay_ms / 1000 or REORDER_SECONDS)
            return
        if fault.action == "hang":
            await self._hang(fault.id, fault.delay_ms / 1000 or HANG_SECONDS)
            raise CallDropped
        if fault.delay_ms:
            await self._clock.sleep(fault.delay_ms / 1000)
        if fault.action == "fail":
            raise fault.error_of(service)
        if fault.action == "drop":
            raise CallDropped

    def passed(self, edge: str) -> None:
        """A call on an edge is over: who waited to be overtaken goes on."""
        for waiting in self._waiting.pop(edge, ()):
            if not waiting.done():
                waiting.set_result(None)

    async def _be_overtaken(self, edge: str, seconds: float) -> None:
        overtaken = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(edge, []).append(overtaken)
        await self._wait(overtaken, seconds)

    async def _hang(self, fault_id: str, seconds: float) -> None:
        taken_back = asyncio.get_running_loop().create_future()
        self._hanging.setdefault(fault_id, set()).add(taken_back)
        try:
            await self._wait(taken_back, seconds)
        finally:
            self._hanging.get(fault_id, set()).discard(taken_back)

    async def _wait(self, happening: asyncio.Future[None], seconds: float) -> None:
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((happening, sleeping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            happening.cancel()
