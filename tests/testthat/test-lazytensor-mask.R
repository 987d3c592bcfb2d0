# Points of which some occur twice: by values alone they could not be told from themselves.
x <- random_matrix(7, 2, 1)
x <- x[c(1:7, 3, 3), ]
D <- squared_distances(x, x)
left <- D
diag(left) <- NA
D_ij <- sqdist(Vi(x), Vj(x))
off_ij <- off_diagonal(D_ij)

in_both_precisions <- function(code) {
  for (precision in c("float64", "float32")) {
    local_rkeops_options(precision = precision)
    code(if (precision == "float64") 1e-10 else 1e-5)
  }
}

test_that("every reduction leaves out the pairs i = j, and no others", {
  w <- matrix(1:18 / 10, 9)
  in_both_precisions(function(tolerance) {
    close <- function(object, expected) expect_close(object, expected, tolerance)
    close(sum(off_ij, "j"), rowSums(left, na.rm = TRUE))
    close(sum(off_ij, "i"), colSums(left, na.rm = TRUE))
    close(mean(off_ij, "j"), rowMeans(left, na.rm = TRUE))
    close(min(off_ij, "j"), apply(left, 1, min, na.rm = TRUE))
    close(max(off_ij, "i"), apply(left, 2, max, na.rm = TRUE))
    close(range(off_ij, "j"), t(apply(left, 1, range, na.rm = TRUE)))
    close(logsumexp(-off_ij, "j"), log(rowSums(exp(-left), na.rm = TRUE)))
    close(logsumexp(off_ij, "j", w), log(`diag<-`(exp(D), 0) %*% w))
    close(sumsoftmaxweight(off_ij, "j", w), `diag<-`(exp(D), 0) %*% w / rowSums(exp(left), na.rm = TRUE))
    close(off_ij %*% w, `diag<-`(D, 0) %*% w)
    close(t(w) %*% off_ij, t(w) %*% `diag<-`(D, 0))
    close(min_argmin(off_ij, "j")$value, apply(left, 1, min, na.rm = TRUE))
    expect_equal(argmin(off_ij, "j"), cbind(apply(left, 1, which.min)))
    expect_equal(argmax(-off_ij, "i"), cbind(apply(left, 2, which.min)))
    expect_equal(argKmin(off_ij, 3, "j"), t(apply(left, 1, order))[, 1:3])
    close(Kmin(off_ij, 3, "i"), t(apply(left, 2, function(v) sort(v)[1:3])))
    expect_equal(sum(off_ij == 0, "j"), cbind(rowSums(left == 0, na.rm = TRUE)))
    expect_identical(any(off_ij == 0, "j"), cbind(apply(left == 0, 1, any, na.rm = TRUE)))
    expect_identical(all(off_ij > 0, "j"), cbind(apply(left > 0, 1, all, na.rm = TRUE)))
    close(sum(off_ij, "ij"), sum(left, na.rm = TRUE))
    close(mean(off_ij, "ij"), mean(left, na.rm = TRUE))
    expect_equal(argmin(off_ij, "ij"), which(left == 0, arr.ind = TRUE)[1, ], ignore_attr = TRUE)
    close(reduction.LazyTensor(off_ij, "Sum", "j"), rowSums(left, na.rm = TRUE))
  })
})

