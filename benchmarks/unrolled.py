"""Unrolled NMF, side by side: layers against error, with known dictionaries, with unknown ones, and on speech.

python benchmarks/unrolled.py --data DIR [--part known|blind|speech]

Learning rates and the weights of the layers' losses are chosen on `CHOICE` seeds, the figures are of other seeds.
"""

import csv
import json
from dataclasses import asdict, fields
from pathlib import Path

from threadpoolctl import threadpool_limits

from paper.provenance import provenance
from protocol import parser
from unrolled_blind import blind
from unrolled_known import known
from unrolled_protocol import Row
from unrolled_speech import speech


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    parts = {"known": known, "blind": blind, "speech": speech}
    options.add_argument("--part", choices=parts, action="append", help="default: all")
    chosen = options.parse_args()
    table = chosen.results / "unrolled.csv"
    rows = list(csv.DictReader(table.open())) if table.is_file() else []
    for part in chosen.part or parts:
        rows = [row for row in rows if row["part"] != part]
        with threadpool_limits(1):
            for row in parts[part](Path(chosen.data)):
                rows.append({k: "" if v is None else str(v) for k, v in asdict(row).items()})
                print(*rows[-1].values(), flush=True)
        with table.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, [f.name for f in fields(Row)])
            writer.writeheader()
            writer.writerows(rows)
    table.with_suffix(".json").write_text(json.dumps(provenance(), indent=1) + "\n")


if __name__ == "__main__":
    main()
