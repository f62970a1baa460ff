"""The mailbox: what would have left the machine for a person's mail box, phone or app, and does not.

SES's mails, SNS's letters to mail addresses, phones and apps, and Cognito's messages to users are kept here, in the
transaction that accepts them, and can be read: the last thousand of an account. `messages.py` reads a mail's MIME
content, whatever it is made of; `views.py` shows it.
"""

from kumoi.mailbox.records import Letter
from kumoi.mailbox.store import KEPT, Wanted, arrivals, clear, content, delete, find, keep, latest

__all__ = ["KEPT", "Letter", "Wanted", "arrivals", "clear", "content", "delete", "find", "keep", "latest"]
