# Special values, empty data, NaN, ties of precision and threads.

skip_on_cran()  # many kernels to compile

special <- c(-Inf, -1.5, -1, -0.5, 0, 0.5, 1, 2.5, Inf, NaN)

# formula of x = Vi(1) -> values at `special`.
edge_values <- list(
  "Exp(x)" = exp(special), "Log(x)" = suppressWarnings(log(special)), "Sqrt(x)" = suppressWarnings(sqrt(special)),
  "Rsqrt(x)" = c(NaN, NaN, NaN, NaN, 0, 1 / sqrt(c(0.5, 1, 2.5)), 0, NaN),
  "Inv(x)" = 1 / special, "Abs(x)" = abs(special), "Square(x)" = special^2,
  "XLogX(x)" = c(NaN, NaN, NaN, NaN, 0, 0.5 * log(0.5), 0, 2.5 * log(2.5), Inf, NaN),
  "SinXDivX(x)" = c(NaN, sin(special[2:4]) / special[2:4], 1, sin(special[6:8]) / special[6:8], NaN, NaN),
  "Sin(x)" = suppressWarnings(sin(special)), "Cos(x)" = suppressWarnings(cos(special)), "Atan(x)" = atan(special),
  "Asin(x)" = suppressWarnings(asin(special)), "Acos(x)" = suppressWarnings(acos(special)),
  "Sign(x)" = c(-1, -1, -1, -1, 0, 1, 1, 1, 1, 0), "Step(x)" = c(0, 0, 0, 0, 1, 1, 1, 1, 1, 1),
  "ReLU(x)" = c(0, 0, 0, 0, 0, 0.5, 1, 2.5, Inf, NaN), "Floor(x)" = floor(special),
  "Round(x,0)" = c(-Inf, -2, -1, -1, 0, 1, 1, 3, Inf, NaN),
  "x^2" = special^2, "Pow(x,0)" = rep(1, 10), "Pow(x,-1)" = 1 / special, "x^0.5" = suppressWarnings(sqrt(special)),
  "Powf(x,0.5)" = suppressWarnings(c(Inf, sqrt(special[-1]))), "Powf(x,0)" = rep(1, 10), "Powf(2,x)" = 2^special,
  "x==1" = c(0, 0, 0, 0, 0, 0, 1, 0, 0, 0), "x!=1" = c(1, 1, 1, 1, 1, 1, 0, 1, 1, 1),
  "x<0.5" = c(1, 1, 1, 1, 1, 0, 0, 0, 0, 0), "x<=0.5" = c(1, 1, 1, 1, 1, 1, 0, 0, 0, 0),
  "x>0.5" = c(0, 0, 0, 0, 0, 0, 1, 1, 1, 0), "x>=0.5" = c(0, 0, 0, 0, 0, 1, 1, 1, 1, 0),
  "IfElse(x,3,4)" = c(4, 4, 4, 4, 3, 3, 3, 3, 3, 4), "Clamp(x,-1,1)" = c(-1, -1, -1, -0.5, 0, 0.5, 1, 1, 1, NaN),
  "ClampInt(x,-1,1)" = c(-1, -1, -1, -0.5, 0, 0.5, 1, 1, 1, NaN),
  "DiffClampInt(x,-1,1)" = c(0, 0, 1, 1, 1, 1, 1, 0, 0, 1),
  "Expm1(x)" = expm1(special), "Log1p(x)" = suppressWarnings(log1p(special)), "Tan(x)" = suppressWarnings(tan(special)),
  "Sinh(x)" = sinh(special), "Cosh(x)" = cosh(special), "Tanh(x)" = tanh(special), "Asinh(x)" = asinh(special),
  "Acosh(x)" = suppressWarnings(acosh(special)), "Atanh(x)" = suppressWarnings(atanh(special)),
  "Erf(x)" = erf(special), "Erfc(x)" = erfc(special), "LGamma(x)" = suppressWarnings(lgamma(special)),
  "Digamma(x+0.25)" = suppressWarnings(digamma(special + 0.25)),
  "Trigamma(x)" = suppressWarnings(c(NaN, trigamma(special[-1]))),
  "BesselJ0(x)" = c(0, besselj0(special[2:8]), 0, NaN), "BesselJ1(x)" = c(0, besselj1(special[2:8]), 0, NaN),
  "Not(x)" = c(0, 0, 0, 0, 1, 0, 0, 0, 0, 0), "And(x,1)" = c(1, 1, 1, 1, 0, 1, 1, 1, 1, 1),
  "Or(x,0)" = c(1, 1, 1, 1, 0, 1, 1, 1, 1, 1),
  "Mod(x,2,0)" = c(NaN, 0.5, 1, 1.5, 0, 0.5, 1, 0.5, NaN, NaN), "Atan2(x,0)" = atan2(special, 0)
)

