"""Check what was built into ``dist``: one wheel and one sdist of this version, with the files they should have."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from dnmf import __version__

MOST_BYTES = 5_000_000
# What hatchling adds: metadata, and files of git that say what was left out.
METADATA = {"METADATA", "WHEEL", "RECORD", "entry_points.txt"}
LICENCES = {"licenses/LICENSE", "licenses/NOTICE"}


def tracked(*folders: str) -> set[str]:
    """Return the files that git knows, below folders or all."""
    command = ["git", "ls-files", "-z", "--", *folders]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split("\0")) - {""}


def check(name: str, found: set[str], expected: set[str]) -> None:
    """Exit with a message where an archive has other files than expected."""
    if found != expected:
        sys.exit(
            f"{name}: missing {sorted(expected - found)}, unexpected {sorted(found - expected)}"
        )


def main(folder: Path) -> None:
    """Exit with a message at the first thing that is not as it should be."""
    wheel = folder / f"dnmf-{__version__}-py3-none-any.whl"
    sdist = folder / f"dnmf-{__version__}.tar.gz"
    check(str(folder), {path.name for path in folder.iterdir()}, {wheel.name, sdist.name})
    for path in (wheel, sdist):
        if path.stat().st_size > MOST_BYTES:
            sys.exit(f"{path.name} has {path.stat().st_size:,} bytes, more than {MOST_BYTES:,}")
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if not name.endswith("/")}
    package = {name.removeprefix("src/") for name in tracked("src/dnmf")}
    info = {f"dnmf-{__version__}.dist-info/{name}" for name in METADATA | LICENCES}
    check(wheel.name, inside, package | info)
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    top = f"dnmf-{__version__}/"
    inside = {member.name.removeprefix(top) for member in members if member.isfile()}
    check(sdist.name, inside, tracked() | {"PKG-INFO"})
    sizes = ", ".join(f"{path.name} {path.stat().st_size:,} bytes" for path in (wheel, sdist))
    sys.stdout.write(f"{sizes}; {len(package)} files in the package\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
