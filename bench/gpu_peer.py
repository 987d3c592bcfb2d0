# The works of bench/gpu.cpp in PyKeOps on the same GPU; run by tools/gpu.sh. OUT is a JSON list, written again after every work.
#   gpu_peer.py --set-up                  builds what PyKeOps builds when it is first imported
#   gpu_peer.py OUT SECONDS               times them; no work begins after SECONDS
#   gpu_peer.py OUT SECONDS --generate    only generates and compiles its kernels: needs neither a GPU nor torch
import json
import os
import sys
import time

begin = time.time()

WORKS = [
    ("Gaussian sum, D = 15, b in R^15", "Exp(-SqDist(x,y))*b", ["x=Vi(15)", "y=Vj(15)", "b=Vj(15)"], "Sum", 1, None),
    ("its gradient in y", "Grad(Exp(-SqDist(x,y))*b,y,e)", ["x=Vi(15)", "y=Vj(15)", "b=Vj(15)", "e=Vi(15)"], "Sum", 0, None),
    ("Gaussian sum, D = 3", "Exp(-SqDist(x,y))", ["x=Vi(3)", "y=Vj(3)"], "Sum", 1, None),
    ("log-sum-exp, D = 3", "-SqDist(x,y)", ["x=Vi(3)", "y=Vj(3)"], "LogSumExp", 1, None),
    ("10 nearest neighbours, D = 3", "SqDist(x,y)", ["x=Vi(3)", "y=Vj(3)"], "ArgKMin", 1, 10),
    ("argmin, D = 3", "SqDist(x,y)", ["x=Vi(3)", "y=Vj(3)"], "ArgMin", 1, None),
] + [
    (f"Gaussian sum, D = {d}", f"Exp(-SqDist(x,y)/IntCst({d}))", [f"x=Vi({d})", f"y=Vj({d})"], "Sum", 1, None)
    for d in (64, 256, 1024)
]


def dimension(declaration):
    return int(declaration[declaration.index("(") + 1 : -1])


# In the order of what one wants to know first.
def runs():
    for precision in ("float32", "float64"):
        for work in WORKS:
            narrow = dimension(work[2][0]) <= 15
            if narrow or precision == "float32":
                yield work, precision, (100000, 1000000, 10000) if narrow else (100000,)


def write(out, results):
    with open(out + ".part", "w") as file:
        json.dump(results, file, indent=1)
    os.replace(out + ".part", out)


def generate(work, precision):
    from keopscore.get_keops_dll import get_keops_dll

    name, formula, declarations, reduction, axis, k = work
    kind = {"Vi": 0, "Vj": 1}
    aliases = [f"{d[0]}=Var({n},{dimension(d)},{kind[d[2:4]]})" for n, d in enumerate(declarations)]
    options = f",{k}" if k else ""
    real = "float" if precision == "float32" else "double"
    scheme = "block_sum" if reduction == "Sum" else "direct_sum"
    start = time.time()
    kernel = "Max_SumShiftExp" if reduction == "LogSumExp" else reduction  # what Genred makes of it
    text = f"{kernel}_Reduction({formula}{options},{1 - axis})"
    made = get_keops_dll("GpuReduc1D", text, -1, -1, -1, aliases, len(declarations), real, real, scheme, 1, 1, 0, 0, 1, 0)
    size = os.path.getsize(made[2].decode())
    return dict(work=name, precision=precision, generated_s=round(time.time() - start, 4), code_bytes=size)


def measure(work, precision, sizes):
    import torch
    from pykeops.torch import Genred

    name, formula, declarations, reduction, axis, k = work
    run = Genred(formula, declarations, reduction_op=reduction, axis=axis, opt_arg=k)

    def timed(body):
        torch.cuda.synchronize()
        start = time.time()
        body()
        torch.cuda.synchronize()
        return time.time() - start

    def best(body):
        start, seconds, repeats = time.time(), float("inf"), 0
        while repeats == 0 or (repeats < 5 and time.time() - start < 1.5):
            seconds = min(seconds, timed(body))
            repeats += 1
        return seconds, repeats

    for n in sizes:
        dtype = torch.float32 if precision == "float32" else torch.float64
        host = [torch.rand(n, dimension(d), dtype=torch.float64) for d in declarations]
        data = [x.to("cuda", dtype) for x in host]
        first = timed(lambda: run(*[x[:10].contiguous() for x in data], backend="GPU"))
        timed(lambda: run(*data, backend="GPU"))  # warm-up
        resident, repeats = best(lambda: run(*data, backend="GPU"))
        uploaded, _ = best(lambda: run(*[x.to("cuda", dtype) for x in host], backend="GPU").cpu())
        yield dict(work=name, precision=precision, n=n, first_s=first, seconds=uploaded, resident_s=resident, repeats=repeats)


if sys.argv[1] == "--set-up":
    import pykeops

    print("PyKeOps", pykeops.__version__, "on the GPU:", pykeops.config.pykeops_cuda.get_use_cuda())
    sys.exit()

out, seconds, generating = sys.argv[1], float(sys.argv[2]), "--generate" in sys.argv
results, failed = [], False
if not generating:
    import torch
    from pykeops.torch import Genred

    # Opens the GPU, and NVRTC: not part of what a new formula costs.
    tiny = torch.rand(10, 1, device="cuda")
    Genred("x*y", ["x=Vi(1)", "y=Vj(1)"], reduction_op="Sum", axis=1)(tiny, tiny, backend="GPU")
for work, precision, sizes in runs():
    if time.time() - begin > seconds:
        break
    try:
        for result in [generate(work, precision)] if generating else measure(work, precision, sizes):
            results.append(result)
            print(json.dumps(result), flush=True)
            write(out, results)
    except Exception as error:
        failed = True
        print(f"{work[0]}, {precision}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
sys.exit(failed or not results)
