"""Write every measured figure into the documents and draw their pictures, from the files in `results/`.

python -m figures [--check]
"""

import argparse
import sys

from figures.pages import PAGES, ROOT, written
from figures.pictures import PICTURES, checksum, checksum_of_picture, draw_picture


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; status 1 if anything differs"
    )
    check = parser.parse_args().check
    differing, failed = [], False
    for page in PAGES:
        path = ROOT / page
        try:
            text = written(page)
        except LookupError as error:
            print(error, file=sys.stderr)
            failed = True
            continue
        if text != path.read_text("utf-8"):
            differing.append(page)
            if not check:
                path.write_text(text, "utf-8")
    for name, (files, *_) in PICTURES.items():
        if checksum_of_picture(name) != checksum(files):
            differing.append(name)
            if not check:
                draw_picture(name)
    for name in differing:
        print(f"{name}: {'differs from its files' if check else 'written'}")
    return int(failed or (check and bool(differing)))


if __name__ == "__main__":
    sys.exit(main())
