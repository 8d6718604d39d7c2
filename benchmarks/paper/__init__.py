"""The experiments of Nasser, Eldar and Sharan 2021, rerun, and judged against baselines as strong as we can make them.

Three protocols, always named: ``paper`` is what the text says, ``authors`` what their published notebook computes, and
``ours`` is correct folds and strong baselines.
"""
