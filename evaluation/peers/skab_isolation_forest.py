#!/usr/bin/env python3
"""The benchmark's isolation forest (scikit-learn's defaults), to prove the scorer on a row it published.

    /usr/bin/python3 evaluation/peers/skab_isolation_forest.py DATA OUT
    vigie evaluate anomaly --data DATA --predictions OUT

Writes OUT/<group>/<file>.csv with the columns `anomaly` and `changepoint`, one line per row after the first
400. Needs Debian's python3-sklearn.
"""

import csv
import pathlib
import sys

import numpy
from sklearn.ensemble import IsolationForest

TRAINING_ROWS = 400
MEDIAN_ROWS = 3
CHANGE_ROWS = 30
LABELS = ("anomaly", "changepoint")


def sensors(path):
    with open(path, newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    if "anomaly" not in rows[0]:
        return None
    used = [i for i, title in enumerate(rows[0]) if i > 0 and title not in LABELS]
    return numpy.array([[float(row[i]) for i in used] for row in rows[1:]])


def rolling(values, rows, of):
    """`of` over the last `rows` values; 0 until there are as many."""
    return numpy.array([of(values[i + 1 - rows : i + 1]) if i + 1 >= rows else 0 for i in range(len(values))])


def predict(values):
    forest = IsolationForest(random_state=0, contamination=0.0005).fit(values[:TRAINING_ROWS])
    votes = -forest.predict(values[TRAINING_ROWS:])
    anomaly = rolling(votes, MEDIAN_ROWS, numpy.median) == 1
    held = rolling(anomaly, CHANGE_ROWS, numpy.max).astype(int)
    changepoint = numpy.abs(numpy.diff(held, prepend=0))
    return anomaly.astype(int), changepoint


def main(data, out):
    for path in sorted(pathlib.Path(data).rglob("*.csv")):
        values = sensors(path)
        if values is None:
            continue
        target = pathlib.Path(out) / path.relative_to(data)
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "w") as file:
            file.write("anomaly,changepoint\n")
            file.writelines(f"{a},{c}\n" for a, c in zip(*predict(values)))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
