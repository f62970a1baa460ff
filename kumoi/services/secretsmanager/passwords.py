"""Random passwords: what GetRandomPassword and GenerateSecretString make; from the machine's source of randomness.

Source: the API reference's GetRandomPassword.
"""

from __future__ import annotations

import secrets
import string

from kumoi.services.secretsmanager.errors import bad_parameter

_KINDS = (
    ("ExcludeLowercase", string.ascii_lowercase),
    ("ExcludeUppercase", string.ascii_uppercase),
    ("ExcludeNumbers", string.digits),
    ("ExcludePunctuation", string.punctuation),
)


def random_password(length: int, excluded: frozenset[str], without: frozenset[str], *, space: bool, each: bool) -> str:
    """A password without `excluded` characters and without the kinds named in `without` (`ExcludeNumbers` …).

    `each` wants a character of every kind that is left; InvalidParameterException where that cannot be.
    """
    kinds = [characters for member, characters in _KINDS if member not in without]
    if space:
        kinds.append(" ")
    left = ["".join(one for one in kind if one not in excluded) for kind in kinds]
    alphabet = "".join(left)
    if not alphabet:
        raise bad_parameter(
            "The password length and the exclusions leave no character to make a password of: allow some."
        )
    if not each:
        return "".join(secrets.choice(alphabet) for _ in range(length))
    if not all(left):
        raise bad_parameter(
            "The password can't have a character of each included type: every character of one of them is excluded."
        )
    if length < len(left):
        raise bad_parameter(f"Password length too short based on the required types: it must be at least {len(left)}.")
    chosen = [secrets.choice(kind) for kind in left]
    chosen += [secrets.choice(alphabet) for _ in range(length - len(left))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)
