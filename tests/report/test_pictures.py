"""Pictures in a page: lighter than their files, and they show the same."""

import re

import pandas as pd

from dnmf.plotting import figure_bytes, plot_exposures
from dnmf.report.pictures import light_svg


def test_a_lighter_svg_keeps_every_word_and_every_coordinate():
    name = 'd="M 1.23456 2"   <b> 0.98765'
    table = pd.DataFrame({"SBS1": [120.0, 40.0], "SBS5": [10.0, 300.0]}, index=[name, "b"])
    svg = figure_bytes(plot_exposures(table), ".svg").decode()
    light = light_svg(svg)
    words = re.compile(r"<text[^>]*>([^<]*)</text>")
    assert words.findall(light) == words.findall(svg)
    assert any("1.23456" in word for word in words.findall(light))
    assert len(light) < len(svg) / 2
    upright = re.search(r'd="M (\S+) (\S+) \nL \1 (\S+) ', svg)
    assert upright is not None
    x, low, high = (re.sub(r"(\.\d\d)\d+", r"\1", number) for number in upright.groups())
    assert f'd="M{x} {low}V{high}' in light
