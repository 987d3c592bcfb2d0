# Reductions of LazyTensors over i and j, their other names and their errors.
x <- random_matrix(6, 2, 1)
y <- random_matrix(9, 2, 2)
x_i <- Vi(x)
y_j <- Vj(y)
D_ij <- sqdist(x_i, y_j)
D <- squared_distances(x, y)
P_ij <- x_i * y_j                         # dimension 2
P <- array(0, c(6, 9, 2))
for (k in 1:2) P[, , k] <- outer(x[, k], y[, k])

test_that("sum, min and max over either index", {
  expect_close(sum(D_ij, "j"), cbind(rowSums(D)))
  expect_close(sum(D_ij, index = "i"), cbind(colSums(D)))
  expect_close(sum(P_ij, "j"), apply(P, c(1, 3), sum))
  expect_close(min(D_ij, "j"), cbind(apply(D, 1, min)))
  expect_close(max(D_ij, index = "i"), cbind(apply(D, 2, max)))
  expect_close(min(P_ij, "i"), apply(P, c(2, 3), min))
  expect_identical(dim(sum(D_ij, "j")), c(6L, 1L))
})

test_that("means", {
  expect_close(mean(D_ij, "j"), cbind(rowMeans(D)))
  expect_close(mean(P_ij, index = "i"), apply(P, c(2, 3), mean))
  expect_close(mean(x_i, "i"), t(colMeans(x)))
  expect_close(values_of(mean(x_i)), cbind(rowMeans(x)))
  expect_equal(mean(x_i)$dimres, 1)
  expect_error(mean(D_ij, "k"), "index", class = "rkeops_error_argument")
})

test_that("positions of extrema count from 1", {
  local_rkeops_options()
  expect_equal(argmin(D_ij, "j"), cbind(apply(D, 1, which.min)))
  expect_equal(argmax(D_ij, "i"), cbind(apply(D, 2, which.max)))
  expect_equal(argmin(P_ij, "j"), apply(P, c(1, 3), which.min))
  both <- min_argmin(D_ij, "j")
  expect_type(both, "list")
  expect_close(both[[1]], apply(D, 1, min))
  expect_close(both[[2]], apply(D, 1, which.min))
  both <- max_argmax(D_ij, "i")
  expect_close(both[[1]], apply(D, 2, max))
  expect_close(both[[2]], apply(D, 2, which.max))
})

test_that("positions count from 0 with index_base 0", {
  local_rkeops_options(index_base = 0L)
  expect_equal(argmin(D_ij, "j"), cbind(apply(D, 1, which.min)) - 1)
  expect_equal(argKmin(D_ij, 3, "j"), t(apply(D, 1, order))[, 1:3] - 1)
})

test_that("K nearest", {
  local_rkeops_options()
  values <- t(apply(D, 1, sort))[, 1:3]
  places <- t(apply(D, 1, order))[, 1:3]
  expect_close(Kmin(D_ij, 3, "j"), values)
  expect_equal(argKmin(D_ij, 3, "j"), places)
  both <- Kmin_argKmin(D_ij, K = 3, index = "j")
  expect_close(both[[1]], values)
  expect_equal(both[[2]], places)
  nested <- Kmin(P_ij, 3, "i")
  expect_identical(dim(nested), c(9L, 3L, 2L))
  expect_close(nested, aperm(apply(P, c(2, 3), function(v) sort(v)[1:3]), c(2, 1, 3)))
  expect_close(argKmin(P_ij, 3, "i"), aperm(apply(P, c(2, 3), function(v) order(v)[1:3]), c(2, 1, 3)))
  expect_identical(dim(Kmin(D_ij, 1, "j")), c(6L, 1L))
  for (bad in list(0, 10, 1.5, "a", NULL)) expect_error(Kmin(D_ij, bad, "j"), "K", class = "rkeops_error_argument")
})

test_that("log-sum-exp and soft-max", {
  expect_close(logsumexp(D_ij, "j"), cbind(log(rowSums(exp(D)))))
  expect_close(logsumexp(D_ij, "i"), cbind(log(colSums(exp(D)))))
  expect_close(logsumexp(D_ij + 1000, "j"), cbind(log(rowSums(exp(D)))) + 1000)
  w <- abs(y)
  expect_close(logsumexp(D_ij, "j", weight = Vj(w)), log(exp(D) %*% w))
  expect_close(sumsoftmaxweight(D_ij, "j", y_j), exp(D) %*% y / rowSums(exp(D)))
  expect_close(sumsoftmaxweight(D_ij, "i", x_i), t(exp(D)) %*% x / colSums(exp(D)))
  expect_close(sumsoftmaxweight(D_ij, "j", Pm(c(2, 3.5))), matrix(c(2, 3.5), 6, 2, byrow = TRUE))
  expect_close(sumsoftmaxweight(D_ij, "j", x_i), x)
  expect_close(logsumexp(D_ij, "j", weight = 0.5), cbind(log(0.5 * rowSums(exp(D)))))
  expect_close(logsumexp(P_ij, "j"), log(apply(exp(P), c(1, 3), sum)))
  expect_error(logsumexp(P_ij, "j", weight = y_j), class = "rkeops_error_dimension")
  expect_error(sumsoftmaxweight(D_ij, "j", "a"), class = "rkeops_error_input")
  expect_error(sumsoftmaxweight(D_ij, "j", x), class = "rkeops_error_dimension")
})

