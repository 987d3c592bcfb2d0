# Data on which skipping pairs by geometry can go wrong, or can do nothing: a named list of functions of n, the rows of y (where
# the data set leaves it open). Each gives x and y; x has about two thirds as many rows, so that both indices have ends of
# their own. They use R's random numbers: set a seed. bench/geometry.R reads this file, too, so it needs nothing but R.

data_sets <- function() {
  cube <- function(d) function(n) matrix(stats::runif(n * d), n, d)
  normal <- function(n, d, sd = 1) matrix(stats::rnorm(n * d, sd = sd), n, d)
  rows <- function(points, size) points[sample.int(nrow(points), size, replace = size > nrow(points)), , drop = FALSE]
  fewer <- function(n) ceiling(2 * n / 3)
  # x and y: two draws of the same points.
  drawn <- function(points) function(n) list(x = points(fewer(n)), y = points(n))
  # x and y: rows of the same data, so that most x are among the y.
  of_table <- function(table) function(n) list(x = rows(table(n), fewer(n)), y = rows(table(n), n))
  # Uniform in the square, but for some of the y.
  with_rows <- function(change) function(n) list(x = cube(2)(fewer(n)), y = change(cube(2)(n)))

  list(
    "uniform, D = 1" = drawn(cube(1)),
    "uniform, D = 2" = drawn(cube(2)),
    "uniform, D = 3" = drawn(cube(3)),
    "uniform, D = 8" = drawn(cube(8)),
    "uniform, D = 15" = drawn(cube(15)),
    "8 columns made of 3" = drawn({
      mix <- matrix(sin(1:24), 3)
      function(n) cube(3)(n) %*% mix
    }),
    "quakes" = of_table(function(n) as.matrix(datasets::quakes[c("lat", "long", "depth")])),
    "diamonds" = of_table(diamonds_like),
    "curve" = drawn(function(n) {
      t <- stats::runif(n, 0, 20)
      cbind(t * cos(t), t * sin(t)) / 20
    }),
    "clusters of different density" = drawn(function(n) {
      cluster <- sample.int(4, n, replace = TRUE, prob = c(0.6, 0.3, 0.09, 0.01))
      cbind(c(0, 1, -3, 50)[cluster], c(0, 2, 1, -80)[cluster]) + normal(n, 2) * c(1e-4, 0.05, 1, 20)[cluster]
    }),
    "heavy tails" = drawn(function(n) matrix(stats::rcauchy(2 * n), n)),
    "all equal" = drawn(function(n) matrix(c(0.3, -1.7), n, 2, byrow = TRUE)),
    "one coordinate constant" = drawn(function(n) cbind(stats::runif(n), 2.5)),
    "half of them duplicates" = function(n) {
      y <- cube(2)(ceiling(n / 2))
      y <- rows(rbind(y, rows(y, n - nrow(y))), n)
      list(x = rows(y, fewer(n)), y = y)
    },
    "integer grid" = drawn(function(n) matrix(sample.int(8, 2 * n, replace = TRUE), n)),
    "sorted" = function(n) {
      y <- cube(2)(n)
      list(x = cube(2)(fewer(n)), y = y[order(y[, 1]), , drop = FALSE])
    },
    "a row of NaN" = with_rows(function(y) replace(y, cbind(nrow(y) %/% 3 + 1, 1:2), NaN)),
    "a point at infinity" = with_rows(function(y) replace(y, cbind(nrow(y) %/% 2 + 1, 1:2), c(Inf, 0.5))),
    "both at infinity" = function(n) {
      y <- cube(2)(n)
      y[n, ] <- c(Inf, -Inf)
      list(x = rbind(y[n:max(1, n - 3), , drop = FALSE], cube(2)(fewer(n))), y = y)
    },
    "far from the origin" = drawn(function(n) cube(2)(n) + 1000),
    "tiny numbers" = drawn(function(n) cube(2)(n) * 1e-21),  # their squares underflow in float32
    "huge numbers" = drawn(function(n) normal(n, 2) * 1e19),  # their squares overflow in float32
    "10 rows of x" = function(n) list(x = cube(2)(10), y = cube(2)(n)),
    "10 rows of y" = function(n) list(x = cube(2)(n), y = cube(2)(10)),
    "fewer than a leaf" = function(n) list(x = cube(2)(7), y = cube(2)(min(n, 5))),
    "one row of y" = function(n) list(x = cube(2)(fewer(n)), y = cube(2)(1)),
    "one of each" = function(n) list(x = cube(2)(1), y = cube(2)(1)),
    "circle" = drawn(cube(1)),  # of circumference 1: for periodic distances
    "sphere" = drawn(function(n) cbind(stats::runif(n, -pi, pi), asin(stats::runif(n, -1, 1))))  # longitude, latitude
  )
}

# Carats, percent and prices, all rounded: those of ggplot2, or else some of the same kind.
diamonds_like <- function(n) {
  columns <- c("carat", "depth", "price")
  if (requireNamespace("ggplot2", quietly = TRUE)) return(as.matrix(ggplot2::diamonds[columns]))
  carat <- round(exp(stats::rnorm(n, -0.4, 0.6)), 2)
  cbind(carat = carat, depth = round(stats::rnorm(n, 61.7, 1.4), 1),
        price = round(4000 * carat^1.7 * exp(stats::rnorm(n, 0, 0.25))))
}
