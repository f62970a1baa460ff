"""The doorway: the call, the registry of services, and the guards every call passes."""

from kumoi.doorway.authorization import Ask, Authorization, Owned
from kumoi.doorway.call import NO_TRACE, Call, Trace
from kumoi.doorway.charges import ChargeKey, Charges
from kumoi.doorway.doorway import Doorway
from kumoi.doorway.eventual import EventualReads
from kumoi.doorway.fault import Fault
from kumoi.doorway.faults import CallDropped, Faults
from kumoi.doorway.held import Held
from kumoi.doorway.history import History
from kumoi.doorway.hop import Hop
from kumoi.doorway.hop_batch import HopBatch
from kumoi.doorway.hops import Hops
from kumoi.doorway.identity import AccessKey, AuthMode, Identity, SessionCredentials, access_keys
from kumoi.doorway.parts import Parts
from kumoi.doorway.principal import Principal, Session
from kumoi.doorway.registry import Registry
from kumoi.doorway.service import Operation, Service
from kumoi.doorway.tracing import Sampled, Traced, Tracing

__all__ = [
    "NO_TRACE",
    "AccessKey",
    "Ask",
    "AuthMode",
    "Authorization",
    "Call",
    "CallDropped",
    "ChargeKey",
    "Charges",
    "Doorway",
    "EventualReads",
    "Fault",
    "Faults",
    "Held",
    "History",
    "Hop",
    "HopBatch",
    "Hops",
    "Identity",
    "Operation",
    "Owned",
    "Parts",
    "Principal",
    "Registry",
    "Sampled",
    "Service",
    "Session",
    "SessionCredentials",
    "Trace",
    "Traced",
    "Tracing",
    "access_keys",
]
