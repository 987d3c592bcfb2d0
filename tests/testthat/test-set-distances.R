x <- random_matrix(40, 2, seed = 1)
y <- random_matrix(30, 2, seed = 2)

test_that("distances of sets are those of whole matrices", {
  local_rkeops_options()
  D <- sqrt(squared_distances(x, y))
  to_y <- apply(D, 1, min)
  to_x <- apply(D, 2, min)
  expect_close(hausdorff(x, y), max(to_x, to_y), 1e-14)
  expect_close(hausdorff(x, y, directed = TRUE), max(to_y), 1e-14)
  expect_close(chamfer(x, y), mean(to_x) + mean(to_y), 1e-14)
  expect_close(chamfer(y, x, directed = TRUE, squared = TRUE), mean(to_x^2), 1e-14)
  expect_identical(c(hausdorff(x, x), chamfer(x, x)), c(0, 0))
  expect_close(hausdorff(c(0, 1), 5), 5)
})

test_that("errors", {
  expect_error(hausdorff(x), class = "rkeops_error_argument")
  expect_error(hausdorff(x, 1:3), class = "rkeops_error_dimension")
  expect_error(chamfer(x, y, squared = NA), class = "rkeops_error_argument")
  expect_error(chamfer(c(1, Inf), 1), class = "rkeops_error_input")
})
