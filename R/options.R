# Options live in getOption("rkeops"), a list of class "rkeops_options". The table below is all that is known about
# them: default value and check. A check gets the value and a function that refuses it.

option_table <- function() {
  flag01 <- function(x, refuse) {
    if (length(x) == 1L && (is.logical(x) || is.numeric(x)) && x %in% c(0, 1)) as.integer(x) else refuse("0 or 1")
  }
  flag <- function(x, refuse) if (isTRUE(x) || isFALSE(x)) x else refuse("TRUE or FALSE")
  choice <- function(...) {
    function(x, refuse) {
      if (is.character(x) && length(x) == 1L && x %in% c(...)) return(x)
      refuse(paste0("one of ", paste0("\"", c(...), "\"", collapse = ", ")))
    }
  }
  whole <- function(min, max = Inf) {
    function(x, refuse) {
      if (is_whole(x) && x >= min && x <= max) return(if (max < 2^31) as.integer(x) else as.numeric(x))
      refuse(if (is.finite(max)) sprintf("a whole number from %.0f to %.0f", min, max)
             else sprintf("a whole number, at least %.0f", min))
    }
  }
  seconds <- function(x, refuse) {
    if (is.numeric(x) && length(x) == 1L && is.finite(x) && x > 0) as.numeric(x) else refuse("a positive number")
  }
  tolerance <- function(x, refuse) {
    if (is.numeric(x) && length(x) == 1L && !is.na(x) && x >= 0 && x < 1) as.numeric(x) else refuse("a number from 0 to below 1")
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
    if (grepl("$", x, fixed = TRUE)) refuse("a directory without $ in its name")
    normalizePath(x)
  }
  list(
    backend = list("CPU", choice("CPU", "GPU")),
    device_id = list(-1L, devices),
    tensor_cores = list(FALSE, flag),
    precision = list("float64", choice("float32", "float64")),
    verbosity = list(1L, function(x, refuse) if (is.logical(x)) flag01(x, refuse) else whole(0, 2)(x, refuse)),
    debug = list(0L, flag01),
    cache_dir = list(NULL, directory),
    formula_only = list(FALSE, flag),
    index_base = list(1L, whole(0, 1)),
    threads = list(0L, whole(0, 2^31 - 1)),
    geometry = list("auto", choice("auto", "never", "always")),
    tolerance = list(0, tolerance),
    cache_limit = list(512 * 2^20, whole(0, 2^53)),
    compile_timeout = list(60, seconds),
    compiler = list(NULL, words)
  )
}

default_options <- function() {
  structure(lapply(option_table(), `[[`, 1L), class = "rkeops_options")
}

# The defaults, but for what options(rkeops.NAME = ) and environment variables RKEOPS_NAME say when the package is loaded.
# Values that cannot be are left out with a warning, which must not keep the package from loading.
initial_options <- function() {
  values <- default_options()
  table <- option_table()
  problems <- character()
  for (name in names(table)) {
    variable <- paste0("RKEOPS_", toupper(name))
    option <- paste0("rkeops.", name)
    value <- getOption(option)
    from <- sprintf("option `%s`", option)
    if (is.null(value)) {
      text <- Sys.getenv(variable)
      if (!nzchar(text) || name == "cache_dir") next  # RKEOPS_CACHE_DIR is read when it is needed
      value <- value_of_text(text, name, values[[name]])
      from <- sprintf("environment variable `%s`", variable)
    }
    checked <- tryCatch(list(table[[name]][[2L]](value, stop)), error = function(e) {
      problems <<- c(problems, sprintf("%s must be %s; it is ignored", from, conditionMessage(e)))
      NULL
    })
    if (!is.null(checked)) values[name] <- checked
  }
  unknown <- setdiff(grep("^rkeops[.]", names(options()), value = TRUE), paste0("rkeops.", names(table)))
  if (length(unknown) > 0L) {
    problems <- c(problems, sprintf("option `%s` is unknown; did you mean `rkeops.%s`?", unknown,
                                    nearest_of(sub("^rkeops[.]", "", unknown), names(table))))
  }
  warn_at_load(problems)
  values
}

