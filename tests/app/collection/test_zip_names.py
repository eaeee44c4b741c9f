"""Names in a zip are read as they were written, whatever system wrote them, and a guess is said."""

from __future__ import annotations

import random
import unicodedata
import zipfile
from pathlib import Path

import pytest
from zips import UTF8_FLAG, RawInfo, unicode_path, write_zip

from app.collection.zip_names import ZipNames, decode_names

# Words that people call their photos by.
WORDS = {
    "gb18030": (
        "海边 日落 公园 猫 狗 长城 生日 婚礼 全家福 花园 雪景 春节 旅行 照片 截图 新建文件夹 风景 城市 夜景 "
        "孩子 朋友 聚会 汽车 学校 沙滩 森林 天空 月亮 红色 桥 街道"
    ),
    "cp932": (
        "海 夕日 公園 猫 犬 富士山 誕生日 結婚式 家族 庭 雪 正月 旅行 写真 画像 新しいフォルダ 風景 夜景 "
        "子供 友達 パーティー 車 自転車 駅 学校 ビーチ 森 空 赤い花 橋 スクリーンショット 桜 お祭り 表 "
        "ソファ"
    ),
    "cp949": (
        "바다 노을 공원 고양이 강아지 한라산 생일 결혼식 가족 정원 눈 설날 여행 사진 그림 새폴더 풍경 도시 "
        "야경 아이 친구 파티 자동차 학교 해변 숲 하늘 빨간꽃 다리 거리 벚꽃 단풍"
    ),
    "big5hkscs": (
        "海邊 日落 公園 貓 狗 長城 生日 婚禮 全家福 花園 雪景 春節 旅行 照片 截圖 新資料夾 風景 城市 夜景 "
        "孩子 朋友 聚會 汽車 學校 沙灘 森林 天空 月亮 紅色 橋 街道 功能"
    ),
    "cp437": (
        "Müller Küche Österreich Bäume schön Frühstück Grüße café élève château été Noël garçon fenêtre niño "
        "España mañana"
    ),
    "cp850": (
        "Müller Küche São Paulo coração irmã pão forêt hôtel árbol pájaro Malmö fjällräv Ångström smørrebrød København"
    ),
    "cp1252": (
        "Müller Küche São Paulo coração irmã pão forêt hôtel árbol pájaro Malmö fjällräv Ångström smørrebrød København"
    ),
    "cp866": (
        "море закат парк кошка собака свадьба семья сад горы снег новый год поездка снимок пейзаж ночь дети "
        "друзья машина"
    ),
    "cp1251": (
        "море закат парк кошка собака свадьба семья сад горы снег новый год поездка снимок пейзаж ночь дети "
        "друзья машина"
    ),
}
MANY, FEW = 5, 2


def file_names(codec: str, count: int, seed: int) -> list[str]:
    """Names of photos, as people and cameras make them up."""
    chance, words = random.Random(seed), WORDS[codec].split()
    names: dict[str, None] = {}
    while len(names) < count:
        one, other, number = chance.choice(words), chance.choice(words), chance.randrange(9999)
        stem = chance.choice([one, f"{one}{number}", f"{one} {other}", f"IMG_{number} {one}", f"{one}_{other} (2)"])
        names[f"{stem}{chance.choice(['.jpg', '.JPG', '.png', '.jpeg'])}"] = None
    return list(names)


def decoded(names: list[bytes], listed: list[str] | None = None) -> ZipNames:
    """The names as they are read, through a zip's own bytes as zipfile gives them."""
    return decode_names([zipfile.ZipInfo(name.decode("cp437")) for name in names], listed or ())


@pytest.mark.parametrize("codec", WORDS)
def test_a_few_names_tell_how_they_are_written(codec: str) -> None:
    """From five on, every archive is read right; of archives with two names, nine of ten are."""
    for seed in range(40):
        names = file_names(codec, MANY + seed % 26, seed)
        read = decoded([name.encode(codec) for name in names])
        assert read.names == names
        assert read.assumed is not None and read.example == next(name for name in names if not name.isascii())
    right = 0
    for seed in range(100):
        names = file_names(codec, FEW, seed)
        right += decoded([name.encode(codec) for name in names]).names == names
    assert right >= 90


