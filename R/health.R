#' Is everything in place?
#'
#' Tells the compiler, processor and cache that are used, compiles a small formula, and compares its values with those of
#' ordinary R.
#'
#' @param verbose `TRUE`: print the report.
#' @return `TRUE` if everything works, otherwise `FALSE`, invisibly if the report is printed.
#' @seealso [rkeops_errors], [rkeops_options].
#' @concept installation
#' @concept compiler
#' @concept GPU
#' @examples
#' check_rkeops()
#' @export
check_rkeops <- function(verbose = TRUE) {
  check_flag(verbose, "verbose", sys.call())
  if (!verbose) return(is.null(self_test()))
  problem <- suppressWarnings(self_test(), classes = "rkeops_warning")  # the report says it
  for (line in health_report(problem)) cat(line, "\n", sep = "")
  invisible(is.null(problem))
}

# NULL, or what went wrong.
self_test <- function() {
  x <- matrix(c(0, 0.5, 1, 2, -1, 3), 3)
  y <- matrix(c(1, 0.25, -0.5, 2), 2)
  expected <- rowSums(exp(-outer(x[, 1], y[, 1], "-")^2 - outer(x[, 2], y[, 2], "-")^2))
  tryCatch({
    op <- keops_kernel("Sum_Reduction(Exp(-SqDist(x,y)),1)", c("x=Vi(2)", "y=Vj(2)"))
    error <- max(abs(op(list(x, y))[, 1] - expected))
    if (error < 1e-5) NULL else paste("a computed sum is wrong by", number_text(error, 6L))
  }, error = conditionMessage)
}

health_report <- function(problem) {
  runtime <- runtime_options()
  machine <- unwrap(rk_machine())
  good <- cli::col_green(cli::symbol$tick)
  bad <- cli::col_red(cli::symbol$cross)
  compiler <- find_compiler()
  has_compiler <- length(compiler) > 0L
  directory <- runtime$cache_dir
  trouble <- unwrap(rk_cache_trouble(runtime))
  c(
    sprintf("rkeops %s, R %s", utils::packageVersion("rkeops"), getRversion()),
    sprintf("%s compiler: %s", if (has_compiler) good else bad,
            if (has_compiler) paste(compiler, collapse = " ")
            else "none found; install gcc or clang, or see ?rkeops_options"),
    sprintf("%s processor: %s, %d-bit vectors, %d of %d threads used", good, machine$cpu,
            as.integer(8 * machine$vector_bytes), runtime$threads, as.integer(machine$threads)),
    if (nzchar(trouble)) sprintf("%s cache: %s %s", bad, directory, trouble)
    else sprintf("%s cache: %s (%s)", good, directory, stat_rkeops_cache_dir(verbose = FALSE)),
    sprintf("%s precision: %s", good, runtime$precision),
    gpu_lines(gpu_report()),
    if (is.null(problem)) sprintf("%s a formula was compiled and computed correctly", good)
    else sprintf("%s a test computation failed: %s", bad, problem)
  )
}

# What there is of the chain device, driver, compiler; missing GPUs are nothing bad.
gpu_lines <- function(gpu) {
  version <- function(number) sprintf("%d.%d", number %/% 1000, number %% 1000 %/% 10)
  found <- if (nzchar(gpu$problem)) cli::symbol$info else cli::col_green(cli::symbol$tick)
  c(
    if (length(gpu$devices) > 0L) {
      sprintf("%s GPU %d: %s, compute capability %s, %.0f GiB", found, seq_along(gpu$devices) - 1L, gpu$devices,
              sub("(.)$", ".\\1", gpu$architectures), gpu$memory / 2^30)
    },
    if (gpu$driver > 0) sprintf("%s NVIDIA driver: CUDA %s", found, version(gpu$driver)),
    if (nzchar(gpu$nvrtc)) sprintf("%s NVRTC: %s (%s)", found, gpu$nvrtc, gpu$nvrtc_place),
    if (nzchar(gpu$problem)) sprintf("%s GPU: %s. %s", cli::symbol$info, gpu$problem, gpu$hint)
  )
}
