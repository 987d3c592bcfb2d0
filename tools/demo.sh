#!/bin/sh
# Everything from a bare Debian to the main job: sh tools/demo.sh [output directory]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/setup.sh"

need R compiler Rcpp cli ggplot2
install_rkeops
exec Rscript "$root/tools/demo.R" "${1:-$root/build/demo}"
