# Options live in getOption("rkeops"), a list of class "rkeops_options". The table below is all that is known about
# them: default value and check. A check gets the value and a function that refuses it.

option_table <- function() {
  flag01 <- function(x, refuse) {
    if (length(x) == 1L && (is.logical(x) || is.numeric(x)) && x %in% c(0, 1)) as.integer(x) else refuse("0 or 1")
  }
  choice <- function(...) {
    function(x, refuse) {
      if (is.character(x) && length(x) == 1L && x %in% c(...)) return(x)
      refuse(paste0("one of ", paste0("\"", c(...), "\"", collapse = ", ")))
    }
  }
  whole <- function(min, max = Inf) {
    function(x, refuse) {
      if (is_whole(x) && x >= min && x <= max) return(if (max < 2^31) as.integer(x) else as.numeric(x))
      refuse(if (is.finite(max)) sprintf("a whole number from %d to %d", min, max)
             else sprintf("a whole number, at least %d", min))
    }
  }
  seconds <- function(x, refuse) {
    if (is.numeric(x) && length(x) == 1L && is.finite(x) && x > 0) as.numeric(x) else refuse("a positive number")
  }
  devices <- function(x, refuse) {
    if (is.numeric(x) && length(x) > 0L && all(is.finite(x) & x == floor(x) & x >= -1) && !anyDuplicated(x)) {
      return(as.integer(x))
    }
    refuse("numbers of GPUs, counted from 0, or -1 for the default one")
  }
  words <- function(x, refuse) {
    if (is.null(x) || (is.character(x) && length(x) > 0L && !anyNA(x) && all(nzchar(x)))) return(x)
    refuse("NULL or the words of a command, such as \"gcc\"")
  }
  directory <- function(x, refuse) {
    if (is.null(x) || identical(x, cache_directory(list(cache_dir = NULL)))) return(NULL)
    if (!is.character(x) || length(x) != 1L || is.na(x) || !dir.exists(x)) refuse("NULL or an existing directory")
    if (file.access(x, 6L) != 0L) refuse("a directory that can be read and written")
    normalizePath(x)
  }
  list(
    backend = list("CPU", choice("CPU", "GPU")),
    device_id = list(-1L, devices),
    precision = list("float64", choice("float32", "float64")),
    verbosity = list(1L, flag01),
    debug = list(0L, flag01),
    cache_dir = list(NULL, directory),
    formula_only = list(FALSE, function(x, refuse) if (isTRUE(x) || isFALSE(x)) x else refuse("TRUE or FALSE")),
    index_base = list(1L, whole(0, 1)),
    threads = list(0L, whole(0, 2^31 - 1)),
    cache_limit = list(512 * 2^20, whole(0)),
    compile_timeout = list(60, seconds),
    compiler = list(NULL, words)
  )
}

default_options <- function() {
  structure(lapply(option_table(), `[[`, 1L), class = "rkeops_options")
}

current_options <- function() {
  options <- getOption("rkeops")
  if (inherits(options, "rkeops_options")) options else default_options()
}

#' Options of rkeops
#'
#' `get_rkeops_options()` reads options, `set_rkeops_options()` changes those given and leaves the others as they are.
#'
#' | option | default | meaning |
#' |:-------|:--------|:--------|
#' | `backend` | `"CPU"` | where to compute: `"CPU"` or `"GPU"` |
#' | `device_id` | `-1L` | number of the GPU (several share the work), -1 for the default one |
#' | `precision` | `"float64"` | `"float64"` or, faster, `"float32"` |
#' | `verbosity` | `1L` | 1: show a progress bar during long computations in interactive sessions; 0: do not |
#' | `debug` | `0L` | not used, kept from RKeOps 2 |
#' | `cache_dir` | `NULL` | directory of the compiled kernels, see [get_rkeops_cache_dir()]; `NULL`: the default one |
#' | `formula_only` | `FALSE` | `TRUE`: reductions of LazyTensors print their formula and stop with an error |
#' | `index_base` | `1L` | number of the first row or component in everything R gives or takes; 0 as in RKeOps 2 |
#' | `threads` | `0L` | threads to compute with; 0 for all cores available to this process |
#' | `cache_limit` | 512 MB | size of the cache directory in bytes above which the kernels used longest ago are deleted |
#' | `compile_timeout` | `60` | seconds after which the compiler is stopped |
#' | `compiler` | `NULL` | words of the C compiler's command; `NULL`: the environment variable `RKEOPS_CC`, else the compiler that R uses, else gcc, cc or clang |
#'
#' @param option `NULL` for all options, or names of options.
#' @param input a named list of options, or `NULL` to go back to the defaults.
#' @return `get_rkeops_options()`: the list of options, a list of those named or, for a single name, its value.
#'   `set_rkeops_options()`: the previous options as a list that `options()` takes, invisibly.
#' @seealso [rkeops_use_float32()], [rkeops_use_cpu()]
#' @examples
#' get_rkeops_options("precision")
#' old <- set_rkeops_options(list(precision = "float32"))
#' get_rkeops_options(c("precision", "backend"))
#' options(old)
#' @export
get_rkeops_options <- function(option = NULL) {
  options <- current_options()
  options["cache_dir"] <- list(cache_directory(options))
  if (is.null(option)) return(options)
  known <- names(option_table())
  if (!is.character(option) || !all(option %in% known)) {
    abort_argument("option", "NULL or names of options", option, sys.call(),
                   hint = paste0("Options are ", paste(known, collapse = ", "), "."))
  }
  if (length(option) == 1L) options[[option]] else unclass(options)[option]
}

#' @rdname get_rkeops_options
#' @export
set_rkeops_options <- function(input = NULL) {
  change_options(input, sys.call())
}

change_options <- function(input, call) {
  if (is.null(input)) return(invisible(options(rkeops = default_options())))
  table <- option_table()
  if (!is.list(input) || (length(input) > 0L && (is.null(names(input)) || !all(nzchar(names(input)))))) {
    abort_argument("input", "a named list of options", input, call)
  }
  unknown <- setdiff(names(input), names(table))
  if (length(unknown) > 0L) {
    rkeops_abort("argument", paste0("unknown option `", unknown[1L], "`"), call = call,
                 hint = paste0("Options are ", paste(names(table), collapse = ", "), "."))
  }
  values <- current_options()
  for (name in names(input)) {
    value <- table[[name]][[2L]](input[[name]], function(expected) {
      abort_argument(name, expected, input[[name]], call)
    })
    values[name] <- list(value)
  }
  if (values$backend == "GPU") require_gpu(values, call)
  invisible(options(rkeops = values))
}

# What the C++ side needs, derived from options and environment; computed anew only when one of them changed.
runtime_options <- function() {
  key <- list(getOption("rkeops"), Sys.getenv(watched_variables))
  if (identical(key, session$runtime_key)) return(session$runtime)
  options <- current_options()
  session$runtime <- list(
    backend = options$backend,
    devices = pmax(options$device_id, 0L),
    nvrtc = nvrtc_hint(),
    precision = options$precision,
    threads = thread_count(options),
    index_base = options$index_base,
    cache_dir = cache_directory(options),
    cache_limit = options$cache_limit,
    compiler = find_compiler(options),
    compile_timeout = options$compile_timeout,
    progress = interactive() && options$verbosity == 1L
  )
  session$runtime_key <- key
  session$runtime
}

watched_variables <- c("PATH", "RKEOPS_CACHE_DIR", "RKEOPS_CC", "OMP_THREAD_LIMIT", "_R_CHECK_LIMIT_CORES_")
