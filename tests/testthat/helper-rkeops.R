# Kernels of the tests go to a temporary directory, or to one that several processes share; at most two threads.
Sys.setenv(RKEOPS_CACHE_DIR = Sys.getenv("RKEOPS_TEST_CACHE", file.path(tempdir(), "rkeops-tests")))
if (!nzchar(Sys.getenv("OMP_THREAD_LIMIT"))) Sys.setenv(OMP_THREAD_LIMIT = "2")

# Options as they are by default, for the time of a test.
local_rkeops_options <- function(..., env = parent.frame()) {
  old <- options(rkeops = rkeops:::default_options())
  withr::defer(options(old), envir = env)
  if (...length() > 0L) set_rkeops_options(list(...))
  invisible(old)
}

random_matrix <- function(rows, cols, seed = 1, min = -1, max = 1) {
  withr::with_seed(seed, matrix(stats::runif(rows * cols, min, max), rows, cols))
}

# Squared distances of all rows, the plain way.
squared_distances <- function(x, y) {
  total <- matrix(0, nrow(x), nrow(y))
  for (k in seq_len(ncol(x))) total <- total + outer(x[, k], y[, k], "-")^2
  total
}

expect_close <- function(object, expected, tolerance = 1e-10) {
  expect_equal(object, expected, tolerance = tolerance, ignore_attr = TRUE)
}

# The vectors of a LazyTensor of one index, or none, as a matrix with one row for each.
values_of <- function(x) matrix(as.array(x) + 0, max(dim(x)))

# Central differences of the sum of `f(x) * weight` with respect to x.
numeric_gradient <- function(f, x, weight = 1, h = 1e-5) {
  result <- x
  for (k in seq_along(x)) {
    up <- down <- x
    up[k] <- up[k] + h
    down[k] <- down[k] - h
    result[k] <- (sum(f(up) * weight) - sum(f(down) * weight)) / (2 * h)
  }
  result
}

expect_no_warning_of <- function(expr) {
  expect_warning(expr, NA)
}

# What R code prints in a process of its own, with environment variables "NAME=value".
in_new_session <- function(code, ...) {
  file <- withr::local_tempfile(lines = c("suppressPackageStartupMessages(library(rkeops))", code), fileext = ".R")
  variables <- c(..., paste0("R_LIBS=", paste(.libPaths(), collapse = .Platform$path.sep)))
  command <- c(heeding_interrupts(), file.path(R.home("bin"), "Rscript"), "--vanilla", file)
  suppressWarnings(system2(command[1L], command[-1L], stdout = TRUE, stderr = TRUE, env = variables))
}

# What a command begins with so that Ctrl-C reaches it. From R 4.5 on R leaves SIGINT ignored where its parent ignored it, and
# whatever a shell starts in the background, as tests may be, ignores it.
heeding_interrupts <- function() {
  reset <- c("env", "--default-signal=INT")  # not in every env
  works <- suppressWarnings(system2(reset[1L], c(reset[-1L], "true"), stdout = FALSE, stderr = FALSE)) == 0
  if (works) reset
}
