"""What answers a visitor is exchanged only where nobody opened something else meanwhile."""

from __future__ import annotations

from app.visitors.visitor import Visitor


class Service:
    """Stands for a service, which a visitor only holds."""


def test_a_service_is_exchanged_where_it_still_answers_and_the_query_stays() -> None:
    visitor, before, after, other = Visitor(), Service(), Service(), Service()
    assert not visitor.exchange(before, after), "nothing of their own is open"
    visitor.open(before)
    visitor.query = "a point"
    assert visitor.exchange(before, after)
    assert visitor.service(None) is after and visitor.query == "a point"
    assert not visitor.exchange(before, other), "it is another already"
    assert visitor.service(None) is after
    visitor.choose(other)
    assert not visitor.exchange(after, before)
    assert visitor.service(None) is other
