"""The program from outside: how it starts, or says why not, and the API that programs call."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import struct
import subprocess
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from serving import HOSTILE_CAPTIONS, HOSTILE_FILE, HOSTILE_LABEL, PROJECT, Server, command, environment, run

from app.kit.limits import MAX_COLLECTION_BYTES

HIT_KEYS = {"rank", "file", "text", "labels", "probability", "picture"}
DETAILED_KEYS = HIT_KEYS | {"matched_labels", "score", "shares", "says", "looks", "percentile"}


@pytest.fixture(scope="module")
def client(tiny_server: Server) -> Client:
    return Client(tiny_server.url, verbose=False)


def fetch(url: str, **options: Any) -> tuple[int, bytes, dict[str, str]]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, **options), timeout=60) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


PLAIN = Image.new("RGB", (60, 40), "steelblue")
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8))


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(PLAIN, "JPEG", exif=exif)


def bomb() -> bytes:
    """A PNG of a hundred bytes that says it has 2.5 billion pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 50000, 50000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + bytes(4) + b"IDAT"


# What people upload: how the file is called, its bytes, and what the answer must say (None: results).
PICTURES: dict[str, tuple[str, Callable[[], bytes], str | None]] = {
    "plain": ("photo.jpg", lambda: encoded(NOISE, "JPEG"), None),
    "CMYK": ("print.jpg", lambda: encoded(PLAIN.convert("CMYK"), "JPEG"), None),
    "16 bits": ("scan.png", lambda: encoded(Image.fromarray(np.full((9, 9), 40000, np.uint16)), "PNG"), None),
    "palette": ("old.gif", lambda: encoded(PLAIN.quantize(4), "GIF"), None),
    "animated": ("wave.gif", lambda: encoded(PLAIN, "GIF", save_all=True, append_images=[PLAIN.rotate(90)]), None),
    "rotated": ("phone.jpg", rotated, None),
    "1×1": ("dot.png", lambda: encoded(PLAIN.resize((1, 1)), "PNG"), None),
    "truncated": ("half.jpg", lambda: encoded(NOISE, "JPEG")[:-500], "damaged or cut off"),
    "no picture": ("letter.jpg", lambda: b"Dear Sir or Madam", "not a picture"),
    "0 bytes": ("nothing.png", lambda: b"", "is empty"),
    "bomb": ("bomb.png", bomb, "too many pixels"),
    "markup": ("drawing.svg", lambda: b"<svg onload='alert(1)'/>", "an SVG drawing, which is not read"),
}


