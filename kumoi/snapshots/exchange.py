"""Putting a snapshot in the place of a platform's data, as one step that a crash cannot halve.

What comes in lies in `incoming/`, complete, before it is marked ready; from then on it will be taken over, if not by
this process then by the next one that starts. Directories move one by one: where the crash came does not matter, a
directory that has moved is not there to move again. What was there before lies in `outgoing/` until the platform runs
on what came in.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

INCOMING, OUTGOING, SAVING = "incoming", "outgoing", "saving"
"""Where a snapshot is unpacked, where the data lies that it replaces, and where one is staged to be saved."""
_READY = "ready"
_FILES = "files"


def recover(data: Path) -> None:
    """Finish what a crash has interrupted, or remove what it has left over. At a start, before anything is opened."""
    if (data / OUTGOING / _READY).exists():
        take_back(data)
    if (data / INCOMING / _READY).exists():
        _move(data)
    for left in (INCOMING, OUTGOING, SAVING):
        shutil.rmtree(data / left, ignore_errors=True)


def prepare(data: Path, places: tuple[str, ...]) -> None:
    """Make what lies in `incoming/` durable, as the directories `places` that it is to take the place of.

    What a service keeps lies below `incoming/files`; every name there is a place. A place that did not come is emptied
    all the same.
    """
    incoming = data / INCOMING
    if (data / OUTGOING).exists():
        shutil.rmtree(data / OUTGOING)
    for path in (incoming / _FILES).glob("*"):
        path.rename(incoming / path.name)
    for place in places:
        for folder in (incoming, data):
            (folder / place).mkdir(exist_ok=True, mode=0o700)
    shutil.rmtree(incoming / _FILES, ignore_errors=True)
    _sync_tree(incoming)


def exchange(data: Path) -> None:
    """Put what was prepared in its place; what was there before then lies in `outgoing/`."""
    incoming = data / INCOMING
    (incoming / _READY).touch()
    _sync(incoming)
    _move(data)


def take_back(data: Path) -> None:
    """Undo an exchange, or as much of it as was done: what was there before is there again, what came in is gone."""
    incoming, outgoing = data / INCOMING, data / OUTGOING
    if outgoing.exists():
        (outgoing / _READY).touch()
        _sync(outgoing)
    if incoming.exists():
        shutil.rmtree(incoming)
    if outgoing.exists():
        outgoing.rename(incoming)
        _move(data)
    finish(data)


def finish(data: Path) -> None:
    """The platform runs on what came in: what was there before goes."""
    shutil.rmtree(data / OUTGOING, ignore_errors=True)


def _move(data: Path) -> None:
    incoming, outgoing = data / INCOMING, data / OUTGOING
    outgoing.mkdir(exist_ok=True, mode=0o700)
    for path in [path for path in incoming.iterdir() if path.name != _READY]:
        place = data / path.name
        if place.exists():
            shutil.rmtree(outgoing / path.name, ignore_errors=True)
            place.rename(outgoing / path.name)
        path.rename(place)
    _sync(data)
    shutil.rmtree(incoming)


def _sync_tree(root: Path) -> None:
    for folder, _folders, names in os.walk(root):
        for name in names:
            _sync(Path(folder) / name)
        _sync(Path(folder))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
