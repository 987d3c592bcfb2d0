# operator(): what it gives is what %*% gives, bit for bit, whatever happens between two calls.

x <- random_matrix(70, 3, seed = 1)
y <- random_matrix(40, 3, seed = 2)
kernel <- function() exp(-sqdist(Vi(x), Vj(y)))

test_that("it gives what the product gives, for vectors and any number of columns, over both indices", {
  local_rkeops_options()
  K <- kernel()
  multiply <- operator(K)
  across <- operator(K, index = "i")
  for (columns in c(1, 3, 2, 3, 5, 6, 7, 1, 3)) {
    v <- random_matrix(40, columns, seed = columns)
    expect_identical(multiply(v), K %*% v)
    u <- random_matrix(70, columns, seed = columns)
    expect_identical(across(u), t(K) %*% u)
  }
  expect_identical(multiply(1:40), K %*% 1:40)
  expect_identical(multiply(rep(c(TRUE, FALSE), 20)), K %*% rep(c(TRUE, FALSE), 20))
  expect_identical(multiply(data.frame(a = 1:40, b = 0.5)), K %*% data.frame(a = 1:40, b = 0.5))
})

test_that("the argument is a variable of its own, also where it is data of K", {
  local_rkeops_options()
  v <- random_matrix(40, 1, seed = 3)
  K <- kernel() * Vj(v)
  multiply <- operator(K)
  expect_identical(multiply(v), K %*% v)
  expect_identical(multiply(2 * v), K %*% (2 * v))
  expect_identical(multiply(v), K %*% v)
})

test_that("vectors, masks, parameters, integers, one index and reductions in K", {
  local_rkeops_options()
  v <- random_matrix(40, 1, seed = 4)
  s <- Pm(0.5)
  for (K in list(Vi(x) * Vj(y), Vi(x) < Vj(y), exp(-sqdist(Vi(x), Vj(y)) / s), Vj(y) + 1)) {
    expect_identical(operator(K)(v), K %*% v)
  }
  K <- off_diagonal(exp(-sqdist(Vi(x), Vj(x))))
  expect_identical(operator(K)(x[, 1]), K %*% x[, 1])
  expect_identical(operator(K, "i")(x[, 1:2]), t(K) %*% x[, 1:2])
})

test_that("names of rows and columns are those of the product", {
  local_rkeops_options()
  named <- x
  rownames(named) <- paste0("r", seq_len(70))
  K <- exp(-sqdist(Vi(named), Vj(y)))
  v <- matrix(1, 40, 2, dimnames = list(NULL, c("a", "b")))
  expect_identical(operator(K)(v), K %*% v)
  expect_identical(operator(K)(v[, 1]), K %*% v[, 1])
  expect_identical(operator(K, "i")(diag(70)), t(K) %*% diag(70))
})

test_that("it follows the options, and survives files, forks and cleaning", {
  local_rkeops_options()
  K <- kernel()
  v <- random_matrix(40, 2, seed = 5)
  multiply <- operator(K)
  expected <- multiply(v)
  rkeops_use_float32()
  expect_identical(multiply(v), K %*% v)
  expect_false(identical(multiply(v), expected))
  rkeops_use_float64()
  expect_identical(multiply(v), expected)
  clean_rkeops(verbose = FALSE)
  expect_equal(rk_statistics()$kernels_in_memory, 0)
  expect_identical(multiply(v), expected)
  expect_identical(unserialize(serialize(multiply, NULL))(v), expected)
  skip_on_os("windows")
  forked <- parallel::mclapply(1:2, function(k) multiply(k * v), mc.cores = 2)
  expect_equal(forked[[2]], 2 * expected)
})

test_that("later changes of what was given do not matter", {
  local_rkeops_options()
  own <- y + 0
  v <- random_matrix(40, 1, seed = 6)
  K <- exp(-sqdist(Vi(x), Vj(own)))
  multiply <- operator(K)
  expected <- multiply(v)
  own[1, 1] <- 100
  v[1] <- 5
  result <- multiply(v)
  expect_identical(result, kernel() %*% v)
  result[1] <- 0
  expect_false(identical(multiply(v)[1], 0))
  gc()
  expect_identical(multiply(random_matrix(40, 1, seed = 6)), expected)
})

test_that("wrong arguments are classed errors, and the operator goes on", {
  local_rkeops_options()
  K <- kernel()
  multiply <- operator(K)
  expect_error(multiply(1:3), class = "rkeops_error_dimension")
  expect_error(multiply("a"), class = "rkeops_error_input")
  expect_error(multiply(1i * 1:40), class = "rkeops_error_unsupported")
  expect_identical(multiply(1:40), K %*% 1:40)
  expect_error(operator(1), class = "rkeops_error_argument")
  expect_error(operator(K, "ij"), class = "rkeops_error_argument")
  expect_error(operator(Vi(x)), class = "rkeops_error_argument")
  expect_error(operator(Vi(x) * (1 + 1i)), class = "rkeops_error_unsupported")
})

test_that("it prints what it does", {
  expect_output(print(operator(kernel())), "operator of a 70 x 40 LazyTensor: v -> K %*% v", fixed = TRUE)
  expect_output(print(operator(kernel(), "i")), "v -> t(K) %*% v", fixed = TRUE)
})
