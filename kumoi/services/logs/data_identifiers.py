"""Managed data identifiers: what of a text is an e-mail address, a card number, a key, and so on; pure.

Each is a pattern, with a check of digits where the kind has one. Most count only with a keyword within 30 characters: a
number alone says little. Source: "Types of data that you can protect" of the CloudWatch Logs user guide. Names and
addresses, which AWS finds by machine learning, are none of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from ipaddress import ip_address
from typing import NamedTuple

ARN = "arn:aws:dataprotection::aws:data-identifier/"
NEAR = 30
"""Characters between what is found and its keyword, at most."""


class Span(NamedTuple):
    """What was found of a text: from `start` up to `end`."""

    start: int
    end: int


class Identifier:
    """One kind of data; `keywords`, one of which is near, are as the user guide has them."""

    def __init__(self, pattern: str, *keywords: str, check: Callable[[str], bool] | None = None) -> None:
        self._pattern = pattern
        self._keywords = keywords
        self._check = check

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._pattern)

    @cached_property
    def _near(self) -> re.Pattern[str]:
        spaced = (re.escape(one).replace(r"\ ", "[ _-]?") for one in self._keywords)
        return re.compile("|".join(spaced), re.IGNORECASE)

    def find(self, text: str) -> Iterator[Span]:
        """Where a text has such data."""
        if self._keywords and self._near.search(text) is None:
            return
        for match in self._compiled.finditer(text):
            start, end = match.span()
            if self._check is not None and not self._check(match[0]):
                continue
            if self._keywords:
                before, after = text[max(start - NEAR, 0) : start], text[end : end + NEAR]
                if self._near.search(before) is None and self._near.search(after) is None:
                    continue
            yield Span(start, end)


def _digits(text: str) -> list[int]:
    return [int(one) for one in text if one.isdigit()]


def is_luhn(text: str) -> bool:
    """Whether the digits of a text end with their check digit by Luhn's formula."""
    digits = _digits(text)[::-1]
    doubled = (2 * one - 9 * (one > 4) for one in digits[1::2])
    return any(digits) and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether an IBAN's check digits are right."""
    plain = "".join(text.split()).upper()
    return int("".join(str(int(one, 36)) for one in plain[4:] + plain[:4])) % 97 == 1


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_npi(text: str) -> bool:
    """Whether a National Provider Identifier's check digit is right."""
    return is_luhn(f"80840{text}")


