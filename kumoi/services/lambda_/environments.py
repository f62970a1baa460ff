"""Makes execution environments: code and layers unpacked, credentials issued, variables composed, a sandbox started."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from weakref import WeakValueDictionary

from kumoi.doorway import Doorway, Identity, Principal
from kumoi.names import hex_id
from kumoi.sandbox import RuntimeUnavailable, SandboxHost, SandboxSpec, ZygoteFailed
from kumoi.services.lambda_.code import CodeStore
from kumoi.services.lambda_.configuration import runtime_version_arn
from kumoi.services.lambda_.environment import Credentials, compose
from kumoi.services.lambda_.execution_log import ExecutionLog
from kumoi.services.lambda_.log_writer import LogWriter
from kumoi.services.lambda_.own_faults import EXTENSION, EXTENSIONS_WRAPPER, WRAPPER, asked_for, brings
from kumoi.services.lambda_.platform_log import PlatformLog
from kumoi.services.lambda_.pools import ExecutionEnvironment, PoolKey, Revision
from kumoi.services.lambda_.records import Function
from kumoi.wire.errors import aws_error

logger = logging.getLogger(__name__)

Worse = Callable[[SandboxSpec], SandboxSpec]
_CREDENTIALS_SECONDS = 36 * 3600.0


class EnvironmentMaker:
    """Makes execution environments of functions' versions."""

    def __init__(self, doorway: Doorway, identity: Identity, host: SandboxHost, code: CodeStore) -> None:
        self._doorway = doorway
        self._identity = identity
        self._host = host
        self._code = code
        self._writers: WeakValueDictionary[tuple[str, ...], LogWriter] = WeakValueDictionary()

    async def make(
        self, key: PoolKey, revision: Revision, function: Function, kind: str, worse: Worse | None = None
    ) -> ExecutionEnvironment:
        """A new environment, initialising already; `kind` is on-demand or provisioned-concurrency.

        `worse` has it made worse than the function was promised.
        Raises InvalidRuntimeException when the runtime cannot run here, ServiceException when the host cannot start it.
        """
        if function.code.image:
            raise aws_error(
                "InvalidRuntimeException",
                "Kumoi keeps functions of PackageType Image as configuration: it runs zips and local directories.",
                Type="User",
            )
        code = await self._code.unpacked(function.code)
        opt = await self._code.merged(function.layers)
        log = self._log(key, function)
        credentials = self._credentials(key, function)
        variables = compose(
            function,
            key.region,
            log.stream,
            credentials,
            self._doorway.endpoint,
            kind,
            self._doorway.tracing.daemon,
        )
        wrapped = variables.get(WRAPPER) == EXTENSIONS_WRAPPER and asked_for(function.environment) == EXTENSION
        if wrapped and not await self.brings(function, EXTENSION):
            variables = {name: value for name, value in variables.items() if name != WRAPPER}
        spec = SandboxSpec(
            runtime=function.runtime,
            handler=function.handler,
            code=code,
            opt=opt,
            environment=variables,
            memory_mb=function.memory_size,
            tmp_mb=function.tmp_size,
            log_format=function.logging.format,
            log_level=function.logging.application_level or "INFO",
        )
        version_arn = runtime_version_arn(function.runtime, key.region)
        platform_log = PlatformLog(log, function, version_arn, self._doorway.clock.now)
        platform_log.init_start(kind)
        try:
            platform_log.sandbox = sandbox = await self._host.create(worse(spec) if worse else spec, log.lines)
        except RuntimeUnavailable as error:
            raise aws_error("InvalidRuntimeException", str(error), Type="User") from None
        except ZygoteFailed as error:
            raise aws_error("ServiceException", f"No execution environment could be started: {error}") from error
        return ExecutionEnvironment(key, revision, sandbox, log, platform_log, credentials.access_key)

    async def brings(self, function: Function, library: str) -> bool:
        """Whether a function's package, or a layer of it, holds a library that injects faults."""
        if function.code.image:
            return True
        code = await self._code.unpacked(function.code)
        opt = await self._code.merged(function.layers)
        return await asyncio.to_thread(brings, library, code, opt)

    @property
    def declares_databases(self) -> bool:
        """Whether `crowded` can ever have something to say."""
        return self._host.declares_databases

    async def crowded(self) -> str:
        """A warning where functions use up the connections of a declared database."""
        return await self._host.crowded()

    async def prepare(self, function: Function) -> None:
        """Do ahead of need what a function's first invocation would wait for; nothing for one that cannot run here."""
        if function.code.image:
            return
        try:
            await self._host.prepare(function.runtime)
            directories = [await self._code.unpacked(function.code), await self._code.merged(function.layers)]
            for directory in directories:
                if directory is not None and self._code.owns(directory):
                    await self._host.precompile(function.runtime, directory)
        except (RuntimeUnavailable, ZygoteFailed) as error:
            logger.info("nothing is done ahead for %s: %s", function.name, error)

    def _log(self, key: PoolKey, function: Function) -> ExecutionLog:
        day = datetime.fromtimestamp(self._doorway.clock.now(), UTC).strftime("%Y/%m/%d")
        prefix = "" if function.logging.group == f"/aws/lambda/{key.name}" else key.name
        stream = f"{day}/{prefix}[{key.version}]{hex_id(32)}"
        return ExecutionLog(self._writer(key, function), stream)

    def _writer(self, key: PoolKey, function: Function) -> LogWriter:
        """What writes the log of a function in its role, to one group, as long as an environment of it lives."""
        principal, group = _principal(key, function), function.logging.group
        of = principal.arn, key.region, key.name, group
        writer = self._writers.get(of)
        if writer is None:
            writer = self._writers[of] = LogWriter(self._doorway, principal, key.region, group)
        return writer

    def _credentials(self, key: PoolKey, function: Function) -> Credentials:
        issued = self._identity.issue(_principal(key, function), _CREDENTIALS_SECONDS)
        return Credentials(issued.access_key, issued.secret, issued.token)


def _principal(key: PoolKey, function: Function) -> Principal:
    """The function in its execution role."""
    return Principal.of_role(key.account, function.role, key.name, f"lambda:{key.name}")
