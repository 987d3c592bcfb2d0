# kmeans_lazy() against stats::kmeans() and plain R.

x <- random_matrix(300, 3, seed = 1)

expect_same_clusters <- function(object, expected) {
  expect_identical(object$cluster, expected$cluster)
  expect_identical(object$size, expected$size)
  expect_identical(object$iter, expected$iter)
  sums <- c("centers", "totss", "withinss", "tot.withinss", "betweenss")
  expect_equal(unclass(object)[sums], unclass(expected)[sums], tolerance = 1e-12)
}

test_that("from the same start it is kmeans(algorithm = \"Lloyd\"), converged or not, also with ties", {
  local_rkeops_options()
  start <- x[1:12, ]
  for (steps in c(1, 3)) {
    expect_warning(found <- kmeans_lazy(x, start, steps), "no convergence", class = "rkeops_warning")
    expect_same_clusters(found, suppressWarnings(stats::kmeans(x, start, steps, algorithm = "Lloyd")))
    expect_identical(found$ifault, 2L)
  }
  found <- expect_no_warning_of(kmeans_lazy(x, start, 100))
  expect_same_clusters(found, stats::kmeans(x, start, 100, algorithm = "Lloyd"))
  expect_identical(found$ifault, 0L)
  grid <- as.matrix(expand.grid(a = 0:5, b = 0:5, c = 0:2))
  rownames(grid) <- paste0("p", seq_len(nrow(grid)))
  start <- grid[c(1, 20, 40, 77, 100), ]
  expect_same_clusters(kmeans_lazy(grid, start, 50), stats::kmeans(grid, start, 50, algorithm = "Lloyd"))
  expect_equal(kmeans_lazy(grid, 1)$tot.withinss, stats::kmeans(grid, 1)$tot.withinss)
})

test_that("it has the methods of kmeans objects, and predict()", {
  local_rkeops_options()
  found <- withr::with_seed(1, kmeans_lazy(iris[1:4], 3, nstart = 4))
  expect_s3_class(found, "kmeans")
  expect_equal(found$tot.withinss, 78.85144, tolerance = 1e-6)          # the best known one
  expect_equal(fitted(found), found$centers[found$cluster, ])
  expect_output(print(found), "K-means clustering with 3 clusters")
  expect_identical(predict(found), found$cluster)
  expect_identical(predict(found, iris[1:4]), unname(found$cluster))
  expect_error(predict(found, iris[1:3]), class = "rkeops_error_dimension")
  set_rkeops_options(list(index_base = 0))
  expect_identical(predict(found, iris[1:4]), unname(found$cluster))
})

test_that("medians, and means by a function, in plain R", {
  local_rkeops_options()
  own <- function(x, centres, cost, best) {
    for (step in 1:100) {
      cluster <- max.col(-apply(centres, 1, function(c) cost(x, rep(c, each = nrow(x)))), ties.method = "first")
      new <- t(vapply(seq_len(nrow(centres)), function(k) apply(x[cluster == k, ], 2, best), numeric(ncol(x))))
      if (identical(new, centres)) break
      centres <- new
    }
    centres
  }
  start <- x[11:15, ]
  found <- kmeans_lazy(x, start, 100, metric = "manhattan")
  expect_close(found$centers, own(x, start, function(x, c) rowSums(abs(x - c)), stats::median))
  expect_close(found$tot.withinss, sum(abs(x - fitted(found))))
  expect_close(found$totss, sum(abs(x - rep(apply(x, 2, stats::median), each = nrow(x)))))
  expect_identical(predict(found, x), found$cluster)
  expect_output(print(found), "manhattan")

  positive <- exp(x)
  divergence <- function(x, c) sum(x * log(x / c) - x + c)
  found <- kmeans_lazy(positive, positive[11:15, ], 100, metric = divergence)
  plain <- function(x, c) rowSums(x * log(x / c) - x + c)
  expect_close(found$centers, own(positive, positive[11:15, ], plain, mean))
  expect_close(found$tot.withinss, sum(plain(positive, fitted(found))))
  expect_output(print(found), "own metric")
})

