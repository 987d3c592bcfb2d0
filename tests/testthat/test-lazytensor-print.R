# print(), format(), summary() and dim() of LazyTensors and operators.
x <- matrix(1, 1000, 3)
y <- matrix(1, 2000, 3)
s <- c(0.5, 2, 1)

test_that("printing shows sizes, names and the memory that is saved", {
  K_ij <- exp(-sqdist(Vi(x), Vj(y)) / 2)
  z <- matrix(1i, 1000, 3)
  expect_snapshot_output({
    print(K_ij)
    str(K_ij)
    print(Vi(x) * Vj(y))
    print(Vi(z) / 2)
  })
  expect_identical(capture.output(K_ij), capture.output(print(K_ij)))
  expect_length(format(Vi(x)), 2)  # a variable is stored
  expect_match(format(Pm(5))[2], "formula: 5", fixed = TRUE)
  expect_match(format(Vi(x) * Pm(s))[2], "x_i * s", fixed = TRUE)
  expect_match(format(Vi(x) + Vi(x + 1))[2], "x_i + v_i", fixed = TRUE)
})

test_that("long formulas are wrapped, very long ones cut", {
  withr::local_options(width = 60)
  lines <- format(Reduce(`+`, rep(list(Vi(x)), 20)))
  expect_gt(length(lines), 4)
  expect_true(all(nchar(lines) <= 60))
  cut <- format(Reduce(`+`, rep(list(Vi(x)), 50)), width = 80)
  expect_lt(sum(nchar(cut)), 200)
  expect_match(paste(cut, collapse = ""), "...", fixed = TRUE)
})

test_that("summary() shows the variables and where it would be computed", {
  local_rkeops_options(precision = "float32")
  z <- matrix(1i, 1000, 2)
  expect_snapshot_output({
    print(summary(exp(-sqdist(Vi(x), Vj(matrix(1:6000, 2000))) / 0.3)))
    print(summary(Vi(z) * c(1, 2.5)))
    print(summary(LazyTensor(3)))
  })
  summary <- summary(Vi(x) * Pm(s))
  expect_s3_class(summary, "summary.LazyTensor")
  expect_identical(summary$variables, data.frame(name = c("x_i", "s"), index = c("i", "none"), rows = c(1000, 1),
                                                 dim = c(3, 3), bytes = c(24000, 24)))
  expect_identical(summary$precision, "float32")
  expect_identical(summary$backend, "CPU")
})

test_that("dim gives rows i and j", {
  expect_identical(dim(Vi(x) + Vj(y)), c(1000L, 2000L))
  expect_identical(dim(Vi(x)), c(1000L, 1L))
  expect_identical(dim(Pm(s)), c(1L, 1L))
  expect_identical(nrow(Vi(x) + Vj(y)), 1000L)
  expect_identical(ncol(Vi(x) + Vj(y)), 2000L)
})

test_that("operators print their formula", {
  op <- keops_kernel("Sum_Reduction(SqDist(x,y),1)", c("x=Vi(3)", "y=Vj(3)"))
  expect_output(print(op), "Sum_Reduction(SqDist(x,y),1)", fixed = TRUE)
  long <- keops_kernel(sprintf("Sum_Reduction(%sy,1)", strrep("x+", 1000)), c("x=Vi(3)", "y=Vj(3)"))
  expect_lt(sum(nchar(capture.output(print(long)))), 1000)
  expect_output(print(long, width = 40), "Sum_Reduction\\((x\\+)+x?\\.\\.\\.\n  args: x=Vi\\(3\\), y=Vj\\(3\\)$")
})
