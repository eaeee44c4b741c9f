"""What was given: counted by unit and kind, with the first example and what would work."""

from __future__ import annotations

from algcn.kit.account import Account


def test_kinds_are_counted_with_their_first_example_in_the_order_they_came_up() -> None:
    account = Account()
    assert not account and account.sentences() == [] and account.to_json() == {"used": {}, "left_out": [], "notes": []}
    account.add("captions without a picture", "row 7", "add the picture", unit="captions")
    account.add("files not read", "a.txt", count=1200, unit="files")
    account.add("captions without a picture", "row 9", "do something else", unit="captions")
    assert account and account.counts == {"captions without a picture": 2, "files not read": 1200}
    assert account.sentences() == [
        "Captions without a picture: 2, for instance row 7; add the picture.",
        "Files not read: 1,200, for instance a.txt.",
    ]
    assert account.to_json()["left_out"] == [
        {"kind": "captions without a picture", "unit": "captions", "count": 2, "example": "row 7",
         "remedy": "add the picture"},
        {"kind": "files not read", "unit": "files", "count": 1200, "example": "a.txt", "remedy": ""},
    ]  # fmt: skip


def test_what_was_given_is_what_was_used_and_what_was_not() -> None:
    account = Account()
    assert account.summary() == "Nothing used, nothing left out."
    account.use("pictures", 312)
    account.use("captions")
    assert account.summary() == "312 pictures, 1 caption used, nothing left out."
    account.add("damaged pictures", "b.jpg", unit="pictures")
    account.add("HEIC pictures", "c.heic", unit="pictures", count=2)
    assert account.given("pictures") == 315 and account.left_out("pictures") == 3 and account.given("captions") == 1
    assert account.lines()[0] == "312 pictures, 1 caption used; 3 pictures not used."


def test_two_accounts_become_one() -> None:
    one, other = Account(), Account()
    one.use("pictures", 2)
    one.add("damaged pictures", "a.jpg", "save it again", unit="pictures")
    other.use("pictures", 3)
    other.add("damaged pictures", "b.jpg", unit="pictures", count=4)
    other.add("files that are no picture", "notes.txt", unit="files")
    one.merge(other)
    assert one.given("pictures") == 10 and one.given("files") == 1
    assert one.sentences()[0] == "Damaged pictures: 5, for instance a.jpg; save it again."


def test_a_note_is_kept_once_and_comes_first() -> None:
    account = Account()
    account.note("The labels are separated by ','.")
    account.note("The labels are separated by ','.")
    account.use("pictures")
    assert account.lines() == ["The labels are separated by ','.", "1 picture used, nothing left out."]
    other = Account()
    other.merge(account)
    assert other.to_json()["notes"] == ["The labels are separated by ','."] and not other