class TestStart:
    def test_help_imports_nothing_heavy(self, tmp_path: Path) -> None:
        python, *rest = command("--help")
        done = subprocess.run(
            [python, "-X", "importtime", *rest], env=environment(tmp_path), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0
        assert "--bundle" in done.stdout
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert "algcn.kit.errors" in imported
        assert not imported & {"torch", "gradio", "numpy", "PIL", "open_clip", "huggingface_hub"}

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("--bundle", "no/such/folder"), "There is no bundle at no/such/folder"),
            (("--bundle", "{folder}"), "is no bundle: it has no config.json"),
            (("--bundle", "{file}"), "There is no bundle at"),
            (("--bundle", "weights/typo"), "There is no bundle at weights/typo"),
            (("--bundle", "{bundle}", "--gallery", "weights/typo"), "There is no gallery at weights/typo"),
            (("--bundle", "{bundle}", "--gallery", "no such folder"), "There is no gallery at no such folder"),
            (
                ("--bundle", "{bundle}", "--index", "photos"),
                "The address of an index cannot be 'photos'; write milvus://",
            ),
        ],
    )
    def test_what_cannot_be_is_one_sentence_at_once(
        self, arguments: tuple[str, ...], sentence: str, tiny_bundle_dir: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        (tmp_path / "weights").mkdir()
        names = {"folder": tmp_path, "file": tmp_path / "file", "bundle": tiny_bundle_dir}
        done = run(tmp_path, *(argument.format(**names) for argument in arguments))
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1

    def test_the_environment_says_the_same_as_the_arguments(self, tmp_path: Path, tiny_bundle_dir: Path) -> None:
        done = run(tmp_path, ALGCN_BUNDLE="no/such/folder")
        assert (done.returncode, "no/such/folder" in done.stderr) == (2, True)
        done = run(tmp_path, ALGCN_BUNDLE=str(tiny_bundle_dir), ALGCN_GALLERY="nowhere")
        assert (done.returncode, "nowhere" in done.stderr) == (2, True)
        done = run(tmp_path, ALGCN_BUNDLE=str(tiny_bundle_dir), ALGCN_INDEX="photos")
        assert (done.returncode, "The address of an index cannot be 'photos'" in done.stderr) == (2, True)
        done = run(tmp_path, GRADIO_SERVER_PORT="web")
        assert (done.returncode, "GRADIO_SERVER_PORT" in done.stderr) == (2, True)

    def test_a_bundle_that_turns_out_damaged_ends_the_program_with_its_sentence(
        self, tiny_bundle_dir: Path, tiny_gallery_dir: Path, tmp_path: Path
    ) -> None:
        copy = shutil.copytree(tiny_bundle_dir, tmp_path / "bundle")
        (copy / "model.safetensors").write_bytes(b"cut off")
        done = run(tmp_path, "--bundle", copy, "--gallery", tiny_gallery_dir)
        assert done.returncode == 2
        (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert "model.safetensors is damaged" in line
        assert "Traceback" not in done.stderr

    def test_it_writes_to_its_cache_folder_only(self, tiny_server: Server, client: Client, tmp_path: Path) -> None:
        (tmp_path / "photo.png").write_bytes(encoded(PLAIN, "PNG"))
        client.predict(handle_file(tmp_path / "photo.png"), api_name="/search_by_image")
        assert {path.name for path in tiny_server.home.iterdir()} == {"cache"}
        assert {path.name for path in (tiny_server.home / "cache").iterdir()} <= {"galleries", "uploads", "visitors"}
        left = [
            path for path in (PROJECT / "app").rglob("*") if path.suffix in (".pyi", ".lock") or path.name == ".gradio"
        ]
        assert left == []


class TestApi:
    def test_endpoints_say_what_they_take(self, client: Client) -> None:
        info = client.view_api(return_format="dict", print_info=False)
        assert info["unnamed_endpoints"] == {}
        offered = info["named_endpoints"]
        names = {
            "/search_by_text",
            "/search_by_image",
            "/search_by_item",
            "/predict_labels",
            "/export_csv",
            "/benchmark",
        }
        assert set(offered) >= names
        for name, first in (("/search_by_text", "text"), ("/search_by_image", "image"), ("/search_by_item", "file")):
            endpoint = offered[name]
            query, limit, *rest = endpoint["parameters"]
            assert (query["parameter_name"], query["parameter_has_default"]) == (first, False)
            assert (limit["parameter_name"], limit["parameter_default"]) == ("limit", 5)
            assert limit["python_type"]["type"] == "int"
            assert all(parameter["parameter_has_default"] for parameter in rest)
            assert endpoint["description"].startswith("Find ")
            told = limit["python_type"]["description"]
            assert told == "How many pictures and how many captions to return, 1 to 500."

    def test_a_bundle_without_numbers_has_an_empty_benchmark(self, client: Client) -> None:
        assert client.predict(api_name="/benchmark") == {"part": "summary", "parts": [], "numbers": {}}

    def test_a_text_is_the_first_argument(self, client: Client) -> None:
        short = client.predict("a dog on the beach", api_name="/search_by_text")
        assert {len(short["images"]), len(short["texts"])} == {5}
        answer = client.predict("a dog on the beach", 24, details=True, api_name="/search_by_text")
        assert set(answer) == {"query_labels", "images", "texts", "probability_of", "did_you_mean", "notice"}
        assert {label["label"] for label in answer["query_labels"]} >= {"dog", "beach"}
        assert len(answer["images"]) == 7
        for hits in (answer["images"], answer["texts"]):
            assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1))
            assert all(set(hit) == DETAILED_KEYS for hit in hits)
            scores = [hit["score"] for hit in hits]
            assert scores == sorted(scores, reverse=True)
        by_file = {hit["file"]: hit for hit in answer["images"]}
        assert set(by_file["beach_dog.webp"]["matched_labels"]) >= {"dog", "beach"}
        assert by_file[HOSTILE_FILE]["text"] == HOSTILE_CAPTIONS[0], "an API gives texts as they are"
        assert HOSTILE_LABEL in by_file[HOSTILE_FILE]["labels"]

    def test_a_picture_is_the_first_argument_and_finds_itself(self, client: Client, tiny_gallery_dir: Path) -> None:
        for name in ("beach_dog.webp", "street.jpg"):
            answer = client.predict(
                handle_file(tiny_gallery_dir / name), limit=1, details=True, api_name="/search_by_image"
            )
            assert [hit["file"] for hit in answer["images"]] == [name]
            assert answer["images"][0]["score"] == pytest.approx(1, abs=1e-3)
            assert len(answer["texts"]) == 1
            assert len(answer["query_labels"]) == 3

    def test_a_text_is_refined(self, client: Client) -> None:
        answer = client.predict(
            "a dog on the beach", without="boat", labels=["beach"], details=True, api_name="/search_by_text"
        )
        assert {"beach" in hit["labels"] for hit in answer["images"] + answer["texts"]} == {True}
        plain = client.predict("a dog on the beach", labels=["beach"], details=True, api_name="/search_by_text")
        assert [hit["score"] for hit in plain["images"]] != [hit["score"] for hit in answer["images"]]
        left = client.predict(
            "a dog on the beach", without="boat", away=1, labels=["beach"], details=True, api_name="/search_by_text"
        )
        assert {hit["file"] for hit in plain["images"]} - {hit["file"] for hit in left["images"]} == {"beach.png"}
        says = {said["term"]: said["by"] for said in left["images"][0]["says"]}
        assert says == {"dog": "label", "beach": "label"}
        seen = client.predict("a dog on the beach", written=False, details=True, api_name="/search_by_text")
        assert all(hit["says"] == [] and hit["shares"]["written"] == 0 for hit in seen["images"])
        alone = client.predict(
            "a dog on the beach", space="encoder", cutoff=50, details=True, api_name="/search_by_text"
        )
        assert all(hit["percentile"] >= 50 and hit["probability"] is None for hit in alone["images"])

    def test_a_picture_of_the_gallery_is_named_by_its_file(self, client: Client) -> None:
        answer = client.predict("beach_dog.webp", 3, api_name="/search_by_item")
        assert len(answer["images"]) == 3
        assert "beach_dog.webp" not in {hit["file"] for hit in answer["images"]}
        mixed = client.predict("beach_dog.webp", text="a street at night", weight=0, api_name="/search_by_item")
        assert {label["label"] for label in mixed["query_labels"]} >= {"street", "night"}
        with pytest.raises(AppError, match=r"^The gallery has no picture called '\.\./app\.py'\.$"):
            client.predict("../app.py", api_name="/search_by_item")

    def test_a_picture_and_words_are_mixed(self, client: Client, tiny_gallery_dir: Path) -> None:
        picture = handle_file(tiny_gallery_dir / "street.jpg")
        answer = client.predict(picture, text="a street", weight=1, api_name="/search_by_image")
        assert answer["images"][0]["file"] == "street.jpg"
        assert {label["label"] for label in answer["query_labels"]} >= {"street"}

    def test_labels_of_a_picture_are_named(self, client: Client, tiny_gallery_dir: Path) -> None:
        labels = client.predict(handle_file(tiny_gallery_dir / "street.jpg"), api_name="/predict_labels")["labels"]
        assert len(labels) == 3
        assert all(set(label) == {"label", "score"} for label in labels)
        assert [label["score"] for label in labels] == sorted((label["score"] for label in labels), reverse=True)

    def test_results_are_a_table(self, client: Client) -> None:
        table = client.predict("a dog", 2, api_name="/export_csv")["csv"]
        rows = list(csv.DictReader(io.StringIO(table, newline="")))
        assert [(row["kind"], row["rank"]) for row in rows] == [
            ("picture", "1"), ("picture", "2"), ("caption", "1"), ("caption", "2")
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({"labels": "dog"}, "The labels must be a list"),
            ({"labels": ["no such label"]}, "No picture here has the label 'no such label'"),
            ({"match": "some"}, "The match must be one of any, all, none"),
            ({"space": "moon"}, "The space must be one of ranking, encoder"),
            ({"cutoff": 101}, "The cutoff must be a number from 0 to 100"),
            ({"without": 3}, "The without must be a text"),
        ],
    )
    def test_a_refinement_that_is_none_is_one_sentence(
        self, client: Client, values: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(AppError, match=f"^{sentence}"):
            client.predict("dog", **values, api_name="/search_by_text")

    @pytest.mark.parametrize("limit", [0, -3, 501, 1.5, "ten", None, [1]])
    def test_a_limit_that_is_none_is_one_sentence(self, client: Client, limit: Any) -> None:
        with pytest.raises(AppError, match=r"^The limit must be a whole number from 1 to 500, not "):
            client.predict("dog", limit, api_name="/search_by_text")

    @pytest.mark.parametrize("text", ["", "  \n ", "\x00\x01\x1b"])
    def test_a_blank_text_is_one_sentence(self, client: Client, text: str) -> None:
        with pytest.raises(AppError, match=r"^The text is empty: type at least one word\.$"):
            client.predict(text, api_name="/search_by_text")

    @pytest.mark.parametrize("value", [None, 7, ["dog"], {"text": "dog"}])
    def test_what_is_no_text_is_one_sentence(self, client: Client, value: Any) -> None:
        with pytest.raises(AppError, match=r"^A text is needed, not [\w ]+\.$"):
            client.predict(value, api_name="/search_by_text")

    @pytest.mark.parametrize("text", ["🌃 🐕", "a\x07dog\x1b[0m", "<img src=x onerror=alert(1)>", "${1+1} {{this}}"])
    def test_odd_texts_are_answered(self, client: Client, text: str) -> None:
        assert len(client.predict(text, 3, api_name="/search_by_text")["images"]) == 3

    def test_ten_thousand_characters_are_cut_and_that_is_said(self, client: Client) -> None:
        answer = client.predict("dog " * 2500, 1, api_name="/search_by_text")
        assert answer["notice"] == "The text is long: at most its first 30 words were read."
        assert len(answer["images"]) == 1

    @pytest.mark.parametrize("kind", PICTURES)
    def test_every_kind_of_picture_is_searched_or_refused_in_one_sentence(
        self, client: Client, kind: str, tmp_path: Path
    ) -> None:
        name, data, sentence = PICTURES[kind]
        (tmp_path / name).write_bytes(data())
        if sentence is None:
            answer = client.predict(handle_file(tmp_path / name), 2, api_name="/search_by_image")
            assert len(answer["images"]) == 2
            return
        with pytest.raises(AppError, match=sentence) as caught:
            client.predict(handle_file(tmp_path / name), 2, api_name="/search_by_image")
        assert str(caught.value).startswith(f"The file {name} ")
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("value", [None, "/etc/hostname", 3, {"path": 3}, {"path": "a\0"}, {}, ["a.png"]])
    def test_what_is_no_file_is_one_sentence(self, client: Client, value: Any) -> None:
        with pytest.raises(AppError, match=r"^The image must be an uploaded file"):
            client.predict(value, api_name="/search_by_image")

    @pytest.mark.parametrize("mark", [{}, {"meta": {"_type": "gradio.FileData"}}, {"url": "/gradio_api/file=x"}])
    def test_a_path_on_the_server_is_not_an_upload(
        self, tiny_server: Server, tiny_gallery_dir: Path, mark: dict[str, Any]
    ) -> None:
        """Hand-written requests, since a client uploads the file instead."""
        url = f"{tiny_server.url}/gradio_api/call/search_by_image"
        picture = {"path": str(tiny_gallery_dir / "beach.png"), **mark}
        values = [picture, 1, "", 0.5, "", 0.5, [], "any", "ranking", 0, None, True, False, ""]
        data = json.dumps({"data": values}).encode()
        _, body, _ = fetch(url, data=data, headers={"Content-Type": "application/json"})
        _, answer, _ = fetch(f"{url}/{json.loads(body)['event_id']}")
        assert b"event: error" in answer
        assert b"percentile" not in answer

    def test_nothing_of_it_left_a_traceback(self, tiny_server: Server, client: Client) -> None:
        with pytest.raises(AppError):
            client.predict("", api_name="/search_by_text")
        assert "ALGCN Explorer is at http://127.0.0.1:" in tiny_server.output
        expected = "InvalidPathError"  # gradio's own protest about the path of the test above
        traces = [trace for trace in tiny_server.output.split("Traceback")[1:] if expected not in trace]
        assert traces == []


class TestFiles:
    def test_pictures_are_served_by_number(self, tiny_server: Server) -> None:
        kinds = {}
        for number in range(7):
            for size in ("card", "large", "original"):
                status, body, headers = fetch(f"{tiny_server.url}/picture/gallery/{size}/{number}")
                assert status == 200
                assert Image.open(io.BytesIO(body)).size == (96, 64)
                assert headers["x-content-type-options"] == "nosniff"
                assert "max-age" in headers["cache-control"]
                kinds[number] = headers["content-type"]
        assert kinds[0] == "image/png"
        assert {"image/webp", "image/jpeg"} <= set(kinds.values())

    @pytest.mark.parametrize(
        "path",
        [
            "card/7",
            "card/-1",
            "card/1e9",
            "card/beach.png",
            "huge/0",
            "card/..%2F..%2Fapp.py",
            "card/%2Fetc%2Fhostname",
        ],
    )
    def test_no_other_name_is_a_picture(self, tiny_server: Server, path: str) -> None:
        status, body, _ = fetch(f"{tiny_server.url}/picture/gallery/{path}")
        assert status in (404, 422)
        assert b"import" not in body

    def test_no_other_file_is_served(self, tiny_server: Server, tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> None:
        for path in (
            "/etc/hostname",
            PROJECT / "app.py",
            tiny_bundle_dir / "config.json",
            tiny_gallery_dir / "beach.png",
        ):
            status, _, _ = fetch(f"{tiny_server.url}/gradio_api/file={path}")
            assert status == 403, path

    def test_what_an_upload_may_hold_is_what_a_collection_may(self, tiny_server: Server) -> None:
        status, body, _ = fetch(f"{tiny_server.url}/config")
        assert status == 200
        assert json.loads(body)["max_file_size"] == MAX_COLLECTION_BYTES


class TestPocket:
    """The program as it comes: its own bundle and gallery, here as the refuge from a Hub that does not answer."""

    def test_an_unreachable_bundle_is_said_and_replaced(self, pocket_server: Server) -> None:
        client = Client(pocket_server.url, verbose=False)
        answer = client.predict("a dog on the beach", 10, details=True, api_name="/search_by_text")
        assert sum(bool(hit["matched_labels"]) for hit in answer["images"]) >= 8
        lines = [line for line in pocket_server.output.splitlines() if "nobody/no-such-bundle" in line]
        assert len(lines) == 1
        assert re.search(r"Using \S*pocket instead", lines[0])

    def test_an_uploaded_picture_finds_its_like_and_its_labels(self, pocket_server: Server) -> None:
        client = Client(pocket_server.url, verbose=False)
        seed = client.predict("boats in the harbour", 1, api_name="/search_by_text")["images"][0]
        picture = PROJECT / "assets" / "gallery" / seed["file"]
        answer = client.predict(handle_file(picture), 10, api_name="/search_by_image")
        assert answer["images"][0]["file"] == seed["file"]
        assert {label["label"] for label in answer["query_labels"]} & set(seed["labels"])
        assert sum(bool(set(hit["labels"]) & set(seed["labels"])) for hit in answer["texts"]) >= 8

    def test_it_answers_from_shipped_embeddings(self, pocket_server: Server) -> None:
        Client(pocket_server.url, verbose=False).predict("dog", 1, api_name="/search_by_text")
        assert not (pocket_server.home / "cache" / "galleries").exists(), "nothing had to be encoded"