for (formula in names(edge_values)) {
  test_that(paste("special values of", formula), {
    for (precision in c("float64", "float32")) {
      local_rkeops_options(precision = precision)
      expected <- matrix(edge_values[[formula]])
      op <- keops_kernel(sprintf("Sum_Reduction(%s,1)", formula), "x=Vi(1)")
      tolerance <- if (precision == "float32") 1e-6 else 1e-14
      expect_near(op(list(matrix(special))), expected, tolerance, label = paste(formula, precision))
    }
  })
}

test_that("derivatives at singular points follow the conventions", {
  local_rkeops_options(precision = "float64")
  slope <- function(formula, x) {
    op <- keops_kernel(sprintf("Grad(Sum_Reduction(%s,1),x,e)", formula), c("x=Vi(1)", "e=Vi(1)"))
    drop(op(list(matrix(x), matrix(1))))
  }
  for (formula in c("Sqrt(x)", "Abs(x)", "Norm2(x)", "SinXDivX(x)", "Sign(x)", "Step(x)", "Floor(x)")) {
    expect_identical(slope(formula, 0), 0, label = formula)
  }
  expect_identical(slope("Asin(x)", 1), 0)
  expect_identical(slope("Acos(x)", -1), 0)
  expect_identical(slope("ReLU(x)", 0), 1)
  expect_identical(slope("XLogX(x)", 0), -Inf)
})

test_that("an empty kept index gives a result without rows", {
  local_rkeops_options(precision = "float64")
  x <- matrix(0, 0, 2)
  y <- grid_matrix(5, 2)
  for (reduction in c("Sum", "Min", "ArgMax")) {
    op <- keops_kernel(reduction_formula(reduction, "x*y", 1), c("x=Vi(2)", "y=Vj(2)"))
    expect_identical(op(list(x, y)), matrix(0, 0, 2))
  }
  k <- keops_kernel("KMin_Reduction(x*y,3,1)", c("x=Vi(2)", "y=Vj(2)"))
  expect_identical(dim(k(list(x, y))), c(0L, 3L, 2L))
})

test_that("an empty folded index gives the neutral element, or an error where there is none", {
  local_rkeops_options(precision = "float64")
  data <- list(grid_matrix(5, 1), matrix(0, 0, 1))
  arguments <- c("x=Vi(1)", "y=Vj(1)")
  neutral <- c(Sum = 0, LogSumExp = -Inf, Min = Inf, Max = -Inf)
  for (reduction in names(neutral)) {
    op <- keops_kernel(reduction_formula(reduction, "x*y", 1), arguments)
    expect_identical(op(data), matrix(neutral[[reduction]], 5, 1))
  }
  for (formula in c("ArgMin_Reduction(x*y,1)", "Max_ArgMax_Reduction(x*y,1)", "KMin_Reduction(x*y,2,1)",
                    "ArgKMin_Reduction(x*y,2,1)", "SumSoftMaxWeight_Reduction(x*y,y,1)")) {
    expect_error(keops_kernel(formula, arguments)(data), class = "rkeops_error_input")
  }
  expect_error(keops_kernel("KMin_Reduction(x*y,3,1)", arguments)(list(data[[1]], matrix(1:2))), class = "rkeops_error")
})

