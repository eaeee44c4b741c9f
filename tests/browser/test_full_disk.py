"""A visit while the disk of the server is full: what can be shown is shown, and the rest is a sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

from browsing import CARDS, Browser, Page, ask, expect, visit
from disks import small_disk
from PIL import Image
from serving import serve

from app.kit.limits import DISK_FULL


def ask_for_more(page: Page) -> None:
    page.locator(CARDS).first.click()
    page.get_by_role("button", name="More like this").click()


def test_a_visit_on_a_full_disk(
    browser: Browser, tiny_bundle_dir: Path, tiny_gallery_dir: Path, tmp_path: Path
) -> None:
    gallery, home = tmp_path / "gallery", tmp_path / "home"
    shutil.copytree(tiny_gallery_dir, gallery)
    home.mkdir()
    Image.effect_noise((900, 700), 90).convert("RGB").save(gallery / "scan.tif")
    with (gallery / "metadata.csv").open("a", encoding="utf-8") as stream:
        stream.write("scan.tif,A scan,night\n")
    with small_disk(tmp_path / "disk", "4m") as disk:
        disk.fill()
        arguments = ("--bundle", tiny_bundle_dir, "--gallery", gallery)
        with serve(home, arguments, ALGCN_CACHE=str(disk.root)) as server, visit(browser, server.url) as page:
            assert f"the disk at {disk.root} is full" in server.output, "the features are not kept, and that is said"
            ask(page, "a scan")
            scan = page.locator(f"{CARDS} img[alt*='scan']").first
            scan.scroll_into_view_if_needed()
            page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=scan.element_handle())
            ask_for_more(page)
            expect(page.locator("#notice .error")).to_have_text(DISK_FULL)
            ask(page, "a boat")
            expect(page.locator(CARDS).first).to_be_visible()
            expect(page.locator("#notice .error")).to_be_hidden()
            disk.make_room()
            ask(page, "a street")
            ask_for_more(page)
            expect(page.locator(".asked")).to_have_text("More like this picture")
            assert "Traceback" not in server.output
