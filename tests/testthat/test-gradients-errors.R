# What gradients() and its relatives refuse, and what they say.

x <- matrix(1:8 / 10, 4)
y <- matrix(1:6 / 10, 3)
x_i <- Vi(x)
y_j <- Vj(y)
K_ij <- exp(-sqdist(x_i, y_j))

test_that("errors of gradients", {
  expect_snapshot_output(show_errors(
    gradients(x, x_i),
    gradients(K_ij, x_i + 1),
    gradients(K_ij, Vi(x + 1)),
    gradients(K_ij * Pm(2), Pm(2)),
    gradients(K_ij),
    gradients(K_ij, 9),
    jvp(K_ij, x_i, index = "j"),
    gradients(K_ij, "x"),
    gradients(K_ij, list()),
    gradients(K_ij, list(x_i, x_i)),
    gradients(K_ij, list(list(x_i, y_j))),
    gradients(K_ij, x_i, index = "k"),
    vjp(K_ij, x_i),
    gradients(K_ij, x_i, reduction = "Product"),
    gradients(K_ij, x_i, reduction = "Max_SumShiftExp"),
    gradients(K_ij, x_i, reduction = "KMin"),
    gradients(K_ij, x_i, reduction = "SumSoftMaxWeight"),
    gradients(x_i * y_j, x_i, reduction = "LogSumExp", opt_arg = y_j),
    gradients(K_ij, x_i, 1:3),
    gradients(x_i * y_j, x_i, matrix(0, 4, 3)),
    gradients(K_ij, x_i, y_j),
    gradients(K_ij, x_i, "a"),
    gradients(K_ij, x_i, loss = 3),
    gradients(K_ij, x_i, loss = function(r) sum(r)),
    gradients(K_ij, x_i, loss = sum),
    gradients(K_ij, x_i, derivative = exp),
    gradients(K_ij, x_i, loss = sum, derivative = function(r) 1:3),
    gradients(real2complex(K_ij), x_i),
    jvp(K_ij, x_i, matrix(0, 4, 3), "j"),
    jvp(K_ij, x_i, y_j, "j"),
    jvp(K_ij, list(x_i, y_j), x, "j"),
    hvp(K_ij, x_i, 1:2)
  ))
})

test_that("errors of objectives", {
  s <- Pm(0.5)
  o <- objective(K_ij * s, list(s = s))
  expect_snapshot_output(show_errors(
    objective(K_ij, list(a = x_i, a = y_j)),
    objective(exp(-sqdist(x_i, Vj(x + 1))), list(list(x_i, 2))),
    o$fn(1:3),
    o$gr("a"),
    o + "a",
    o %% 2,
    2^o,
    sin(o),
    o + objective(K_ij * Pm(0.75), list(s = 2))
  ))
})
