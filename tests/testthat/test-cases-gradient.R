# Gradients of every operation of the case table, in every variable, against central differences.

skip_on_cran()  # many kernels to compile

expect_gradient <- function(case, dims, variable, axis) {
  data <- random_data(dims, 3, 4, case$range, grid = 0)
  f <- function(data) sum_pairs(all_pairs(case$reference, data), axis)
  e <- grid_matrix(if (axis == 1) 3 else 4, ncol(f(data)))
  declarations <- c(declare(dims), sprintf("e=%s(%d)", if (axis == 1) "Vi" else "Vj", ncol(e)))
  formula <- sprintf("Grad(Sum_Reduction(%s,%d),%s,e)", case$formula, axis, variable)
  actual <- keops_kernel(formula, declarations)(c(data, list(e = e)))
  expected <- gradient_by_differences(f, data, variable, e)
  expect_near(actual, expected, 1e-6, max(abs(expected)) + 1e-3,
              sprintf("%s, dims %s", formula, paste(dims, collapse = "/")))
}

for (case in case_table()) {
  small <- Filter(function(dims) prod(dims) <= 90, case$dims)
  if (!case$gradient || length(small) == 0L) next
  test_that(paste("gradient of", case$formula), {
    withr::local_seed(2)
    local_rkeops_options(precision = "float64")
    # Each variable and each of the dimensions at least once.
    for (k in seq_len(max(length(small), length(small[[1]])))) {
      dims <- small[[(k - 1) %% length(small) + 1]]
      expect_gradient(case, dims, c("a", "b", "c")[(k - 1) %% length(dims) + 1], axis = (k + length(small)) %% 2)
    }
  })
}
