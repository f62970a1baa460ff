"""What becomes of a mail at each recipient: the mailbox simulator's addresses, the suppression list, a virus. Pure.

Every other address is delivered to. Source: "Using the mailbox simulator" of the SES developer guide; labels
(`bounce+label@`) are passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

DOMAIN = "simulator.amazonses.com"
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""The file by which virus scanners are tested; SES rejects mails that hold it."""

Fate = Literal["delivered", "bounce", "complaint", "suppressed", "account-suppressed"]
_SIMULATED: Mapping[str, Fate] = {
    "success": "delivered",
    "bounce": "bounce",
    "complaint": "complaint",
    "ooto": "delivered",
    "suppressionlist": "suppressed",
}


class Fates(NamedTuple):
    """Recipients by what becomes of them."""

    delivered: list[str]
    bounced: list[str]
    complained: list[str]
    suppressed: list[str]
    on_account_list: list[str]
    opted_out: list[str]

    @property
    def all_bounced(self) -> list[str]:
        """Everybody whom the mail did not reach."""
        return [*self.bounced, *self.suppressed, *self.on_account_list, *self.opted_out]

    @property
    def outcomes(self) -> dict[str, str]:
        """What the mailbox tells of those who did not just get it."""
        return {
            **dict.fromkeys(self.bounced, "bounce"),
            **dict.fromkeys(self.complained, "complaint"),
            **dict.fromkeys(self.suppressed, "suppressed"),
            **dict.fromkeys(self.on_account_list, "suppressed"),
            **dict.fromkeys(self.opted_out, "unsubscribed"),
        }


def fate(mailbox: str, suppressed: Collection[str]) -> Fate:
    """What becomes of a mail at an address; `suppressed` are addresses of the account's list, in lower case."""
    lower = mailbox.lower()
    local, _, domain = lower.rpartition("@")
    if domain == DOMAIN:
        return _SIMULATED.get(local.partition("+")[0], "bounce")
    return "account-suppressed" if lower in suppressed else "delivered"


def fates(recipients: Sequence[str], suppressed: Collection[str], opted_out: Collection[str] = ()) -> Fates:
    """Recipients by what becomes of a mail to them. A complaint comes from somebody who got it."""
    found = Fates([], [], [], [], [], [])
    for mailbox in recipients:
        if mailbox in opted_out:
            found.opted_out.append(mailbox)
            continue
        what = fate(mailbox, suppressed)
        if what in ("delivered", "complaint"):
            found.delivered.append(mailbox)
        if what == "complaint":
            found.complained.append(mailbox)
        elif what == "bounce":
            found.bounced.append(mailbox)
        elif what == "suppressed":
            found.suppressed.append(mailbox)
        elif what == "account-suppressed":
            found.on_account_list.append(mailbox)
    return found