test_that("other names of the reductions", {
  expect_identical(sum_reduction(D_ij, "j"), sum(D_ij, "j"))
  expect_identical(min_reduction(D_ij, "j"), min(D_ij, "j"))
  expect_identical(max_reduction(D_ij, "i"), max(D_ij, "i"))
  expect_identical(argmin_reduction(D_ij, "j"), argmin(D_ij, "j"))
  expect_identical(argmax_reduction(D_ij, "i"), argmax(D_ij, "i"))
  expect_identical(min_argmin_reduction(D_ij, "j"), min_argmin(D_ij, "j"))
  expect_identical(max_argmax_reduction(D_ij, "i"), max_argmax(D_ij, "i"))
  expect_identical(Kmin_reduction(D_ij, 3, "j"), Kmin(D_ij, 3, "j"))
  expect_identical(argKmin_reduction(D_ij, 3, "j"), argKmin(D_ij, 3, "j"))
  expect_identical(Kmin_argKmin_reduction(D_ij, 3, "j"), Kmin_argKmin(D_ij, 3, "j"))
  expect_identical(logsumexp_reduction(D_ij, "j"), logsumexp(D_ij, "j"))
  expect_identical(sumsoftmaxweight_reduction(D_ij, "j", y_j), sumsoftmaxweight(D_ij, "j", y_j))
  expect_identical(reduction.LazyTensor(D_ij, "Sum", "j"), sum(D_ij, "j"))
  expect_identical(reduction.LazyTensor(D_ij, "KMin", "j", 3), Kmin(D_ij, 3, "j"))
  expect_identical(reduction.LazyTensor(D_ij, "SumSoftMaxWeight", "j", y_j), sumsoftmaxweight(D_ij, "j", y_j))
  expect_error(reduction.LazyTensor(D_ij, "Foo", "j"), "Foo", class = "rkeops_error_parse")
  expect_error(reduction.LazyTensor(D_ij, 3, "j"), class = "rkeops_error_argument")
})

test_that("bad calls are refused", {
  for (bad in list("k", 1, c("i", "j"), TRUE, NULL)) {
    expect_error(sum(D_ij, bad), "index", class = "rkeops_error_argument")
    expect_error(argmin(D_ij, bad), "index", class = "rkeops_error_argument")
  }
  expect_error(min_argmin(D_ij, NA), "index", class = "rkeops_error_argument")
  expect_error(logsumexp(D_ij, NA), "index", class = "rkeops_error_argument")
  expect_error(sum(D_ij, "j", 3), class = "rkeops_error_argument")
  expect_snapshot_output(show_errors(
    sum(D_ij, index = "k"),
    sum(D_ij, axis = 1),
    sum(D_ij, "j", "i"),
    sum(x_i, y_j),
    max(D_ij, 0),
    argKmin(D_ij, 3),
    argKmin(D_ij, 10, "j"),
    argKmin(D_ij, 55, "ij"),
    prod(D_ij, index = "j"),
    mean(D_ij, dim = "j"),
    mean(D_ij, "j", 3),
    mean(D_ij, "j", trim = 0.1),
    sum(D_ij, "j", na.rm = NA),
    argmin(D_ij, "j", na.rm = 1),
    reduction.LazyTensor(D_ij, "Sum", "j", 3),
    reduction.LazyTensor(D_ij, "LogSumExpWeight", "j"),
    reduction.LazyTensor(D_ij, "Max_SumShiftExp", "ij"),
    sumsoftmaxweight(D_ij, "j")
  ))
  expect_error(sum(LazyTensor(3), "j"), "no index j", class = "rkeops_error_argument")
  expect_error(logsumexp(3, "j"), "LazyTensor", class = "rkeops_error_argument")
  expect_error(argmin(3, "j"), "LazyTensor", class = "rkeops_error_argument")
})

test_that("empty and one-row data", {
  none <- Vi(matrix(numeric(), 0, 2))
  expect_identical(dim(sum(sqdist(none, y_j), "j")), c(0L, 1L))
  expect_equal(sum(sqdist(none, y_j), "i"), matrix(0, 9, 1))
  expect_error(argmin(sqdist(none, y_j), "i"), class = "rkeops_error")
  one <- x[1, , drop = FALSE]
  expect_close(sum(sqdist(Vi(one), y_j), "j"), sum(D[1, ]))
})

test_that("missing values are treated as R treats them", {
  z <- y
  z[2, 1] <- NA
  expect_true(all(is.na(sum(sqdist(x_i, Vj(z)), "j"))))
  expect_true(all(is.na(min(sqdist(x_i, Vj(z)), "j"))))
  expect_equal(argmin(sqdist(x_i, Vj(z)), "j"), cbind(apply(`[<-`(D, , 2, NA), 1, which.min)))
})

test_that("formula_only shows the formula and computes nothing", {
  local_rkeops_options(formula_only = TRUE)
  expect_message(
    expect_error(sum(D_ij, "j"), "formula_only", class = "rkeops_error_argument"),
    "Sum_Reduction\\(SqDist\\(V0,V1\\),1\\)"
  )
})

test_that("float32 is close, and both precisions can be mixed", {
  local_rkeops_options(precision = "float32")
  single <- sum(D_ij, "j")
  expect_close(single, rowSums(D), tolerance = 1e-5)
  rkeops_use_float64()
  expect_close(sum(D_ij, "j"), rowSums(D))
  expect_false(identical(single, sum(D_ij, "j")))
})
