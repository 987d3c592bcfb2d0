#!/bin/sh
# The GPU harness, in one command on a bare machine with an NVIDIA GPU, CUDA 12 or 13 and g++: sh tools/gpu.sh [--fake] [folder]
#
#   --fake    runs through the fake driver of the tests, on small sizes: tries the script where there is no GPU
#   folder    where results go (default bench/results); gpu.json is written there, and gpu-r.txt where R could be had
#
# R is used if it is there, or if carried/ holds Debian packages (r-base-core and what it links to, r-cran-rcpp, r-cran-cli)
# to unpack; PyKeOps if Python has it, or if carried/wheels holds its wheels.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
fake=
if [ "${1:-}" = --fake ]; then fake=--quick; shift; fi
results=${1:-$root/bench/results}
work=$root/build/gpu
mkdir -p "$work" "$results"
cd "$root"

cxx=${CXX:-g++}
if [ -n "$fake" ]; then
  $cxx -std=c++17 -O1 -shared -fPIC "-DFAKE_CUDA_HEADERS=\"$root/tests/cpp\"" tests/cpp/fake_cuda.cpp -o "$work/libfake_cuda.so" -ldl
  export RKEOPS_CUDA_DRIVER="$work/libfake_cuda.so" RKEOPS_NVRTC="$work/libfake_cuda.so" FAKE_CUDA_SCRATCH="$work"
fi
nvidia-smi 2>/dev/null || true

echo "-- engine: correctness and speed"
$cxx -std=c++17 -O2 -Iinst/include -Itests/cpp bench/gpu.cpp -o "$work/gpu" -ldl -pthread
status=0
"$work/gpu" $fake >"$results/gpu.json" || status=$?
cat "$results/gpu.json"

if [ ! -x "$(command -v Rscript || true)" ] && ls carried/*.deb >/dev/null 2>&1; then
  echo "-- unpacking R"
  for package in carried/*.deb; do dpkg -x "$package" "$work/debian"; done
  export PATH="$work/debian/usr/bin:$PATH" R_HOME="$work/debian/usr/lib/R" R_LIBS="$work/debian/usr/lib/R/site-library"
  export LD_LIBRARY_PATH="$work/debian/usr/lib/R/lib:$work/debian/usr/lib/x86_64-linux-gnu:${LD_LIBRARY_PATH:-}"
fi
if command -v Rscript >/dev/null; then
  echo "-- R: the published example"
  mkdir -p "$work/library"
  R CMD INSTALL --no-test-load --library="$work/library" . >"$work/install.log" 2>&1 || { tail -n 20 "$work/install.log"; status=1; }
  RKEOPS_GPU_QUICK=$fake R_LIBS="$work/library:${R_LIBS:-}" Rscript bench/gpu.R 2>&1 | tee "$results/gpu-r.txt" || status=1
else
  echo "-- no R: skipped"
fi

if [ -z "$fake" ]; then
  if ! python3 -c 'import pykeops' 2>/dev/null && [ -d carried/wheels ]; then
    python3 -m venv "$work/python" && "$work/python/bin/pip" install -q --no-index --find-links carried/wheels pykeops torch 2>/dev/null || true
    PATH="$work/python/bin:$PATH"
  fi
  if python3 -c 'import pykeops, torch' 2>/dev/null; then
    echo "-- PyKeOps"
    python3 bench/gpu_peer.py "$results/gpu-pykeops.json" || status=1
  else
    echo "-- no PyKeOps: skipped"
  fi
fi
[ "$status" = 0 ] && echo "all well" || echo "something failed"
exit "$status"
