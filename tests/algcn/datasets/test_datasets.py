"""The three benchmarks from fixtures in their official formats: what is kept, the split, what goes wrong."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import tarfile

import pytest
from official import CONCEPTS, write_mirflickr, write_ms_coco, write_nus_wide

from algcn import evaluate, extract, train
from algcn.datasets import json_stream
from algcn.datasets.__main__ import main
from algcn.datasets.image_folder import read_image_folder
from algcn.datasets.mirflickr import NAMES, MirFlickr
from algcn.datasets.splits import Split, split_name
from algcn.features.bag_of_words import BagOfWords, read_vocabulary
from algcn.kit.errors import InputError, run_command
from algcn.method.labels import LabelSet


@pytest.fixture
def mirflickr(tmp_path):
    return write_mirflickr(tmp_path / "mir")


@pytest.fixture
def nus_wide(tmp_path):
    return write_nus_wide(tmp_path / "nus")


@pytest.fixture
def ms_coco(tmp_path):
    return write_ms_coco(tmp_path / "coco")


def run(dataset, root, out, *options):
    main([dataset, "--root", str(root), "--out", str(out), "--quiet", *map(str, options)])
    folder = read_image_folder(out, LabelSet.load(out / "labels.json"))
    return folder, json.loads((out / "split.json").read_text(encoding="utf-8"))


def test_mirflickr_keeps_what_has_a_label_and_a_common_tag(mirflickr, tmp_path, capsys):
    folder, manifest = run("mirflickr", mirflickr, tmp_path / "out", "--split", "8-query")
    kept = [number for number in range(1, 61) if number % 10 and number % 7]
    assert [item.file_name for item in folder] == [f"im{number}.jpg" for number in kept]
    first = folder.items[0]
    assert first.texts == ["rare1 explore sunset"]
    assert sorted(first.labels) == sorted(NAMES[(1 + shift) % 24] for shift in (0, 5, 11))
    assert [item.split for item in folder].count("test") == 8
    assert {item.split for item in folder} == {"train", "test"}
    label_set = LabelSet.load(tmp_path / "out" / "labels.json")
    assert label_set.names == NAMES and label_set[label_set.index("lake")].group == "water"
    assert (tmp_path / "out" / "vocabulary.txt").read_text().split() == ["explore", "sunset"]
    assert manifest["counts"]["left out"] == {"without a label": 6, "without a common tag": 8}
    assert manifest["counts"]["kept"] == len(kept) and manifest["counts"]["test"] == 8
    assert "60 items, 8 without a common tag, 6 without a label; 46 kept: NOT as many as the 20,015" in (
        capsys.readouterr().out
    )


def test_the_manifest_names_split_and_hashes(mirflickr, tmp_path):
    _, manifest = run("mirflickr", mirflickr, tmp_path / "out", "--split", "8-query", "--seed", 5)
    assert manifest["name"] == "mirflickr 8-query seed 5" == split_name(tmp_path / "out")
    image = (mirflickr / "mirflickr" / "im1.jpg").read_bytes()
    assert manifest["files"]["im1.jpg"][1] == hashlib.sha256(image).hexdigest()
    sky = (mirflickr / "mirflickr25k_annotations_v080" / "sky.txt").read_bytes()
    assert manifest["sources"]["mirflickr25k_annotations_v080/sky.txt"] == hashlib.sha256(sky).hexdigest()
    assert len(manifest["files"]) == 46
    # the split is what the rule says, so anybody can draw it again
    ranked = sorted(manifest["files"], key=lambda name: hashlib.sha256(f"5 {name}".encode()).digest())
    assert {name for name, (split, _) in manifest["files"].items() if split == "test"} == set(ranked[:8])


def test_mirflickr_vocabulary_is_counted_where_no_list_is(tmp_path):
    root = write_mirflickr(tmp_path / "mir", common_tags=False)
    assert MirFlickr(root).vocabulary == ["explore", "sunset"]


def test_mirflickr_relevant_labels_and_the_inner_folder_as_root(mirflickr, tmp_path):
    shutil.move(mirflickr / "mirflickr25k_annotations_v080", mirflickr / "mirflickr" / "annotations")
    options = ("--annotations", "relevant", "--split", "4-query-9-train")
    folder, manifest = run("mirflickr", mirflickr / "mirflickr", tmp_path / "out", *options)
    assert LabelSet.load(tmp_path / "out" / "labels.json").names == NAMES[:14]
    assert manifest["counts"]["train"] == 9 == [item.split for item in folder].count("train")
    assert manifest["counts"]["in neither"] == manifest["counts"]["kept"] - 13
    assert len(folder) == 13


def test_links_or_copies(mirflickr, tmp_path):
    run("mirflickr", mirflickr, tmp_path / "links", "--split", "8-query")
    run("mirflickr", mirflickr, tmp_path / "copies", "--split", "8-query", "--copy")
    assert (tmp_path / "links" / "im1.jpg").is_symlink() and not (tmp_path / "copies" / "im1.jpg").is_symlink()
    one, other = ((tmp_path / name / "split.json").read_text() for name in ("links", "copies"))
    assert one == other


def test_nus_wide(nus_wide, tmp_path, capsys):
    folder, manifest = run("nus-wide", nus_wide, tmp_path / "out", "--split", "6-query")
    names = [item.file_name for item in folder]
    # 2 has no label, 3 is not here, 4 has no tag; 5 is found by its Flickr id
    assert len(names) == 37 and names[0] == "scene0/0000_7000000.jpg" and "scene2/0005_7000005.jpg" in names
    label_set = LabelSet.load(tmp_path / "out" / "labels.json")
    assert label_set.names == CONCEPTS[:21]  # by frequency
    item = folder.items[names.index("scene0/0006_7000006.jpg")]
    assert item.labels == [CONCEPTS[place] for place in (0, 1, 2, 5)]
    assert item.texts == ["tag3 tag12 tag21"]
    left_out = {"without a label": 1, "whose photo is not here": 1, "without a tag": 1}
    assert manifest["counts"]["left out"] == left_out
    assert "39 have a label, 195,834 with 21 concepts in the literature" in capsys.readouterr().out
    assert len((tmp_path / "out" / "vocabulary.txt").read_text().split()) == 30


def test_nus_wide_official_split(nus_wide, tmp_path):
    folder, manifest = run("nus-wide", nus_wide, tmp_path / "out", "--split", "official", "--concepts", 3)
    assert [item.split for item in folder].count("test") == 10
    assert manifest["name"] == "nus-wide official" and "seed" not in manifest
    assert folder.label_names == CONCEPTS[:3]
    (nus_wide / "ImageList" / "TestImagelist.txt").unlink()
    with pytest.raises(InputError, match="official puts none of the 37 kept items into test"):
        run("nus-wide", nus_wide, tmp_path / "other", "--split", "official")


@pytest.mark.parametrize("year", ["2014", "2017"])
def test_ms_coco(tmp_path, year, capsys):
    root = write_ms_coco(tmp_path / "coco", year=year)
    folder, manifest = run("ms-coco", root, tmp_path / "out")
    names = [item.file_name for item in folder]
    assert len(names) == 15 and names[0].startswith(f"train{year}/") and names[0].endswith("000000000001.jpg")
    assert [item.split for item in folder] == ["train"] * 10 + ["test"] * 5
    # five of six captions by their ids, on one line
    assert folder.items[0].texts == [f"A thing, number 1 | caption {turn}." for turn in range(5, 10)]
    label_set = LabelSet.load(tmp_path / "out" / "labels.json")
    assert label_set.names == ["person", "dog", "traffic light"]
    assert label_set.groups == ["person", "animal", "outdoor"]
    assert folder.items[0].labels == ["dog", "traffic light"]
    assert manifest["counts"]["left out"] == {"without a label": 1, "without a caption": 1}
    assert manifest["name"] == "ms-coco official"
    assert "the literature keeps 122,218" in capsys.readouterr().out


def test_json_is_read_in_small_pieces(ms_coco, monkeypatch):
    path = ms_coco / "annotations" / "instances_train2014.json"
    whole = [(key, entry) for key, value in json.loads(path.read_text()).items() if isinstance(value, list)
             for entry in value]  # fmt: skip
    for size in (1, 7, 64):
        monkeypatch.setattr(json_stream, "CHUNK", size)
        assert list(json_stream.stream_lists(path)) == whole
    path.write_text(path.read_text()[:-40])
    with pytest.raises(InputError, match="no JSON object, or it is cut off"):
        list(json_stream.stream_lists(path))


def test_a_draw_does_not_depend_on_order_and_grows():
    names = [f"{number}.jpg" for number in range(500)]
    draw = Split("mirflickr", "50-query-100-train").draw((name, None) for name in names)
    again = Split("mirflickr", "50-query-100-train").draw((name, None) for name in reversed(names))
    assert draw == again and len(draw.test) == 50 and len(draw.train) == 100 and not draw.test & draw.train
    rest = Split("mirflickr", "50-query").draw((name, None) for name in names)
    assert rest.test == draw.test and rest.of("nobody.jpg", None) == "train"
    assert Split("mirflickr", "50-query", 7).draw((name, None) for name in names).test != draw.test


def _break(path, change):
    lines = path.read_text().splitlines()
    path.write_text("\n".join(change(lines)) + "\n")


NUS_LIST, NUS_TAGS = "ImageList/Imagelist.txt", "NUS_WID_Tags/AllTags1k.txt"
SKY = "mirflickr25k_annotations_v080/sky.txt"


@pytest.mark.parametrize(
    ("dataset", "spoil", "message"),
    [
        ("mirflickr", lambda root: shutil.rmtree(root / "mirflickr" / "meta"), "has no meta/tags"),
        ("mirflickr", lambda root: (root / SKY).unlink(), "sky.txt' cannot be read"),
        ("mirflickr", lambda root: _break(root / SKY, lambda lines: [*lines, "61"]), "Line .* of sky.txt says '61'"),
        ("mirflickr", lambda root: (root / "mirflickr" / "im2.jpg").unlink(), "im2.jpg is missing"),
        ("mirflickr", lambda root: _break(root / "mirflickr/doc/common_tags.txt", lambda lines: ["explore"]),
         "Line 1 of common_tags.txt"),
        ("nus-wide", lambda root: shutil.rmtree(root / "Flickr"), "has no folder of photos"),
        ("nus-wide", lambda root: (root / NUS_TAGS).unlink(), "has no tags"),
        ("nus-wide", lambda root: _break(root / NUS_LIST, lambda lines: lines[:-1]),
         "Imagelist.txt has no line 40, but AllTags1k.txt has one"),
        ("nus-wide", lambda root: _break(root / NUS_TAGS, lambda lines: [lines[0] + "\t1", *lines[1:]]),
         "Line 1 of AllTags1k.txt has 31 columns for the 30 tags"),
        ("nus-wide", lambda root: _break(root / "Groundtruth/AllLabels/Labels_concept01.txt",
                                         lambda lines: ["-1130179", *lines[1:]]), "must be 0 or 1, not '-1130179'"),
        ("nus-wide", lambda root: [path.unlink() for path in root.glob("Groundtruth/*/Labels_concept0*")],
         "has 15 files Labels_"),
        ("ms-coco", lambda root: (root / "annotations" / "captions_val2014.json").unlink(), "has no file of captions"),
        ("ms-coco", lambda root: shutil.rmtree(root / "val2014"), "has no photos"),
        ("ms-coco", lambda root: (root / "train2014" / "COCO_train2014_000000000004.jpg").unlink(),
         "000004.jpg is missing"),
        ("ms-coco", lambda root: (root / "annotations" / "instances_val2014.json").write_text('{"annotations": [{}]}'),
         "none of COCO's"),
        ("ms-coco", lambda root: (root / "annotations" / "instances_val2014.json").write_text("[]"), "no JSON object"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence_and_nothing_is_written(dataset, spoil, message, tmp_path, request, capsys):
    root = request.getfixturevalue(dataset.replace("-", "_"))
    spoil(root)
    before = sorted(tmp_path.iterdir())
    split = "official" if dataset == "ms-coco" else "6-query"
    arguments = [dataset, "--root", str(root), "--out", str(tmp_path / "out"), "--quiet", "--split", split]
    assert run_command(main, arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    with pytest.raises(InputError, match=message):
        main(arguments)
    assert sorted(tmp_path.iterdir()) == before


def test_a_bad_command_is_one_sentence(mirflickr, tmp_path):
    base = ["mirflickr", "--root", str(mirflickr), "--out", str(tmp_path / "out"), "--quiet"]
    with pytest.raises(InputError, match=r"takes 2,000 test and some train items, but 46 are kept; .*--split 4-query"):
        main(base)
    with pytest.raises(InputError, match="no split '2000'; use N-query"):
        main([*base, "--split", "2000"])
    with pytest.raises(InputError, match="mirflickr has no official split"):
        main([*base, "--split", "official"])
    with pytest.raises(InputError, match="There is no folder"):
        main([*base, "--root", str(tmp_path / "nowhere")])
    with pytest.raises(InputError, match=r"algcn\.extract makes features"):
        main([*base, "--out", "features.safetensors"])
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written to .* name another place"):
        main([*base, "--split", "8-query", "--out", str(tmp_path / "file" / "out")])
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="exists already"):
        main([*base, "--split", "8-query"])


def test_metadata_is_plain_csv(ms_coco, tmp_path):
    run("ms-coco", ms_coco, tmp_path / "out", "--split", "5-query", "--captions", 1)
    with (tmp_path / "out" / "metadata.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 15 and {row["split"] for row in rows} == {"train", "test"}


def test_the_real_subset_in_the_official_layout_keeps_every_photo_with_its_labels(data_root, tmp_path):
    """2,190 real photos of the benchmark; its tag matrix has no words, so column numbers stand for them."""
    loadmat = pytest.importorskip("scipy.io").loadmat
    real = data_root / "mirflickr"
    if not (real / "yall.mat").is_file():
        pytest.skip(f"no MIRFlickr subset at {real}")
    tags, labels = loadmat(real / "yall.mat")["YAll"], loadmat(real / "lall.mat")["LAll"]
    names = (real / "label_names.txt").read_text().split()
    with (real / "metadata.csv").open(newline="", encoding="utf-8") as stream:
        rows = {int(row["file_name"][2:].split(".")[0]): int(row["mat_row"]) for row in csv.DictReader(stream)}
    photos, annotations = tmp_path / "root" / "mirflickr", tmp_path / "root" / "mirflickr25k_annotations_v080"
    (photos / "meta" / "tags").mkdir(parents=True)
    annotations.mkdir()
    with tarfile.open(real / "images.tar") as archive:
        archive.extractall(photos, filter="data")
    for number, row in rows.items():
        (photos / f"im{number}.webp").rename(photos / f"im{number}.jpg")
        (photos / "meta" / "tags" / f"tags{number}.txt").write_text("".join(f"w{c}\n" for c in tags[row].nonzero()[0]))
    for column, name in enumerate(names):
        members = "".join(f"{number}\n" for number, row in rows.items() if labels[row, column])
        (annotations / f"{name}.txt").write_text(members)
    (photos / "doc").mkdir()
    (photos / "doc" / "common_tags.txt").write_text("".join(f"w{column} 20\n" for column in range(tags.shape[1])))

    folder, manifest = run("mirflickr", tmp_path / "root", tmp_path / "out", "--split", "500-query")
    assert manifest["counts"]["kept"] == len(rows) == 2190 and not manifest["counts"]["left out"]
    order = [int(item.file_name[2:].split(".")[0]) for item in folder]
    label_set = LabelSet.load(tmp_path / "out" / "labels.json")
    encoded = label_set.encode(item.labels for item in folder).numpy()
    assert (encoded == labels[[rows[number] for number in order]]).all()
    bags = BagOfWords(read_vocabulary(tmp_path / "out" / "vocabulary.txt")).encode([item.texts[0] for item in folder])
    assert (bags.numpy() == tags[[rows[number] for number in order]]).all()  # the benchmark's own text features


def test_from_official_files_to_a_trained_bundle(tmp_path, tiny_encoder_dir, capsys):
    """The three commands in a row: the split's name goes all the way."""
    root = write_mirflickr(tmp_path / "mir", 130)
    run("mirflickr", root, tmp_path / "photos", "--split", "30-query")
    features, bundle = tmp_path / "features.safetensors", tmp_path / "bundle"
    extract.main([str(tmp_path / "photos"), "--encoder", str(tiny_encoder_dir), "--text-features", "bow",
                  "--out", str(features)])  # fmt: skip
    train.main([str(features), "--out", str(bundle), "--epochs", "1", "--common-dim", "16"])
    metrics = json.loads((bundle / "metrics.json").read_text())
    assert metrics["split_name"] == "mirflickr 30-query seed 103"
    assert metrics["items"]["test"]["images"] == 30
    labels = json.loads((bundle / "config.json").read_text())["labels"]
    assert [label["name"] for label in labels] == NAMES
    evaluate.main([str(bundle), str(features), "--json", str(tmp_path / "report.json")])
    assert json.loads((tmp_path / "report.json").read_text())["split_name"] == "mirflickr 30-query seed 103"
    assert "split test of mirflickr 30-query seed 103" in capsys.readouterr().out
