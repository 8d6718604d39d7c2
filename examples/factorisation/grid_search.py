"""
Grid search in a pipeline
=========================

How many components, and which penalty, help a classifier most? :class:`dnmf.DNMF` is a step of a scikit-learn
pipeline, and ``GridSearchCV`` tries both, on digits of 8 × 8 pixels.
"""

# %%
# The pipeline
# ------------
# Components come from the images of the training part only; the classifier reads their exposures.

import joblib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from dnmf import DNMF

N_IMAGES = 700
COMPONENTS, PENALTIES = [5, 10, 20], [0.0, 1.0, 3.0]

images, digits = load_digits(return_X_y=True)
X, X_new, y, y_new = train_test_split(
    images[:N_IMAGES], digits[:N_IMAGES], test_size=0.3, random_state=0, stratify=digits[:N_IMAGES]
)
pipeline = make_pipeline(
    DNMF(init="separable", random_state=0), MaxAbsScaler(), LogisticRegression(C=1, max_iter=1000)
)

# %%
# The grid
# --------
# Two threads: an estimator computes on one thread each, and its compiled parts let others run. ``n_jobs=2`` alone
# would start processes, each of which imports torch first; for long fits that is the better choice. ``l1_reg`` has
# the unit of the pixels, 0 to 16.

grid = {"dnmf__n_components": COMPONENTS, "dnmf__l1_reg": PENALTIES}
search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2)
with joblib.parallel_backend("threading"):
    search.fit(X, y)
best = search.best_params_
print(best, f"{search.best_score_:.1%} of held-out images in cross-validation")
print(f"{search.score(X_new, y_new):.1%} of the test images")

# %%
# The spread over folds says how far differences mean something.

shape = len(PENALTIES), len(COMPONENTS)
means = search.cv_results_["mean_test_score"].reshape(shape)
spreads = search.cv_results_["std_test_score"].reshape(shape)
figure, ax = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
image = ax.imshow(100 * means, cmap="viridis", aspect="auto")
for row, column in np.ndindex(*shape):
    dark = means[row, column] < (means.min() + means.max()) / 2
    text = f"{100 * means[row, column]:.1f} ± {100 * spreads[row, column]:.1f}"
    ax.text(column, row, text, ha="center", va="center", color="white" if dark else "black")
ax.set_xticks(range(shape[1]), COMPONENTS)
ax.set_yticks(range(shape[0]), PENALTIES)
ax.set(xlabel="components", ylabel="l1_reg / pixel units")
figure.colorbar(image, label="images read right in cross-validation / %")
plt.show()

# %%
# The components of the best model
# --------------------------------

components = search.best_estimator_["dnmf"].components_
columns = 10
figure, axes = plt.subplots(
    -(-len(components) // columns), columns, figsize=(8, 2), layout="constrained"
)
for ax in axes.flat:
    ax.axis("off")
for ax, component in zip(axes.flat, components, strict=False):
    ax.imshow(component.reshape(8, 8), cmap="magma")
plt.show()

# %%
# The grid answers which components classify best. How many processes made the data is another question:
# :doc:`/estimators/components`. Scores, ``clone``, data frames: :doc:`/estimators/pipelines`. A dictionary trained
# together with its classifier: :doc:`/gallery/unrolling/learned_dictionary`.
