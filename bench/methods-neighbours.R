# Neighbours and clusters against the packages FNN, RANN, class and dbscan.
#   Rscript bench/methods-neighbours.R [n ...]     numbers of points; default 1e5 1e6, of which the slow peers see the first
# Prints lines work,n,ours_s,peer,peer_s,agreement. Times are the shortest of three in turn (of one for a million points), kernels
# compiled before; agreement is the share of results that are the same.
suppressMessages(library(rkeops))
sizes <- as.numeric(commandArgs(TRUE))
if (length(sizes) == 0L) sizes <- c(1e5, 1e6)

seconds <- function(f) unname(system.time(f())["elapsed"])

# `ours` and `peer` give comparable results, which `same` compares.
compare <- function(work, n, ours, peer_name, peer, same) {
  if (!requireNamespace(sub(" .*", "", peer_name), quietly = TRUE)) return(invisible())
  agreement <- same(ours(), peer())
  times <- replicate(if (n >= 1e6) 1 else 3, c(seconds(ours), seconds(peer)))
  best <- apply(times, 1, min)
  cat(sprintf("%s,%.0f,%.3f,%s,%.3f,%.6f\n", work, n, best[1], peer_name, best[2], agreement))
}
equal <- function(a, b) mean(a == b)

uniform <- function(n, d) withr::with_seed(1, matrix(runif(n * d), n))

nearest <- function(n, d, k = 10) {
  x <- uniform(n, d)
  ours <- function() knn(x, k = k)$nn.index
  work <- sprintf("%d nearest of D = %d", k, d)
  compare(work, n, ours, "FNN", function() FNN::get.knn(x, k)$nn.index, equal)
  compare(work, n, ours, "RANN", function() RANN::nn2(x, k = k + 1)$nn.idx[, -1], equal)
  compare(work, n, ours, "dbscan", function() dbscan::kNN(x, k)$id, equal)
}

within <- function(n, d, eps) {
  x <- uniform(n, d)
  compare(sprintf("all within %g of D = %d", eps, d), n, function() frnn(x, eps), "dbscan", function() dbscan::frNN(x, eps), function(a, b) {
    equal(unlist(lapply(a$id, sort)), unlist(lapply(b$id, sort)))
  })
}

classes <- function(n, d, k = 15) {
  x <- uniform(n, d)
  cl <- factor(x[, 1] + x[, 2] > 1)
  compare(sprintf("leave-one-out classes by %d neighbours of D = %d", k, d), n, function() knn_cv(x, cl, k), "class",
          function() class::knn.cv(x, cl, k), equal)
}

clusters <- function(n, d, eps, minPts) {
  x <- uniform(n, d)
  x[seq_len(n %/% 2), ] <- x[seq_len(n %/% 2), ] %% 0.25  # a dense corner
  compare(sprintf("DBSCAN with eps = %g of D = %d", eps, d), n, function() dbscan_lazy(x, eps, minPts)$cluster, "dbscan",
          function() dbscan::dbscan(x, eps, minPts)$cluster, equal)
}

cat("work,n,ours_s,peer,peer_s,agreement\n")
for (n in sizes) {
  scale <- (1e5 / n)^(1 / 3)  # as many neighbours at each size
  nearest(n, 3)
  nearest(n, 2)
  within(n, 3, 0.03 * scale)
  clusters(n, 3, 0.02 * scale, 10)
  if (n == sizes[1]) nearest(min(n, 2e4), 8)
  if (n == sizes[1]) classes(min(n, 2e4), 3)
}
