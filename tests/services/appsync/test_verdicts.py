"""What functions said of tokens: until when it counts, of which function, and how much is held."""

from __future__ import annotations

from kumoi.services.appsync.verdicts import Verdicts

ALLOWED = {"isAuthorized": True}


def test_a_verdict_counts_until_its_time() -> None:
    verdicts = Verdicts()
    key = verdicts.key("api", "f", "token")
    verdicts.put(key, ALLOWED, until=10.0, size=22)
    assert verdicts.get(key, now=9.9) == ALLOWED
    assert verdicts.get(key, now=10.0) is None
    assert verdicts.get(key, now=9.9) is None


def test_another_function_or_api_has_said_nothing() -> None:
    verdicts = Verdicts()
    verdicts.put(verdicts.key("api", "f", "token"), ALLOWED, until=10.0, size=22)
    for other in (("api", "g", "token"), ("other", "f", "token"), ("api", "f", "other")):
        assert verdicts.get(verdicts.key(*other), now=0.0) is None


def test_the_least_used_goes_first() -> None:
    verdicts = Verdicts(most=10_000)
    keys = [verdicts.key("api", "f", str(number)) for number in range(4)]
    for key in keys[:3]:
        verdicts.put(key, ALLOWED, until=10.0, size=2_500)
    assert verdicts.get(keys[0], now=0.0) is not None
    verdicts.put(keys[3], ALLOWED, until=10.0, size=2_500)
    assert [verdicts.get(key, now=0.0) is not None for key in keys] == [True, False, True, True]


def test_what_is_larger_than_all_may_be_is_not_held() -> None:
    verdicts = Verdicts(most=10_000)
    key = verdicts.key("api", "f", "token")
    verdicts.put(key, ALLOWED, until=10.0, size=10_000)
    assert verdicts.get(key, now=0.0) is None
