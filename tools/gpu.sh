#!/bin/sh
# The GPU harness, in one command on a bare machine with an NVIDIA GPU, the CUDA toolkit, g++ and, for the comparison with PyKeOps,
# python3 with torch: sh tools/gpu.sh [--fake | --second] [folder]
#
#   folder     where results go: the argument, else $OUT, else bench/results. gpu.json holds all: machine, driver, commit,
#              correctness, seconds against bounds, PyKeOps's seconds. At most 8 minutes; each part has its limit.
#   --fake     the same on small sizes with the fake driver of the tests, where there is no GPU. PyKeOps generates its kernels,
#              where python3 (or $PYTHON) has numpy
#   --second   instead: compute-sanitizer (memcheck, racecheck) over small cases, and ncu on three works; text files in the folder
#
# PyKeOps is taken from carried/wheels, which tools/gpu_wheels.sh makes, if Python does not have it.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
mode=real
case ${1:-} in
  --fake | --second) mode=${1#--}; shift ;;
  -*) echo "usage: sh tools/gpu.sh [--fake | --second] [folder]" >&2; exit 2 ;;
esac
results=${1:-${OUT:-bench/results}}
work=$root/build/gpu
python=${PYTHON:-python3}
cxx=${CXX:-g++}
mkdir -p "$work" "$results"
began=$(date +%s)
status=0

exec 3>&2
say() { echo "-- $(($(date +%s) - began)) s: $*"; }
fail() { say "FAILED: $*" >&3; status=1; }
# Runs a command by `engine` or `peer`, which keep the limit; its end is told, and does not end the script.
limited() { # seconds, what, engine or peer, command...
  limit=$1 what=$2
  shift 2
  code=0
  "$@" || code=$?
  case $code in
    0) ;;
    124 | 137) fail "$what: stopped after $limit s" ;;
    *) fail "$what: status $code" ;;
  esac
}
# Text without what JSON would have to escape.
plain() { printf '%s' "$1" | tr -d '"\\' | tr '\n\t' '  '; }

# ---- what is there

toolkit=${CUDA_PATH:-${CUDA_HOME:-/usr/local/cuda}}
for home in "$toolkit" /usr/local/cuda /opt/cuda; do
  if [ -e "$home/include/nvrtc.h" ]; then toolkit=$home; break; fi
done
export CUDA_PATH="$toolkit" CUDA_HOME="$toolkit" PATH="$toolkit/bin:$PATH"
# The driver and the toolkit's libraries, under the names that linkers look for.
links=$work/links
rm -rf "$links"
mkdir -p "$links"
if [ "$mode" = fake ]; then
  # As much of a driver as PyKeOps and NVRTC ask before a kernel is launched.
  cat >"$work/driver.c" <<'C'
int cuInit(unsigned flags) { return (void)flags, 0; }
int cuDriverGetVersion(int *version) { return *version = 13000, 0; }
int cuDeviceGetCount(int *count) { return *count = 1, 0; }
int cuDeviceGet(int *device, int number) { return *device = number, 0; }
int cuDeviceGetAttribute(int *value, int which, int device) {
  return (void)device, *value = which == 1 ? 1024 : which == 8 ? 49152 : which == 75 ? 9 : 0, 0;
}
int cuGetErrorName(int code, const char **name) { return (void)code, *name = "none", 0; }
int cuGetExportTable(const void **table, const void *id) { return (void)id, *table = 0, 1; }
C
  "${CC:-gcc}" -shared -fPIC -Wl,-soname,libcuda.so.1 "$work/driver.c" -o "$links/libcuda.so.1"
else
  named=$(ldconfig -p 2>/dev/null | sed -n 's/.*libcuda\.so\.1 .*x86-64.* => //p' | head -n 1 || true)
  for file in "$named" /usr/local/nvidia/lib64/libcuda.so.1 /usr/lib/x86_64-linux-gnu/libcuda.so.1 /usr/lib64/libcuda.so.1 \
    $(printf '%s' "${LD_LIBRARY_PATH:-}" | sed 's|:|/libcuda.so.1 |g; s|$|/libcuda.so.1|'); do
    if [ -n "$file" ] && [ -e "$file" ] && [ ! -e "$links/libcuda.so.1" ]; then ln -s "$file" "$links/libcuda.so.1"; fi
  done
fi
ln -s libcuda.so.1 "$links/libcuda.so"
for name in nvrtc cudart; do
  for file in "$toolkit"/lib64/lib$name.so "$toolkit"/lib64/lib$name.so.1[0-9]; do
    if [ -e "$file" ] && [ ! -e "$links/lib$name.so" ]; then ln -s "$file" "$links/lib$name.so"; fi
  done
done

say "compiling the engine"
$cxx -std=c++17 -O1 -Iinst/include -Itests/cpp bench/gpu.cpp tests/cpp/engine.cpp -o "$work/gpu" -ldl -pthread >"$work/compile.log" 2>&1 &
compiling=$!

# ---- PyKeOps's set-up, while the engine compiles

