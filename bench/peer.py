"""PyKeOps as the peer of the benchmark: one work a line on standard input, one line of figures on standard output.

After a line "ready VERSION":

In:  precision TAB reduction TAB formula TAB axis TAB k TAB rows of i TAB rows of j TAB args separated by ';'
Out: seconds of this call TAB seconds of the first call on 10 rows (compilation) TAB sum of the result
"""
import re
import sys
import time

import numpy as np
import pykeops
from pykeops.numpy import Genred

pykeops.set_verbose(False)
kernels = {}


def data(position, declaration, rows, dtype):
    kind, dim = re.search(r"V([ij])\((\d+)\)", declaration).groups()
    n, d = rows[kind], int(dim)
    k = np.arange(1, n * d + 1)
    values = (k * 0.7548776662466927 + (position + 1) * 0.5698402909980532) % 1 - 0.5
    return np.ascontiguousarray(values.reshape(n, d).astype(dtype))


print("ready", pykeops.__version__, flush=True)
for line in sys.stdin:
    precision, reduction, formula, axis, k, i, j, args = line.rstrip("\n").split("\t")
    args = args.split(";")
    key = (precision, reduction, formula, axis, k)
    first = float("nan")
    if key not in kernels:
        optional = {} if k == "NA" else {"opt_arg": int(k)}
        small = [data(p, a, {"i": 10, "j": 10}, precision) for p, a in enumerate(args)]
        begin = time.perf_counter()
        kernels[key] = Genred(formula, args, reduction_op=reduction, axis=int(axis), **optional)
        kernels[key](*small)
        first = time.perf_counter() - begin
    inputs = [data(p, a, {"i": int(i), "j": int(j)}, precision) for p, a in enumerate(args)]
    begin = time.perf_counter()
    result = kernels[key](*inputs)
    seconds = time.perf_counter() - begin
    print(f"{seconds:.6f}\t{first:.3f}\t{np.asarray(result, dtype=np.float64).sum():.9e}", flush=True)
