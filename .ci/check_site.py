"""Check the built site: each link inside leads to a page and a place in it, each picture is there, all can read it.

The last is what axe-core finds against WCAG 2.1 A and AA on a page of each kind, light and dark; where its package or
Chromium is missing, it is left out with a message.
"""

import shutil
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
KINDS = (
    "index.html",
    "genomics/extract.html",
    "gallery/index.html",
    "gallery/genomics/quickstart.html",
    "explanation/refit_measured.html",
    "reference/api.html",
    "reference/api/dnmf.DNMF.html",
    "reference/commands.html",
)
# Rows, options and methods are alike, so that the first ones stand for all; what is folded away is not checked anyway.
SHORTEN = """document.querySelectorAll(
  'tbody tr:nth-child(n+4), dl.option:nth-of-type(n+3), dl.method:nth-of-type(n+3), details:not([open]) > ul'
).forEach(part => part.remove())"""


class Page(HTMLParser):
    """The places in a page, and where its links and pictures lead."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the ``id`` or ``name`` of an element, and its ``href`` or ``src``."""
        for name, value in attrs:
            if name == "id" or (name == "name" and tag == "a"):
                self.places.add(value or "")
            elif name in ("href", "src") and value:
                self.links.add(value)


def broken_links(site: Path) -> list[str]:
    """Return the links inside a site that lead nowhere, each with its page."""
    # The files of the theme hold templates, which are no pages.
    found = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    pages = {path.resolve(): Page(path) for path in found}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            place = unquote(parts.fragment)
            known = pages[target].places | {"", "top"} if target in pages else {place}
            # From source code Sphinx leads to the right page, but names the place by another path of the object.
            if "_modules" in path.parts:
                known = {place}
            # What lies beside the site on this machine is not there where the site is served.
            inside = target.is_relative_to(site.resolve())
            if not inside or not target.exists() or place not in known:
                broken.append(f"{path.relative_to(site.resolve())}: {link}")
    return sorted(broken)


def obstacles(site: Path, browser: str) -> Iterator[str]:
    """Yield what axe-core finds against WCAG A and AA on a page of each kind; in the dark, colours alone differ."""
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    only = {
        "light": {"type": "tag", "values": STANDARD},
        "dark": {"type": "rule", "values": ["color-contrast"]},
    }
    with sync_playwright() as playwright:
        # Within a container, and as root, Chromium cannot build a sandbox; the pages are our own.
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for scheme, rules in only.items():
            page = chromium.new_page(color_scheme=scheme, reduced_motion="reduce")
            for kind in KINDS:
                page.goto((site / kind).resolve().as_uri())
                page.evaluate(SHORTEN)
                found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
                for rule in found.response["violations"]:
                    for node in rule["nodes"]:
                        yield f"{kind}, {scheme}: {rule['id']}: {node['html'][:120]}"
        chromium.close()


def main(site: Path) -> None:
    """Exit with a list of the links that lead nowhere, or of what some cannot read, if there is any."""
    if not (site / "index.html").is_file():
        sys.exit(f"{site} holds no index.html")
    if broken := broken_links(site):
        sys.exit("\n".join([f"{len(broken)} links of {site} lead nowhere", *broken]))
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None or not all(map(find_spec, ("playwright", "axe_playwright_python"))):
        sys.stderr.write("not checked with axe-core: it needs Chromium and the extra 'test'\n")
    elif found := list(obstacles(site, browser)):
        sys.exit("\n".join([f"{len(found)} parts of {site} that some cannot read", *found]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