test_that("it goes where the LazyTensor goes", {
  b <- Vj(matrix(1:9))
  K <- exp(-left / 2)
  expect_close(sum(exp(-off_ij / 2), "j"), rowSums(K, na.rm = TRUE))
  expect_close(sum(2 * D_ij + off_ij * b, "j"), rowSums(2 * left + left * rep(1:9, each = 9), na.rm = TRUE))
  expect_close(sum(t(off_ij * b), "j"), colSums(left * rep(1:9, each = 9), na.rm = TRUE))
  expect_close(sum(off_ij + off_diagonal(sqrt(D_ij)), "j"), rowSums(left + sqrt(left), na.rm = TRUE))
  expect_length(off_diagonal(off_ij + off_diagonal(D_ij))$mask, 1)
  expect_close(mean(concat(off_ij, 2 * off_ij), "j"), rowMeans(left, na.rm = TRUE) %o% 1:2)
  expect_close(sum(off_diagonal(1i * Vi(x) * Vj(x)), "j"), 1i * (x * rep(colSums(x), each = 9) - x^2))
  expect_close(mean(off_diagonal(1i * Vi(x) * Vj(x)), "j"), 1i * (x * rep(colSums(x), each = 9) - x^2) / 8)
  expect_equal(as.matrix(off_ij), left, ignore_attr = TRUE)
  expect_equal(off_ij[2, 1:3], left[2, 1:3])
  expect_identical(as.matrix(off_ij > 0.5), left > 0.5)
  expect_identical(dim(off_ij), c(9L, 9L))
  expect_output(print(off_ij), "without the pairs i = j")
  expect_close(sum(D_ij, "j"), rowSums(D))  # the original is as it was
})

test_that("values that are not finite on the diagonal do not matter", {
  energy_ij <- 1 / off_diagonal(sqdist(Vi(x[1:7, ]), Vj(x[1:7, ])))
  inverse <- 1 / D[1:7, 1:7]
  diag(inverse) <- 0
  in_both_precisions(function(tolerance) {
    expect_close(sum(energy_ij, "j"), rowSums(inverse), tolerance)
    expect_close(max(energy_ij, "j"), apply(inverse, 1, max), tolerance)
    expect_close(energy_ij %*% 1:7, inverse %*% 1:7, tolerance)
  })
})

test_that("what remains of nothing", {
  one <- off_diagonal(sqdist(Vi(x[1, , drop = FALSE]), Vj(x[1, , drop = FALSE])))
  expect_identical(sum(one, "j"), matrix(0))
  expect_identical(mean(one, "j"), matrix(NaN))
  expect_identical(min(one, "j"), matrix(Inf))
  expect_identical(max(one, "i"), matrix(-Inf))
  expect_identical(logsumexp(one, "j"), matrix(-Inf))
  expect_identical(sumsoftmaxweight(one, "j", 2.5), matrix(NaN))
  expect_identical(argmin(one, "j"), matrix(NA_integer_))
  expect_identical(min_argmin(one, "j"), list(value = matrix(NaN), position = matrix(NA_integer_)))
  expect_identical(argKmin(off_ij, 9, "j")[, 9], rep(NA_integer_, 9))
  expect_identical(Kmin(off_ij, 9, "j")[, 9], rep(NaN, 9))
  expect_identical(sum(one, "ij"), 0)
  expect_identical(mean(one, "ij"), NaN)
  expect_identical(logsumexp(one, "ij"), -Inf)
  expect_identical(argmin(one, "ij"), c(i = NA_integer_, j = NA_integer_))
  session <- rkeops:::session
  session$row_numbers <- NULL
  none <- off_diagonal(sqdist(Vi(x[0, ]), Vj(x[0, ])))
  expect_identical(sum(none, "j"), matrix(0, 0, 1))
  expect_identical(sum(none, "ij"), 0)
})

test_that("row numbers are exact in float32 beyond 2^24 rows", {
  expect_identical(rkeops:::row_numbers(10, limit = 4), cbind(0:9 %/% 4, 0:9 %% 4))
  local_rkeops_options(precision = "float32")
  two <- rkeops:::is_another_row(10, limit = 4)
  expect_identical(as.matrix(two), 1 - diag(10))
  expect_equal(sum(rkeops:::only_where(Vi(matrix(1:10)) * Vj(matrix(1:10)), two), "j"), cbind(1:10 * (55 - 1:10)))
  rows <- 2^24 + 3
  last <- rkeops:::row_numbers(rows, 2^24)[rows - 3:0, ]
  expect_identical(last, cbind(c(0, 1, 1, 1), c(2^24 - 1, 0, 1, 2)))
  expect_identical(as.matrix(max(Vi(last) != Vj(last))), 1 - diag(4))
})

