# Orders and trees are used again between calls.

orders_of <- function(expr) {
  old <- set_rkeops_options(list(geometry = "always"))
  on.exit(options(old))
  before <- rk_statistics()$orders_made
  force(expr)
  rk_statistics()$orders_made - before
}

test_that("k-means puts its points in order once", {
  set.seed(1)
  x_i <- Vi(matrix(runif(20000), 10000))
  centres <- matrix(runif(20), 10)
  expect_identical(orders_of(for (step in 1:5) {
    nearest <- argmin(sum((x_i - Vj(centres + step / 100))^2), "j")
  }), 6)  # the points, and the centres of each step
})

test_that("rows and columns that are the same data have one order", {
  x <- matrix(runif(20000), 10000)
  expect_identical(orders_of(argmin(sum((Vi(x) - Vj(x))^2), "j")), 1)
})

test_that("the products of solve() walk the same trees", {
  set.seed(2)
  x <- matrix(runif(1200), 600)
  k <- exp(-sum((Vi(x) - Vj(x))^2) / 0.01)
  expect_lte(orders_of(solve(k, runif(600), ridge = 0.5)), 4)  # those of the products, and of the last residual
})

test_that("an operator keeps its orders while other data change", {
  x <- matrix(runif(20000), 10000)
  k <- exp(-sum((Vi(x) - Vj(x))^2) / 1e-4)
  times <- NULL
  made <- orders_of(times <- operator(k))
  first <- orders_of(a <- times(runif(10000)))
  expect_identical(orders_of(for (step in 1:3) b <- times(runif(10000))), 0)
  expect_lte(made + first, 2)
})

test_that("objective() keeps the orders of its data", {
  set.seed(3)
  x_i <- Vi(matrix(runif(20000), 10000))
  y_j <- Vj(matrix(runif(20000), 10000))
  s <- Pm(0.1)
  f <- objective(sum(exp(-sum((x_i - y_j)^2) / s^2)), list(s = s))
  orders_of(f$fn(c(s = 0.1)))
  expect_identical(orders_of(for (value in c(0.1, 0.2, 0.3)) f$gr(c(s = value))), 0)
})

test_that("data that are gone are forgotten", {
  run <- function() argmin(sum((Vi(matrix(runif(20000), 10000)) - Vj(matrix(runif(20), 10)))^2), "j")
  orders_of(run())
  gc()
  expect_identical(orders_of(run()), 2)
})
