.onLoad <- function(libname, pkgname) {
  if (!inherits(getOption("rkeops"), "rkeops_options")) options(rkeops = initial_options())
}

.onAttach <- function(libname, pkgname) {
  packageStartupMessage(
    "rkeops ", utils::packageVersion("rkeops"), " (cache: ", cache_directory(), ", ",
    stat_rkeops_cache_dir(verbose = FALSE), ")\n",
    "ifelse(), atan2(), step() and gaussian() work on LazyTensors too; on other data they do what they did."
  )
}

# No .onUnload: threads and finalizers of the shared object may outlive the namespace.
