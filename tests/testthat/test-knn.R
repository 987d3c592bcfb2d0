# Nearest neighbours and what is predicted from them, against brute force in R and the packages FNN and class.

set.seed(1)
data <- matrix(rnorm(240), 120)
query <- matrix(rnorm(60), 30)

# The k nearest for a function of two vectors.
brute <- function(data, query, k, distance, self = TRUE) {
  d <- outer(seq_len(nrow(query)), seq_len(nrow(data)), Vectorize(function(i, j) distance(query[i, ], data[j, ])))
  if (!self) diag(d) <- Inf
  index <- t(apply(d, 1, order))[, seq_len(k), drop = FALSE]
  list(nn.index = index, nn.dist = matrix(d[cbind(c(row(index)), c(index))], nrow(query)))
}
euclidean <- function(a, b) sqrt(sum((a - b)^2))

test_that("knn() finds what brute force finds", {
  expect_equal(knn(data, query, k = 7), brute(data, query, 7, euclidean))
  expect_equal(knn(data, k = 7), brute(data, data, 7, euclidean, self = FALSE))
  expect_equal(knn(data, k = 1, self = TRUE), list(nn.index = matrix(1:120), nn.dist = matrix(0, 120)))
  expect_equal(knn(data[, 1], query[, 1], k = 2), brute(data[, 1, drop = FALSE], query[, 1, drop = FALSE], 2, euclidean))
  expect_identical(knn(as.data.frame(data), as.data.frame(query), k = 7), knn(data, query, k = 7))
  expect_type(knn(data, k = 3)$nn.index, "integer")
  expect_identical(dim(knn(data, query[1, , drop = FALSE], k = 3)$nn.dist), c(1L, 3L))
  local_rkeops_options(index_base = 0)
  expect_equal(knn(data, query, k = 7), brute(data, query, 7, euclidean))
})

test_that("distances have names, or are functions", {
  check <- function(metric, distance, data, query) {
    expect_equal(knn(data, query, k = 7, metric = metric), brute(data, query, 7, distance))
  }
  check("manhattan", function(a, b) sum(abs(a - b)), data, query)
  check("chebyshev", function(a, b) max(abs(a - b)), data, query)
  check("cosine", function(a, b) 1 - sum(a * b) / sqrt(sum(a^2) * sum(b^2)), data, query)
  check(function(x, y) sum(abs(x - y)^3), function(a, b) sum(abs(a - b)^3), data, query)
  lonlat <- function(n) cbind(runif(n, -180, 180), runif(n, -90, 90))
  arc <- function(a, b) {  # the haversine formula
    r <- pi / 180
    h <- sin((a[2] - b[2]) * r / 2)^2 + cos(a[2] * r) * cos(b[2] * r) * sin((a[1] - b[1]) * r / 2)^2
    2 * 6371008.8 * asin(sqrt(pmin(1, h)))
  }
  check("haversine", arc, lonlat(120), lonlat(30))
  # 1 degree of latitude, antipodes, and 20 m
  expect_equal(knn(cbind(0, 0), cbind(c(0, 180, 0), c(1, 0, 1.8e-4)), k = 1, metric = "haversine")$nn.dist[, 1],
               6371008.8 * pi * c(1 / 180, 1, 1e-6), tolerance = 1e-9)
  expect_error(knn(data, k = 1, metric = "euclid"), "haversine", class = "rkeops_error_argument")
  expect_error(knn(data, k = 1, metric = function(x, y) 1), class = "rkeops_error_argument")
  expect_error(knn(data, k = 1, metric = function(x, y) sqrt(-sqdist(x, y) - 1)), "are numbers", class = "rkeops_error_input")
  expect_error(knn(data, k = 1, metric = function(x, y) x - y), class = "rkeops_error_argument")
  expect_error(knn(cbind(data, 1), k = 1, metric = "haversine"), "two columns", class = "rkeops_error_dimension")
  expect_error(knn(cbind(10, 91), k = 1, self = TRUE, metric = "haversine"), "latitude", class = "rkeops_error_input")
  expect_error(knn(rbind(data, 0), k = 1, metric = "cosine"), "row 121", class = "rkeops_error_input")
})

test_that("knn() agrees with FNN, also where points occur twice", {
  skip_if_not_installed("FNN")
  bare <- function(found) list(nn.index = unname(found$nn.index), nn.dist = unname(found$nn.dist))
  expect_equal(knn(data, k = 9), bare(FNN::get.knn(data, 9)))
  expect_equal(knn(data, query, k = 9), bare(FNN::get.knnx(data, query, 9)))
  twice <- data[rep(1:120, 2), ]
  expect_equal(knn(twice, k = 9)$nn.dist, FNN::get.knn(twice, 9)$nn.dist)
  expect_identical(knn(twice, k = 1)$nn.index[, 1L], c(121:240, 1:120))
})

