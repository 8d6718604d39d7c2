"""Write every measured figure into the documents and draw their pictures, from the files in `results/`.

python -m figures [--check] [--pages-only]
"""

import argparse
import sys

from figures.pages import PAGES, ROOT, write, written


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; status 1 if a page differs"
    )
    parser.add_argument(
        "pages", nargs="*", metavar="PAGE", help=f"of {', '.join(PAGES)} (default: all)"
    )
    chosen = parser.parse_args()
    failed = False
    for page in chosen.pages or PAGES:
        try:
            if chosen.check:
                differs = written(page) != (ROOT / page).read_text("utf-8")
                failed |= differs
            else:
                differs = write(page)
            if differs:
                print(f"{page}: {'differs from its files' if chosen.check else 'written'}")
        except LookupError as error:
            print(error if str(error).startswith(page) else f"{page}: {error}", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
