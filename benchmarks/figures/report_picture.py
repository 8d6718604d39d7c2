"""Draw `docs/images/report.png`: what the page of `dnmf demo` shows of signatures and exposures, in a Chromium.

python -m figures.report_picture ../demo-output/report.html    (in the folder benchmarks)
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from figures.pages import ROOT


def main(report: Path) -> None:
    browsers = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, browsers)), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(report.resolve().as_uri())
        top, bottom = (page.locator(name).bounding_box() for name in ("#signatures", "#exposures"))
        assert top is not None
        assert bottom is not None
        height = bottom["y"] + bottom["height"] - top["y"]
        page.screenshot(
            path=ROOT / "docs" / "images" / "report.png",
            full_page=True,
            clip={"x": 20, "y": top["y"] + 20, "width": 1240, "height": height},
        )
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
