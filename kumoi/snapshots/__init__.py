"""Snapshots: the whole platform at one moment as one file, made while it runs, and put in its place again.

A snapshot holds the state, the blobs, the lake and what services keep in files. It is staged as a directory (`taking`),
travels as a tar archive (`archive`), is looked into without a platform (`contents`), and takes the place of a
platform's data as one step that a crash cannot halve (`exchange`). What can be made again (unpacked code, caches) and
what belongs to the machine (its certificates, running sandboxes) is not part of it.
"""

from kumoi.snapshots.archive import BadSnapshot, Manifest, manifest_of, pack, packed_size, unpack
from kumoi.snapshots.exchange import exchange, finish, prepare, recover, take_back
from kumoi.snapshots.taking import Sources, stage

__all__ = [
    "BadSnapshot",
    "Manifest",
    "Sources",
    "exchange",
    "finish",
    "manifest_of",
    "pack",
    "packed_size",
    "prepare",
    "recover",
    "stage",
    "take_back",
    "unpack",
]
