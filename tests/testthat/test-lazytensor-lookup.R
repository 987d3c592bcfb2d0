# Tables looked up by position: values, positions outside, gradients.
M <- matrix(c(0.5, 1.25, 2, 3.5, -1, 7), 2)
v <- c(0.25, -3, 10, 4)
i <- c(1, 2, 2, 1, 2)
j <- c(3, 1, 2)
x_i <- Vi(matrix(i))
y_j <- Vj(matrix(j))

test_that("entries, rows and columns are those of R", {
  for (precision in c("float64", "float32")) {
    local_rkeops_options(precision = precision)
    expect_equal(values_of(lookup(v, x_i)), matrix(v[i]))
    expect_equal(values_of(lookup(Pm(v), x_i + 2)), matrix(v[i + 2]))
    expect_equal(values_of(lookup(M, x_i)), M[i, ])
    expect_equal(values_of(lookup(M, j = y_j)), t(M)[j, ])
    expect_equal(sum(lookup(M, x_i, y_j), "j"), matrix(rowSums(M[i, j])))
    expect_equal(values_of(lookup(M, x_i, 2)), matrix(M[i, 2]))
    expect_equal(max(lookup(M, x_i, y_j), "i"), matrix(apply(M[i, j], 2, max)))
  }
  expect_equal(lookup(M, x_i)$dimres, 3)
  expect_equal(lookup(M, j = y_j)$dimres, 2)
  expect_equal(lookup(M, x_i, y_j)$dimres, 1)
  expect_equal(values_of(lookup(5, x_i)), matrix(c(5, NaN, NaN, 5, NaN)))
  expect_equal(values_of(lookup(as.data.frame(M), x_i)), M[i, ])
  expect_match(format(lookup(M, x_i, y_j))[2], "lookup(M, ", fixed = TRUE)
})

test_that("positions follow the option index_base", {
  local_rkeops_options(index_base = 0L)
  expect_equal(sum(lookup(M, Vi(matrix(i - 1)), Vj(matrix(j - 1))), "j"), matrix(rowSums(M[i, j])))
  expect_equal(values_of(lookup(v, Vi(matrix(i - 1)))), matrix(v[i]))
})

test_that("positions outside of the table give NaN, others are rounded", {
  p <- Vi(matrix(c(0, 1, 4, 5, -1, NaN, 1.4, 1.6, 1e300)))
  expect_equal(drop(values_of(lookup(v, p))), c(NaN, v[1], v[4], NaN, NaN, NaN, v[1], v[2], NaN))
  expect_equal(values_of(lookup(M, Pm(3))), t(c(NaN, NaN, NaN)))
  expect_equal(drop(values_of(lookup(M, Vi(matrix(c(2, 2, 3))), Pm(3)))), c(M[2, 3], M[2, 3], NaN))
})

test_that("large positions are exact", {
  long <- rep_len(c(3, 1, 4, 1, 5, 9, 2), 2^24 + 2)
  at <- c(2^24 - 1, 2^24, 2^24 - 6)
  local_rkeops_options(precision = "float64")
  beyond <- c(at, 2^24 + 1, 2^24 + 2)
  expect_equal(drop(values_of(lookup(long, Vi(matrix(beyond))))), long[beyond])
  rkeops_use_float32()
  expect_error(lookup(long, x_i), "2\\^24", class = "rkeops_error_input")
  expect_equal(drop(values_of(lookup(long[seq_len(2^24)], Vi(matrix(at))))), long[at])
  wide <- matrix(long[seq_len(2^24)], 2^12)   # entries of numbers above 2^24 need two positions only
  wide <- cbind(wide, wide[, 1:2] + 0.5)
  rows <- 2^12 - 0:2
  expect_equal(sum(lookup(wide, Vi(matrix(rows)), Vj(matrix(2^12 + 1:2))), "j"),
               matrix(rowSums(wide[rows, 2^12 + 1:2])))
})

test_that("gradients go to the table", {
  table <- Pm(v)
  eta <- matrix(c(1, 10, 100, 1000, 10000))
  gradient <- vjp(lookup(table, x_i), table, eta, index = NA)
  expect_equal(gradient, c(1001, 10110, 0, 0))
  expect_equal(vjp(lookup(v, x_i) * x_i, x_i, eta, index = NA), v[i] * eta)
  cost <- function(z) sum(matrix(z, 2, byrow = TRUE)[i, j])
  by_entry <- keops_kernel("Sum_Reduction(Lookup(c,a,b,3),1)", c("a=Vi(1)", "b=Vj(1)", "c=Pm(6)"))
  rows <- as.vector(t(M))
  expect_close(keops_grad(by_entry, "c")(list(i - 1, j - 1, rows, rep(1, 5))), t(numeric_gradient(cost, rows)), 1e-6)
})

test_that("wrong tables and positions are refused", {
  expect_error(lookup(v), "`i` is missing", class = "rkeops_error_argument")
  expect_error(lookup(M), "`i` is missing", class = "rkeops_error_argument")
  expect_error(lookup(v, j = x_i), "`i` is missing", class = "rkeops_error_argument")
  expect_error(lookup(v, x_i, y_j), "vector", class = "rkeops_error_argument")
  for (bad in list("a", NULL, list(1), numeric(), array(1, c(2, 2, 2)), factor("a"), mean)) {
    expect_error(lookup(bad, x_i), "`table`", class = "rkeops_error_input")
  }
  expect_error(lookup(x_i, y_j), "cannot depend on i or j", class = "rkeops_error_argument")
  expect_error(lookup(Pm(v) * 2, y_j), "`table`", class = "rkeops_error_argument")
  expect_error(lookup(v, Vi(matrix(1, 4, 2))), "`i` has dimension 2", class = "rkeops_error_dimension")
  expect_error(lookup(M, x_i, c(1, 2)), "`j` has dimension 2", class = "rkeops_error_dimension")
  expect_error(lookup(M, matrix(i)), "`i` is a matrix without an index", class = "rkeops_error_input")
  expect_error(lookup(M, "a"), "`i`", class = "rkeops_error_input")
  expect_error(lookup(M, x_i, Vi(matrix(1:3))), "numbers of rows i", class = "rkeops_error_dimension")
})
