"""Identifiers: version 7, in the order of their instants, spread over the partitions."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.ids import PARTITIONS, new_id, partition_of

NOW = datetime(2027, 3, 10, 18, tzinfo=UTC)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 bounds have no zone
def test_an_id_is_a_version_7_of_its_instant(now: datetime) -> None:
    made = new_id(now)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert abs((made.int >> 80) - now.timestamp() * 1000) <= 1


def test_later_ids_are_greater_and_none_comes_twice() -> None:
    made = [new_id(NOW + n * timedelta(milliseconds=1)) for n in range(1000)]
    assert made == sorted(made)
    assert len({new_id(NOW) for _ in range(1000)}) == 1000


def test_instructors_spread_over_all_partitions() -> None:
    spread = Counter(partition_of(new_id(NOW)) for _ in range(6400))
    assert set(spread) == set(range(PARTITIONS))
    assert max(spread.values()) < 200
