"""How long a custom authorizer's word holds: it is asked again after a while, and in the end the client has to go.

Source: "Defining your Lambda function" of the developer guide (refreshAfterInSeconds, disconnectAfterInSeconds).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kumoi.services.iot.custom_authorizers import Admitted
from kumoi.services.iot.mqtt.admission import NotAdmitted, Shown

if TYPE_CHECKING:
    from kumoi.services.iot.mqtt.broker import Broker
    from kumoi.services.iot.mqtt.connection import Connection

logger = logging.getLogger(__name__)

MAXIMUM_CONNECT_TIME, NOT_AUTHORIZED = 0xA0, 0x87


async def lasting(broker: Broker, connection: Connection, shown: Shown, admitted: Admitted) -> None:
    """Keep a client whom an authorizer has let in, on the platform's clock, until it has to go."""
    clock = broker.clock
    ends = clock.now() + admitted.disconnect_after
    while (asked_at := clock.now() + admitted.refresh_after) < ends:
        await clock.sleep_until(asked_at)
        try:
            admitted = await broker.admit_again(connection, shown)
        except NotAdmitted as error:
            logger.info("client %s is not let in any more: %s", connection.client, error)
            connection.ended_by = "AUTH_ERROR"
            connection.close(NOT_AUTHORIZED)
            return
    await clock.sleep_until(ends)
    connection.ended_by = "CUSTOMAUTH_TTL_EXPIRATION"
    connection.close(MAXIMUM_CONNECT_TIME)
