"""Choose the strength of L1 by the accuracy of a classifier, with a scikit-learn pipeline.

python examples/sklearn_pipeline.py [--epochs 60]
"""

import argparse

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from keras_sparse import SparseAutoencoderTransformer, measures

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=60)
options = parser.parse_args()

x, y = load_digits(return_X_y=True)
train, test, y_train, y_test = train_test_split(x, y, stratify=y, random_state=0)

codes = SparseAutoencoderTransformer(
    128,
    normalization="minmax",
    epochs=options.epochs,
    batch_size=64,
    learning_rate=3e-3,
    random_state=0,
)
pipeline = Pipeline(
    [
        ("codes", codes),
        ("scale", StandardScaler()),
        ("classify", LogisticRegression(max_iter=10_000)),
    ]
)
search = GridSearchCV(pipeline, {"codes__strength": [1e-4, 1e-3, 1e-2]}, cv=3)
search.fit(train, y_train)

results = search.cv_results_
strengths, accuracies = results["param_codes__strength"], results["mean_test_score"]
for strength, accuracy in zip(strengths, accuracies, strict=True):
    print(f"λ = {strength:g}: accuracy {accuracy:.3f} in cross-validation")
best = search.best_estimator_["codes"]
active = measures.l0(best.transform(test), best.model_.threshold)
print(
    f"Best: λ = {best.strength:g}, accuracy {search.score(test, y_test):.3f} on held-out digits, "
    f"explained variance {best.score(test):.3f} with {active:.1f} of 128 units active"
)
