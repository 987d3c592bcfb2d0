# Time against size: the Gaussian sum and the 10 nearest neighbours in dimension 3, N = M = 1e2 ... 1e6, beside what R
# offers. Rscript bench/scaling.R [file.csv [work]], with rkeops in the library; FNN is taken along if it is there. With a work,
# as in "10 nearest neighbours", that is measured alone, and the others stay in the file as they are.
suppressPackageStartupMessages(library(rkeops))
given <- commandArgs(trailingOnly = TRUE)
file <- c(given, "scaling.csv")[1]
Sys.setenv(RKEOPS_CACHE_DIR = tempfile("rkeops-bench"))
sizes <- c(1e2, 3e2, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6)

gaussian_rkeops <- function(data) exp(-sqdist(Vi(data$x), Vj(data$y))) %*% data$b
nearest_rkeops <- function(data) argKmin(sqdist(Vi(data$x), Vj(data$y)), 10, index = "j")

distances <- function(data) outer(rowSums(data$x^2), rowSums(data$y^2), "+") - 2 * tcrossprod(data$x, data$y)
gaussian_base <- function(data) exp(-distances(data)) %*% data$b
nearest_base <- function(data) {
  t(apply(distances(data), 1, function(row) {
    nearest <- which(row <= sort.int(row, partial = 10)[10])
    nearest[order(row[nearest])][1:10]
  }))
}
nearest_tree <- function(data) FNN::get.knnx(data$y, data$x, 10)$nn.index

# `most`: largest size, for the sake of memory or time.
methods <- list(
  list(work = "Gaussian sum", method = "rkeops, float32", run = gaussian_rkeops, precision = "float32", most = 1e6),
  list(work = "Gaussian sum", method = "rkeops, float64", run = gaussian_rkeops, precision = "float64", most = 1e6),
  list(work = "Gaussian sum", method = "base R", run = gaussian_base, most = 1e4),
  list(work = "10 nearest neighbours", method = "rkeops, float32", run = nearest_rkeops, precision = "float32", most = 1e6),
  list(work = "10 nearest neighbours", method = "rkeops, float64", run = nearest_rkeops, precision = "float64", most = 1e6),
  list(work = "10 nearest neighbours", method = "base R", run = nearest_base, most = 1e4),
  if (requireNamespace("FNN", quietly = TRUE)) {
    list(work = "10 nearest neighbours", method = "FNN (k-d tree)", run = nearest_tree, most = 1e6)
  }
)

methods <- Filter(Negate(is.null), methods)
asked <- given[-1]
if (length(asked) > 0) methods <- Filter(function(method) method$work %in% asked, methods)
stopifnot(length(methods) > 0)

seconds <- function(method, data) {
  begin <- proc.time()[[3]]
  value <- method$run(data)
  list(seconds = proc.time()[[3]] - begin, value = value)
}

# The median of up to 9 runs, at least 3 below 20 s, since the first one also pays for fresh memory; many in a row where
# it takes no time at all.
median_seconds <- function(method, data, first) {
  if (first > 20) return(first)
  repeats <- max(1, ceiling(0.05 / max(first, 1e-4)))
  runs <- max(3, min(9, floor(3 / (first * repeats + 1e-3))))
  stats::median(replicate(runs, system.time(for (k in seq_len(repeats)) method$run(data))[[3]] / repeats))
}

set.seed(1)
rows <- if (length(asked) > 0 && file.exists(file)) {
  known <- utils::read.csv(file)
  list(known[!known$work %in% asked, ])
}
for (n in sizes) {
  data <- list(x = matrix(runif(3 * n), n), y = matrix(runif(3 * n), n), b = rnorm(n))
  answers <- list()
  for (method in methods) {
    if (n > method$most) next
    if (!is.null(method$precision)) set_rkeops_options(list(precision = method$precision))
    invisible(method$run(lapply(data, head, 10)))  # compiles
    found <- seconds(method, data)
    # Answers are the same: sums to 4 digits, neighbours but for ties in float32.
    known <- answers[[method$work]]
    if (is.null(known)) answers[[method$work]] <- found$value
    else if (method$work == "Gaussian sum") stopifnot(isTRUE(all.equal(found$value, known, tolerance = 1e-4)))
    else stopifnot(mean(found$value == known) > 0.999)
    time <- median_seconds(method, data, found$seconds)
    rows[[length(rows) + 1]] <- data.frame(work = method$work, method = method$method, n = n, seconds = signif(time, 4))
    cat(sprintf("%-22s %-16s N = %7.0f  %10.4f s\n", method$work, method$method, n, time))
    utils::write.csv(do.call(rbind, rows), file, row.names = FALSE, quote = 1:2)
  }
}