test_that("gradients leave them out", {
  x_i <- Vi(x)
  x_j <- Vj(x)
  s <- Pm(0.7)
  at <- function(f) function(x) {
    d <- squared_distances(x, x)
    diag(d) <- NA
    f(d)
  }
  wrt <- list(x = list(x_i, x_j), s = s)
  K_ij <- off_diagonal(exp(-sqdist(x_i, x_j) * s))
  found <- gradients(K_ij, wrt)
  expect_close(found$value, sum(exp(-left * 0.7), na.rm = TRUE))
  expect_close(found$gradient$x, numeric_gradient(at(function(d) sum(exp(-d * 0.7), na.rm = TRUE)), x), 1e-6)
  expect_close(found$gradient$s, sum(-left * exp(-left * 0.7), na.rm = TRUE))

  score_ij <- -off_diagonal(sqdist(x_i, x_j)) * s
  log_density <- at(function(d) log(rowSums(exp(-d * 0.7), na.rm = TRUE)))
  found <- gradients(score_ij, wrt, 1:9, reduction = "LogSumExp")
  expect_close(found$value, sum(1:9 * log_density(x)))
  expect_close(found$gradient$x, numeric_gradient(log_density, x, 1:9), 1e-6)

  distinct <- x[1:7, ]
  d_i <- Vi(distinct)
  d_j <- Vj(distinct)
  nearest <- at(function(d) apply(d, 1, min, na.rm = TRUE))
  found <- gradients(off_diagonal(sqdist(d_i, d_j)), list(list(d_i, d_j)), 1:7, reduction = "Min")
  expect_close(found$value, sum(1:7 * nearest(distinct)))
  expect_close(found$gradient[[1]], numeric_gradient(nearest, distinct, 1:7), 1e-6)

  w <- 1:7
  soft <- at(function(d) {
    p <- exp(-d)
    diag(p) <- 0
    (p %*% w) / rowSums(p)
  })
  found <- gradients(-off_diagonal(sqdist(d_i, d_j)), list(list(d_i, d_j)), reduction = "SumSoftMaxWeight", opt_arg = w)
  expect_close(found$value, sum(soft(distinct)))
  expect_close(found$gradient[[1]], numeric_gradient(soft, distinct), 1e-6)
  expect_close(grad(K_ij, 1, "Sum", s, "j"), sum(-left * exp(-left * 0.7), na.rm = TRUE))
  expect_close(jvp(K_ij, s, 1, "j"), rowSums(-left * exp(-left * 0.7), na.rm = TRUE))
  expect_close(hvp(K_ij, s, 1), sum(left^2 * exp(-left * 0.7), na.rm = TRUE))
})

test_that("errors of off_diagonal()", {
  expect_snapshot_output(show_errors(
    off_diagonal(3),
    off_diagonal(x),
    off_diagonal(Vi(x)),
    off_diagonal(Vj(x)),
    off_diagonal(Pm(1.5)),
    off_diagonal(sqdist(Vi(x), Vj(x[1:3, ])))
  ))
})

