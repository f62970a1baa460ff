"""The library's half of a connection (h2), set up for a server that is open to anybody.

The framing, the compression of header fields and the accounts of the windows are its own; here is what it is told.
"""

from __future__ import annotations

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from kumoi.gateway.http2_frames import PREFACE
from kumoi.gateway.limits import Limits

_TABLE = 4096
"""Bytes of header fields that are remembered for a client at most; it may ask for more, which costs us to search."""
_FIELDS = 4
"""Times as many bytes of header fields as are allowed that are still read, so that they can be refused by an answer."""
_WINDOW = 65_535
"""What a connection's window begins with."""


def begun(limits: Limits) -> H2Connection:
    """A connection whose client's preface has been read, and whose own waits to be sent.

    A stream's window is `read_high`; the connection's is as wide as those of all its streams, so that no body that
    nobody reads stands in another's way. WebSockets (RFC 8441) and pushes are not offered.
    """
    protocol = H2Connection(
        H2Configuration(
            client_side=False,
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
    )
    protocol.local_settings = Settings(
        client=False,
        initial_values={
            SettingCodes.MAX_CONCURRENT_STREAMS: limits.concurrent_streams,
            SettingCodes.INITIAL_WINDOW_SIZE: limits.read_high,
            SettingCodes.MAX_HEADER_LIST_SIZE: limits.header_block,
        },
    )
    protocol.decoder.max_header_list_size = _FIELDS * limits.header_block
    protocol.initiate_connection()
    if (wider := limits.concurrent_streams * limits.read_high - _WINDOW) > 0:
        protocol.increment_flow_control_window(wider)
    protocol.receive_data(PREFACE)
    return protocol


def bound_table(protocol: H2Connection) -> None:
    """Remember no more for the client than we search, whatever it has just asked for."""
    if protocol.encoder.header_table_size > _TABLE:
        protocol.encoder.header_table_size = _TABLE


def goodbye(protocol: H2Connection, code: ErrorCodes) -> bytes:
    """A GOAWAY that names the last request that is taken.

    The library would end the streams under way if it sent one, which is why it does not know of it.
    """
    return GoAwayFrame(0, last_stream_id=protocol.highest_inbound_stream_id, error_code=code).serialize()
