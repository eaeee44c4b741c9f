"""Pictures of every tab for the README: on a desktop, on a phone, and in a dark room.

    python -m tests.screenshots [--bundle B] [--gallery G] [--out assets/screenshots]

Starts the program, drives it with a headless Chromium, and stops it again.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.serving import PROJECT, SWITCHES, serve

QUERY = "boats in the harbor"
PATIENCE = 60_000
SETTLE = 1000  # a phone scrolls to the answer
# Every picture on the screen is there; those further down are loaded when somebody scrolls to them.
SEEN = """
[...document.querySelectorAll("#examples img, #results img, dialog img")].every((image) => {
  const { top, bottom } = image.getBoundingClientRect();
  const hidden = image.getClientRects().length === 0;
  return hidden || bottom < 0 || top > window.innerHeight || (image.complete && (image.naturalWidth || !image.src));
})
"""
DESKTOP, PHONE = (1440, 960), (390, 844)
# The file's name, the screen, whether it is dark, and what is done before the picture is taken.
SHOTS = (
    ("search", DESKTOP, False, ("words",)),
    ("details", DESKTOP, False, ("words", "details")),
    ("labels", DESKTOP, False, ("Labels",)),
    ("classifiers", DESKTOP, False, ("Classifiers",)),
    ("map", DESKTOP, False, ("words", "Gallery map")),
    ("benchmark", DESKTOP, False, ("Benchmark",)),
    ("train", DESKTOP, False, ("Train", "epochs")),
    ("collections", DESKTOP, False, ("Collections", "drop")),
    ("dark", DESKTOP, True, ("Labels", "label")),
    ("phone", PHONE, False, ("words",)),
)
# What is there when a tab is ready to be seen.
READY = {
    "Labels": "#label-graph .plot[data-drawn]",
    "Classifiers": "#classifiers-plot-1 .plot[data-drawn]",
    "Gallery map": "#map-plot .plot[data-drawn]",
    "Benchmark": "#benchmark-curve-text_to_image .plot[data-drawn]",
    "Train": "#train-data p",
    "Collections": "#collect-drop",
}
LABEL = "surfing"
EPOCHS_SEEN = "Epoch 1[0-9] of"
OWN_PICTURES = 12
QUALITY = 90


def act(page: Page, step: str) -> None:
    """One step of a visitor."""
    if step in READY:
        page.get_by_role("tab", name=step).click()
        expect(page.locator(READY[step])).to_be_visible()
        return
    if step == "label":
        page.fill(".lg-find input", LABEL)
        page.press(".lg-find input", "Enter")
        expect(page.locator(".lg-chosen h3").first).to_have_text(re.compile(LABEL))
        page.wait_for_function("[...document.querySelectorAll('.lg-chosen img')].length > 0")
        return
    if step == "epochs":
        page.click("#train-start")
        expect(page.locator("#train-status")).to_contain_text(re.compile(EPOCHS_SEEN), timeout=2 * PATIENCE)
        return
    if step == "drop":
        images = sorted((PROJECT / "assets" / "gallery" / "images").iterdir())
        page.set_input_files("#tab-collections input[type=file]", images[:: len(images) // OWN_PICTURES])
        expect(page.locator(".mine-grid li").first).to_be_visible(timeout=2 * PATIENCE)
        return
    if step == "words":
        page.fill("#query-text input", QUERY)
        page.press("#query-text input", "Enter")
    elif step == "details":
        page.locator(".hit-card").nth(1).click()
        expect(page.locator("dialog.details img")).to_be_visible()
    expect(page.locator(".hit-card").first).to_be_visible()


def main(argv: Sequence[str] | None = None) -> int:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=PROJECT / "weights" / "pocket")
    parser.add_argument("--gallery", type=Path, default=PROJECT / "assets" / "gallery")
    parser.add_argument("--out", type=Path, default=PROJECT / "assets" / "screenshots")
    arguments = parser.parse_args(argv)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("error: there is no chromium on this machine; install it, with apt for instance", file=sys.stderr)
        return 2
    expect.set_options(timeout=PATIENCE)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as home,
        serve(Path(home), ("--bundle", arguments.bundle.resolve(), "--gallery", arguments.gallery.resolve())) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=list(SWITCHES))
        for name, (width, height), dark, steps in SHOTS:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
                reduced_motion="reduce",
            )
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            page.goto(server.url)
            expect(page.locator(".try-pictures img").first).to_be_visible()
            for step in steps:
                act(page, step)
            page.wait_for_timeout(SETTLE)
            page.wait_for_function(SEEN)
            with Image.open(io.BytesIO(page.screenshot())) as picture:
                picture.convert("RGB").save(arguments.out / f"{name}.webp", quality=QUALITY, method=6)
            context.close()
            print(arguments.out / f"{name}.webp")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
