# na.rm, is.na() and NaN in reductions, as in base R.
x <- random_matrix(6, 2, 1)
y <- random_matrix(9, 2, 2)
F <- squared_distances(x, y)
F[2, ] <- NA                              # nothing remains
F[cbind(c(1, 3, 3, 4), c(2, 1, 9, 5))] <- NaN
at_ij <- function(values) lookup(values, Vi(matrix(seq_len(nrow(values)))), Vj(matrix(seq_len(ncol(values)))))
F_ij <- at_ij(F)
G <- array(c(F, 1 / F), c(6, 9, 2))
G[5, 3, 2] <- NA
G_ij <- concat(F_ij, at_ij(G[, , 2]))
w <- cbind(1:9, 9:1) / 10

quiet <- function(f) function(...) suppressWarnings(f(...))
where <- function(f) function(v) c(f(v), NA)[1]

for (precision in c("float64", "float32")) test_that(paste("na.rm leaves out NaN, as base R does, in", precision), {
  local_rkeops_options(precision = precision)
  close <- function(object, expected) {
    expect_equal(object, expected, tolerance = if (precision == "float64") 1e-10 else 1e-5, ignore_attr = TRUE)
  }
  rows <- function(f) cbind(apply(F, 1, quiet(f), na.rm = TRUE))
  columns <- function(f) apply(G, 2:3, quiet(f), na.rm = TRUE)
  close(sum(F_ij, "j", na.rm = TRUE), rows(sum))
  close(sum(G_ij, "i", na.rm = TRUE), columns(sum))
  close(sum_reduction(F_ij, "j", na.rm = TRUE), rows(sum))
  close(mean(F_ij, "j", na.rm = TRUE), rows(mean))
  close(mean(G_ij, "i", na.rm = TRUE), columns(mean))
  close(min(F_ij, "j", na.rm = TRUE), rows(min))
  close(max(G_ij, "i", na.rm = TRUE), columns(max))
  close(range(F_ij, "j", na.rm = TRUE), t(apply(F, 1, quiet(range), na.rm = TRUE)))
  close(logsumexp(F_ij, "j", na.rm = TRUE), log(rowSums(exp(F), na.rm = TRUE)))
  P <- exp(F)
  P[is.na(P)] <- 0
  close(logsumexp(F_ij, "j", w, na.rm = TRUE), log(P %*% w))
  close(sumsoftmaxweight(F_ij, "j", w, na.rm = TRUE), P %*% w / rowSums(P))
  close(reduction.LazyTensor(F_ij, "LogSumExp", "j", w[, 1], na.rm = TRUE), log(P %*% w[, 1]))
  best <- min_argmin(F_ij, "j", na.rm = TRUE)
  position <- cbind(apply(F, 1, where(which.min)))
  close(best$value, cbind(apply(F, 1, function(v) if (all(is.na(v))) NaN else min(v, na.rm = TRUE))))
  expect_identical(best$position, position)
  expect_identical(argmin(F_ij, "j", na.rm = TRUE), position)
  expect_identical(argmax(F_ij, "j", na.rm = TRUE), cbind(apply(F, 1, where(which.max))))
  eight <- function(order_of, none) t(apply(F, 1, function(v) c(order_of(v), rep(none, 9))[1:8]))
  expect_identical(argKmin(F_ij, 8, "j", na.rm = TRUE), eight(function(v) order(v, na.last = NA), NA))
  close(Kmin(F_ij, 8, "j", na.rm = TRUE), eight(sort, NaN))
  expect_identical(any(F_ij > 1, "j", na.rm = TRUE), cbind(apply(F > 1, 1, any, na.rm = TRUE)))
  expect_identical(all(F_ij != 0, "j", na.rm = TRUE), cbind(rep(TRUE, 6)))
  expect_identical(any(F_ij, "j", na.rm = TRUE), cbind(c(TRUE, FALSE, TRUE, TRUE, TRUE, TRUE)))
  close(sum(F_ij, "ij", na.rm = TRUE), sum(F, na.rm = TRUE))
  close(mean(G_ij, "ij", na.rm = TRUE), apply(G, 3, mean, na.rm = TRUE))
  close(min(F_ij, "ij", na.rm = TRUE), min(F, na.rm = TRUE))
  close(range(G_ij, "ij", na.rm = TRUE), apply(G, 3, range, na.rm = TRUE))
  close(logsumexp(F_ij, "ij", na.rm = TRUE), log(sum(exp(F), na.rm = TRUE)))
  # and without na.rm
  close(sum(F_ij, "j"), cbind(rowSums(F)))
  close(mean(F_ij, "j"), cbind(rowMeans(F)))
  close(min(F_ij, "i"), cbind(apply(F, 2, min)))
  close(range(F_ij, "j"), t(apply(F, 1, range)))
  expect_identical(argmin(F_ij, "j"), position)
  expect_true(is.na(logsumexp(F_ij, "ij")))
  expect_true(is.na(sum(F_ij, "ij")))
  expect_true(is.na(min(F_ij, "ij")))
})