test_that("starts follow the seed, are points, and clusters that are far apart are all found", {
  local_rkeops_options()
  separate <- x / 100 + 10 * cbind(rep(0:29, 10), 0, 0)
  found <- withr::with_seed(3, kmeans_lazy(separate, 30))
  expect_identical(found$size, rep(10L, 30))
  expect_equal(withr::with_seed(3, kmeans_lazy(separate, 30)), found)
  random <- withr::with_seed(3, kmeans_lazy(separate, 30, init = "random", iter.max = 50))
  expect_gt(random$tot.withinss, found$tot.withinss)
  several <- withr::with_seed(3, kmeans_lazy(separate, 30, init = "random", iter.max = 50, nstart = 5))
  expect_lt(several$tot.withinss, random$tot.withinss)
  few <- rbind(x[1:5, ], x[1:5, ])
  for (init in c("++", "random")) expect_equal(kmeans_lazy(few, 5, init = init)$tot.withinss, 0)
})

test_that("seeds have the probabilities of k-means++", {
  skip_if_not(nzchar(Sys.getenv("RKEOPS_LONG_TESTS")), "RKEOPS_LONG_TESTS is not set")
  local_rkeops_options()
  p <- matrix(c(0, 0.5, 1, 3, 3.2, 7))
  cost <- unname(as.matrix(stats::dist(p)))^2
  probability <- function(seeds) {  # of a sequence
    total <- 1 / 6
    for (k in 2:4) {
      least <- apply(cost[, seeds[seq_len(k - 1)], drop = FALSE], 1, min)
      total <- total * least[seeds[k]] / sum(least)
    }
    total
  }
  sequences <- as.matrix(expand.grid(1:6, 1:6, 1:6, 1:6))
  sequences <- sequences[apply(sequences, 1, anyDuplicated) == 0, ]
  expected <- apply(sequences, 1, probability)
  task <- list(x = p, x_i = Vi(p), metric = clustering_metric("euclidean", NULL), call = NULL)
  drawn <- withr::with_seed(1, replicate(10000, paste(draw_seeds(task, 4), collapse = " ")))
  counts <- table(factor(drawn, apply(sequences, 1, paste, collapse = " ")))
  likely <- expected > 5e-4
  expect_gt(stats::chisq.test(c(counts[likely], sum(counts[!likely])), p = c(expected[likely], sum(expected[!likely])))$p.value, 0.001)
})

test_that("empty clusters are named, and get the farthest point", {
  local_rkeops_options()
  start <- rbind(x[1:4, ], c(50, 50, 50), c(60, 60, 60))
  expect_warning(found <- kmeans_lazy(x, start, 100), "clusters 5, 6 were empty", class = "rkeops_warning")
  expect_true(all(found$size > 0))
  expect_close(found$centers, rowsum(x, found$cluster) / found$size)
  few <- rbind(x[1:2, ], x[1:2, ])
  expect_warning(found <- kmeans_lazy(few, rbind(x[1:2, ], 9)), "empty at the end: 3", class = "rkeops_warning")
  expect_identical(found$size, c(2L, 2L, 0L))
  expect_identical(found$cluster, c(1L, 2L, 1L, 2L))
})

test_that("float32 gives nearly the same", {
  local_rkeops_options()
  start <- x[1:5, ]
  exact <- kmeans_lazy(x, start, 100)
  rkeops_use_float32()
  expect_close(kmeans_lazy(x, start, 100)$centers, exact$centers, 1e-2)
})

test_that("bad input is a classed error", {
  local_rkeops_options()
  refused <- function(...) expect_error(kmeans_lazy(...), class = "rkeops_error_argument")
  refused(x)
  refused(x, 301)
  refused(x, 0)
  refused(x, 2, iter.max = 0)
  refused(x, 2, init = "best")
  refused(x, 2, metric = "cosine")
  refused(x, 2, metric = function(x, c) x - c)
  refused(x, rbind(x, 1))
  refused(x, x[c(1, 2, 1), ])
  twice <- rbind(x[1:3, ], x[1:3, ])
  expect_error(kmeans_lazy(twice, 4), "3 distinct points", class = "rkeops_error_argument")
  expect_error(kmeans_lazy(twice, 4, init = "random"), "3 distinct points", class = "rkeops_error_argument")
  expect_error(kmeans_lazy(x, x[1:2, 1:2]), class = "rkeops_error_dimension")
  expect_error(kmeans_lazy(replace(x, 5, NA), 2), class = "rkeops_error_input")
  expect_error(kmeans_lazy(x, replace(x[1:2, ], 1, Inf)), class = "rkeops_error_input")
  expect_error(kmeans_lazy(x, x[1:2, ], metric = function(x, c) sum(log(x - 5) * c)), "row 1", class = "rkeops_error_input")
})
