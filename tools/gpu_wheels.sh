#!/bin/sh
# Makes carried/wheels, from which tools/gpu.sh installs PyKeOps on a GPU machine without a network, and carried/commit, which
# tells it what it runs where there is no git: sh tools/gpu_wheels.sh, on a machine with a network, before the checkout goes there.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
wheels=$root/carried/wheels
rm -rf "$wheels"
mkdir -p "$wheels"
# Published as source only; pure Python, so that the wheels fit any machine.
"${PYTHON:-python3}" -m pip wheel --quiet --no-deps --wheel-dir "$wheels" "pykeops==2.3" "keopscore==2.3" "pybind11==3.1.0"
git -C "$root" describe --always --dirty >"$root/carried/commit"
ls -l "$wheels"
