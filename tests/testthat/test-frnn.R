# Neighbours within a radius and clusters, against brute force in R and the package dbscan.

set.seed(1)
x <- rbind(matrix(rnorm(100, sd = 0.3), 50), matrix(rnorm(100, 2, 0.3), 50), matrix(runif(40, -3, 5), 20))
query <- matrix(runif(20, -1, 3), 10)

brute <- function(d, eps) {
  id <- lapply(seq_len(nrow(d)), function(i) {
    near <- which(d[i, ] <= eps)
    near[order(d[i, near])]
  })
  list(id = id, dist = lapply(seq_along(id), function(i) d[i, id[[i]]]))
}
between <- function(a, b) unname(as.matrix(dist(rbind(a, b)))[seq_len(nrow(a)), nrow(a) + seq_len(nrow(b))])
own <- function(d) `diag<-`(d, Inf)

test_that("frnn() finds what brute force finds", {
  for (eps in c(0.05, 0.4, 20)) {
    expect_equal(frnn(x, eps)[c("id", "dist")], brute(own(between(x, x)), eps))
    expect_equal(frnn(x, eps, query)[c("id", "dist")], brute(between(query, x), eps))
  }
  found <- frnn(x, 0.4, sort = FALSE)
  expect_identical(found$id, lapply(frnn(x, 0.4)$id, sort))
  expect_identical(found$sort, FALSE)
  expect_identical(found$eps, 0.4)
  expect_s3_class(found, "frNN")
  expect_output(print(found), "120 points")
  expect_true(all(lengths(frnn(x, 1e-9)$id) == 0L))
  rownames(query) <- letters[1:10]
  expect_named(frnn(x, 0.4, query)$id, letters[1:10])
  twice <- frnn(c(1, 1, 3), 1)
  expect_identical(twice$id, list(2L, 1L, integer()))
  by_sum <- function(x, y) sum(abs(x - y))
  expect_identical(frnn(x, 0.4, metric = by_sum)$id, frnn(x, 0.4, metric = "manhattan")$id)
  manhattan <- unname(as.matrix(dist(x, "manhattan")))
  expect_equal(frnn(x, 0.4, metric = "manhattan")[c("id", "dist")], brute(own(manhattan), 0.4))
})

test_that("radii on the sphere are metres, those of directions 1 - cos", {
  cities <- cbind(lon = c(13.4, 13.06, 11.58, 2.35), lat = c(52.52, 52.4, 48.14, 48.86))
  expect_identical(frnn(cities, 50e3, metric = "haversine")$id, list(2L, 1L, integer(), integer()))
  expect_identical(lengths(frnn(cities, 3e7, metric = "haversine")$id), rep(3L, 4))  # more than half of the circumference
  expect_identical(frnn(diag(2), 1 + 1e-9, metric = "cosine")$id, list(2L, 1L))
  expect_identical(frnn(diag(2), 1 - 1e-9, metric = "cosine")$id, list(integer(), integer()))
})

test_that("clusters are those of the definition", {
  clusters <- function(d, eps, minPts) {  # by the definition, with the transitive closure
    near <- d <= eps
    core <- which(rowSums(near) >= minPts)
    reach <- near[core, core, drop = FALSE]
    repeat {
      more <- (reach %*% reach) > 0
      if (all(more == reach)) break
      reach <- more
    }
    cluster <- integer(nrow(d))
    first <- apply(reach, 1L, which.max)
    cluster[core] <- match(first, sort(unique(first)))
    for (i in setdiff(seq_len(nrow(d)), core)) {
      of <- cluster[core][near[i, core]]
      cluster[i] <- if (length(of)) min(of) else 0
    }
    as.integer(cluster)
  }
  d <- between(x, x)
  for (eps in c(0.1, 0.2, 0.4)) {
    for (minPts in c(1, 3, 6)) {
      expected <- clusters(d, eps, minPts)
      expect_identical(dbscan_lazy(x, eps, minPts)$cluster, expected)
      expect_identical(dbscan_lazy(x, eps, minPts, max_pairs = 0)$cluster, expected)  # without pairs in memory
      if (requireNamespace("dbscan", quietly = TRUE)) {
        expect_identical(dbscan::dbscan(x, eps, minPts)$cluster, expected)
        expect_identical(dbscan_lazy(x, eps, minPts, borderPoints = FALSE)$cluster,
                         dbscan::dbscan(x, eps, minPts, borderPoints = FALSE)$cluster)
      }
    }
  }
  expect_true(all(dbscan_lazy(x, 1e-9, 2)$cluster == 0L))
  expect_true(all(dbscan_lazy(x, 100, 2)$cluster == 1L))
  line <- sample(c(seq(0, 30, by = 0.5), seq(40, 60, by = 0.5)))  # chains
  expect_identical(dbscan_lazy(line, 0.5, 2)$cluster, ifelse((line > 35) == (line[1] > 35), 1L, 2L))
  expect_identical(dbscan_lazy(line, 0.5, 2, max_pairs = 0)$cluster, dbscan_lazy(line, 0.5, 2)$cluster)
  found <- dbscan_lazy(x, 0.4, 5)
  expect_s3_class(found, "dbscan")
  expect_output(print(found), "points are noise")
})

test_that("frnn() is that of dbscan, whose functions take it", {
  skip_if_not_installed("dbscan")
  for (eps in c(0.05, 0.4)) {
    expect_equal(frnn(x, eps)[c("id", "dist")], dbscan::frNN(x, eps)[c("id", "dist")])
    expect_equal(frnn(x, eps, query)[c("id", "dist")], dbscan::frNN(x, eps, query)[c("id", "dist")])
  }
  expect_identical(dbscan::dbscan(frnn(x, 0.4), minPts = 5)$cluster, dbscan_lazy(x, 0.4, 5)$cluster)
})

test_that("what cannot be done is refused", {
  for (eps in list(-1, 0, NA, Inf, "a", c(1, 2))) {
    expect_error(frnn(x, eps), class = "rkeops_error")
    expect_error(dbscan_lazy(x, eps), class = "rkeops_error")
  }
  expect_error(frnn(x), "`eps`", class = "rkeops_error_argument")
  expect_error(frnn(replace(x, 3, NA), 1), "row 3", class = "rkeops_error_input")
  expect_error(frnn(x, 1, cbind(query, 1)), "columns", class = "rkeops_error_dimension")
  expect_error(frnn(x, 10, max_pairs = 100), "more than 100 pairs", class = "rkeops_error_memory")
  expect_error(frnn(x, 1, metric = "no"), class = "rkeops_error_argument")
  expect_error(dbscan_lazy(x, 1, minPts = 0), class = "rkeops_error_argument")
  expect_error(dbscan_lazy(x, 1, borderPoints = NA), class = "rkeops_error_argument")
})
