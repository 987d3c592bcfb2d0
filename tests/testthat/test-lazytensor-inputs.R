# What Vi(), Vj() and Pm() take as data: data frames, integers, logicals; refusals.
x <- random_matrix(5, 2, 1)

test_that("data frames of numbers are matrices", {
  points <- data.frame(a = x[, 1], b = x[, 2])
  y <- data.frame(a = 1:3, b = c(TRUE, FALSE, NA))
  expect_identical(values_of(Vi(points)), unname(as.matrix(points)))
  expect_identical(LazyTensor(points, "i")$data, list(as.matrix(points)))
  expect_equal(sum(Vj(y), "j"), t(c(a = 6, b = NA)))
  expect_identical(Vj(y)$data, Vj(as.matrix(y))$data)
  K_ij <- sqdist(Vi(points), Vj(points))
  K <- squared_distances(x, x)
  expect_close(K_ij %*% points, K %*% x)
  expect_close(as.data.frame(t(x)) %*% K_ij, t(x) %*% K)
  op <- keops_kernel("Sum_Reduction(x*y,1)", c("x=Vi(2)", "y=Vj(2)"))
  expect_close(op(list(points, points)), x * rep(colSums(x), each = 5))
  expect_error(LazyTensor(points), "index", class = "rkeops_error_argument")
  expect_error(Pm(points), class = "rkeops_error_argument")
})

test_that("integer and logical matrices", {
  counts <- matrix(1:6, 3)
  expect_equal(values_of(Vi(counts)), counts)
  expect_equal(sum(Vi(counts > 2), "i"), t(colSums(counts > 2)))
  expect_close((Vi(counts) | Vj(counts)) %*% c(1L, 0L, 2L), tcrossprod(counts) %*% c(1, 0, 2))
  expect_close((Vi(counts) | Vj(counts)) %*% c(TRUE, FALSE, TRUE), tcrossprod(counts) %*% c(1, 0, 1))
})

test_that("what is not numbers is refused, and columns are named", {
  K_ij <- sqdist(Vi(x), Vj(x))
  bad <- list(
    data.frame(a = 1:5, group = factor(1:5)), data.frame(a = 1:5, name = letters[1:5]),
    data.frame(a = 1:5, day = Sys.Date() + 1:5), data.frame(a = 1:5, time = Sys.time() + 1:5),
    data.frame(a = I(list(1, 2, 3, 4, 5))),
    factor(1:5), letters[1:5], matrix(letters[1:5]), list(1, 2), Sys.Date(), array(1, c(5, 2, 2)), data.frame()
  )
  for (data in bad) {
    for (f in list(Vi, Vj, function(x) LazyTensor(x, "i"))) expect_error(f(data), class = "rkeops_error_input")
  }
  for (data in bad[1:11]) expect_error(K_ij %*% data, class = "rkeops_error")
  op <- keops_kernel("Sum_Reduction(x,1)", "x=Vi(2)")
  expect_snapshot_output(show_errors(
    Vi(bad[[1]]),
    Vi(bad[[2]]),
    Vi(bad[[3]]),
    Vi(array(1, c(5, 2, 2))),
    Vi(matrix("a")),
    Vi(list(1, 2)),
    Vi(bad[[4]]$time),
    LazyTensor(x),
    K_ij %*% bad[[1]],
    op(list(bad[[1]]))
  ))
})
