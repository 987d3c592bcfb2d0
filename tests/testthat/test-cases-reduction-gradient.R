# Gradients of reductions in every variable, for both axes, against central differences; and second order.

skip_on_cran()  # many kernels to compile

fold_of <- function(reduction, axis, k) function(data) {
  pairs <- all_pairs(function(a, b, c) c * sum((a - b)^2), data[c("a", "b", "c")])
  weights <- all_pairs(function(a, b, c) exp(a * b), data[c("a", "b", "c")])
  result <- reduce_reference(reduction, pairs, axis, k, weights)
  if (is.list(result)) result[[1]] else result
}

expect_reduction_gradient <- function(reduction, option = NULL, k = 1L) {
  dims <- c(2, 2, 1)
  for (axis in 0:1) {
    data <- random_data(dims, 4, 5, c(-1, 1), grid = 0)
    data$c <- matrix(0.7)
    f <- fold_of(reduction, axis, k)
    e <- grid_matrix(if (axis == 1) 4 else 5, ncol(f(data)))
    formula <- reduction_formula(reduction, "c*SqDist(a,b)", axis, option)
    eta <- sprintf("e=%s(%d)", if (axis == 1) "Vi" else "Vj", ncol(e))
    for (variable in names(data)) {
      gradient <- keops_kernel(sprintf("Grad(%s,%s,e)", formula, variable), c(declare(dims), eta))
      expected <- gradient_by_differences(f, data, variable, e)
      expect_near(gradient(c(data, list(e = e))), expected, 1e-6, max(abs(expected)) + 1e-3,
                  sprintf("Grad(%s,%s,e)", formula, variable))
      by_name <- keops_grad(keops_kernel(formula, declare(dims)), variable)
      expect_equal(by_name(c(unname(data), list(e))), gradient(c(data, list(e = e))))
    }
  }
}

for (reduction in c("Sum", "LogSumExp", "Min", "Max")) {
  test_that(paste("gradient of", reduction), {
    withr::local_seed(8)
    local_rkeops_options(precision = "float64")
    expect_reduction_gradient(reduction)
  })
}

for (reduction in c("LogSumExpWeight", "SumSoftMaxWeight")) {
  test_that(paste("gradient of", reduction), {
    withr::local_seed(9)
    local_rkeops_options(precision = "float64")
    expect_reduction_gradient(reduction, "Exp(a*b)")
  })
}

test_that("gradient of LogSumExp of vectors", {
  withr::local_seed(9)
  local_rkeops_options(precision = "float64")
  data <- random_data(c(3, 3, 1), 4, 5, c(-1, 1), grid = 0)
  for (axis in 0:1) {
    f <- function(data) reduce_reference("LogSumExp", all_pairs(function(a, b, c) c * a * b + a, data), axis)
    e <- grid_matrix(if (axis == 1) 4 else 5, 3)
    for (variable in names(data)) {
      op <- keops_kernel(reduction_formula("LogSumExp", "c*a*b+a", axis), declare(c(3, 3, 1)))
      expected <- gradient_by_differences(f, data, variable, e)
      expect_near(keops_grad(op, variable)(c(unname(data), list(e))), expected, 1e-6, max(abs(expected)) + 1e-3,
                  paste("LogSumExp, axis", axis, "in", variable))
    }
  }
})

test_that("gradient of KMin", {
  withr::local_seed(10)
  local_rkeops_options(precision = "float64")
  expect_reduction_gradient("KMin", 3L, 3L)
})

test_that("gradients of gradients are the derivatives of the first ones", {
  withr::local_seed(11)
  local_rkeops_options(precision = "float64")
  data <- random_data(c(2, 2, 1), 4, 5, c(-1, 1), grid = 0)
  e <- grid_matrix(4, 2)
  variables <- c("a", "b", "c")
  op <- keops_kernel("Sum_Reduction(Exp(-c*SqDist(a,b))*b,1)", declare(c(2, 2, 1)))
  for (first in variables) {
    gradient <- keops_grad(op, first)
    u <- grid_matrix(nrow(data[[first]]), ncol(data[[first]]))
    for (second in variables) {
      twice <- keops_grad(gradient, second)
      expected <- gradient_by_differences(function(data) gradient(c(unname(data), list(e))), data, second, u)
      expect_near(twice(c(unname(data), list(e, u))), expected, 1e-6, max(abs(expected)) + 1e-3,
                  paste("second gradient in", first, second))
    }
  }
})
