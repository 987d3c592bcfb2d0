# k-means, optimal transport and eigenvectors beside what R has: Rscript bench/methods-transport.R [--scale=0.1] [WORK ...]
#   prints work,n,ours_s,peer,peer_s,agreement; works whose names begin with WORK, or all.
suppressPackageStartupMessages(library(rkeops))

given <- commandArgs(trailingOnly = TRUE)
scale <- as.numeric(sub("--scale=", "", c(grep("^--scale=", given, value = TRUE), "1")[1L]))
asked <- given[!startsWith(given, "--")]
size <- function(n) max(ceiling(n * scale), 300)
Sys.setenv(RKEOPS_CACHE_DIR = tempfile("rkeops-bench"))

seconds <- function(value) {
  time <- system.time(result <- value)
  list(seconds = time[["elapsed"]], value = result)
}

row <- function(work, n, ours, peer = "", theirs = list(seconds = NA), agreement = "") {
  cat(work, sprintf("%.0f", n), signif(ours$seconds, 3), peer, signif(theirs$seconds, 3), agreement, sep = ",")
  cat("\n")
}

# The first evaluation compiles.
warm_up <- function(f) suppressWarnings(invisible(f(300)))

# Ten steps from the same start; stats::kmeans() by Lloyd's algorithm, and by its default.
kmeans_of <- function(K) function() {
  n <- size(1e5)
  K <- min(K, n %/% 20)
  points <- function(n) matrix(stats::rnorm(10 * n), n)
  warm_up(function(n) kmeans_lazy(points(n), 5))
  x <- points(n)
  start <- x[sample(n, K), ]
  ours <- seconds(suppressWarnings(kmeans_lazy(x, start, iter.max = 10)))
  same <- seconds(suppressWarnings(kmeans(x, start, iter.max = 10, algorithm = "Lloyd")))
  row(paste0("kmeans-", K), n, ours, "kmeans-Lloyd", same, identical(ours$value$cluster, same$value$cluster))
  default <- seconds(suppressWarnings(kmeans(x, start, iter.max = 10)))
  row(paste0("kmeans-", K), n, ours, "kmeans-Hartigan-Wong", default, signif(ours$value$tot.withinss / default$value$tot.withinss, 4))
  row(paste0("kmeans-seeds-", K), n, seconds(suppressWarnings(kmeans_lazy(x, K, iter.max = 1))))
}

# A uniform and a normal sample in the plane; the agreement is the marginal error.
sinkhorn_of <- function(n, eps, debias, peer = FALSE) function() {
  n <- size(n)
  sample_of <- function(n) list(x = matrix(stats::runif(2 * n), n), y = matrix(stats::rnorm(2 * n, 0.5, 0.3), n))
  solve <- function(data) sinkhorn(data$x, data$y, eps = eps, debias = debias)
  warm_up(function(n) solve(sample_of(n)))
  warm_up(function(n) solve(sample_of(3000)))
  data <- sample_of(n)
  ours <- seconds(solve(data))
  name <- sprintf("sinkhorn-eps-%g%s", eps, if (debias) "-debias" else "")
  row(name, n, ours, agreement = signif(ours$value$error, 2))
  if (!peer) return()
  # as many iterations of the plain loop as reach the same error, from the same LazyTensors
  plain <- seconds({
    D_ij <- sqdist(Vi(data$x), Vj(data$y)) / 2
    g <- numeric(n)
    for (step in 1:500) {
      f <- as.vector(-eps * (logsumexp((Vj(g) - D_ij) / eps, "j") - log(n)))
      following <- as.vector(-eps * (logsumexp((Vi(f) - D_ij) / eps, "i") - log(n)))
      if (mean(abs(expm1((g - following) / eps))) < 1e-3) break
      g <- following
    }
    mean(f) + mean(g)
  })
  row(name, n, ours, "plain-loop", plain, signif(ours$value$cost - plain$value, 2))
}

eigenvectors_of <- function(h) function() {
  n <- size(2e4)
  kernel <- function(x, y) exp(-sqdist(x, y) / (2 * h^2))
  points <- function(n) matrix(stats::rnorm(3 * n), n)
  warm_up(function(n) spectral(points(n), 10, kernel))
  x <- points(n)
  ours <- seconds(spectral(x, 10, kernel))
  name <- sprintf("spectral-h-%g", h)
  row(name, n, ours, agreement = signif(max(ours$value$residual), 2))
  if (!requireNamespace("RSpectra", quietly = TRUE)) return()
  difference <- function(other) signif(max(abs(other$value$values - ours$value$values)), 2)
  multiply <- operator(kernel(Vi(x), Vj(x)))
  of_operator <- seconds({
    root <- sqrt(as.vector(multiply(rep(1, n))))
    RSpectra::eigs_sym(function(v, args) as.vector(multiply(v / root)) / root, 10, n = n, opts = list(tol = 1e-6))
  })
  row(name, n, ours, "RSpectra-operator", of_operator, difference(of_operator))
  if (n > 5e3 && as.numeric(system("awk '/MemAvailable/ {print $2}' /proc/meminfo", intern = TRUE)) < n^2 * 8 * 4 / 1024) return()
  dense <- seconds({
    K <- exp(-as.matrix(stats::dist(x))^2 / (2 * h^2))
    root <- sqrt(rowSums(K))
    RSpectra::eigs_sym(K / root / rep(root, each = n), 10, opts = list(tol = 1e-6))
  })
  row(name, n, ours, "RSpectra-dense", dense, difference(dense))
}

works <- list(
  "kmeans-100" = kmeans_of(100),
  "kmeans-1000" = kmeans_of(1000),
  "sinkhorn-1e4" = sinkhorn_of(1e4, 0.01, FALSE, peer = TRUE),
  "sinkhorn-1e4-small" = sinkhorn_of(1e4, 0.001, TRUE),
  "sinkhorn-1e5" = sinkhorn_of(1e5, 0.01, FALSE),
  "sinkhorn-1e5-debias" = sinkhorn_of(1e5, 0.01, TRUE),
  "sinkhorn-1e5-small" = sinkhorn_of(1e5, 0.001, TRUE),
  "spectral-wide" = eigenvectors_of(1),
  "spectral-narrow" = eigenvectors_of(0.3)
)
cat("work,n,ours_s,peer,peer_s,agreement\n")
for (name in names(works)) {
  if (length(asked) > 0L && !any(startsWith(name, asked))) next
  set.seed(1)
  works[[name]]()
}
