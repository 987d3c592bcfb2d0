# The directory where compiled kernels are kept from session to session. The engine creates it with access for the
# user alone, and checks everything it reads from there.

# Which directory holds: the option, the environment variable, a temporary one under R CMD check, the user's cache.
cache_directory <- function(options = current_options()) {
  if (!is.null(options$cache_dir)) return(options$cache_dir)
  from_env <- Sys.getenv("RKEOPS_CACHE_DIR")
  if (nzchar(from_env)) return(path.expand(from_env))
  if (nzchar(Sys.getenv("_R_CHECK_PACKAGE_NAME_"))) return(file.path(tempdir(), "rkeops"))
  suppressWarnings(tools::R_user_dir("rkeops", "cache"))  # it warns where the home directory does not exist
}

#' The cache of compiled kernels
#'
#' A formula is compiled when it is used first, which takes a fraction of a second; the kernel is kept in memory (the
#' thousand used last) and in a directory, for later sessions. The directory is bounded in size (option `cache_limit`).
#' Several R processes can use it at the same time.
#'
#' The directory and its files must belong to the user, and others must not be able to write to them: what they hold is
#' run. Files that do not hold what was compiled from the formula at hand, for whatever reason, are compiled again. If the
#' directory cannot be used, kernels are compiled in the directory for temporary files (environment variable `TMPDIR`,
#' else `/tmp`, else `/dev/shm`) and kept for the session; one warning of class `rkeops_warning` says why.
#' [check_rkeops()] says so too.
#'
#' @param cache_dir an existing directory; `NULL` for the default: the environment variable `RKEOPS_CACHE_DIR` if set,
#'   else `tools::R_user_dir("rkeops", "cache")`.
#' @param verbose `TRUE`: tell what is done.
#' @param startup `TRUE`: the message is one for the start of a session.
#' @param all `FALSE`: only forget the kernels held in memory.
#' @param remove_cache_dir `TRUE`: delete the directory itself too, if nothing else is in it.
#' @return `get_rkeops_cache_dir()`: the path. `set_rkeops_cache_dir()`: the previous options, invisibly.
#'   `stat_rkeops_cache_dir()`: the size of the kernels, and of what killed processes left, as text such as `"12.5K"`.
#'   `clean_rkeops()`: `NULL`, invisibly; it forgets the kernels in memory too, and removes no file that is not one of
#'   rkeops.
#' @seealso [rkeops_options] for its limit; `vignette("gpu-precision")`.
#' @concept compiled kernels
#' @concept cache
#' @examples
#' get_rkeops_cache_dir()
#' stat_rkeops_cache_dir(verbose = FALSE)
#' old <- set_rkeops_cache_dir(tempdir(), verbose = FALSE)
#' clean_rkeops(verbose = FALSE)
#' options(old)
#' @export
get_rkeops_cache_dir <- function() cache_directory()

#' @rdname get_rkeops_cache_dir
#' @export
set_rkeops_cache_dir <- function(cache_dir = NULL, verbose = TRUE) {
  call <- sys.call()
  check_flag(verbose, "verbose", call)
  before <- cache_directory()
  old <- change_options(list(cache_dir = cache_dir), call)
  if (verbose) message("rkeops: cache directory was ", before, ", now ", cache_directory())
  invisible(old)
}

#' @rdname get_rkeops_cache_dir
#' @export
stat_rkeops_cache_dir <- function(verbose = TRUE, startup = FALSE) {
  call <- sys.call()
  check_flag(verbose, "verbose", call)
  check_flag(startup, "startup", call)
  usage <- human_size(unwrap(rk_cache_bytes(cache_directory()), call))
  if (verbose) {
    text <- sprintf("rkeops: cache directory %s holds %s", cache_directory(), usage)
    if (startup) packageStartupMessage(text) else message(text)
  }
  usage
}

#' @rdname get_rkeops_cache_dir
#' @export
clean_rkeops <- function(verbose = TRUE, all = TRUE, remove_cache_dir = FALSE) {
  call <- sys.call()
  check_flag(verbose, "verbose", call)
  check_flag(all, "all", call)
  check_flag(remove_cache_dir, "remove_cache_dir", call)
  unwrap(rk_clear_memory(), call)
  directory <- cache_directory()
  if (all) unwrap(rk_clear_cache(directory), call)
  if (remove_cache_dir && dir.exists(directory) && length(dir(directory, all.files = TRUE, no.. = TRUE)) == 0L) {
    unlink(directory, recursive = TRUE)
  }
  if (verbose) message("rkeops: ", if (all) paste("removed the kernels in", directory) else "forgot kernels in memory")
  invisible(NULL)
}

# 12800 -> "12.5K"
human_size <- function(bytes) {
  if (bytes == 0) return("0")
  units <- c("", "K", "M", "G", "T")
  power <- min(floor(log(bytes, 1024)), length(units) - 1)
  paste0(number_text(round(bytes / 1024^power, 1L)), units[power + 1])
}
