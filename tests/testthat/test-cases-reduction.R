# Every reduction against base R: values, positions, weights, K, both axes, both precisions.

skip_on_cran()  # many kernels to compile

as_parts <- function(x) if (is.list(x)) x else list(x)

expect_reduction <- function(reduction, formula, reference, dims, k = NULL, sizes, precision = "float64") {
  tolerance <- if (precision == "float32") 4e-6 else 1e-12
  for (axis in 0:1) {
    op <- keops_kernel(reduction_formula(reduction, formula, axis, k), declare(dims))
    for (size in sizes) {
      data <- random_data(dims, size[1], size[2])
      pairs <- all_pairs(reference, data)
      expected <- as_parts(reduce_reference(reduction, pairs, axis, if (is.null(k)) 1L else k))
      actual <- as_parts(op(data))
      expect_length(actual, length(expected))
      scale <- if (reduction == "Sum") sum_pairs(abs(pairs), axis) else max(abs(pairs))
      for (p in seq_along(expected)) {
        expect_near(actual[[p]], expected[[p]], tolerance, scale,
                    sprintf("%s of %s, axis %d, %s, M x N = %s, part %d", reduction, formula, axis, precision,
                            paste(size, collapse = " x "), p))
      }
    }
  }
}

sizes <- list(c(7, 63), c(63, 7), c(300, 5), c(9, 500), c(65, 33))
product <- function(a, b) a * b
square_distance <- function(a, b) sum((a - b)^2)

for (reduction in c("Sum", "Min", "Max", "ArgMin", "ArgMax", "Min_ArgMin", "Max_ArgMax")) {
  test_that(paste(reduction, "is right"), {
    withr::local_seed(3)
    for (precision in c("float64", "float32")) {
      local_rkeops_options(precision = precision)
      expect_reduction(reduction, "SqDist(a,b)", square_distance, c(3, 3), NULL, c(list(c(1, 1)), sizes), precision)
      expect_reduction(reduction, "a*b", product, c(5, 5), NULL, sizes[1:3], precision)
    }
  })
}

for (reduction in c("KMin", "ArgKMin", "KMin_ArgKMin")) {
  test_that(paste(reduction, "is right"), {
    withr::local_seed(4)
    for (precision in c("float64", "float32")) {
      local_rkeops_options(precision = precision)
      expect_reduction(reduction, "SqDist(a,b)", square_distance, c(3, 3), 5L, sizes, precision)
      expect_reduction(reduction, "a*b", product, c(3, 3), 2L, sizes[1:3], precision)
    }
    local_rkeops_options(precision = "float64")
    expect_reduction(reduction, "SqDist(a,b)", square_distance, c(3, 3), 1L, sizes[1:2])
    expect_reduction(reduction, "SqDist(a,b)", square_distance, c(2, 2), 64L, list(c(70, 64), c(64, 200)))
  })
}

test_that("LogSumExp is right, and does not overflow", {
  withr::local_seed(5)
  for (precision in c("float64", "float32")) {
    local_rkeops_options(precision = precision)
    expect_reduction("LogSumExp", "SqDist(a,b)", square_distance, c(3, 3), NULL, c(list(c(1, 1)), sizes), precision)
    expect_reduction("LogSumExp", "900*(a|b)", function(a, b) 900 * sum(a * b), c(2, 2), NULL, sizes[1:2], precision)
    expect_reduction("LogSumExp", "-50*SqDist(a,b)+700", function(a, b) 700 - 50 * sum((a - b)^2), c(3, 3), NULL,
                     sizes[1:2], precision)
  }
})

test_that("LogSumExp of vectors is taken component by component", {
  withr::local_seed(5)
  for (precision in c("float64", "float32")) {
    local_rkeops_options(precision = precision)
    expect_reduction("LogSumExp", "a*b", product, c(5, 5), NULL, c(list(c(1, 1)), sizes[1:3]), precision)
    expect_reduction("LogSumExp", "400*a*b", function(a, b) 400 * a * b, c(2, 2), NULL, sizes[1:2], precision)
  }
})

test_that("weighted reductions are right", {
  withr::local_seed(6)
  for (precision in c("float64", "float32")) {
    local_rkeops_options(precision = precision)
    for (reduction in c("LogSumExpWeight", "SumSoftMaxWeight")) {
      for (axis in 0:1) {
        formula <- reduction_formula(reduction, "SqDist(a,b)", axis, "Exp(a*b)")
        op <- keops_kernel(formula, declare(c(3, 3)))
        for (size in c(list(c(1, 1)), sizes)) {
          data <- random_data(c(3, 3), size[1], size[2], c(-1, 1))
          expected <- reduce_reference(reduction, all_pairs(square_distance, data), axis,
                                       weights = all_pairs(function(a, b) exp(a * b), data))
          expect_near(op(data), expected, if (precision == "float32") 4e-6 else 1e-12, pmax(abs(expected), 1),
                      paste(reduction, axis, precision, paste(size, collapse = " x ")))
        }
      }
    }
  }
})

test_that("the first of equal values wins", {
  withr::local_seed(7)
  local_rkeops_options(precision = "float64")
  data <- random_data(c(1, 1), 40, 300, grid = 1)
  pairs <- all_pairs(product, data)
  for (reduction in c("ArgMin", "ArgMax", "ArgKMin")) {
    for (axis in 0:1) {
      k <- if (reduction == "ArgKMin") 7L
      actual <- keops_kernel(reduction_formula(reduction, "a*b", axis, k), declare(c(1, 1)))(data)
      expect_identical(actual, reduce_reference(reduction, pairs, axis, if (is.null(k)) 1L else k))
    }
  }
})

test_that("a formula that depends on one index only, or on none, is folded all the same", {
  local_rkeops_options(precision = "float64")
  x <- matrix(c(1, 2, 3, 4, 5, 6), 3)
  y <- matrix(1:4, 4)
  expect_equal(keops_kernel("Sum_Reduction(x,1)", "x=Vi(2)")(list(x)), x)
  expect_equal(keops_kernel("Sum_Reduction(x,0)", "x=Vi(2)")(list(x)), matrix(c(6, 15), 1))
  expect_equal(keops_kernel("Sum_Reduction(x,1)", c("x=Vi(2)", "y=Vj(1)"))(list(x, y)), 4 * x)
  expect_equal(keops_kernel("Sum_Reduction(x,0)", c("x=Vi(2)", "y=Vj(1)"))(list(x, y)), cbind(rep(6, 4), 15))
  expect_equal(keops_kernel("Sum_Reduction(p,1)", "p=Pm(2)")(list(c(1, 2))), matrix(c(1, 2), 1))
})
