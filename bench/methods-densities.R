# Densities, kernel regression and tests by permutation beside ks, KernSmooth, stats, energy and kernlab, by turns in one run.
# Prints a line for each work: work,n,ours_s,peer,peer_s,agreement. `Rscript bench/methods-densities.R [--scale=0.1]`; rkeops as
# R_LIBS finds it. Peers that are not installed are left out.
suppressPackageStartupMessages(library(rkeops))

given <- grep("^--scale=", commandArgs(trailingOnly = TRUE), value = TRUE)
scale <- if (length(given) > 0L) as.numeric(sub(".*=", "", given[1L])) else 1
scaled <- function(n) max(ceiling(n * scale), 200)

# Seconds of the fastest of `times` runs, and what the last one gave. The first run of rkeops compiles and is not counted.
timed <- function(f, times = 1L) {
  seconds <- vapply(seq_len(times), function(k) system.time(value <<- f())[["elapsed"]], 0)
  list(seconds = min(seconds), value = value)
}
value <- NULL

# `warm(n)` compiles what `ours` needs. `agree(ours, peer)`: a number that is 0 where they are the same.
work <- function(title, n, ours, warm, peer_name = "", peer = NULL, agree = NULL) {
  warm()
  found <- timed(ours, 2L)
  there <- nzchar(peer_name) && requireNamespace(sub("::.*", "", peer_name), quietly = TRUE)
  other <- if (there) timed(peer)
  cat(sprintf("\"%s\",%.0f,%.4g,\"%s\",%s,%s\n", title, n, found$seconds, peer_name,
              if (there) format(other$seconds, digits = 4) else "",
              if (there) format(agree(found$value, other$value), digits = 2) else ""))
}
largest <- function(a, b) max(abs(a - b), na.rm = TRUE) / max(abs(b), na.rm = TRUE)

spiral <- function(n) {
  turn <- sqrt(stats::runif(n)) * 9
  cbind(turn * cos(turn), turn * sin(turn)) + stats::rnorm(2 * n, sd = 0.5)
}

density_points <- function() {
  x <- spiral(scaled(1e5))
  at <- spiral(2000)
  H <- matrix(c(0.09, 0.02, 0.02, 0.09), 2)
  work("density of 2 columns at 2000 points", nrow(x), function() kde(x, H, at)$estimate, function() kde(x[1:9, ], H, at),
       "ks::kde", function() ks::kde(x, H = H, eval.points = at, binned = FALSE)$estimate, largest)
  work("density of 2 columns at 2000 points, tol = 1e-3", nrow(x), function() kde(x, H, at, tol = 1e-3)$estimate,
       function() kde(x, H, at, tol = 1e-3), "ks::kde", function() ks::kde(x, H = H, eval.points = at, binned = FALSE)$estimate,
       largest)
  work("density of 2 columns at all points", nrow(x), function() kde(x, H)$estimate, function() kde(x[1:9, ], H))
}

density_bandwidth <- function() {
  x <- spiral(scaled(1e5))
  work("bandwidths of 2 columns by likelihood", nrow(x), function() bw_lcv(x), function() bw_lcv(x[1:200, ]))
}

density_grid <- function() {
  x <- stats::rnorm(scaled(1e5))
  grid <- seq(-4, 4, length.out = 512)
  work("density on a grid of 512", length(x), function() kde(x, 0.1, grid)$estimate, function() kde(x[1:9], 0.1, grid),
       "stats::density", function() stats::density(x, 0.1, n = 512, from = -4, to = 4)$y, largest)
}

regression_grid <- function() {
  x <- stats::runif(scaled(1e5))
  y <- sin(12 * x^2) + stats::rnorm(length(x)) / 3
  grid <- seq(0, 1, length.out = 401)
  for (degree in 0:1) {
    fit <- kreg(x[1:200], y[1:200], 0.02, degree)
    fit[c("x", "y")] <- list(matrix(x), y)
    work(sprintf("regression of degree %d on a grid of 401", degree), length(x), function() predict(fit, grid),
         function() predict(fit, grid), "KernSmooth::locpoly",
         function() KernSmooth::locpoly(x, y, degree = degree, bandwidth = 0.02, gridsize = 401, range.x = c(0, 1))$y, largest)
  }
  some <- seq_len(scaled(2e4))
  work("local linear regression with bandwidth by leave-one-out", length(some),
       function() kreg(x[some], y[some], degree = 1)$fitted, function() kreg(x[1:200], y[1:200], degree = 1))
}

two_samples <- function() {
  x <- spiral(scaled(4000))
  y <- spiral(scaled(4000))
  work("energy test, 199 permutations", 2 * nrow(x), function() energy_test(x, y, B = 199)$statistic,
       function() energy_test(x[1:9, ], y[1:9, ], B = 1), "energy::eqdist.etest",
       function() energy::eqdist.etest(rbind(x, y), c(nrow(x), nrow(y)), R = 199)$statistic, largest)
  work("MMD test, 199 permutations (peer: the statistic alone)", 2 * nrow(x),
       function() mmd_test(x, y, B = 199, bandwidth = 2)$estimate, function() mmd_test(x[1:9, ], y[1:9, ], B = 1, bandwidth = 2), "kernlab::kmmd",
       function() kernlab::mmdstats(kernlab::kmmd(x, y, kernel = "rbfdot", kpar = list(sigma = 1 / 8)))[1], largest)
  work("HSIC test, 199 permutations", nrow(x), function() hsic_test(x[, 1], x[, 2], B = 199)$statistic,
       function() hsic_test(x[1:9, 1], x[1:9, 2], B = 1))
}

cat("work,n,ours_s,peer,peer_s,agreement\n")
set.seed(1)
for (part in list(density_points, density_bandwidth, density_grid, regression_grid, two_samples)) part()
