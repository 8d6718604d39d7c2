"""The tables of `docs/estimators/factorisation.md` from `results/factorisation.csv`.

python benchmarks/summarise_factorisation.py
"""

import pandas as pd

from factorisation_methods import KULLBACK_LEIBLER, LEAST_SQUARES, OURS, PEER
from general_data import LARGE, SETS
from protocol import RESULTS


def line(cells: list[object]) -> str:
    return "| " + " | ".join(f"{c:.3g}" if isinstance(c, float) else str(c) for c in cells) + " |"


def over_peer(table: pd.DataFrame, objective: str, columns: dict[str, str]) -> None:
    """Print every tool's error and time as ratios to the peer's, and the certificate of ours, by set."""
    here = table[table["objective"] == objective].set_index(["set", "method"])
    peer = PEER[objective]
    methods = [m for m in here.index.unique("method") if m not in (peer, OURS)]
    print(f"\n### {objective}, over {peer}\n")
    heads = [f"DNMF: {label}" for label in columns.values()] + ["certificate"]
    print(line(["set", *heads, *(f"{m}: error, fit" for m in sorted(methods))]))
    print("|---" * (1 + len(heads) + len(methods)) + "|")
    for name in [*SETS, *LARGE]:
        if (name, OURS) not in here.index:
            continue
        base = here.loc[name, peer]
        ours = here.loc[name, OURS]
        cells: list[object] = [name]
        cells += [
            f"{ours[c] / base[c]:.4f}" if c == "error" else float(ours[c] / base[c])
            for c in columns
        ]
        cells.append(f"{ours['certificate']:.0e}")
        for method in sorted(methods):
            if (name, method) in here.index:
                row = here.loc[name, method]
                cells.append(
                    f"{row['error'] / base['error']:.3f}, "
                    f"{row['fit_seconds'] / base['fit_seconds']:.2g}"
                )
            else:
                cells.append("")
        print(line(cells))


def main() -> None:
    table = pd.read_csv(RESULTS / "factorisation.csv")
    columns = {"error": "error", "fit_seconds": "fit", "transform_seconds": "transform"}
    for objective in (LEAST_SQUARES, KULLBACK_LEIBLER):
        over_peer(table[~table["set"].isin(LARGE)], objective, columns)
        if table["set"].isin(LARGE).any():
            over_peer(table[table["set"].isin(LARGE)], objective, columns | {"memory_mb": "memory"})
    given = table[table["cost_over_exact"].notna()] if "cost_over_exact" in table else table[:0]
    print("\n### A given dictionary\n")
    print(line(["method", "cost over exact", "worst sample", "certificate"]))
    print("|---|---|---|---|")
    for row in given.itertuples():
        print(
            line(
                [
                    row.method,
                    f"{row.cost_over_exact:.4f}",
                    f"{row.worst_cost_over_exact:.4f}",
                    f"{row.certificate:.0e}",
                ]
            )
        )


if __name__ == "__main__":
    main()
