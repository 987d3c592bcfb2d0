# range(), any(), all() and reductions over both indices or none.
x <- random_matrix(6, 2, 1)
y <- random_matrix(9, 2, 2)
D_ij <- sqdist(Vi(x), Vj(y))
D <- squared_distances(x, y)
P_ij <- Vi(x) * Vj(y)
P <- array(c(outer(x[, 1], y[, 1]), outer(x[, 2], y[, 2])), c(6, 9, 2))
u_i <- Vi(x)
v_j <- Vj(y)

for (precision in c("float64", "float32")) test_that(paste("range, any and all, in", precision), {
  local_rkeops_options(precision = precision)
  close <- function(object, expected) expect_close(object, expected, if (precision == "float64") 1e-10 else 1e-5)
  close(range(D_ij, "j"), t(apply(D, 1, range)))
  close(range(P_ij, index = "i"), aperm(apply(P, 2:3, range), c(2, 1, 3)))
  expect_identical(dim(range(P_ij, "i")), c(9L, 2L, 2L))
  close(values_of(range(u_i)), t(apply(x, 1, range)))
  expect_equal(range(u_i)$dimres, 2)
  expect_identical(any(D_ij < 0.1, "j"), cbind(apply(D < 0.1, 1, any)))
  expect_identical(all(P_ij > 0, index = "i"), apply(P > 0, 2:3, all))
  expect_identical(any(P_ij > 0, index = "i"), apply(P > 0, 2:3, any))
  expect_identical(all(D_ij, "j"), cbind(rep(TRUE, 6)))
  expect_identical(as.matrix(all(u_i > 0)), cbind(apply(x > 0, 1, all)))
  expect_identical(as.matrix(any(u_i > 0)), cbind(apply(x > 0, 1, any)))
  expect_identical(any(Vi(x + 0i) * v_j, "j"), matrix(TRUE, 6, 2))
  none <- Vj(y[0, ])
  expect_identical(any(u_i < none, "j"), matrix(FALSE, 6, 2))
  expect_identical(all(u_i < none, "j"), matrix(TRUE, 6, 2))
})

for (precision in c("float64", "float32")) test_that(paste("both indices, in", precision), {
  local_rkeops_options(precision = precision)
  close <- function(object, expected) {
    expect_equal(object, expected, tolerance = if (precision == "float64") 1e-10 else 1e-5)
  }
  close(sum(D_ij, "ij"), sum(D))
  close(sum(P_ij, index = "ij"), apply(P, 3, sum))
  close(mean(D_ij, "ij"), mean(D))
  close(mean(P_ij, "ij"), apply(P, 3, mean))
  close(min(D_ij, "ij"), min(D))
  close(max(P_ij, "ij"), apply(P, 3, max))
  close(range(D_ij, "ij"), range(D))
  close(range(P_ij, "ij"), apply(P, 3, range))
  expect_identical(any(D_ij < 0, "ij"), FALSE)
  expect_identical(all(P_ij < 2, "ij"), c(TRUE, TRUE))
  close(logsumexp(D_ij, "ij"), log(sum(exp(D))))
  close(logsumexp(P_ij, "ij"), log(apply(exp(P), 3, sum)))
  close(logsumexp(D_ij + 1000, "ij"), log(sum(exp(D))) + 1000)
  close(logsumexp(D_ij, "ij", u_i + 2), log(colSums(exp(D) %*% matrix(1, 9, 2) * (x + 2))))
  close(logsumexp(D_ij, "ij", 2), log(2 * sum(exp(D))))
  close(sumsoftmaxweight(D_ij, "ij", v_j), colSums(exp(D) %*% y) / sum(exp(D)))
  close(sumsoftmaxweight(D_ij, "ij", v_j * 1i), 1i * colSums(exp(D) %*% y) / sum(exp(D)))
  close(sum(u_i * 1i + v_j, "ij"), colSums(x) * 9i + 6 * colSums(y))
  at <- c(which(D == min(D), arr.ind = TRUE))
  expect_identical(argmin(D_ij, "ij"), c(i = at[1], j = at[2]))
  expect_identical(argmax(-D_ij, "ij"), c(i = at[1], j = at[2]))
  best <- min_argmin(D_ij, "ij")
  close(best, list(value = min(D), position = c(i = at[1], j = at[2])))
  close(max_argmax(P_ij, "ij")$value, apply(P, 3, max))
  expect_equal(max_argmax(P_ij, "ij")$position, t(apply(P, 3, function(m) which(m == max(m), arr.ind = TRUE))),
               ignore_attr = TRUE)
  expect_identical(colnames(argmax(P_ij, "ij")), c("i", "j"))
  smallest <- order(D)[1:8]
  expect_equal(argKmin(D_ij, 8, "ij"), arrayInd(smallest, dim(D)), ignore_attr = TRUE)
  close(Kmin(D_ij, 8, "ij"), D[smallest])
  close(Kmin(D_ij, 54, "ij"), sort(c(D)))
  close(Kmin(D_ij, 1, "ij"), min(D))
  expect_identical(dim(argKmin(D_ij, 1, "ij")), c(1L, 2L))
  both <- Kmin_argKmin(P_ij, 5, "ij")
  close(both$value, apply(P, 3, function(m) sort(m)[1:5]))
  expect_identical(dim(both$position), c(5L, 2L, 2L))
  expect_equal(both$position[, , 2], arrayInd(order(P[, , 2])[1:5], c(6, 9)), ignore_attr = TRUE)
  expect_identical(reduction.LazyTensor(D_ij, "Sum", "ij"), sum(D_ij, "ij"))
  expect_identical(reduction.LazyTensor(D_ij, "ArgKMin", "ij", 3), argKmin(D_ij, 3, "ij"))
  expect_identical(dim(Kmin(P_ij, 1, "ij")), 1:2)
  expect_error(reduction.LazyTensor(D_ij, "Foo", "ij"), "Foo", class = "rkeops_error_parse")
  set_rkeops_options(list(index_base = 0L))
  expect_identical(argmin(D_ij, "ij"), c(i = at[1] - 1L, j = at[2] - 1L))
})

