"""Object bytes by random id: in a local directory, or in memory."""

from kumoi.blobs.interface import Blob, Blobs, BlobsPin, NoSuchBlob
from kumoi.blobs.local import LocalBlobs
from kumoi.blobs.memory import MemoryBlobs

__all__ = ["Blob", "Blobs", "BlobsPin", "LocalBlobs", "MemoryBlobs", "NoSuchBlob"]
