#' Where and how precisely to compute
#'
#' `rkeops_use_float64()` (the default) and `rkeops_use_float32()` choose the precision of the computation; data and
#' results are ordinary R numbers in both cases. Sums in `float32` are gathered in wider accumulators, so that their
#' error does not grow with the number of rows. `rkeops_use_cpu()` chooses the number of threads.
#'
#' `rkeops_use_gpu()` lets all computations run on an NVIDIA GPU, with no other change to the code, or fails with an error of
#' class `rkeops_error_gpu` that says what is missing: a GPU, its driver, or NVRTC, the run-time compiler of the CUDA toolkit
#' (12 or later; the package `nvidia-cuda-nvrtc` is enough). NVRTC is the library that the environment variable `RKEOPS_NVRTC`
#' names; without one, the first that suits the driver and the GPU in the folders `CUDA_HOME` and `CUDA_PATH`, where it was when
#' rkeops was installed, and in the usual places.
#' Data larger than the memory of the GPU go there in pieces. [check_rkeops()] reports on all of this.
#'
#' Without a choice all cores available to this process are used, fewer where the environment variables
#' `OMP_THREAD_LIMIT` or `_R_CHECK_LIMIT_CORES_` ask for it; forked children (as of `parallel::mclapply()`) compute
#' with one thread. Results do not depend on the number of threads.
#'
#' @param ncore number of threads; `NULL` or 0 for all cores available.
#' @param device number of the GPU, counted from 0; `NULL` or -1 for the default one. Several numbers: the work is shared
#'   out over these GPUs.
#' @return The previous options as a list that [options()] takes, invisibly.
#' @seealso [set_rkeops_options()]
#' @seealso `vignette("gpu-precision")`.
#' @concept GPU
#' @concept CUDA
#' @concept threads
#' @concept parallel computing
#' @concept precision
#' @concept single precision
#' @concept float32
#' @examples
#' old <- rkeops_use_float32()
#' rkeops_use_cpu(ncore = 2)
#' options(old)
#' try(rkeops_use_gpu())
#' rkeops_use_cpu()
#' @export
rkeops_use_cpu <- function(ncore = NULL) {
  call <- sys.call()
  threads <- if (is.null(ncore)) 0L else check_whole(ncore, "ncore", call, min = 0)
  if (threads > 0L) threads <- min(threads, available_threads())
  change_options(list(backend = "CPU", threads = threads), call)
}

#' @rdname rkeops_use_cpu
#' @export
rkeops_use_gpu <- function(device = NULL) {
  call <- sys.call()
  change_options(list(backend = "GPU", device_id = if (is.null(device)) -1L else device), call, device_id = "device")
}

#' Tensor cores of GPUs
#'
#' Lets scalar products and squared distances of vectors of dimension 8 or more, in `float32` on a GPU, be computed on
#' the GPU's tensor cores: `rkeops_use_tensor_cores()`. Off by default, and without effect in `float64` and on the CPU.
#'
#' Each number is split into two that tensor cores can multiply (`tf32`), and the products that matter are added, so
#' that an error of about 2^-22 of each product remains, four times that of `float32`. Squared distances are computed as
#' \eqn{|x|^2 + |y|^2 - 2 x \cdot y}{|x|^2 + |y|^2 - 2 x.y}: their errors are relative to \eqn{|x|^2 + |y|^2}, so
#' centre the data. Infinite entries give `NaN`.
#'
#' GPUs of compute capability 8.0 or higher have what it takes; on others, reductions that would use it raise an error
#' of class `rkeops_error_gpu`.
#' @param enable `TRUE` or `FALSE`.
#' @return The previous options as a list that [options()] takes, invisibly.
#' @seealso [rkeops_use_gpu()], [rkeops_options]
#' @concept GPU
#' @examples
#' old <- rkeops_use_tensor_cores()
#' get_rkeops_options("tensor_cores")
#' options(old)
#' @export
rkeops_use_tensor_cores <- function(enable = TRUE) {
  call <- sys.call()
  check_flag(enable, "enable", call)
  change_options(list(tensor_cores = enable), call)
}

