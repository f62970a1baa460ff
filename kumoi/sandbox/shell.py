"""A keeper and our ends of its connections, before they are a function's sandbox."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kumoi.sandbox.control import Control
from kumoi.sandbox.runtime_link import Channel
from kumoi.sandbox.zygotes import Zygote


class Shell:
    """What a sandbox is made from.

    `user` is the uid its processes run as, None when they run as ours; `temporary` a directory in place of /tmp, where
    there is no mount namespace; `logs` our ends of its pipes: the function's, and its extensions' where it has some.
    `marker` begins framed log records. `channel` is there when a runtime was started in advance.
    """

    def __init__(
        self, name: str, user: int | None, temporary: Path | None, *, extensions: bool, release: Callable[[], None]
    ) -> None:
        self.name = name
        self.user = user
        self.temporary = temporary
        self.marker = b"\x1e" + os.urandom(15)
        self.connection: Control | None = None
        self.channel: Channel | None = None
        self.logs: list[int] = []
        self._theirs: list[int] = []
        self._release = release
        self.control, self._keepers = socket.socketpair()
        self.control.setblocking(False)
        for _ in range(2 if extensions else 1):
            read, write = os.pipe()
            self.logs.append(read)
            self._theirs.append(write)

    @property
    def alive(self) -> bool:
        """Whether its keeper is still there."""
        return self.connection is not None and not self.connection.closed

    async def spawn(self, zygote: Zygote, message: Mapping[str, Any]) -> None:
        """Have a zygote fork the keeper."""
        try:
            await zygote.spawn({"name": self.name, "uid": self.user, **message}, self._keepers, self._theirs)
        except BaseException:
            self.close()
            raise
        finally:
            self._keepers.close()
            for write in self._theirs:
                os.close(write)
            self._theirs.clear()

    def release(self) -> None:
        """Give back what was taken for it: its uid, its directory. More than once is as good as once."""
        release, self._release = self._release, lambda: None
        release()

    def close(self) -> None:
        """Drop a shell that nobody has taken."""
        if self.channel is not None:
            self.channel.close()
        if self.connection is not None:
            self.connection.close()
        else:
            self.control.close()
        for log in self.logs:
            os.close(log)
        self.logs.clear()
        self.release()
