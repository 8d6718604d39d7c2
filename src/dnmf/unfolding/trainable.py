"""The parameters that train, by name."""

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from torch import nn

_MOST_NAMED = 5  # names in a message


def chosen_parameters(
    network: nn.Module, trainable: str | Sequence[str] | None
) -> dict[str, nn.Parameter]:
    """Return the parameters of these names, patterns or modules; a ValueError names near ones for what fits none."""
    parameters = {name: p for name, p in network.named_parameters() if p.requires_grad}
    if trainable is None:
        return parameters
    chosen: dict[str, nn.Parameter] = {}
    for wanted in [trainable] if isinstance(trainable, str) else trainable:
        found = {
            name: p
            for name, p in parameters.items()
            if name == wanted or name.startswith(f"{wanted}.") or fnmatchcase(name, wanted)
        }
        if not found:
            near = get_close_matches(wanted, parameters, n=3, cutoff=0.4)
            known = near or list(parameters)[:_MOST_NAMED]
            raise ValueError(
                f"trainable: the network has no parameter {wanted!r}. "
                f"{'Near' if near else 'It has'}: {', '.join(known) or 'none at all'}"
            )
        chosen |= found
    return {name: p for name, p in parameters.items() if name in chosen}