# An error that says what is missing, unless the GPUs of these options can be used.
require_gpu <- function(options, call) {
  devices <- pmax(options$device_id, 0L)
  gpu <- gpu_report(list(backend = "GPU", devices = devices))
  if (nzchar(gpu$problem)) rkeops_abort("gpu", gpu$problem, hint = gpu$hint, call = call)
  if (any(devices >= length(gpu$devices))) {
    abort_argument("device", sprintf("less than %d, the number of GPUs", length(gpu$devices)), devices, call,
                   hint = "GPUs are counted from 0.")
  }
}

# `use`: the backend and devices that are to be used, which are opened then; otherwise GPUs are only looked at.
gpu_report <- function(use = NULL) unwrap(rk_gpu(c(list(nvrtc = nvrtc_hint()), use)))

# Where `configure` found NVRTC.
nvrtc_hint <- function() {
  file <- system.file("nvrtc", package = "rkeops")
  if (nzchar(file)) readLines(file, n = 1L, warn = FALSE) else ""
}

#' @rdname rkeops_use_cpu
#' @export
rkeops_use_float32 <- function() change_options(list(precision = "float32"), sys.call())

#' @rdname rkeops_use_cpu
#' @export
rkeops_use_float64 <- function() change_options(list(precision = "float64"), sys.call())

#' Show or hide the progress bar
#'
#' In interactive sessions computations longer than two seconds show a progress bar, unless verbosity is disabled.
#' @return The previous options as a list that [options()] takes, invisibly.
#' @seealso [rkeops_options].
#' @concept progress bar
#' @examples
#' rkeops_disable_verbosity()
#' rkeops_enable_verbosity()
#' @export
rkeops_enable_verbosity <- function() change_options(list(verbosity = 1L), sys.call())

#' @rdname rkeops_enable_verbosity
#' @export
rkeops_disable_verbosity <- function() change_options(list(verbosity = 0L), sys.call())

# ---- threads and compiler

available_threads <- function() {
  if (is.null(session$machine)) session$machine <- unwrap(rk_machine())
  session$machine$threads
}

thread_count <- function(options) {
  limit <- suppressWarnings(as.integer(Sys.getenv("OMP_THREAD_LIMIT")))
  check <- tolower(Sys.getenv("_R_CHECK_LIMIT_CORES_"))
  as.integer(max(1L, min(
    available_threads(),
    if (options$threads > 0L) options$threads,
    if (!is.na(limit) && limit > 0L) limit,
    if (nzchar(check) && check != "false") 2L
  )))
}

# The words of the C compiler's command, the first one with its path; character() if there is none.
find_compiler <- function(options = current_options()) {
  for (command in compiler_candidates(options)) {
    if (length(command) == 0L) next
    program <- on_path(command[1L])
    if (!is.na(program)) return(c(program, command[-1L]))
  }
  character()
}

compiler_candidates <- function(options) {
  if (!is.null(options$compiler)) return(list(options$compiler))
  from_env <- Sys.getenv("RKEOPS_CC")
  if (nzchar(from_env)) return(list(split_words(from_env)))
  list(compiler_of_r(), "gcc", "cc", "clang")
}

compiler_of_r <- function() {
  if (is.null(session$compiler_of_r)) {
    makeconf <- file.path(R.home("etc"), .Platform$r_arch, "Makeconf")
    lines <- if (file.exists(makeconf)) readLines(makeconf, warn = FALSE) else character()
    found <- sub("^CC *= *", "", grep("^CC *=", lines, value = TRUE))
    session$compiler_of_r <- if (length(found) > 0L) split_words(found[1L]) else character()
  }
  session$compiler_of_r
}

split_words <- function(text) scan(text = text, what = "", quiet = TRUE)

# Path of an executable, or NA. (Sys.which() would start a process.)
on_path <- function(program) {
  paths <- if (grepl("/", program, fixed = TRUE)) {
    program
  } else {
    file.path(strsplit(Sys.getenv("PATH"), ":", fixed = TRUE)[[1L]], program)
  }
  paths[file.access(paths, 1L) == 0L & !dir.exists(paths)][1L]
}
