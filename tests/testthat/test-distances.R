# Distances: values, nearest neighbours by them, refusals.
x <- random_matrix(6, 3, 1)
y <- random_matrix(5, 3, 2)
y[1, ] <- x[1, ]
counts_x <- floor(abs(3 * x))
counts_y <- floor(abs(3 * y))
counts_x[2, ] <- counts_y[3, ] <- 0
cov <- crossprod(random_matrix(7, 3, 3))

dist_between <- function(x, y, ...) as.matrix(stats::dist(rbind(x, y), ...))[seq_len(nrow(x)), nrow(x) + seq_len(nrow(y))]
by_rows <- function(x, y, f) outer(seq_len(nrow(x)), seq_len(nrow(y)), Vectorize(function(i, j) f(x[i, ], y[j, ])))

test_that("distances agree with those of stats", {
  entries <- function(distance, ...) as.matrix(distance(Vi(x), Vj(y), ...))
  expect_close(entries(manhattan), dist_between(x, y, "manhattan"))
  expect_close(entries(chebyshev), dist_between(x, y, "maximum"))
  expect_close(entries(minkowski, 1), dist_between(x, y, "manhattan"))
  expect_close(entries(minkowski), dist_between(x, y))
  expect_close(entries(minkowski, 3), dist_between(x, y, "minkowski", p = 3))
  expect_close(entries(minkowski, Inf), dist_between(x, y, "maximum"))
  expect_close(entries(mahalanobis_distance, cov), t(apply(x, 1, function(row) sqrt(stats::mahalanobis(y, row, cov)))))
  expect_close(entries(cosine), by_rows(x, y, function(a, b) 1 - sum(a * b) / sqrt(sum(a^2) * sum(b^2))))
  expect_close(as.matrix(canberra(Vi(counts_x), Vj(counts_y))),
               replace(dist_between(counts_x, counts_y, "canberra"), cbind(2, 3), 0))  # NaN there: nothing in common
  expect_close(as.matrix(bray_curtis(Vi(counts_x), Vj(counts_y))),
               by_rows(counts_x, counts_y, function(a, b) if (any(a + b > 0)) sum(abs(a - b)) / sum(a + b) else 0))
  expect_close(as.matrix(hamming(Vi(counts_x), Vj(counts_y))), by_rows(counts_x, counts_y, function(a, b) sum(a != b)))
})

test_that("great circles", {
  places <- cbind(c(0, 2.352, -0.128, 12.496, -177.648, 0, 90, 179), c(90, 48.857, 51.507, 41.903, -48.857, -90, 0, 0))
  haversines <- function(a, b) {
    a <- a * pi / 180
    b <- b * pi / 180
    h <- sin((b[2] - a[2]) / 2)^2 + cos(a[2]) * cos(b[2]) * sin((b[1] - a[1]) / 2)^2
    2 * 6371008.8 * asin(min(1, sqrt(h)))
  }
  found <- as.matrix(haversine(Vi(places), Vj(places)))
  expect_lt(max(abs(found - by_rows(places, places, haversines))), 0.2)
  expect_lt(abs(found[2, 3] - 343.52e3), 100)      # Paris to London
  expect_close(found[1, 6], pi * 6371008.8)
  # a metre on the ground, in both precisions
  near <- places[2, , drop = FALSE] + c(0, 1 / 111194.9)
  expect_lt(abs(as.matrix(haversine(Vi(places[2, , drop = FALSE]), Vj(near))) - 1), 0.01)
  local_rkeops_options(precision = "float32")
  expect_lt(max(abs(as.matrix(haversine(Vi(places[2:4, ]), Vj(places[2:4, ]))) - found[2:4, 2:4])), 5)
})

test_that("nearest neighbours by all distances leave out pairs and stay the same", {
  x <- round(random_matrix(600, 2, 4), 2)
  y <- round(random_matrix(500, 2, 5), 2)
  distances <- list(manhattan, chebyshev, function(x, y) minkowski(x, y, 3), cosine,
                    function(x, y) mahalanobis_distance(x, y, cov[1:2, 1:2]), canberra, bray_curtis, hamming, haversine)
  nearest <- function(distance, geometry) {
    local_rkeops_options(geometry = geometry)
    argKmin(distance(Vi(x), Vj(y)), 3, index = "j")
  }
  for (distance in distances) expect_identical(nearest(distance, "always"), nearest(distance, "never"))
})

test_that("gradients of distances are finite where points coincide", {
  x_i <- Vi(x)
  for (distance in list(manhattan, minkowski, cosine, canberra, bray_curtis)) {
    expect_true(all(is.finite(grad(distance(x_i, Vj(y)), 1, "Sum", x_i, "j"))))
  }
  places_i <- Vi(x[, 1:2])
  expect_true(all(is.finite(grad(haversine(places_i, Vj(y[, 1:2])), 1, "Sum", places_i, "j"))))
  expect_close(grad(minkowski(x_i, Vj(y + 3), 3), 1, "Sum", x_i, "j"),
               numeric_gradient(function(z) dist_between(z, y + 3, "minkowski", p = 3), x), 1e-7)
})

test_that("wrong arguments of distances are refused", {
  x_i <- Vi(x)
  y_j <- Vj(y)
  for (p in list(0, -1, NA, c(1, 2), "2")) expect_error(minkowski(x_i, y_j, p), "`p`", class = "rkeops_error_argument")
  expect_error(mahalanobis_distance(x_i, y_j), "`cov` is missing", class = "rkeops_error_argument")
  expect_error(mahalanobis_distance(x_i, y_j, diag(2)), "`cov`", class = "rkeops_error_dimension")
  expect_error(mahalanobis_distance(x_i, y_j, -diag(3)), "positive definite", class = "rkeops_error_argument")
  expect_error(mahalanobis_distance(x_i, y_j, matrix(1:9, 3)), "symmetric", class = "rkeops_error_argument")
  expect_error(mahalanobis_distance(x_i, y_j, diag(c(1, NA, 1))), "missing", class = "rkeops_error_input")
  expect_error(haversine(x_i, y_j), "dimension 3, 2 is needed", class = "rkeops_error_dimension")
  expect_error(haversine(Vi(x[, 1:2]), Vj(y[, 1:2]), radius = 0), "`radius`", class = "rkeops_error_argument")
  expect_error(manhattan(x_i), "`y` is missing", class = "rkeops_error_argument")
  expect_error(canberra(x_i, Vj(y[, 1:2])), "3 and 2", class = "rkeops_error_dimension")
  expect_error(cosine(x, y_j), "`x` is a matrix", class = "rkeops_error_input")
})
