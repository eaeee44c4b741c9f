"""Where an index is."""

from __future__ import annotations

from pathlib import Path

import pytest

from algcn.cluster.address import Address, token
from algcn.kit.errors import InputError


@pytest.mark.parametrize(
    ("text", "uri", "collection"),
    (
        ("milvus://localhost:19530/photos", "http://localhost:19530", "photos"),
        ("milvus://10.0.0.7:80/_a1", "http://10.0.0.7:80", "_a1"),
        ("milvus://db.example/photos", "http://db.example:19530", "photos"),
        ("milvus://[::1]:19530/photos", "http://[::1]:19530", "photos"),
        ("milvus+tls://db.example:443/photos", "https://db.example:443", "photos"),
    ),
)
def test_a_server_has_a_host_and_a_collection(text: str, uri: str, collection: str) -> None:
    assert Address.parse(text) == Address(uri, collection)
    assert str(Address.parse(text)) == f"{uri.partition('://')[2]}/{collection}"


def test_a_file_ends_in_db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for text in ("a.db", "./a.db", "~/a.db", str(tmp_path / "a.db")):
        assert Address.parse(text) == Address(str(tmp_path / "a.db"), "gallery", tmp_path / "a.db")


@pytest.mark.parametrize(
    "text",
    (
        "",
        "photos",
        "photos.sqlite",
        "http://localhost:19530/photos",
        "milvus://",
        "milvus:///photos",
        "milvus://localhost:port/photos",
        "milvus://localhost:70000/photos",
        "milvus://[::1/photos",
        "milvus://localhost:19530",
        "milvus://localhost:19530/",
        "milvus://localhost:19530/1photos",
        "milvus://localhost:19530/my photos",
        "milvus://localhost:19530/photos/more",
        "milvus://localhost:19530/photos?secure=1",
        "milvus://localhost:19530/photos.db",
        f"milvus://localhost:19530/{'a' * 256}",
        "~nobody_of_this_name/a.db",
    ),
)
def test_what_is_no_address_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InputError, match=r"^[^\n]+; [^\n]+\.$"):
        Address.parse(text)


@pytest.mark.parametrize("port", ("19530", "port"))
def test_a_password_in_an_address_is_refused_and_not_said_again(port: str) -> None:
    with pytest.raises(InputError) as refused:
        Address.parse(f"milvus://root:s3cret@localhost:{port}/photos")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("environment", "expected"),
    (
        ({}, ""),
        ({"MILVUS_TOKEN": "abc"}, "abc"),
        ({"MILVUS_USER": "root", "MILVUS_PASSWORD": "s3cret"}, "root:s3cret"),
        ({"MILVUS_TOKEN": "abc", "MILVUS_USER": "root"}, "abc"),
    ),
)
def test_the_environment_has_the_password(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MILVUS_TOKEN", "MILVUS_USER", "MILVUS_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert token() == expected


@pytest.mark.parametrize("name", ("MILVUS_USER", "MILVUS_PASSWORD"))
def test_half_a_login_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in ("MILVUS_TOKEN", "MILVUS_USER", "MILVUS_PASSWORD"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, "s3cret")
    with pytest.raises(InputError, match="set both") as refused:
        token()
    assert "s3cret" not in str(refused.value)
