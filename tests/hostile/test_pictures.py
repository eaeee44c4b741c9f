"""Pictures that keep a decoder busy end as one sentence or one picture, and cost the page nothing to speak of."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hostile.pictures import FAMILIES
from PIL import Image

from algcn.kit.errors import InputError
from algcn.kit.images import open_image
from app.kit.decoders import KEPT_PIXELS, MEMORY, Decoders

SECONDS = 6.0  # the page gives ten; what takes longer is a sentence, too
OWN_MEMORY = 200_000_000
SENTENCE = re.compile(r"The file bomb [^\n]*[a-z)0-9]\. [A-Z][^\n]*\.")
IN_PROCESS = [name for name, family in FAMILIES.items() if family.refused is not None]


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    made = Decoders(processes=1, seconds=SECONDS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def photo() -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((320, 240), 60).convert("RGB").save(stream, "JPEG")
    return stream.getvalue()


def memory(process: int | str, name: str) -> int:
    """Bytes of a process, as Linux counts them: VmRSS it has now, VmHWM was its most, VmPeak its most addresses."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) * 1024


def forget_the_most() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def check_answer(decoders: Decoders, path: Path) -> None:
    """Either a picture that is no larger than it may be, or one sentence."""
    try:
        image = decoders.open_image(path, name="bomb")
    except InputError as error:
        assert SENTENCE.fullmatch(str(error)), str(error)
    else:
        assert image.mode == "RGB" and image.width * image.height < 4 * KEPT_PIXELS


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux says what a process takes")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_picture_is_one_answer_and_the_next_one_is_read(
    decoders: Decoders, photo: bytes, tmp_path: Path, family: str
) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(FAMILIES[family].make())
    assert (np.asarray(decoders.open_image(photo)) == np.asarray(open_image(photo))).all()
    forget_the_most()
    before = memory("self", "VmRSS")
    check_answer(decoders, path)
    assert memory("self", "VmHWM") - before < OWN_MEMORY
    assert (np.asarray(decoders.open_image(photo)) == np.asarray(open_image(photo))).all()
    assert memory(decoders.processes()[0], "VmPeak") < MEMORY + OWN_MEMORY


@pytest.mark.parametrize("family", IN_PROCESS)
def test_what_the_structure_gives_away_is_refused_before_it_is_decoded(family: str) -> None:
    with pytest.raises(InputError, match=re.escape(FAMILIES[family].refused)) as refusal:
        open_image(FAMILIES[family].make(), name="bomb")
    assert SENTENCE.fullmatch(str(refusal.value)), str(refusal.value)
