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
