# Plain numbers as weights of reductions.
x <- random_matrix(9, 2, 1)
y <- random_matrix(9, 2, 2)               # as many rows i as j
z <- random_matrix(4, 2, 3)
D <- squared_distances(x, y)
S <- squared_distances(z, y)
D_ij <- sqdist(Vi(x), Vj(y))
S_ij <- sqdist(Vi(z), Vj(y))
w <- 1:9 / 10

for (precision in c("float64", "float32")) test_that(paste("plain weights belong to the folded rows, in", precision), {
  local_rkeops_options(precision = precision)
  close <- function(object, expected) expect_close(object, expected, if (precision == "float64") 1e-10 else 1e-5)
  W <- cbind(w, rev(w))
  for (k in list(list(D_ij, D), list(S_ij, S))) {
    K_ij <- k[[1]]
    K <- k[[2]]
    close(K_ij %*% w, K %*% w)
    close(logsumexp(K_ij, "j", w), log(exp(K) %*% w))
    close(logsumexp(K_ij, "j", W), log(exp(K) %*% W))
    close(logsumexp(K_ij, "j", as.data.frame(W)), log(exp(K) %*% W))
    close(sumsoftmaxweight(K_ij, "j", w), exp(K) %*% w / rowSums(exp(K)))
    close(sumsoftmaxweight(K_ij, "j", W), exp(K) %*% W / rowSums(exp(K)))
    close(sumsoftmaxweight(K_ij, "j", w * 1i), exp(K) %*% w / rowSums(exp(K)) * 1i)
    close(sumsoftmaxweight(K_ij, "j", w > 0.5), exp(K) %*% (w > 0.5) / rowSums(exp(K)))
    close(reduction.LazyTensor(K_ij, "SumSoftMaxWeight", "j", w), exp(K) %*% w / rowSums(exp(K)))
    close(reduction.LazyTensor(K_ij, "SoftMax", "j", w), exp(K) %*% w / rowSums(exp(K)))
    close(reduction.LazyTensor(K_ij, "LogSumExp", "j", w), log(exp(K) %*% w))
    close(reduction.LazyTensor(K_ij, "LogSumExpWeight", "j", w), log(exp(K) %*% w))
    close(logsumexp(K_ij, "j", 2), log(exp(K) %*% rep(2, 9)))
    close(logsumexp(K_ij, "j", Pm(c(1, 2, 3))), log(rowSums(exp(K)) %o% 1:3))
  }
  v <- 1:4 / 2
  close(logsumexp(S_ij, "i", v), log(t(exp(S)) %*% v))
  close(sumsoftmaxweight(S_ij, "i", v), t(exp(S)) %*% v / colSums(exp(S)))
  close(v %*% S_ij, v %*% S)
  close(logsumexp(D_ij, "i", w), log(t(exp(D)) %*% w))  # of as many rows i as j, those that are folded
  x_i <- Vi(z)
  found <- gradients(sqdist(x_i, Vj(y)), x_i, reduction = "LogSumExp", opt_arg = w)
  close(found$value, sum(log(exp(S) %*% w)))
  found <- gradients(sqdist(x_i, Vj(y)), x_i, reduction = "SumSoftMaxWeight", opt_arg = w)
  close(found$value, sum(exp(S) %*% w / rowSums(exp(S))))
})

test_that("where length, dimension and rows agree, position decides", {
  square <- random_matrix(3, 3, 4)
  a_i <- Vi(square)
  b_j <- Vj(square)
  s_ij <- sqdist(a_i, b_j)
  s <- squared_distances(square, square)
  p <- c(1, 2, 3)
  expect_close(sum(a_i * p + 0 * b_j, "j"), 3 * square * rep(p, each = 3))    # an operand: one number per component
  expect_close(sumsoftmaxweight(s_ij, "j", p), exp(s) %*% p / rowSums(exp(s)))   # a weight: one number per row
  expect_close(s_ij %*% p, s %*% p)
  one_j <- sqdist(a_i, Vj(square[1, , drop = FALSE]))
  expect_close(logsumexp(one_j, "j", 2), s[, 1, drop = FALSE] + log(2))
})

test_that("weights that do not fit are refused", {
  expect_snapshot_output(show_errors(
    sumsoftmaxweight(S_ij, "j", 1:8),
    sumsoftmaxweight(S_ij, "j", 1:4),
    logsumexp(S_ij, "i", w),
    logsumexp(S_ij, "j", t(w)),
    logsumexp(S_ij, "j", matrix(1, 4, 2)),
    logsumexp(S_ij, "j", matrix(1)),
    logsumexp(S_ij, "ij", w),
    logsumexp(S_ij, "ij", matrix(1, 4, 9)),
    logsumexp(S_ij, "j", "a"),
    logsumexp(S_ij, "j", list(1)),
    logsumexp(S_ij, "j", numeric()),
    logsumexp(S_ij, "j", factor(1:9)),
    logsumexp(S_ij, "j", array(1, c(9, 1, 1))),
    sumsoftmaxweight(3, "j", w),
    reduction.LazyTensor(S_ij, "LogSumExp", "j", 1:8),
    gradients(S_ij, Vi(z), reduction = "LogSumExp", opt_arg = 1:8),
    S_ij * w,
    w + S_ij,
    ifelse(S_ij > 1, w, 0)
  ))
})