test_that("of equal extrema over both indices the first one in the matrix is taken", {
  tied <- matrix(c(3, 1, 2, 1, 1, 5), 3)
  tied_ij <- lookup(tied, Vi(matrix(1:3)), Vj(matrix(1:2)))
  expect_identical(unname(argmin(tied_ij, "ij")), c(2L, 1L))
  expect_equal(unname(argKmin(tied_ij, 3, "ij")), cbind(c(2, 1, 2), c(1, 2, 2)))
})

test_that("results have names, and positions are integers", {
  both <- min_argmin(D_ij, "j")
  expect_named(both, c("value", "position"))
  expect_identical(both[[2]], both$position)
  expect_named(max_argmax(D_ij, "j"), c("value", "position"))
  expect_named(Kmin_argKmin(D_ij, 2, "j"), c("value", "position"))
  expect_named(reduction.LazyTensor(D_ij, "Min_ArgMin", "j"), c("value", "position"))
  for (positions in list(argmin(D_ij, "j"), argmax(P_ij, "i"), argKmin(P_ij, 2, "j"), both$position)) {
    expect_type(positions, "integer")
  }
  expect_identical(y[argmin(D_ij, "j"), ], y[apply(D, 1, which.min), ])
})

test_that("without index they work inside the vector, for one component too", {
  for (f in list(sum, mean, min, max, argmin)) {
    expect_true(is.LazyTensor(f(D_ij)))
    expect_identical(dim(f(D_ij)), dim(D_ij))
  }
  for (f in list(sum, mean, min, max)) expect_close(sum(f(D_ij), "j"), rowSums(D))
})

test_that("an index that does not occur is an error, however it is said", {
  near_ii <- exp(-sqdist(u_i, Vi(x + 1)))
  o <- Vi(matrix(1, 6, 1))
  p <- Pm(0.5)
  for (bad in alist(
    sum(u_i, "j"), sum(u_i, "ij"), sum(v_j, "i"), sum(p, "j"), mean(u_i, "j"), mean(u_i, "ij"), min(u_i, "j"),
    max(v_j, index = "i"), range(u_i, "j"), any(u_i > 0, "j"), all(v_j > 0, "ij"), argmin(u_i, "j"), argmax(v_j, "i"),
    min_argmin(u_i, "j"), max_argmax(u_i, "j"), Kmin(u_i, 1, "j"), argKmin(u_i, 1, "j"), Kmin_argKmin(v_j, 1, "i"),
    Kmin(v_j, 1, "ij"), logsumexp(near_ii, "j"), logsumexp(near_ii, "j", 1:6), sumsoftmaxweight(near_ii, "j", 1:9),
    sumsoftmaxweight(near_ii, "j", u_i), sum_reduction(u_i, "j"), min_reduction(u_i, "j"), max_reduction(u_i, "j"),
    argmin_reduction(u_i, "j"), argmax_reduction(u_i, "j"), min_argmin_reduction(u_i, "j"),
    max_argmax_reduction(u_i, "j"),
    Kmin_reduction(u_i, 1, "j"), argKmin_reduction(u_i, 1, "j"), Kmin_argKmin_reduction(u_i, 1, "j"),
    logsumexp_reduction(near_ii, "j"), sumsoftmaxweight_reduction(near_ii, "j", 1),
    reduction.LazyTensor(u_i, "Sum", "j"),
    reduction.LazyTensor(near_ii, "LogSumExp", "j", 1:6), reduction.LazyTensor(u_i, "KMin", "j", 1),
    gradients(near_ii, u_i), gradients(near_ii, u_i, index = "j", reduction = "LogSumExp"),
    vjp(near_ii, u_i, index = "j"),
    jvp(near_ii, u_i, 1, "j"), hvp(near_ii, u_i, 1), objective(near_ii, u_i), grad(near_ii, o, "Sum", u_i, "j"),
    near_ii %*% 1:10, near_ii %*% 1, 1:3 %*% v_j
  )) {
    expect_error(eval(bad), "there is no index", class = "rkeops_error_argument", info = deparse(bad))
  }
  expect_snapshot_output(show_errors(
    sum(near_ii, "j"),
    mean(v_j, "i"),
    sum(p, "ij"),
    near_ii %*% 1:10,
    gradients(near_ii, u_i),
    gradients(D_ij, u_i, index = NA)
  ))
  # a weight brings an index too
  expect_close(sumsoftmaxweight(near_ii, "j", v_j), matrix(colMeans(y), 6, 2, byrow = TRUE))
})
