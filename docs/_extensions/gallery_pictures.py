"""Pictures of the gallery: sphinx-gallery by itself shows those that pyplot knows, and dnmf's are none of them."""

from typing import Any

from sphinx_gallery.scrapers import figure_rst


def last_figure(
    block: tuple[str, str, int], block_vars: dict[str, Any], gallery_conf: dict[str, Any]
) -> str:
    """Save the figure that is the value of a block's last line, and return the RST that shows it."""
    from matplotlib.figure import Figure

    names = block_vars["example_globals"]
    value = names.get("___")
    if not isinstance(value, Figure) or hasattr(value, "number"):
        return ""
    names["___"] = None  # which stays otherwise, where a block ends with a statement
    path = next(block_vars["image_path_iterator"])
    value.savefig(path, dpi=110)
    return str(figure_rst([path], gallery_conf["src_dir"]))