nearest_of <- function(names, known) known[apply(utils::adist(names, known, ignore.case = TRUE), 1L, which.min)]

# What an environment variable says, as a value of the kind that `default` is.
value_of_text <- function(text, name, default) {
  if (name == "compiler") return(split_words(text))
  if (is.character(default)) return(text)
  if (is.logical(default)) return(if (text %in% c("1", "0")) text == "1" else as.logical(text))
  if (name == "verbosity" && !is.na(as.logical(text))) return(as.logical(text))
  suppressWarnings(as.numeric(strsplit(text, ",", fixed = TRUE)[[1L]]))
}

# (Not an error under options(warn = 2).)
warn_at_load <- function(problems) {
  for (problem in problems) {
    tryCatch(rkeops_warn(problem, NULL), error = function(e) packageStartupMessage("Warning: ", problem))
  }
}

current_options <- function() {
  options <- getOption("rkeops")
  if (inherits(options, "rkeops_options")) options else default_options()
}

#' Options of rkeops
#'
#' `get_rkeops_options()` reads options, `set_rkeops_options()` changes those given and leaves the others as they
#' are. They hold for the session.
#'
#' | option | default | values and meaning |
#' |:-------|:--------|:-------------------|
#' | `precision` | `"float64"` | `"float64"` or, faster, `"float32"`: precision of the computation |
#' | `backend` | `"CPU"` | `"CPU"` or `"GPU"`: where to compute |
#' | `device_id` | `-1L` | number of the GPU, from 0 (several share the work); -1 for the default one |
#' | `tensor_cores` | `FALSE` | `TRUE`: matrix products in float32 on GPUs use tensor cores, see [rkeops_use_tensor_cores()] |
#' | `threads` | `0L` | threads to compute with, at least 0; 0 for all cores available to this process |
#' | `geometry` | `"auto"` | `"auto"`, `"never"` or `"always"`: on CPUs, leave out pairs of rows that cannot matter; `"auto"`: where that is found to be faster |
#' | `tolerance` | `0` | from 0 to below 1: by how much sums may be off, see **Tolerance** in [lazytensor_reductions]; 0: not at all |
#' | `verbosity` | `1L` | 0: no progress bar; 1: one during computations of more than two seconds in interactive sessions; 2: in all sessions, and a message that says which share of the pairs was visited |
#' | `index_base` | `1L` | 1 or 0: number of the first row or component in what R functions give and take; 0 as in RKeOps 2 |
#' | `formula_only` | `FALSE` | `TRUE`: reductions of LazyTensors print their formula and stop with an error |
#' | `cache_dir` | `NULL` | directory of the compiled kernels, which must exist; `NULL`: see `RKEOPS_CACHE_DIR` |
#' | `cache_limit` | `512 * 2^20` | size of that directory in bytes, at most 2^53, above which the kernels used longest ago are deleted |
#' | `compiler` | `NULL` | words of the command of a C compiler, as `c("gcc", "-m64")`; `NULL`: see `RKEOPS_CC` |
#' | `compile_timeout` | `60` | seconds, more than 0, after which the compiler is stopped |
#' | `debug` | `0L` | 0 or 1; not used, kept from RKeOps 2 |
#'
#' Each option can have another default: that of `options(rkeops.NAME = )`, as in
#' `options(rkeops.precision = "float32", rkeops.threads = 4)` in `.Rprofile`, else that of an environment variable
#' `RKEOPS_NAME`, as in `RKEOPS_PRECISION=float32`, `RKEOPS_DEVICE_ID=0,1` or `RKEOPS_TENSOR_CORES=TRUE`. They are looked
#' at when the package is loaded. Values that are out of range are ignored with a warning of class `rkeops_warning`.
#'
#' Other environment variables, and `RKEOPS_CACHE_DIR`, are read when they are needed: those of CUDA at the first use of a
#' GPU, the others at every call, so that [Sys.setenv()] has an effect at once. An option goes before a variable.
#'
#' | variable | meaning |
#' |:---------|:--------|
#' | `RKEOPS_CACHE_DIR` | directory of the compiled kernels; made if it does not exist. If empty: `tools::R_user_dir("rkeops", "cache")`, but a temporary one under `R CMD check` |
#' | `RKEOPS_CC` | command of the C compiler. If empty: the one R was made with, else `gcc`, `cc` or `clang` on the `PATH` |
#' | `OMP_THREAD_LIMIT` | largest number of threads |
#' | `_R_CHECK_LIMIT_CORES_` | set by `R CMD check`: at most two threads |
#' | `RKEOPS_NVRTC` | NVRTC, CUDA's run-time compiler: the path of the library |
#' | `CUDA_HOME`, `CUDA_PATH` | CUDA toolkits, where NVRTC is looked for next |
#' | `RKEOPS_CUDA_DRIVER` | path of the CUDA driver's library, if it is in an unusual place |
#' | `TMPDIR` | where kernels are compiled if the cache cannot be used; see [get_rkeops_cache_dir()] |
#'
#' @param option `NULL` for all options, or names of options.
#' @param input a named list of options, or `NULL` to go back to the defaults of the table.
#' @return `get_rkeops_options()`: the list of options, a list of those named or, for a single name, its value.
#'   `set_rkeops_options()`: the previous options as a list that `options()` takes, invisibly.
#'   Errors: `rkeops_error_argument` for an unknown option or a value out of range, `rkeops_error_gpu` if `backend`
#'   is `"GPU"` and no GPU can be used.
#' @name rkeops_options
#' @seealso [rkeops_use_float32()], [rkeops_use_cpu()], [rkeops_use_gpu()], [rkeops_enable_verbosity()],
#'   [set_rkeops_cache_dir()]: functions that set one option each.
#' @concept options
#' @concept threads
#' @concept precision
#' @concept GPU
#' @concept parallel computing
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