test_that("`self = FALSE` of reductions is off_diagonal()", {
  x <- random_matrix(30, 2)
  D_ij <- sqdist(Vi(x), Vj(x))
  others <- off_diagonal(D_ij)
  expect_equal(argKmin(D_ij, 3, "j", self = FALSE), argKmin(others, 3, "j"))
  expect_equal(Kmin_argKmin(D_ij, 3, "ij", self = FALSE), Kmin_argKmin(others, 3, "ij"))
  expect_equal(min_argmin(D_ij, "i", self = FALSE), min_argmin(others, "i"))
  expect_equal(argmin(D_ij, "j", self = FALSE), argmin(others, "j"))
  expect_equal(min(D_ij, index = "j", self = FALSE), min(others, index = "j"))
  expect_equal(sum(exp(-D_ij), index = "j", self = FALSE), sum(exp(-others), index = "j"))
  expect_equal(sum(exp(-D_ij), index = "j", self = TRUE), sum(exp(-D_ij), index = "j"))
  expect_equal(mean(D_ij, "j", self = FALSE), mean(others, "j"))
  expect_equal(any(D_ij == 0, index = "j", self = FALSE), matrix(FALSE, 30))
  expect_equal(logsumexp(-D_ij, "j", self = FALSE), logsumexp(-others, "j"))
  expect_close(logsumexp(-D_ij, "j", self = FALSE, tol = 0.1), logsumexp(-others, "j"), tolerance = 0.1)
  expect_equal(sumsoftmaxweight(-D_ij, "j", Vj(x), self = FALSE), sumsoftmaxweight(-others, "j", Vj(x)))
  expect_equal(reduction.LazyTensor(D_ij, "KMin", "j", 2, self = FALSE), Kmin(others, 2, "j"))
  expect_error(argmin(D_ij, "j", self = NA), "`self`", class = "rkeops_error_argument")
  expect_error(sum(D_ij, index = "j", self = 1), "`self`", class = "rkeops_error_argument")
  expect_error(argmin(sqdist(Vi(x), Vj(x[-1, ])), "j", self = FALSE), class = "rkeops_error_dimension")
})

test_that("the nearest others are those of the matrix without its diagonal, and geometry is used", {
  local_rkeops_options(geometry = "always")
  x <- random_matrix(3000, 2)
  x[11:20, ] <- x[rep(1, 10), ]  # more points that coincide than neighbours wanted
  x[21, 1] <- NA
  rownames(x) <- paste0("r", 1:3000)
  D_ij <- sqdist(Vi(x), Vj(x))
  dense <- as.matrix(D_ij)
  diag(dense) <- NaN
  expected <- t(apply(dense, 1, function(v) order(v)[1:3]))
  expected[is.na(dense[cbind(1:3000, expected[, 1])]), ] <- NA
  visited <- rkeops:::unwrap(rkeops:::rk_statistics())$pairs_visited
  for (axis in c("i", "j")) {
    found <- Kmin_argKmin(off_diagonal(D_ij), 3, axis)
    expect_identical(unname(found$position), unname(expected))
    expect_equal(unname(found$value), matrix(dense[cbind(rep(1:3000, 3), as.vector(expected))], 3000))
    expect_identical(rownames(found$value), rownames(x))
    expect_identical(unname(argmin(off_diagonal(D_ij), axis)), unname(expected[, 1, drop = FALSE]))
    expect_identical(min_argmin(D_ij, axis, self = FALSE)$position, argmin(D_ij, axis, self = FALSE))
    expect_equal(Kmin(D_ij, 3, axis, self = FALSE), found$value)
  }
  expect_lt(rkeops:::unwrap(rkeops:::rk_statistics())$pairs_visited - visited, 8 * 3000^2 / 4)
  few <- off_diagonal(sqdist(Vi(1:3), Vj(1:3)))
  expect_identical(argKmin(few, 3, "j")[, 3], rep(NA_integer_, 3))
  expect_identical(argKmin(few, 2, "j"), rbind(2:3, c(1L, 3L), 2:1))
  local_rkeops_options(index_base = 0)
  expect_identical(argKmin(few, 2, "j"), rbind(1:2, c(0L, 2L), 1:0))
})

test_that("row numbers say nothing of where points are", {
  local_rkeops_options(geometry = "always")
  x <- random_matrix(3000, 2)
  K_ij <- exp(-1e5 * sqdist(Vi(x), Vj(x)))
  visited <- rkeops:::unwrap(rkeops:::rk_statistics())$pairs_visited
  others <- sum(K_ij, index = "j", self = FALSE)
  expect_lt(rkeops:::unwrap(rkeops:::rk_statistics())$pairs_visited - visited, 3000^2 / 2)
  expect_equal(others, sum(K_ij, index = "j") - 1)
})
