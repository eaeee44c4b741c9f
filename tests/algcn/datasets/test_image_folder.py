"""Reading image folders: the convention, and every way to get it wrong."""

from __future__ import annotations

import pytest

from algcn.datasets.image_folder import Item, read_image_folder
from algcn.kit.errors import InputError
from algcn.method.labels import LabelSet


@pytest.fixture
def folder(tmp_path):
    """A folder with three files and a function that writes its metadata.csv."""
    for name in ("a.png", "b.jpg", "deep/c.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"not opened here")

    def write(text, encoding="utf-8"):
        (tmp_path / "metadata.csv").write_bytes(text.encode(encoding))
        return tmp_path

    return write


def test_rows_become_items(folder):
    root = folder(
        "file_name,text,labels,split\n"
        'a.png,"A dog, running",dog|beach,train\n'
        "deep/c.webp,Une journée à la mer 🌊,,test\n"
        "b.jpg,,cat,\n"
    )
    read = read_image_folder(root)
    assert read.items == [
        Item("a.png", ["A dog, running"], ["dog", "beach"], "train"),
        Item("deep/c.webp", ["Une journée à la mer 🌊"], [], "test"),
        Item("b.jpg", [], ["cat"], None),
    ]
    assert len(read) == 3
    assert read.path(read.items[1]) == root / "deep" / "c.webp"
    assert read.label_names == ["beach", "cat", "dog"]


def test_several_texts_of_one_image(folder):
    read = read_image_folder(folder("file_name,text,labels\na.png,one,dog\nb.jpg,other,cat\na.png,two,beach|dog\n"))
    assert read.items == [Item("a.png", ["one", "two"], ["dog", "beach"]), Item("b.jpg", ["other"], ["cat"])]


def test_without_labels_column_labels_are_not_said(folder):
    assert read_image_folder(folder("file_name,text\na.png,one\n")).items == [Item("a.png", ["one"], None, None)]


def test_a_byte_order_mark_and_windows_line_ends_are_fine(folder):
    read = read_image_folder(folder("file_name,text,labels\r\na.png,héllo,dog\r\n", "utf-8-sig"))
    assert read.items == [Item("a.png", ["héllo"], ["dog"])]


def test_other_columns_and_a_text_of_two_lines_are_fine(folder):
    read = read_image_folder(folder('shard,file_name,text\n1,a.png,"two\nlines"\n1,b.jpg,x\n'))
    assert [item.texts for item in read] == [["two\nlines"], ["x"]]


def test_without_metadata_every_image_is_an_item(folder, tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"")
    assert read_image_folder(tmp_path).items == [Item("a.png"), Item("b.jpg"), Item("deep/c.webp")]


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        read_image_folder(tmp_path / "missing")
    with pytest.raises(InputError, match="holds no images"):
        read_image_folder(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file_name,txt\na.png,dog\n", r"no column 'text' or 'labels' \(its columns: file_name, txt\)"),
        ("text,labels\nhello,dog\n", "no column 'file_name'"),
        ("", "no column 'file_name'"),
        ("file_name,text\n", "names no images"),
        (
            "file_name,text\ny.png,x\nz.png,y\n",
            "names no images that are in the folder. Rows whose picture is not there: 2",
        ),
        ("file_name,text\n../a.png,x\n", "Row 2 .* outside the folder"),
        ("file_name,text\ndeep/../../a.png,x\n", "Row 2 .* outside the folder"),
        ("file_name,text\n/etc/hostname,x\n", "Row 2 .* outside the folder"),
        ("file_name,text\nC:\\\\a.png,x\n", "Row 2 .* outside the folder"),
        ("file_name,text\n..\\\\a.png,x\n", "Row 2 .* outside the folder"),
        ("file_name,text\n,x\n", "names no images .* Rows without a file_name: 1, for instance row 2"),
        ("file_name,text,Text\na.png,x,y\n", "more than one column called 'text'"),
        ("file_name,filename,text\na.png,a.png,y\n", "more than one column called 'file_name'"),
        ('file_name,labels\na.png,dog; cat\nb.jpg,"dog, cat"\n', "separates labels by ';' and ','"),
        ("file_name,text,labels\na.png,one, two,dog\n", "Row 2 of .* has more or fewer fields"),
        ("file_name,text,labels\na.png,one\n", "Row 2 of .* has more or fewer fields"),
        ('file_name,text\na.png,"one\nb.jpg,two\n', "not CSV after row 1"),
        ("file_name,text,split\na.png,one,early\n", "Row 2 of .* has the split 'early'; use train, validation, test"),
        ("file_name,text,split\na.png,one,train\na.png,two,test\n", "Row 3 of .* puts 'a.png' into split 'test'"),
    ],
)
def test_what_is_wrong_is_said(folder, text, message):
    with pytest.raises(InputError, match=message):
        read_image_folder(folder(text))


