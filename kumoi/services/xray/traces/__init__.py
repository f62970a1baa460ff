"""From segment documents to traces, their summaries and service graphs: pure functions over parsed JSON."""

from kumoi.services.xray.traces.document import Document, Refused, parse
from kumoi.services.xray.traces.trace import Segment, ServiceId, Trace, assemble

__all__ = ["Document", "Refused", "Segment", "ServiceId", "Trace", "assemble", "parse"]