# Its libraries are looked for as a linker would (LIBRARY_PATH), and loaded as the loader does (LD_LIBRARY_PATH).
peer() {
  timeout -k 5 "$limit" env PYTHONPATH="$work/site${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 KEOPS_CACHE_FOLDER="$work/keops" \
    LIBRARY_PATH="$links:$toolkit/lib64${LIBRARY_PATH:+:$LIBRARY_PATH}" \
    LD_LIBRARY_PATH="$links:$toolkit/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$@"
}
set_up_peer() {
  if ! "$python" -c 'import pykeops' 2>/dev/null; then
    ls carried/wheels/*.whl >/dev/null 2>&1 || { echo "no carried/wheels: tools/gpu_wheels.sh makes them"; return 1; }
    rm -rf "$work/site"
    "$python" -m pip install --quiet --no-index --no-deps --no-compile --target "$work/site" carried/wheels/*.whl || return 1
  fi
  "$python" -c 'import numpy' || return 1
  limit=150
  peer "$python" bench/gpu_peer.py --set-up
}
preparing=
if [ "$mode" != second ]; then
  (set_up_peer) >"$work/peer-setup.log" 2>&1 &
  preparing=$!
fi

wait "$compiling" || { cat "$work/compile.log" >&2; fail "the engine does not compile"; exit 1; }
say "compiled"
if [ "$mode" = fake ]; then
  $cxx -std=c++17 -O1 -shared -fPIC "-DFAKE_CUDA_HEADERS=\"$root/tests/cpp\"" tests/cpp/fake_cuda.cpp -o "$work/libfake_cuda.so" -ldl
  mkdir -p "$work/scratch"
  engine() {
    timeout -k 5 "$limit" env FAKE_CUDA_SCRATCH="$work/scratch" RKEOPS_CUDA_DRIVER="$work/libfake_cuda.so" \
      RKEOPS_NVRTC="$work/libfake_cuda.so" "$@"
  }
else
  nvidia-smi || fail "no NVIDIA driver"
  engine() { timeout -k 5 "$limit" "$@"; }
fi

# ---- the second mode

if [ "$mode" = second ]; then
  kept="--cache $work/cache"
  mkdir -p "$work/cache"
  # shellcheck disable=SC2086 # two words
  {
    say "small cases, which fill the cache of kernels"
    limited 120 "small cases" engine "$work/gpu" --check $kept 2>"$results/gpu-check.txt"
    tail -n 5 "$results/gpu-check.txt"
    for tool in memcheck racecheck; do
      say "compute-sanitizer, $tool"
      limited 120 "$tool" engine compute-sanitizer --tool "$tool" --target-processes application-only \
        --error-exitcode 9 --print-limit 20 "$work/gpu" --check $kept >"$results/gpu-$tool.txt" 2>&1
      tail -n 5 "$results/gpu-$tool.txt"
    done
    for number in 2 0 6; do
      say "ncu, work $number"
      limited 60 "ncu, work $number" engine ncu --target-processes application-only -k rkeops_gpu_fold \
        --section SpeedOfLight --section LaunchStats --section Occupancy --launch-skip 1 --launch-count 1 "$work/gpu" --work "$number" --size 100000 $kept >"$results/gpu-ncu-$number.txt" 2>&1
      grep -E 'Duration|Throughput|Registers|Occupancy' "$results/gpu-ncu-$number.txt" || true
    done
  }
  say "results are in $results"
  exit "$status"
fi

# ---- the engine

say "engine: correctness and speed"
engine_json=$work/engine.json peer_json=$work/peer.json
rm -f "$engine_json" "$peer_json"
if [ "$mode" = fake ]; then
  limited "${LIMIT:-280}" engine engine "$work/gpu" --quick --seconds 120 --out "$engine_json"
else
  limited 280 engine engine "$work/gpu" --seconds 250 --out "$engine_json"
fi

# One file, whole at any time.
gather() {
  commit=$(git describe --always --dirty 2>/dev/null || cat carried/commit 2>/dev/null || echo unknown)
  card=$(nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader 2>/dev/null | head -n 1 || true)
  processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1 || true)
  nvcc=$(nvcc --version 2>/dev/null | sed -n 's/.*release \([0-9.]*\).*/\1/p' || true)
  {
    printf '{"date": "%s",\n "mode": "%s",\n "commit": "%s",\n' "$(date -u +%Y-%m-%dT%H:%MZ)" "$mode" "$(plain "$commit")"
    printf ' "machine": {"gpu, driver, memory, clock": "%s", "processor": "%s", "cores": %s, "toolkit": "%s"},\n' \
      "$(plain "$card")" "$(plain "$processor")" "$(nproc)" "$(plain "$nvcc")"
    printf ' "rkeops": '
    if [ -s "$engine_json" ]; then cat "$engine_json"; else echo null; fi
    printf ' ,"pykeops": '
    if [ -s "$peer_json" ]; then cat "$peer_json"; else echo null; fi
    printf '\n}\n'
  } >"$results/gpu.json.part"
  mv "$results/gpu.json.part" "$results/gpu.json"
}
gather

# ---- PyKeOps

if wait "$preparing"; then
  say "PyKeOps: $(tail -n 1 "$work/peer-setup.log")"
  if [ "$mode" = fake ]; then
    limited "${LIMIT:-160}" PyKeOps peer "$python" bench/gpu_peer.py "$peer_json" 100 --generate
  else
    limited 160 PyKeOps peer "$python" bench/gpu_peer.py "$peer_json" 140
  fi
  gather
else
  cat "$work/peer-setup.log" >&2
  [ "$mode" = fake ] && say "no PyKeOps: skipped" || fail "PyKeOps could not be set up"
fi

say "results are in $results/gpu.json"
[ "$status" = 0 ] && echo "all well" || echo "something failed"
exit "$status"
