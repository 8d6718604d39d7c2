"""Check the built site: every link inside leads to a page and a place in it that exist, every picture is there."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


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


def main(site: Path) -> None:
    """Exit with a list of the links that lead nowhere, if there are any."""
    if not (site / "index.html").is_file():
        sys.exit(f"{site} holds no index.html")
    if broken := broken_links(site):
        sys.exit("\n".join([f"{len(broken)} links of {site} lead nowhere", *broken]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