test_that("classes are those of most neighbours, of ties that of the nearest one", {
  cl <- factor(sample(c("a", "b", "c"), 120, TRUE), levels = c("c", "b", "a", "none"))
  by_hand <- function(index) {
    share <- numeric(nrow(index))
    winner <- vapply(seq_len(nrow(index)), function(r) {
      classes <- as.character(cl[index[r, ]])
      votes <- table(classes)
      share[r] <<- max(votes) / length(classes)
      classes[classes %in% names(votes)[votes == max(votes)]][1]
    }, "")
    structure(factor(winner, levels(cl)), prob = share)
  }
  for (k in c(1, 4, 7)) {
    expect_identical(knn_class(data, query, cl, k = k, prob = TRUE), by_hand(brute(data, query, k, euclidean)$nn.index))
    expect_identical(knn_cv(data, cl, k = k, prob = TRUE), by_hand(brute(data, data, k, euclidean, FALSE)$nn.index))
  }
  expect_null(attr(knn_cv(data, cl), "prob"))
  expect_identical(knn_class(c(0, 1, 3), c(0.4, 0.6), c("b", "a", "a"), k = 2), factor(c("b", "a")))  # one vote each
  skip_if_not_installed("class")
  two <- factor(data[, 1] + rnorm(120, sd = 0.3) > 0)  # an odd number of votes for two classes: no ties
  expect_identical(knn_class(data, query, two, k = 5, prob = TRUE), class::knn(data, query, two, k = 5, prob = TRUE))
  expect_identical(knn_cv(data, two, k = 5, prob = TRUE), class::knn.cv(data, two, k = 5, prob = TRUE))
})

test_that("regression is the mean of the neighbours", {
  y <- data[, 1]^2
  mean_of <- function(index) rowMeans(matrix(y[index], nrow(index)))
  expect_equal(knn_reg(data, query, y, k = 4)$pred, mean_of(brute(data, query, 4, euclidean)$nn.index))
  fit <- knn_reg(data, y = y, k = 4)
  expect_equal(fit$residuals, y - mean_of(brute(data, data, 4, euclidean, FALSE)$nn.index))
  expect_identical(predict(fit), fit$pred)
  expect_identical(residuals(fit), fit$residuals)
  expect_output(print(fit), "4 nearest neighbours, for 120 points")
  skip_if_not_installed("FNN")
  peer <- FNN::knn.reg(data, y = y, k = 4)
  same <- c("k", "n", "pred", "residuals", "PRESS", "R2Pred")
  expect_equal(unclass(fit)[same], unclass(peer)[same])
  expect_equal(knn_reg(data, query, y, k = 4)$pred, FNN::knn.reg(data, query, y, k = 4)$pred)
})

test_that("what cannot be done is refused", {
  cl <- rep(1:2, 60)
  expect_error(knn(data, k = 120), "only 119 neighbours", class = "rkeops_error_argument")
  expect_error(knn(data, query, k = 121), "only 120", class = "rkeops_error_argument")
  expect_error(knn(data, k = 0), class = "rkeops_error_argument")
  expect_error(knn(data, k = 1.5), class = "rkeops_error_argument")
  expect_error(knn(), class = "rkeops_error_argument")
  expect_error(knn(data, self = NA), class = "rkeops_error_argument")
  expect_error(knn(replace(data, 125, NA), k = 1), "row 5 of column 2", class = "rkeops_error_input")
  expect_error(knn(data, replace(query, 2, Inf), k = 1), "`query`", class = "rkeops_error_input")
  expect_error(knn(data, cbind(query, 1), k = 1), "`query` and `data`", class = "rkeops_error_dimension")
  expect_error(knn(data.frame(a = letters), k = 1), "column `a`", class = "rkeops_error_input")
  expect_error(knn_class(data, query, cl[-1]), "length 119", class = "rkeops_error_dimension")
  expect_error(knn_class(data, query, replace(cl, 3, NA)), "row 3", class = "rkeops_error_input")
  expect_error(knn_class(data, cl = cl), "`test`", class = "rkeops_error_argument")
  expect_error(knn_class(data, query), "`cl`", class = "rkeops_error_argument")
  expect_error(knn_cv(data, cl, k = 120), class = "rkeops_error_argument")
  expect_warning(expect_identical(levels(knn_cv(data, rep("a", 120))), "a"), "the same", class = "rkeops_warning")
  expect_error(knn_reg(data, query), "`y`", class = "rkeops_error_argument")
  expect_error(knn_reg(data, query, 1:3), "length 3", class = "rkeops_error_dimension")
  expect_error(knn_reg(data, query, c(NA, 2:120)), class = "rkeops_error_input")
})
