# Points and bandwidths that methods are given.

test_that("columns of other points are taken by name", {
  x <- data.frame(a = c(1, 2, 4), b = c(10, 30, 20))
  new <- data.frame(b = 12, other = "z", a = 3)
  expect_equal(knn(x, new, k = 1)$nn.index, knn(x, cbind(3, 12), k = 1)$nn.index)
  fit <- kde(x, h = c(1, 5))
  expect_equal(predict(fit, new), predict(fit, cbind(3, 12)), ignore_attr = TRUE)
  expect_equal(predict(fit, data.frame(Var1 = 3, Var2 = 12)), predict(fit, cbind(3, 12)), ignore_attr = TRUE)
  expect_error(predict(fit, data.frame(a = 3, c = 12)), "`newdata`", class = "rkeops_error_input")
  expect_error(predict(fit, data.frame(a = 3)), "`newdata`", class = "rkeops_error_dimension")
})

test_that("new data of a formula have its variables, of the same types", {
  withr::local_seed(1)
  data <- data.frame(v = runif(20), z = rnorm(20))
  fit <- gp(z ~ v, data, lengthscale = 0.3, nugget = 1, variance = 1)
  v <- 1:3
  w <- "a"
  expect_error(predict(fit, data.frame(w = 1)), "`v`", class = "rkeops_error_argument")
  expect_error(predict(fit, data.frame(v = "a")), "`newdata`", class = "rkeops_error_input")
  expect_error(predict(fit, data.frame(v = NA)), "`newdata`", class = "rkeops_error_input")
  expect_length(predict(fit, data.frame(v = 1)), 1)
})

test_that("what is not one number, or no classes, is refused", {
  x <- matrix(runif(20), 10)
  expect_error(frnn(x, c(1, 2)), "`eps` must be a positive number", class = "rkeops_error_argument")
  expect_error(sinkhorn(x, x, eps = c(1, 2)), "`eps` must be a positive number", class = "rkeops_error_argument")
  expect_error(knn_class(x, x, as.list(1:10)), "`cl`", class = "rkeops_error_argument")
  expect_error(sinkhorn(x, x, eps = 1, cost = function(x, y) sum(x) - sum(y)^2), "not symmetric", class = "rkeops_error_argument")
})
