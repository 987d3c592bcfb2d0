"""scipy and scikit-learn as peers of geometry.R: one work a line on standard input, one line of figures on standard output.

After a line "ready VERSIONS":

In:  work TAB file of x TAB file of y TAB columns TAB threads TAB argument; files hold doubles, column after column
Out: seconds, from arrays to arrays, TAB a number that the other side can compare
"""
import sys
import time
import warnings

import numpy as np
import scipy
import sklearn
from scipy.spatial import cKDTree
from sklearn.cluster import KMeans
from sklearn.neighbors import KernelDensity

warnings.filterwarnings("ignore", module="sklearn")  # k-means is stopped after ten steps
loaded = {}


def points(file, columns):
    if file not in loaded:
        loaded[file] = np.ascontiguousarray(np.fromfile(file).reshape(columns, -1).T)
    return loaded[file]


def nearest(x, y, threads, k):
    return cKDTree(y).query(x, int(k), workers=threads)[1].reshape(-1)


def within_radius(x, y, threads, r):
    return cKDTree(y).query_ball_point(x, r, workers=threads, return_length=True)


def density(x, y, threads, h):
    return np.exp(KernelDensity(bandwidth=h, algorithm="kd_tree", rtol=1e-8).fit(y).score_samples(x))


def nearest_centres(x, y, threads, times):
    return np.concatenate([cKDTree(centres).query(x, workers=threads)[1] for centres in np.split(y, int(times))])


def k_means(x, y, threads, times):
    start = y[: len(y) // int(times)]
    return KMeans(len(start), init=start, n_init=1, max_iter=int(times), tol=0, algorithm="lloyd").fit(x).labels_


works = {
    # positions are counted from 1 on the other side
    "nearest": (nearest, lambda result: float(result.sum()) + len(result)),
    "within_radius": (within_radius, lambda result: float(result.sum())),
    "density": (density, lambda result: float(result.sum())),
    "nearest_centres": (nearest_centres, lambda result: float(result.sum()) + len(result)),
    "k_means": (k_means, lambda result: float("nan")),
}

print(f"ready scipy {scipy.__version__}, scikit-learn {sklearn.__version__}", flush=True)
for line in sys.stdin:
    work, file_x, file_y, columns, threads, argument = line.rstrip("\n").split("\t")
    if not {file_x, file_y} <= loaded.keys():
        loaded.clear()
    x, y = points(file_x, int(columns)), points(file_y, int(columns))
    compute, summarize = works[work]
    begin = time.perf_counter()
    result = compute(x, y, int(threads), float(argument))
    seconds = time.perf_counter() - begin
    print(f"{seconds:.6f}\t{summarize(result):.15e}", flush=True)