def test_latin_1_is_named(folder):
    with pytest.raises(InputError, match="not UTF-8"):
        read_image_folder(folder("file_name,text\na.png,été\n", "latin-1"))


def test_an_unknown_label_is_named_with_its_row(folder):
    root = folder("file_name,text,labels\na.png,one,dog\nb.jpg,two,dog|doog\n")
    known = LabelSet(["dog", "cat"])
    with pytest.raises(InputError, match=r"Row 3 of .* There is no label 'doog'. Did you mean 'dog'\?"):
        read_image_folder(root, known)
    assert len(read_image_folder(root)) == 2


def counts(read):
    """What an account says was not used."""
    return dict(read.account.counts)


def test_a_row_of_a_picture_that_was_deleted_costs_that_row(folder):
    read = read_image_folder(folder("file_name,text\na.png,one\ngone.png,two\nb.jpg,three\n"))
    assert [item.file_name for item in read] == ["a.png", "b.jpg"]
    assert read.account.lines() == [
        "2 pictures, 2 captions, 2 rows used; 1 row, 1 picture not used.",
        "Rows whose picture is not there: 1, for instance row 3 of metadata.csv, 'gone.png'; "
        "add the file, or drop the row.",
        "Pictures that no row names: 1, for instance deep/c.webp; add a row for each to metadata.csv.",
    ]
    assert read.unnamed == ["deep/c.webp"]


def test_columns_that_are_not_read_are_named_but_our_own(folder):
    read = read_image_folder(folder("file_name,text,width,author,predicted_labels\na.png,one,3,me,dog\n"))
    assert counts(read)["columns not read"] == 2
    assert "Columns not read: 2, for instance 'width' of metadata.csv" in " ".join(read.account.sentences())


def test_columns_of_0_and_1_are_labels_and_one_alone_is_not(folder):
    read = read_image_folder(folder("file_name,dog,snow shoe,kind\na.png,1,0,x\nb.jpg,1,1,y\ndeep/c.webp,0,,z\n"))
    assert [item.labels for item in read] == [["dog"], ["dog", "snow shoe"], []]
    assert read.account.notes == ["The columns of 0 and 1 in metadata.csv are labels: dog, snow shoe."]
    read = read_image_folder(folder("file_name,text,dog\na.png,x,1\nb.jpg,y,0\n"))
    assert [item.labels for item in read] == [None, None]
    assert counts(read)["columns not read"] == 1


def test_label_and_labels_are_both_read(folder):
    read = read_image_folder(folder("file_name,label,labels\na.png,dog,dog|sea\nb.jpg,cat,\n"))
    assert [item.labels for item in read] == [["dog", "sea"], ["cat"]]


def test_labels_in_other_letter_case_are_one_and_it_is_said(folder):
    read = read_image_folder(folder('file_name,labels\na.png,Dog|dog \nb.jpg,dog\ndeep/c.webp,"DOG, sea"\n'))
    assert [item.labels for item in read] == [["dog"], ["dog"], ["DOG, sea"]]
    read = read_image_folder(folder('file_name,labels\na.png,Dog\nb.jpg,dog\ndeep/c.webp,"DOG, Sea,dog"\n'))
    assert [item.labels for item in read] == [["dog"], ["dog"], ["dog", "Sea"]]
    assert read.account.notes == [
        "The labels of metadata.csv are separated by ','.",
        "Labels that differ in letter case only are one: 'Dog' as 'dog', 'DOG' as 'dog'.",
    ]
    assert read.label_counts == {"dog": 3, "Sea": 1}
    known = LabelSet(["DOG", "Sea"])
    assert [item.labels for item in read_image_folder(folder("file_name,labels\na.png,dog|sea\n"), known)] == [
        ["DOG", "Sea"]
    ]


def test_a_label_of_the_set_is_not_split_at_its_comma(folder):
    root = folder('file_name,labels\na.png,"salt, pepper"\nb.jpg,"dog,cat"\n')
    read = read_image_folder(root, LabelSet(["Salt, pepper", "dog", "cat"]))
    assert [item.labels for item in read] == [["Salt, pepper"], ["dog", "cat"]]


def test_folders_name_the_split_where_no_column_does(tmp_path):
    for name in ("Train/a.jpg", "val2017/b.jpg", "testing/c.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")
    rows = "Train/a.jpg,x,\nval2017/b.jpg,y,\ntesting/c.jpg,z,\n"
    (tmp_path / "metadata.csv").write_text(f"file_name,text,split\n{rows}")
    read = read_image_folder(tmp_path)
    assert [item.split for item in read] == ["train", "validation", "test"]
    assert read.account.notes == ["The folders name the splits: train 1, validation 1, test 1."]
    (tmp_path / "metadata.csv").write_text(f"file_name,text,split\n{rows}".replace("x,", "x,test"))
    assert [item.split for item in read_image_folder(tmp_path)] == ["test", None, None]