test_that("a weight that is NaN leaves out the whole pair", {
  v <- w
  v[4, 2] <- NA
  P <- exp(F)
  P[, 4] <- NA
  P[is.na(P)] <- 0
  expect_equal(sumsoftmaxweight(F_ij, "j", v, na.rm = TRUE), P %*% w / rowSums(P), tolerance = 1e-10)
  expect_equal(logsumexp(F_ij, "j", v, na.rm = TRUE), log(P %*% w), tolerance = 1e-10)
})

test_that("na.rm with pairs that are left out", {
  S <- F[, 1:6]
  S_ij <- off_diagonal(at_ij(S))
  diag(S) <- NA
  expect_equal(sum(S_ij, "j", na.rm = TRUE), cbind(rowSums(S, na.rm = TRUE)), tolerance = 1e-10)
  expect_equal(mean(S_ij, "j", na.rm = TRUE), cbind(rowMeans(S, na.rm = TRUE)), tolerance = 1e-10)
  expect_equal(sum(S_ij, "j")[5:6], rowSums(S, na.rm = TRUE)[5:6], tolerance = 1e-10)
})

for (precision in c("float64", "float32")) test_that(paste("inside the vector, in", precision), {
  local_rkeops_options(precision = precision)
  z <- rbind(c(1, NaN, 3), c(NaN, 5, 4), c(NaN, NaN, NaN), c(NaN, Inf, Inf), c(2, -1, 7))
  z_i <- Vi(z)
  rows <- function(f, ...) cbind(apply(z, 1, quiet(f), ...))
  expect_equal(values_of(sum(z_i, na.rm = TRUE)), rows(sum, na.rm = TRUE))
  expect_equal(values_of(mean(z_i, na.rm = TRUE)), rows(mean, na.rm = TRUE), tolerance = 1e-6)
  expect_equal(values_of(min(z_i, na.rm = TRUE)), rows(min, na.rm = TRUE))
  expect_equal(values_of(max(z_i, na.rm = TRUE)), rows(max, na.rm = TRUE))
  expect_equal(values_of(range(z_i, na.rm = TRUE)), t(apply(z, 1, quiet(range), na.rm = TRUE)))
  expect_equal(values_of(argmin(z_i, na.rm = TRUE)), cbind(c(1, 3, NaN, 2, 2)))
  expect_equal(values_of(argmax(z_i, na.rm = TRUE)), cbind(c(3, 2, NaN, 2, 3)))
  expect_equal(values_of(sum(z_i)), rows(sum))
  expect_equal(values_of(mean(z_i)), rows(mean), tolerance = 1e-6)
  expect_equal(values_of(mean(elem(z_i, 1), na.rm = TRUE)), cbind(c(1, NaN, NaN, NaN, 2)))
  expect_equal(values_of(any(z_i > 4, na.rm = TRUE)), rows(function(v) any(v > 4, na.rm = TRUE) + 0))
  expect_equal(values_of(all(z_i, na.rm = TRUE)), cbind(rep(1, 5)))
  expect_true(rkeops:::holds_truth(any(z_i > 4)))
})

for (precision in c("float64", "float32")) test_that(paste("is.na() and its like hold truth values, in", precision), {
  local_rkeops_options(precision = precision)
  v <- matrix(c(1, NaN, NA, Inf, -Inf, 0, -0, 1e300, 1e-300))
  if (precision == "float32") v <- v[1:7, , drop = FALSE]
  for (f in list(is.na, is.nan, is.finite, is.infinite)) {
    expected <- if (identical(f, is.nan)) is.na(v) else f(v)
    expect_identical(as.matrix(f(Vi(v))), matrix(expected))
    expect_true(rkeops:::holds_truth(f(Vi(v))))
    expect_identical(sum(f(Vi(v)), "i"), matrix(sum(expected) + 0))
  }
  z <- matrix(complex(real = c(1, NaN, 1, Inf), imaginary = c(0, 1, NaN, 1)))
  expect_identical(as.matrix(is.na(Vi(z))), is.na(z))
  expect_identical(as.matrix(is.finite(Vi(z))), matrix(is.finite(z)))
  expect_identical(as.matrix(is.infinite(Vi(z))), matrix(c(FALSE, FALSE, FALSE, TRUE)))
  text <- keops_kernel("Sum_Reduction(NotEqual(x, x), 0)", "x=Vi(1)")
  expect_identical(text(list(v)), matrix(sum(is.na(v)) + 0))
  expect_identical(sum(ifelse(is.na(F_ij), 0, 1), "ij"), sum(!is.na(F)) + 0)
})

test_that("complex sums and means leave out what is NaN in either part", {
  z <- matrix(complex(real = c(1, NaN, 3, 4), imaginary = c(1, 2, NaN, 4)), 4)
  expect_equal(sum(Vi(z), "i", na.rm = TRUE), matrix(5 + 5i))
  expect_equal(mean(Vi(z), "i", na.rm = TRUE), matrix(2.5 + 2.5i))
  expect_equal(sum(Vi(z) * Vj(matrix(1:2)), "ij", na.rm = TRUE), 3 * (5 + 5i))
})

test_that("anyNA() looks at all entries", {
  expect_true(anyNA(F_ij))
  expect_false(anyNA(sqdist(Vi(x), Vj(y))))
  expect_true(anyNA(Vi(matrix(c(1, NA)))))
  expect_false(anyNA(Pm(c(1, 2))))
})
