"""The platform itself: whether it is well, what it is, its certificate; reset, clock, snapshots."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import msgspec

from kumoi import __version__
from kumoi.gateway.internal.requests import BadRequest, Query, Routes, read_body
from kumoi.gateway.snapshot_requests import SnapshotRequests
from kumoi.gateway.tls import CertificateAuthority
from kumoi.wire.http import Request

if TYPE_CHECKING:
    from kumoi.gateway.internal.interface import Internal


async def health(internal: Internal, _request: Request, _query: Query) -> Any:
    """That it is well, and what it serves; whoever asks is told."""
    return {"status": "ok", "services": sorted(service.name for service in internal.doorway.registry)}


async def _info(internal: Internal, _request: Request, _query: Query) -> Any:
    return {"version": __version__, "pid": os.getpid(), **internal.facts()}


async def _authority(internal: Internal, _request: Request, _query: Query) -> Any:
    """The certificate to trust; making one takes a moment."""
    authority = internal.doorway.parts[CertificateAuthority]
    path = await asyncio.to_thread(lambda: authority.ca_file)
    return {"certificate": str(path.resolve()), "pem": path.read_text("ascii")}


async def _reset(internal: Internal, _request: Request, query: Query) -> Any:
    account = query.get("account")
    if account is not None and not (len(account) == 12 and account.isdigit()):
        raise BadRequest("account is a number of twelve digits")
    await internal.reset(account)
    return {"reset": account or "everything"}


def _snapshots(internal: Internal) -> SnapshotRequests:
    if internal.snapshots is None:
        raise BadRequest("this platform takes no snapshots")
    return internal.snapshots


async def _save_snapshot(internal: Internal, _request: Request, _query: Query) -> Any:
    return await _snapshots(internal).save()


async def _load_snapshot(internal: Internal, request: Request, query: Query) -> Any:
    if query.get("clock", "later") not in ("later", "saved"):
        raise BadRequest("clock is later or saved")
    manifest = await _snapshots(internal).load(request, at_saved_time=query.get("clock") == "saved")
    return msgspec.to_builtins(manifest)


async def _clock(internal: Internal, _request: Request, _query: Query) -> Any:
    status = internal.clock.status()
    return {"now": status.now, "held": status.held, "scale": status.scale}


class ClockRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What may be done to the clock: `seconds` for advance, `factor` for scale."""

    action: str
    seconds: float = 0.0
    factor: float = 1.0


async def _set_clock(internal: Internal, request: Request, query: Query) -> Any:
    wanted = await read_body(request, ClockRequest)
    clock = internal.clock
    try:
        match wanted.action:
            case "hold":
                clock.hold()
            case "release":
                clock.release()
            case "advance":
                await internal.timers.advance(wanted.seconds)
            case "scale":
                clock.scale(wanted.factor)
            case _:
                raise BadRequest("action is one of hold, release, advance, scale")
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return await _clock(internal, request, query)


HARMLESS = frozenset((health, _info, _authority))
"""What may be asked on this machine without a token: verbs look for the platform, clients trust its certificate."""

ROUTES: Routes = {
    ("GET", "/_kumoi/health"): health,
    ("GET", "/_kumoi/info"): _info,
    ("GET", "/_kumoi/authority"): _authority,
    ("POST", "/_kumoi/reset"): _reset,
    ("GET", "/_kumoi/snapshot"): _save_snapshot,
    ("POST", "/_kumoi/snapshot"): _load_snapshot,
    ("GET", "/_kumoi/clock"): _clock,
    ("POST", "/_kumoi/clock"): _set_clock,
}