test_that("NaN propagates through sums, Min and Max; positions skip it", {
  for (precision in c("float64", "float32")) {
    local_rkeops_options(precision = precision)
    y <- cbind(c(3, NaN, 1, 2), c(NaN, 5, NaN, NaN), c(NaN, 4, 1, NaN))
    reduce <- function(reduction, k = NULL) {
      keops_kernel(reduction_formula(reduction, "p*y", 1, k), c("p=Pm(3)", "y=Vj(3)"))(list(rep(1, 3), y))
    }
    row <- function(...) matrix(c(...), 1)
    expect_identical(reduce("Sum"), row(NaN, NaN, NaN))
    expect_identical(reduce("Min"), row(NaN, NaN, NaN))
    expect_identical(reduce("Max"), row(NaN, NaN, NaN))
    expect_equal(reduce("ArgMin"), row(3, 2, 3))
    expect_equal(reduce("ArgMax"), row(1, 2, 2))
    expect_equal(reduce("Min_ArgMin"), list(row(1, 5, 1), row(3, 2, 3)))
    expect_equal(reduce("Max_ArgMax"), list(row(3, 5, 4), row(1, 2, 2)))
    k <- reduce("KMin_ArgKMin", 2L)
    expect_equal(k[[1]][1, , ], cbind(c(1, 2), c(5, NaN), c(1, 4)))
    expect_equal(k[[2]][1, , ], cbind(c(3, 4), c(2, NA), c(3, 2)))
  }
})

test_that("where all values are NaN there is no position", {
  local_rkeops_options(precision = "float64")
  data <- list(1, matrix(NaN, 70, 1))
  arguments <- c("p=Pm(1)", "y=Vj(1)")
  expect_identical(keops_kernel("ArgMin_Reduction(p*y,1)", arguments)(data), matrix(NA_real_))
  both <- keops_kernel("Max_ArgMax_Reduction(p*y,1)", arguments)(data)
  expect_identical(both, list(matrix(NaN), matrix(NA_real_)))
})

test_that("log-sum-exp treats infinities as limits", {
  local_rkeops_options(precision = "float64")
  lse <- function(v) drop(keops_kernel("LogSumExp_Reduction(p*y,1)", c("p=Pm(1)", "y=Vj(1)"))(list(1, matrix(v))))
  expect_identical(lse(c(-Inf, 2)), 2)
  expect_identical(lse(c(2, -Inf)), 2)
  expect_identical(lse(c(-Inf, -Inf)), -Inf)
  expect_identical(lse(c(1, Inf)), Inf)
  expect_identical(lse(c(Inf, Inf)), Inf)
  expect_identical(lse(c(-Inf, NaN)), NaN)
})

test_that("float32 sums do not lose accuracy with the number of rows", {
  local_rkeops_options(precision = "float32")
  y <- matrix(rep_len(c(0.1, 0.7, 0.3), 1e6))
  exact <- sum(y)
  for (m in c(1, 3, 40)) {
    result <- keops_kernel("Sum_Reduction(x*y,1)", c("x=Vi(1)", "y=Vj(1)"))(list(matrix(1, m), y))
    expect_lt(max(abs(result / exact - 1)), 2e-6)
  }
  result <- keops_kernel("LogSumExp_Reduction(x*y,1)", c("x=Vi(1)", "y=Vj(1)"))(list(matrix(1, 3), y))
  expect_lt(max(abs(result / log(sum(exp(y))) - 1)), 2e-6)
})

test_that("one and two threads give the same bits", {
  withr::local_seed(12)
  for (precision in c("float64", "float32")) {
    local_rkeops_options(precision = precision)
    for (size in list(c(2, 20001), c(3001, 257), c(1, 300000))) {
      data <- list(grid_matrix(size[1], 3, grid = 0), grid_matrix(size[2], 3, grid = 0))
      for (formula in c("Sum_Reduction(Exp(-SqDist(x,y))*y,1)", "LogSumExp_Reduction(-SqDist(x,y),1)",
                        "Sum_Reduction(Exp(-SqDist(x,y))*x,0)")) {
        op <- keops_kernel(formula, c("x=Vi(3)", "y=Vj(3)"))
        rkeops_use_cpu(ncore = 1)
        one <- op(data)
        rkeops_use_cpu(ncore = 2)
        expect_identical(op(data), one)
      }
    }
  }
})