def is_dea(text: str) -> bool:
    """Whether a Drug Enforcement Agency number's check digit is right."""
    digits = _digits(text)[-7:]
    return (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def is_nhs(text: str) -> bool:
    """Whether an NHS number's check digit is right."""
    digits = _digits(text)
    return (11 - sum(one * weight for one, weight in zip(digits, range(10, 1, -1), strict=False)) % 11) % 11 == digits[
        9
    ]


def is_cpf(text: str) -> bool:
    """Whether the check digits of a Brazilian CPF are right."""
    return _modulo_eleven(_digits(text), range(10, 1, -1), range(11, 1, -1))


def is_cnpj(text: str) -> bool:
    """Whether the check digits of a Brazilian CNPJ are right."""
    first = (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return _modulo_eleven(_digits(text), first, (6, *first))


def _modulo_eleven(digits: list[int], *weights: range | tuple[int, ...]) -> bool:
    def check(one: range | tuple[int, ...]) -> int:
        rest = sum(digit * weight for digit, weight in zip(digits, one, strict=False)) % 11
        return 0 if rest < 2 else 11 - rest

    return len(set(digits)) > 1 and all(check(one) == digits[len(one)] for one in weights)


def _key(what: str) -> str:
    return rf"-----BEGIN {what}-----(?s:.*?)(?:-----END {what}-----|\Z)"


_ALONE, _END = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
_TELEPHONE = ("cell", "contact", "fax", "mobile", "phone", "tel")
_CARD = (
    *("account number", "american express", "amex", "bank card", "card", "cc #", "ccn", "check card", "credit"),
    *("dankort", "debit", "diners club", "discover", "electron", "japanese card bureau", "jcb", "mastercard", "pan"),
    *("payment account number", "pcn", "union pay", "visa"),
)
_CODE = (
    *("card id", "card identification code", "card identification number", "card security code"),
    *("card validation code", "card validation number", "card verification data", "card verification value"),
    *("cvc", "cvv", "elo verification code"),
)
_BANK = ("bank account", "bank acct", "checking account", "checking acct", "deposit account", "savings account")


def _iban(country: str) -> Identifier:
    return Identifier(rf"{_ALONE}{country}\d{{2}}(?: ?[0-9A-Z]{{4}}){{2,7}}(?: ?[0-9A-Z]{{1,3}})?{_END}", check=is_iban)


def _telephone(prefix: str) -> Identifier:
    return Identifier(rf"(?<![0-9+])(?:\+|00){prefix}(?:[ .()-]{{0,2}}\d){{7,12}}(?!\d)", *_TELEPHONE)


IDENTIFIERS: dict[str, Identifier] = {
    "AwsSecretKey": Identifier(
        r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
        *("aws_secret_access_key", "credentials", "secret access key", "secret key", "set-awscredential"),
    ),
    "BankAccountNumber-DE": _iban("DE"),
    "BankAccountNumber-ES": _iban("ES"),
    "BankAccountNumber-FR": _iban("FR"),
    "BankAccountNumber-GB": _iban("GB"),
    "BankAccountNumber-IT": _iban("IT"),
    "BankAccountNumber-US": Identifier(rf"{_ALONE}\d{{6,17}}{_END}", *_BANK),
    "Cnpj-BR": Identifier(rf"{_ALONE}\d{{2}}\.?\d{{3}}\.?\d{{3}}/?\d{{4}}-?\d{{2}}{_END}", "cnpj", check=is_cnpj),
    "CpfCode-BR": Identifier(rf"{_ALONE}\d{{3}}\.?\d{{3}}\.?\d{{3}}-?\d{{2}}{_END}", "cpf", check=is_cpf),
    "CreditCardExpiration": Identifier(
        rf"{_ALONE}(?:0[1-9]|1[0-2])[/-](?:20)?\d{{2}}{_END}", "exp d", "exp m", "exp y", "expiration", "expiry"
    ),
    "CreditCardNumber": Identifier(rf"{_ALONE}\d(?:[ -]?\d){{12,18}}{_END}", *_CARD, check=is_luhn),
    "CreditCardSecurityCode": Identifier(rf"{_ALONE}\d{{3,4}}{_END}", *_CODE),
    "DrugEnforcementAgencyNumber-US": Identifier(
        rf"{_ALONE}[A-Za-z]{{2}}\d{{7}}{_END}", "dea number", "dea registration", check=is_dea
    ),
    "EmailAddress": Identifier(
        r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
    ),
    "IndividualTaxIdentificationNumber-US": Identifier(
        rf"{_ALONE}9\d{{2}}[ -]?[5-9]\d[ -]?\d{{4}}{_END}",
        *("i.t.i.n.", "individual taxpayer", "itin", "tax id", "taxid", "taxpayer id", "tin"),
    ),
    "IpAddress": Identifier(
        r"(?<![0-9A-Fa-f:.])(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![0-9A-Fa-f:]|\.\d)",
        check=is_address,
    ),
    "LatLong": Identifier(
        r"(?<![\d.])[-+]?(?:90|[0-8]?\d)\.\d{1,15}, ?[-+]?(?:180|1[0-7]\d|\d{1,2})\.\d{1,15}(?!\d)",
        *("coordinate", "lat long", "latitude longitude", "location", "position"),
    ),
    "NationalInsuranceNumber-GB": Identifier(
        rf"{_ALONE}[A-CEGHJ-PR-TW-Z]{{2}}(?: ?\d{{2}}){{3}} ?[A-D]{_END}",
        *("insurance no", "insurance number", "insurance#", "national insurance", "ni#", "nin", "nino"),
    ),
    "NationalProviderId-US": Identifier(
        rf"{_ALONE}[12]\d{{9}}{_END}", "hipaa", "n.p.i", "national provider", "npi", check=is_npi
    ),
    "NhsNumber-GB": Identifier(
        rf"{_ALONE}\d{{3}}[ -]?\d{{3}}[ -]?\d{{4}}{_END}", "national health service", "nhs", check=is_nhs
    ),
    "OpenSshPrivateKey": Identifier(_key("OPENSSH PRIVATE KEY")),
    "PgpPrivateKey": Identifier(_key("PGP PRIVATE KEY BLOCK")),
    "PhoneNumber-BR": _telephone("55"),
    "PhoneNumber-DE": _telephone("49"),
    "PhoneNumber-ES": _telephone("34"),
    "PhoneNumber-FR": _telephone("33"),
    "PhoneNumber-GB": _telephone("44"),
    "PhoneNumber-IT": _telephone("39"),
    "PhoneNumber-US": Identifier(
        r"(?<![0-9+])(?:(?:\+|00)?1[ .-]?)?\(?[2-9]\d{2}\)?[ .-]?[2-9]\d{2}[ .-]?\d{4}(?!\d)", *_TELEPHONE
    ),
    "PkcsPrivateKey": Identifier(_key("(?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY")),
    "PuttyPrivateKey": Identifier(r"PuTTY-User-Key-File-[23]: (?s:.*)"),
    "Ssn-US": Identifier(
        rf"{_ALONE}(?!000|666|9\d\d)\d{{3}}[ -]?(?!00)\d{{2}}[ -]?(?!0000)\d{{4}}{_END}",
        *("social security", "ss#", "ssn", "ssns"),
    ),
    "VehicleIdentificationNumber": Identifier(
        rf"{_ALONE}(?=[A-HJ-NPR-Z]*\d)[A-HJ-NPR-Z0-9]{{17}}{_END}", "vehicle identification number", "vin", "chassis"
    ),
    "ZipCode-US": Identifier(rf"{_ALONE}\d{{5}}(?:-\d{{4}})?{_END}", "zip code", "zip+4", "zipcode", "zip"),
}