@pytest.mark.parametrize("codec", WORDS)
def test_a_table_in_the_archive_decides(codec: str) -> None:
    for seed in range(100):
        names = file_names(codec, 1, seed)
        read = decoded([name.encode(codec) for name in names], names)
        assert (read.names, read.assumed) == (names, None)


def test_letters_that_are_korean_and_chinese_at_once() -> None:
    """Each of these names is made of letters that both have: what is frequent in one is odd in the other."""
    korean, chinese = ["바다.jpg", "가을 하늘.jpg", "우리집 정원.jpg"], ["海边.jpg", "公园的花.jpg", "北京长城.jpg"]
    assert decoded([name.encode("cp949") for name in korean]).assumed == "Korean (EUC-KR)"
    assert decoded([name.encode("gb18030") for name in chinese]).assumed == "Chinese (GBK)"


def test_ascii_and_utf8_without_the_flag_are_no_guess() -> None:
    assert decoded([b"a.jpg", b"b/c.png"]) == ZipNames(["a.jpg", "b/c.png"])
    names = ["café.jpg", "海边/猫.jpg", "бег.png", "한.png"]
    assert decoded([name.encode() for name in names]) == ZipNames(names)
    mac = [unicodedata.normalize("NFD", name).encode() for name in names]
    assert decoded(mac) == ZipNames(names), "a Mac writes letters in parts"
    assert decode_names([]) == ZipNames([])


def test_what_an_entry_says_of_its_name_wins(tmp_path: Path) -> None:
    chinese = "海边.jpg".encode("gb18030")
    flagged = RawInfo("café.jpg".encode(), UTF8_FLAG)
    right, wrong, cut = (RawInfo(chinese) for _ in range(3))
    right.extra = b"\x99\x99\x02\x00.." + unicode_path(chinese, "长城.jpg")  # after another field
    wrong.extra = unicode_path(chinese, "长城.jpg", checksum=1)  # it belongs to another name
    cut.extra = b"\x75\x70\x03\x00\x01.."
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number, info in enumerate((flagged, right, wrong, cut)):
            archive.NameToInfo.clear()  # so that it does not warn of a name that is there twice
            archive.writestr(info, str(number))
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        read = decode_names(archive.infolist(), ["海边.jpg"])
    assert read.names == ["café.jpg", "长城.jpg", "海边.jpg", "海边.jpg"]


def test_backslashes_part_folders_and_are_not_taken_from_letters() -> None:
    """The second byte of 表 and of ソ in Shift-JIS, and of 功 in Big5, is a backslash's."""
    names = ["写真\\表紙.jpg", "写真\\ソファ.jpg", "写真\\海.jpg", "写真\\夕日の公園.jpg", "写真\\自転車.jpg"]
    read = decoded([name.encode("cp932") for name in names])
    assert read.names == [name.replace("\\", "/") for name in names]
    assert decoded([b"a\\b\\c.png"]).names == ["a/b/c.png"]
    assert decoded([b"a.png\0.exe"]).names == ["a.png"]


def test_an_archive_of_many_kinds_of_names_is_read_all_the_same() -> None:
    every = bytes(range(128, 256))
    read = decoded([every + b".jpg", "海边.jpg".encode("gb18030"), "ü.jpg".encode("cp850")])
    assert len(set(read.names)) == 3 and read.assumed is not None


def test_archives_are_read_as_they_are_written(tmp_path: Path) -> None:
    """The bytes of the names are those that a program on such a system writes."""
    path = write_zip(tmp_path / "a.zip", [("海边.JPG", b"1"), ("夜景.jpg", b"2")], "gb18030")
    assert "海边.JPG".encode("gb18030") in path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert not any(info.flag_bits & UTF8_FLAG for info in archive.infolist())
        assert decode_names(archive.infolist(), ["夜景.jpg"]).names == ["海边.JPG", "夜景.jpg"]
