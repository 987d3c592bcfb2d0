# The six works in PyKeOps on the GPU, as JSON; run by tools/gpu.sh beside bench/gpu.cpp.
import json
import sys
import time

import torch
from pykeops.torch import Genred

works = [
    ("Gaussian sum, D = 15, b in R^15", "Exp(-SqDist(x,y))*b", ["x=Vi(15)", "y=Vj(15)", "b=Vj(15)"], "Sum", 1, None),
    ("its gradient in y", "Grad(Exp(-SqDist(x,y))*b,y,e)", ["x=Vi(15)", "y=Vj(15)", "b=Vj(15)", "e=Vi(15)"], "Sum", 0, None),
    ("Gaussian sum, D = 3", "Exp(-SqDist(x,y))", ["x=Vi(3)", "y=Vj(3)"], "Sum", 1, None),
    ("log-sum-exp, D = 3", "-SqDist(x,y)", ["x=Vi(3)", "y=Vj(3)"], "LogSumExp", 1, None),
    ("10 nearest neighbours, D = 3", "SqDist(x,y)", ["x=Vi(3)", "y=Vj(3)"], "ArgKMin", 1, 10),
    ("argmin, D = 2", "SqDist(x,y)", ["x=Vi(2)", "y=Vj(2)"], "ArgMin", 1, None),
] + [
    (f"Gaussian sum, D = {d}", f"Exp(-SqDist(x,y)/IntCst({d}))", [f"x=Vi({d})", f"y=Vj({d})"], "Sum", 1, None)
    for d in (64, 256, 1024)
]
results = []
for name, formula, declarations, reduction, axis, k in works:
    wide = name.endswith(("D = 64", "D = 256", "D = 1024"))
    for precision, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        for n in (100000,) if wide else (100000, 1000000):
            data = [torch.rand(n, int(d[d.index("(") + 1 : -1]), dtype=dtype, device="cuda") for d in declarations]
            run = Genred(formula, declarations, reduction_op=reduction, axis=axis, opt_arg=k)
            begin = time.time()
            run(*[x[:10] for x in data], backend="GPU")
            torch.cuda.synchronize()
            first, best = time.time() - begin, float("inf")
            start = time.time()
            for _ in range(5):
                begin = time.time()
                run(*data, backend="GPU")
                torch.cuda.synchronize()
                best = min(best, time.time() - begin)
                if time.time() - start > 3:
                    break
            results.append(dict(work=name, precision=precision, n=n, first_s=first, seconds=best))
            print(results[-1], flush=True)
with open(sys.argv[1], "w") as out:
    json.dump(results, out, indent=1)
