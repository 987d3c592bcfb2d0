x <- random_matrix(6, 2, 1)
y <- random_matrix(9, 2, 2)
b <- random_matrix(9, 3, 3)
a <- random_matrix(4, 6, 4)
K_ij <- exp(-sqdist(Vi(x), Vj(y)))
K <- exp(-squared_distances(x, y))

test_that("%*% with plain vectors and matrices", {
  expect_close(K_ij %*% b, K %*% b)
  expect_close(K_ij %*% b[, 1], K %*% b[, 1])
  expect_identical(dim(K_ij %*% b[, 1]), c(6L, 1L))
  expect_close(a %*% K_ij, a %*% K)
  expect_close(a[1, ] %*% K_ij, a[1, ] %*% K)
  expect_close(K_ij %*% matrix(1:9, 9), K %*% 1:9)
})

test_that("%*% with LazyTensors sums over j", {
  expect_close(K_ij %*% Vj(b), K %*% b)
  expect_close(Vi(x) %*% Vj(y), x * rep(colSums(y), each = 6))
})

test_that("the S3 method of R >= 4.3 does the same", {
  expect_identical(rkeops:::matrixOps.LazyTensor(K_ij, b), K_ij %*% b)
})

test_that("t() exchanges the indices", {
  expect_identical(dim(t(K_ij)), c(9L, 6L))
  expect_close(t(K_ij) %*% t(a), t(K) %*% t(a))
  expect_close(sum(t(Vi(x) - 2 * Vj(y)), "i"), sum(Vi(x) - 2 * Vj(y), "j"))
  both <- Vi(x) + Vj(x) * 2
  expect_close(sum(t(both), "i"), sum(both, "j"))
})

test_that("sizes are checked", {
  expect_error(K_ij %*% b[-1, ], "9 columns.*8 rows", class = "rkeops_error_dimension")
  expect_error(a[, -1] %*% K_ij, class = "rkeops_error_dimension")
  expect_error(K_ij %*% "a", class = "rkeops_error_input")
  error <- tryCatch(K_ij %*% b[-1, ], error = identity)
  if (getRversion() < "4.3.0") expect_identical(conditionCall(error), quote(K_ij %*% b[-1, ]))
})

test_that("ordinary products are not touched", {
  if (getRversion() < "4.3.0") expect_true(is.primitive(`%*%`))
  expect_identical(b %*% t(b), base::`%*%`(b, t(b)))
  expect_false("%*%" %in% ls("package:rkeops", all.names = TRUE) && !is.primitive(`%*%`))
})
