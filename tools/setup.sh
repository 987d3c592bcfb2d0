# Installs what rkeops needs, then rkeops itself into a private library. Sourced by demo.sh, test.sh and bench/run.sh;
# `sh tools/setup.sh` alone does the same.
#
#   need R compiler                 dependencies by short name: R, compiler, checkbashisms, pandoc, qpdf, or an R package
#   install_rkeops                  builds the checkout into $RKEOPS_LIB
#
# RKEOPS_LIB   where rkeops goes (default: build/library in the checkout)
set -eu

case $0 in
  */setup.sh) root=$(cd "$(dirname "$0")/.." && pwd) ;;
  *) : "${root:?set root before sourcing setup.sh}" ;;
esac
RKEOPS_LIB=${RKEOPS_LIB:-$root/build/library}
say() { printf '== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif have sudo; then sudo "$@"
  else die "must install packages: run as root, or install sudo"
  fi
}

have_package() { Rscript -e "q(status = !requireNamespace('$1', quietly = TRUE))" >/dev/null 2>&1; }
have_compiler() { have g++ && have make && { ! have R || [ -f "$(R RHOME)/etc/Makeconf" ]; }; }

# Prints the dependencies among "$@" that are not there.
missing() {
  for dependency in "$@"; do
    case $dependency in
      R) have Rscript ;;
      compiler) have_compiler ;;
      checkbashisms | pandoc | qpdf) have "$dependency" ;;
      *) have Rscript && have_package "$dependency" ;;
    esac || printf '%s ' "$dependency"
  done
}

debian_name() {
  case $1 in
    R) echo r-base-core ;;
    compiler) echo g++ make ;;
    checkbashisms) echo devscripts ;;
    pandoc | qpdf) echo "$1" ;;
    *) printf 'r-cran-%s\n' "$1" | tr '[:upper:]' '[:lower:]' ;;
  esac
}

install_by_apt() {
  say "apt: $*"
  names=$(for dependency in "$@"; do debian_name "$dependency"; done)
  export DEBIAN_FRONTEND=noninteractive
  mkdir -p "$root/build"
  log=$root/build/apt.log
  # shellcheck disable=SC2086
  { as_root apt-get update -qq && as_root apt-get install -y -qq --no-install-recommends $names; } >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; die "apt-get could not install" $names; }
}

install_by_r() {
  say "install.packages: $*"
  mkdir -p "$RKEOPS_LIB"
  quoted=$(printf "'%s'," "$@")
  Rscript -e "install.packages(c(${quoted%,}), lib = '$RKEOPS_LIB', repos = 'https://cloud.r-project.org', quiet = TRUE)" ||
    die "R could not install: $*"
}

need() {
  R_LIBS=$RKEOPS_LIB${R_LIBS:+:$R_LIBS}
  export R_LIBS
  absent=$(missing "$@")
  # shellcheck disable=SC2086
  if [ -n "$absent" ] && have apt-get; then install_by_apt $absent; absent=$(missing "$@"); fi
  case " $absent" in
    *" R "*) die "R is missing and apt-get did not provide it: install R 4.1 or later, then try again" ;;
    *" compiler "*) die "a C++ compiler and make are missing: install g++ (or clang++) and make, then try again" ;;
  esac
  # shellcheck disable=SC2086
  if [ -n "$absent" ]; then install_by_r $absent; absent=$(missing "$@"); fi
  [ -z "$absent" ] || die "still missing: $absent"
  say "R: $(Rscript -e 'cat(R.version.string)')"
}

# From a tarball, so that nothing is written into the checkout but build/.
install_rkeops() {
  mkdir -p "$RKEOPS_LIB" "$root/build"
  say "installing rkeops into $RKEOPS_LIB"
  log=$root/build/install.log
  (
    cd "$root/build" && rm -f rkeops_*.tar.gz && R CMD build --no-build-vignettes --no-manual "$root" &&
      R CMD INSTALL --no-docs --no-test-load --library="$RKEOPS_LIB" rkeops_*.tar.gz && rm -f rkeops_*.tar.gz
  ) >"$log" 2>&1 || { tail -n 40 "$log" >&2; die "rkeops did not install; the whole log is $log"; }
}

case $0 in
  */setup.sh)
    need R compiler Rcpp cli
    install_rkeops
    say "use it with: R_LIBS=$RKEOPS_LIB R"
    ;;
esac
