"""
Topics of texts, at once and batch by batch
===========================================

Words of a few thousand short texts, in a sparse table: Kullback-Leibler factorisation finds topics, first of all
texts at once, then of batches that come one after the other. The texts are the documentation strings of the Python
libraries that are installed here, so it needs no download, and which library a text is from is known.
"""

# %%
# Texts
# -----

import importlib
import inspect

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from dnmf import DNMF

LIBRARIES = {
    "numpy": ["numpy", "numpy.linalg", "numpy.ma", "numpy.char"],
    "scipy.stats": ["scipy.stats"],
    "scipy.signal": ["scipy.signal"],
    "scipy.sparse": ["scipy.sparse", "scipy.sparse.linalg", "scipy.sparse.csgraph"],
    "pandas": ["pandas", "pandas.DataFrame", "pandas.Series", "pandas.Index"],
    "matplotlib": ["matplotlib.pyplot", "matplotlib.axes.Axes", "matplotlib.figure.Figure"],
}
N_TOPICS = 8
N_BATCHES = 5


def documented(path):
    """Yield the documentation of all public names of a module or class."""
    module, _, name = path.rpartition(".")
    owner = (
        getattr(importlib.import_module(module), name) if module else importlib.import_module(path)
    )
    for public in dir(owner):
        if not public.startswith("_"):
            yield inspect.getdoc(getattr(owner, public, None)) or ""


texts = {}  # a text that stands in several places counts once
for library, paths in LIBRARIES.items():
    for path in paths:
        for text in documented(path):
            if len(text) > 200:
                texts.setdefault(text, library)
origin, texts = np.array(list(texts.values())), np.array(list(texts))

# %%
# Counts
# ------
# A fifth of the texts is kept for the test, the others come in five batches. The words are those of the first batch, as
# they must be in a stream: a word that no topic has would make a text impossible, its deviance infinite.

order = np.random.default_rng(0).permutation(len(texts))
test, train = np.split(order, [len(order) // 5])
batches = np.array_split(train, N_BATCHES)
counter = CountVectorizer(min_df=3, max_df=0.3, token_pattern=r"[a-z]{3,}", stop_words="english")
counter.fit(texts[batches[0]])
counts, words = counter.transform(texts), counter.get_feature_names_out()
filled = counts.nnz / np.prod(counts.shape)
print(f"{counts.shape[0]} texts, {counts.shape[1]} words, {filled:.1%} of the entries not zero")

# %%
# All texts at once
# -----------------
# ``layer="kl"`` is maximum likelihood for counts. Components sum to 1: they are frequencies of words. Exposures are
# words of each topic in each text.

model = DNMF(N_TOPICS, layer="kl", random_state=0).fit(counts[train])
exposures = model.transform(counts)
shares = exposures / np.maximum(exposures.sum(axis=1, keepdims=True), 1e-12)

names = [", ".join(words[np.argsort(-topic)[:4]]) for topic in model.components_]
table = np.array([shares[origin == library].mean(axis=0) for library in LIBRARIES]).T
order = np.argsort(-table.argmax(axis=1), kind="stable")[::-1]
figure, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
image = ax.imshow(table[order], vmin=0, aspect="auto")
ax.set_xticks(range(len(LIBRARIES)), LIBRARIES, rotation=20)
ax.set_yticks(range(N_TOPICS), np.array(names)[order])
ax.set(ylabel="topic: its most frequent words", xlabel="library of the text")
figure.colorbar(image, label="mean share of a text's words")
plt.show()

# %%
# Batch by batch
# --------------
# ``partial_fit`` keeps sums over all batches so far, not the texts. The deviance of the test texts says how well topics
# predict them; smaller is better.

streamed, deviances = DNMF(N_TOPICS, layer="kl", random_state=0), []
for batch in batches:
    streamed.partial_fit(counts[batch])
    deviances.append(-streamed.score(counts[test]))
at_once = -model.score(counts[test])

figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.plot(np.cumsum([len(batch) for batch in batches]), deviances, "o-", label="batch by batch")
ax.axhline(at_once, color="0.5", linestyle="--", label="all training texts at once")
ax.set(xlabel="texts seen", ylabel="deviance of a test text / nats")
ax.legend()
plt.show()

# %%
# A fit at once passes over the texts many times, a batch is passed once and not kept. Where the texts can be read
# again, from a file or chunk by chunk, give them to ``fit``: :doc:`/estimators/data`.