def test_a_class_called_like_a_split_is_a_class_beside_others(tmp_path):
    for name in ("train/a.jpg", "bicycle/b.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")
    assert read_image_folder(tmp_path).items == [
        Item("bicycle/b.jpg", labels=["bicycle"]), Item("train/a.jpg", labels=["train"]),
    ]  # fmt: skip


def test_two_tables_in_one_place_are_refused_and_in_two_places_joined(folder, tmp_path):
    folder("file_name,text\na.png,one\ndeep/c.webp,two\n")
    (tmp_path / "deep" / "Metadata.CSV").write_text("file_name,text\nc.webp,three\n")
    assert sorted(item.texts for item in read_image_folder(tmp_path)) == [["one"], ["three", "two"]]
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "b.jpg", "text": "x"}\n')
    with pytest.raises(InputError, match=r"two tables in one place, metadata\.csv and metadata\.jsonl; leave one"):
        read_image_folder(tmp_path)


def test_names_from_other_systems_find_their_files(tmp_path):
    (tmp_path / "été").mkdir()
    (tmp_path / "été" / "cafe\u0301.JPG").write_bytes(b"")
    (tmp_path / "metadata.csv").write_text("file_name,text\ne\u0301te\u0301\\café.jpg,x\n", encoding="utf-8")
    (item,) = read_image_folder(tmp_path)
    assert (item.file_name, item.texts) == ("été/cafe\u0301.JPG", ["x"])


def test_a_name_that_fits_several_files_is_counted(tmp_path):
    for name in ("a.jpg", "A.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "metadata.csv").write_text("file_name,text\nA.JPG,x\nb.jpg,y\n")
    assert counts(read_image_folder(tmp_path)) == {
        "rows whose file_name fits several files": 1, "pictures that no row names": 2,
    }  # fmt: skip


def test_a_link_to_a_folder_is_counted_unless_its_pictures_are_named(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "a.jpg").write_bytes(b"")
    (root := tmp_path / "root").mkdir()
    (root / "b.jpg").write_bytes(b"")
    (root / "linked").symlink_to(tmp_path / "store")
    assert counts(read_image_folder(root)) == {"links to folders, not followed": 1}
    (root / "metadata.csv").write_text("file_name,text\nlinked/a.jpg,x\nb.jpg,y\n")
    assert counts(read_image_folder(root)) == {}


def test_a_folder_read_whole_has_the_pictures_that_no_row_names_and_needs_none_that_one_does(folder):
    root = folder("file_name,text\na.png,one\ngone.png,two\nmetadata.csv,three\n")
    read = read_image_folder(root, whole=True)
    assert read.items == [Item("a.png", ["one"]), Item("b.jpg"), Item("deep/c.webp")]
    assert read.unnamed == ["b.jpg", "deep/c.webp"]
    assert dict(read.account.counts) == {"rows whose picture is not there": 2} and read.account.used["pictures"] == 3
    root = folder("file_name,text\ngone.png,one\n")
    assert [item.texts for item in read_image_folder(root, whole=True)] == [[], [], []]


def test_names_may_mean_certain_files(folder):
    meant = {"a.png": ["../elsewhere/a.png"], "two.png": ["b.jpg", "deep/c.webp"]}
    read = read_image_folder(folder("file_name,text\nA.png,one\ntwo.png,two\nb.jpg,three\n"), meant=meant)
    assert read.items == [Item("../elsewhere/a.png", ["one"]), Item("b.jpg", ["three"])]
    assert read.account.sentences()[0] == (
        "Rows whose file_name fits several files: 1, for instance row 3 of metadata.csv "
        "(2 files are called 'two.png'); give each file a name of its own, and write all of it."
    )


def test_two_tables_may_speak_of_one_picture(folder, tmp_path):
    folder("file_name,text,labels\ndeep/c.webp,two,dog|cat\ndeep/c.webp,,dog\n")
    (tmp_path / "deep" / "metadata.csv").write_text("file_name,text\nc.webp,one\n")
    assert read_image_folder(tmp_path).items == [Item("deep/c.webp", ["one", "two"], ["dog", "cat"])]


def test_a_table_of_columns_without_end_is_one_short_sentence(folder):
    columns = ",".join(f"column {number}" for number in range(10_000))
    with pytest.raises(InputError, match=r"has no column 'file_name'") as caught:
        read_image_folder(folder(f"{columns}\n"))
    assert len(str(caught.value)) < 600
