"""A service: a name, its operations, and what has to run for it.

A service's folder declares one `Service` in its `__init__`; its operation modules register handlers on it with
`@service.operation` and are imported at the first call, so that a platform starts without paying for what nobody
uses. A `Service` holds declarations only; what changes while a platform runs lives in state or in the parts that
the service's lifespan adds.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from kumoi.doorway.authorization import Authorization
from kumoi.doorway.eventual import EventualReads
from kumoi.doorway.held import Held
from kumoi.doorway.parts import Parts
from kumoi.doorway.tagged import Retag, Tagged
from kumoi.state import State
from kumoi.wire.errors import aws_error
from kumoi.wire.http import HeaderList, Request

HandlerT = TypeVar("HandlerT", bound=Callable[..., Awaitable[Any]])
Lifespan = Callable[[Parts], AsyncIterator[None]]
Reset = Callable[[Parts, State, str | None], Awaitable[None]]
CrossOrigin = Callable[[State, Request], Awaitable[HeaderList]]
_NODES, _LONGEST_NAMED = 1024, 256
"""How many nodes a service remembers, and characters of what they are read from."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One API operation: its handler, the members it takes (None: all of them), and those it cannot do without.

    `page` is the page of `docs/` that tells what is supported.
    """

    name: str
    handler: Callable[..., Awaitable[Any]]
    accepts: frozenset[str] | None
    requires: frozenset[str] = frozenset()
    page: str = ""

    def check(self, service: str, params: Mapping[str, Any]) -> None:
        """Raise an error that names a member which is missing, or which this operation does not implement."""
        if not self.requires.issubset(params):
            missing = ", ".join(sorted(self.requires - params.keys()))
            raise aws_error("MissingParameter", f"{self.name} must contain the parameter {missing}")
        if self.accepts is not None and not self.accepts.issuperset(params):
            unknown = ", ".join(sorted(params.keys() - self.accepts))
            raise aws_error(
                "NotImplemented",
                f"Kumoi's {service} does not implement {unknown} of {self.name} yet: leave it out, "
                f"or see {self.page} for what is supported.",
            )


class Service:
    """One AWS service (or data plane) of the platform.

    `name` is botocore's service name. `modules` are imported at the first call, relative to `package`.
    `data_planes` names what the service answers beside its API: raw HTTP requests, registered with `data_plane`.
    `page` names the page of `docs/` where it is not the service's own.
    `resource` lists the members that name the thing an operation works on, the first present one wins: it becomes
    the node on the map (`lambda:thumbnail`). `authorization` is the module that declares what calls need permission
    for (an `Authorization` named AUTHORIZATION), relative to `package`. `directories` names those of the doorway's
    directories that hold what it keeps, which belongs to a snapshot (caches do not). `held` is the module whose
    `held(state)` tells what is billed by time, `tagged` the one that tells of resources with tags. `eventual` are the
    reads that may answer what was there a moment ago. `loaded` tells whether the operations have been imported.
    """

    def __init__(
        self,
        name: str,
        package: str,
        *,
        modules: Sequence[str] = ("operations",),
        resource: Sequence[str] = (),
        data_planes: Sequence[str] = (),
        page: str | None = None,
        authorization: str | None = None,
        directories: Sequence[str] = (),
        held: str | None = None,
        tagged: str | None = None,
        eventual: EventualReads | None = None,
    ) -> None:
        self.name = name
        self.directories = tuple(directories)
        self.page = f"docs/{page or name}.md"
        self.data_planes = tuple(data_planes)
        self.package = package
        self._modules = tuple(modules)
        self._resource = tuple(resource)
        self._operations: dict[str, Operation] = {}
        self._resource_name: Callable[[str], str] = _last_part
        self._nodes: dict[str, str] = {}
        self._lifespan: Callable[[Parts], AbstractAsyncContextManager[None]] | None = None
        self._reset: Reset | None = None
        self._cross_origin: CrossOrigin | None = None
        self.loaded = False
        self._load_lock = threading.Lock()
        self._authorization_module = authorization
        self._authorization: Authorization | None = None
        self._held_module = held
        self._tagged_module = tagged
        self.eventual = eventual

    @property
    def authorization(self) -> Authorization:
        """What its calls need permission for; looked up when policies are first asked."""
        if self._authorization is None:
            if self._authorization_module is None:
                self._authorization = Authorization(self.name)
            else:
                module = importlib.import_module(f"{self.package}.{self._authorization_module}")
                self._authorization = module.AUTHORIZATION
        return self._authorization

    async def held(self, state: State) -> list[Held]:
        """What an account has here, in a region, that is billed by time."""
        if self._held_module is None:
            return []
        module = importlib.import_module(f"{self.package}.{self._held_module}")
        found: list[Held] = await module.held(state)
        return found

    async def tagged(self, state: State) -> list[Tagged]:
        """The resources that can have tags, in an account and a region."""
        if self._tagged_module is None:
            return []
        module = importlib.import_module(f"{self.package}.{self._tagged_module}")
        found: list[Tagged] = await module.tagged(state)
        return found

    @property
    def retag(self) -> Retag | None:
        """How the tags of a resource are changed; None where the service tells of none."""
        if self._tagged_module is None:
            return None
        retag: Retag = importlib.import_module(f"{self.package}.{self._tagged_module}").retag
        return retag

    @overload
    def operation(self, handler: HandlerT) -> HandlerT: ...
    @overload
    def operation(self, *, name: str) -> Callable[[HandlerT], HandlerT]: ...
    def operation(
        self, handler: HandlerT | None = None, *, name: str | None = None
    ) -> HandlerT | Callable[[HandlerT], HandlerT]:
        """Register `async def some_operation(call, MemberName, …)` as SomeOperation (or as `name`).

        The handler's parameters are the operation's members by AWS's names; those without a default are required.
        """

        def register(function: HandlerT) -> HandlerT:
            operation = name or "".join(part.capitalize() for part in function.__name__.split("_"))
            if operation in self._operations:
                raise ValueError(f"{self.name} has two handlers for {operation}")
            parameters = list(inspect.signature(function).parameters.values())[1:]
            takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
            accepts = None if takes_all else frozenset(parameter.name for parameter in parameters)
            requires = frozenset(
                parameter.name
                for parameter in parameters
                if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
            )
            self._operations[operation] = Operation(operation, function, accepts, requires, self.page)
            return function

        return register if handler is None else register(handler)

    def data_plane(self, name: str) -> Callable[[HandlerT], HandlerT]:
        """Register `async def f(call, path, attributes) -> Response` for one of `data_planes`.

        `call.http` is the request; `path` its path (rewritten where the host said more), `attributes` what the
        router read from the host. It is a call like any other: guarded, traced, on the map.
        """
        if name not in self.data_planes:
            raise ValueError(f"{self.name} does not declare the data plane {name}")
        return self.operation(name=name)

    def resource_name(self, function: Callable[[str], str]) -> Callable[[str], str]:
        """Register how a resource member becomes a short name (default: what follows the last `/` or `:`).

        It knows nothing but the text: what it said of one is remembered.
        """
        self._resource_name = function
        return function

    def lifespan(self, function: Lifespan) -> Lifespan:
        """Register `async def f(parts)`, a generator: builds and adds parts, yields once, stops them."""
        self._lifespan = asynccontextmanager(function)
        return function

    def on_reset(self, function: Reset) -> Reset:
        """Register what to do when the platform, or one account, is reset, before state is cleared."""
        self._reset = function
        return function

    def cross_origin(self, function: CrossOrigin) -> CrossOrigin:
        """Register `async def f(state, request)`: the CORS headers of API answers to requests that name an origin."""
        self._cross_origin = function
        return function

    async def cross_origin_headers(self, state: State, request: Request) -> HeaderList:
        """The CORS headers of an answer; none for a service that has no CORS of its own."""
        return [] if self._cross_origin is None else await self._cross_origin(state, request)

    def running(self, parts: Parts) -> AbstractAsyncContextManager[None]:
        """The service's lifespan as a context manager; nothing for a service without moving parts."""
        return self._lifespan(parts) if self._lifespan else _nothing_runs()

    async def reset(self, parts: Parts, state: State, account: str | None) -> None:
        """Drop what the service holds outside of state, of one account or of all."""
        if self._reset:
            await self._reset(parts, state, account)

    def find(self, operation: str) -> Operation:
        """The operation by name; an error that says it is not built when there is none."""
        if not self.loaded:
            self._load()
        try:
            return self._operations[operation]
        except KeyError:
            raise aws_error(
                "NotImplemented",
                f"Kumoi's {self.name} does not implement {operation} yet; {self.page} lists what it does.",
            ) from None

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Every operation by name."""
        if not self.loaded:
            self._load()
        return self._operations

    def node(self, params: Mapping[str, Any]) -> str:
        """The map's node for a call with `params`: `service:resource`, or the service alone."""
        for member in self._resource:
            value = params.get(member)
            if isinstance(value, str) and value:
                return self.named(value)
        return self.name

    def named(self, value: str) -> str:
        """The node of a resource by its name, ARN or URL."""
        node = self._nodes.get(value)
        if node is None:
            node = f"{self.name}:{self._resource_name(value)}"
            if len(value) <= _LONGEST_NAMED:
                if len(self._nodes) >= _NODES:
                    self._nodes.clear()
                self._nodes[value] = node
        return node

    async def load(self) -> None:
        """Import the operations on a thread: the loop goes on meanwhile."""
        await asyncio.to_thread(self._load)

    def _load(self) -> None:
        with self._load_lock:
            if not self.loaded:
                for module in self._modules:
                    importlib.import_module(f"{self.package}.{module}")
                self.loaded = True


def _last_part(value: str) -> str:
    return value.rpartition("/")[2].rpartition(":")[2] or value


@asynccontextmanager
async def _nothing_runs() -> AsyncIterator[None]:
    yield