#' @rdname rkeops_options
#' @export
set_rkeops_options <- function(input = NULL) {
  change_options(input, sys.call())
}

# `...`: the user's names of options that come from arguments.
change_options <- function(input, call, ...) {
  arguments <- c(...)
  if (is.null(input)) return(invisible(options(rkeops = default_options())))
  table <- option_table()
  if (!is.list(input) || (length(input) > 0L && (is.null(names(input)) || !all(nzchar(names(input)))))) {
    abort_argument("input", "a named list of options", input, call)
  }
  unknown <- setdiff(names(input), names(table))
  if (length(unknown) > 0L) {
    rkeops_abort("argument", paste0("unknown option `", unknown[1L], "`"), call = call,
                 hint = paste0("Did you mean `", nearest_of(unknown[1L], names(table)), "`? Options are ",
                               paste(names(table), collapse = ", "), "."))
  }
  values <- current_options()
  for (name in names(input)) {
    value <- table[[name]][[2L]](input[[name]], function(expected) {
      abort_argument(if (name %in% names(arguments)) arguments[[name]] else name, expected, input[[name]], call)
    })
    values[name] <- list(value)
  }
  if (values$backend == "GPU") require_gpu(values, call)
  invisible(options(rkeops = values))
}

# What the C++ side needs, derived from options and environment. It asks when one of them has changed: src/host.cpp has the
# variables.
runtime_options <- function() {
  options <- current_options()
  list(
    backend = options$backend,
    devices = pmax(options$device_id, 0L),
    tensor_cores = options$tensor_cores,
    nvrtc = nvrtc_hint(),
    precision = options$precision,
    threads = thread_count(options),
    geometry = options$geometry,
    tolerance = options$tolerance,
    index_base = options$index_base,
    cache_dir = cache_directory(options),
    cache_limit = options$cache_limit,
    compiler = compiler_to_call(options),
    compile_timeout = options$compile_timeout,
    formula_only = options$formula_only,
    notes = options$verbosity == 2L,
    progress = progress_functions(options)
  )
}

# One that is not there is called all the same, so that the error names it.
compiler_to_call <- function(options) {
  found <- find_compiler(options)
  if (length(found) > 0L) found else compiler_candidates(options)[[1L]]
}
