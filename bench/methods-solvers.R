# Linear systems, log-determinants and eigenvalues of LazyTensors against R's dense algebra and RSpectra on the dense matrix, and
# the preconditioner and block conjugate gradients against what there is without them. Rscript bench/methods-solvers.R [small]
# prints "work,n,ours_s,peer,peer_s,agreement". Peers and ours take turns in one run.
suppressPackageStartupMessages(library(rkeops))
small <- identical(commandArgs(TRUE), "small")

seconds <- function(expression) {
  start <- proc.time()[[3L]]
  force(expression)
  proc.time()[[3L]] - start
}
report <- function(work, n, ours, peer, other, agreement) {
  cat(sprintf("%s,%d,%.3f,%s,%.3f,%s\n", work, n, ours, peer, other, agreement))
}
points_in_square <- function(n) {
  set.seed(1)
  matrix(runif(2 * n), n)
}
dense_kernel <- function(x) {
  r <- sqrt(5) * as.matrix(dist(x)) / 0.2
  (1 + r + r^2 / 3) * exp(-r)
}
kernel <- function(x) matern(Vi(x), Vj(x), lengthscale = 0.2, nu = 2.5)

against_dense <- function(n) {
  x <- points_in_square(n)
  y <- sin(6 * x[, 1]) * cos(4 * x[, 2]) + rnorm(n) / 10
  K <- kernel(x)
  solve(kernel(x[1:100, ]), y[1:100], ridge = 0.01)  # kernels are compiled
  logdet(kernel(x[1:100, ]), ridge = 0.01, probes = 20)
  ours <- seconds(found <- solve(K, y, ridge = 0.01, details = TRUE))
  estimate <- seconds(number <- logdet(K, ridge = 0.01, probes = 20))
  matrix <- seconds(dense <- dense_kernel(x) + diag(0.01, n))
  root <- seconds(root_of <- chol(dense))
  back <- seconds(expected <- backsolve(root_of, backsolve(root_of, y, transpose = TRUE)))
  report("solve", n, ours, "chol of the dense matrix", matrix + root + back,
         sprintf("%.1e (%d steps, rank %d)", max(abs(found$x - expected)) / max(abs(expected)), found$iterations, found$rank))
  exact <- 2 * sum(log(diag(root_of)))
  report("logdet", n, estimate, "chol of the dense matrix", matrix + root,
         sprintf("%.4f against %.4f; standard error %.2g", number, exact, attr(number, "se")))
}

preconditioner <- function(n) {
  x <- points_in_square(n)
  y <- sin(6 * x[, 1]) * cos(4 * x[, 2]) + rnorm(n) / 10
  works <- list(matern52 = kernel, matern12 = function(x) matern(Vi(x), Vj(x), 0.2, nu = 0.5),
                gaussian = function(x) exp(-sqdist(Vi(x), Vj(x)) / (2 * 0.2^2)))
  for (name in names(works)) {
    for (ridge in c(1, 1e-2)) {
      K <- works[[name]](x)
      plain <- seconds(without <- solve(K, y, ridge = ridge, rank = 0, max_iterations = 5000, details = TRUE))
      ours <- seconds(with <- solve(K, y, ridge = ridge, details = TRUE))
      report(sprintf("preconditioner %s ridge %g", name, ridge), n, ours, "rank = 0", plain,
             sprintf("%.0f steps with rank %d; %.0f without", with$iterations, with$rank, without$iterations))
    }
  }
}

columns <- function(n) {
  x <- points_in_square(n)
  b <- matrix(rnorm(n * 16), n)
  K <- kernel(x)
  block <- seconds(found <- solve(K, b, ridge = 0.1, rank = 0, details = TRUE))
  one <- seconds(alone <- solve(K, b[, 1], ridge = 0.1, rank = 0, details = TRUE))
  report("16 right-hand sides rank 0", n, block, "one by one (16 times one)", 16 * one,
         sprintf("%.0f steps; %.0f for one", found$iterations, alone$iterations))
}

eigenvalues <- function(n) {
  if (!requireNamespace("RSpectra", quietly = TRUE)) return(invisible())
  x <- points_in_square(n)
  ours <- seconds(found <- RSpectra::eigs_sym(kernel(x), 10))
  # R would make the matrix with five copies of it; entries of a LazyTensor are made much faster, and in place.
  made <- seconds(dense <- as.matrix(kernel(x), max_entries = Inf))
  other <- seconds(expected <- RSpectra::eigs_sym(dense, 10))
  report("eigs_sym k = 10", n, ours, "RSpectra with the dense matrix", made + other,
         sprintf("%.1e (%d products; %.1f s to make the matrix)", max(abs(found$values - expected$values) / expected$values),
                 found$nops, made))
}

against_dense(if (small) 2500L else 10000L)
preconditioner(if (small) 2500L else 20000L)
columns(if (small) 2500L else 10000L)
eigenvalues(if (small) 4000L else 20000L)
