"""What was not used: counted by kind, with the first example and what would work."""

from __future__ import annotations

from algcn.kit.account import Account


def test_kinds_are_counted_with_their_first_example_in_the_order_they_came_up() -> None:
    account = Account()
    assert not account and account.sentences() == [] and account.to_json() == []
    account.add("captions without a picture", "row 7", "add the picture")
    account.add("files not read", "a.txt", count=1200)
    account.add("captions without a picture", "row 9", "do something else")
    assert account and account.counts == {"captions without a picture": 2, "files not read": 1200}
    assert account.sentences() == [
        "Captions without a picture: 2, for instance row 7; add the picture.",
        "Files not read: 1,200, for instance a.txt.",
    ]
    assert account.to_json() == [
        {"kind": "captions without a picture", "count": 2, "example": "row 7", "remedy": "add the picture"},
        {"kind": "files not read", "count": 1200, "example": "a.txt", "remedy": ""},
    ]
