"""Writes ``sklearn/``: models of scikit-learn as skl2onnx exports them, and what scikit-learn predicts.

    make interop

does that. ``NAME.npz`` holds inputs ``x`` and, by the names of the file's outputs, what the model gives:
labels as indices among ``classes_`` where they are text.
"""

# skl2onnx is not among the packages that the type checker runs with.
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from sklearn.base import is_regressor
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler
from sklearn.svm import LinearSVC

from .recording import SAMPLES, write

FOLDER = Path(__file__).with_name("sklearn")


def classifier(*layers: int) -> MLPClassifier:
    return MLPClassifier(layers, max_iter=150, random_state=0)


def main() -> None:
    warnings.simplefilter("ignore")  # that training has not converged
    FOLDER.mkdir(exist_ok=True)
    features, species = load_iris(return_X_y=True)
    features = features.astype(np.float32)
    names = np.array(["setosa", "versicolor", "virginica"])[species]
    width, others = features[:, 3], features[:, :3]
    maps, tensors = {"zipmap": True}, {"zipmap": False}
    regressor = MLPRegressor(hidden_layer_sizes=(16,), max_iter=150, random_state=0)
    for name, pipeline, x, y, options in [
        ("mlp", make_pipeline(StandardScaler(), classifier(16, 12)), features, species, tensors),
        ("mlp_zipmap", make_pipeline(StandardScaler(), classifier(12)), features, 10 * species, maps),
        ("mlp_names", make_pipeline(StandardScaler(), classifier(12)), features, names, tensors),
        ("mlp_binary", make_pipeline(MinMaxScaler(), classifier(8)), features, species == 1, tensors),
        ("mlp_regressor", make_pipeline(StandardScaler(), regressor), others, width, None),
        ("logistic", make_pipeline(StandardScaler(), LogisticRegression()), features, species, tensors),
        ("logistic_names", make_pipeline(StandardScaler(), LogisticRegression()), features, names, maps),
        ("logistic_binary", LogisticRegression(), features, species == 1, tensors),
        ("linear_svc", LinearSVC(random_state=0), features, species, None),
        ("ridge", make_pipeline(Normalizer(), Ridge()), others, width, None),
    ]:
        pipeline.fit(x, y)
        samples = x[:: len(x) // SAMPLES][:SAMPLES]
        model = to_onnx(pipeline, samples[:1], options=options)
        (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))
        outputs = zip(model.graph.output, predicted(pipeline, samples), strict=True)
        write(FOLDER / f"{name}.npz", x=samples, **{output.name: array for output, array in outputs})


def predicted(pipeline, samples: np.ndarray) -> list[np.ndarray]:
    """Labels and scores of a classifier, (samples, 1) values of a regressor."""
    values = pipeline.predict(samples)
    if is_regressor(pipeline):
        return [values.reshape(-1, 1)]
    labels = np.searchsorted(pipeline.classes_, values) if values.dtype.kind == "U" else values
    scores = pipeline.predict_proba if hasattr(pipeline, "predict_proba") else pipeline.decision_function
    return [labels.astype(np.int64), scores(samples)]


if __name__ == "__main__":
    main()
