# Data that are not what was declared: operators and LazyTensors.

x <- matrix(0, 4, 3)
y <- matrix(0, 5, 3)

test_that("data of operators", {
  op <- keops_kernel("Sum_Reduction(SqDist(x,y)*b*s,1)", c("x=Vi(3)", "y=Vj(3)", "b=Vj(2)", "s=Pm(1)"))
  b <- matrix(0, 5, 2)
  expect_snapshot_output(show_errors(
    op(x),
    op(list(x, y), inner_dim = "rows"),
    op(list(x, y, b)),
    op(list(x = x, y, b, 1)),
    op(list(x = x, y = y, beta = b, s = 1)),
    op(list(x[, 1:2], y, b, 1)),
    op(list(t(x), t(y), b, 1), inner_dim = "row"),
    op(list(x, y, b[-1, ], 1)),
    op(list(x, y, b, 1:2)),
    op(list(x, y, b, "1")),
    op(list(x, y, b, NULL)),
    op(list(x, array(0, c(5, 3, 2)), b, 1)),
    op(list(x, y, data.frame(u = 1:5, v = letters[1:5]), 1)),
    op(list(x, y, b, factor("a")))
  ))
  expect_snapshot_output(show_errors(
    keops_kernel("ArgMin_Reduction(y,1)", "y=Vj(3)")(list(y[0, ])),
    keops_kernel("KMin_Reduction(y,9,1)", "y=Vj(3)")(list(y)),
    keops_source(1),
    keops_source(op, "tpu"),
    keops_grad(op, "z"),
    keops_grad(op, 4),
    keops_grad(sum, "x")
  ))
})

test_that("making LazyTensors", {
  expect_snapshot_output(show_errors(
    Vi(list(1:3)),
    Vj("a"),
    Pm(x),
    Pm("a"),
    Pm(Pm(1)),
    Vi(Vi(x)),
    Vi(matrix("a")),
    LazyTensor(x),
    LazyTensor(x, "k"),
    LazyTensor(numeric()),
    LazyTensor(list(1)),
    LazyTensor(Pm(1)),
    LazyTensor(array(0, c(2, 2, 2)), "i"),
    LazyTensor(x[, 0], "i"),
    LazyTensor(x, "i", is_complex = NA),
    is.LazyVector(x)
  ))
})

test_that("combining LazyTensors", {
  x_i <- Vi(x)
  y_j <- Vj(y)
  expect_snapshot_output(show_errors(
    x_i + Pm(1:2),
    x_i + Vi(x[-1, ]),
    x_i + x,
    x_i + "a",
    x_i + numeric(),
    x_i * 1:4,
    sqdist(x_i, Pm(1:2)),
    x_i %% Vj(y[, 1:2]),
    prod(x_i),
    cumsum(x_i),
    gamma(x_i),
    round(x_i, NA)
  ))
})

test_that("parts and functions of LazyTensors", {
  x_i <- Vi(x)
  expect_snapshot_output(show_errors(
    elem(x_i, 4),
    elem(x_i, 1.5),
    extract(x_i, 2, 3),
    extractT(x_i, 2, 2),
    elemT(x_i, 1, 3),
    elemT(Pm(0.5), 4, 3),
    one_hot(Pm(0.5), 0),
    clampint(x_i, 0.5, 1),
    matvecmult(x_i, Pm(1:2)),
    matern(x_i, Vj(y), nu = 0),
    matern(x_i, Vj(y), lengthscale = -1),
    matern(x_i, Vj(y), lengthscale = c(1, 2)),
    lookup(1:3),
    lookup(1:3, x_i),
    lookup(1:3, elem(x_i, 1), elem(x_i, 1)),
    lookup(x_i, elem(x_i, 1)),
    lookup("a", elem(x_i, 1)),
    unaryop.LazyTensor(x_i, "Epx"),
    unaryop.LazyTensor(x_i, "Elem"),
    binaryop.LazyTensor(x_i, 1, "%", is_operator = TRUE),
    binaryop.LazyTensor(x_i, Pm(1:2), "Add")
  ))
  local_rkeops_options(precision = "float32")
  expect_snapshot_output(show_errors(lookup(1:(2^24 + 1), elem(x_i, 1))))
})

test_that("reducing LazyTensors", {
  x_i <- Vi(x)
  y_j <- Vj(y)
  expect_snapshot_output(show_errors(
    sum(x_i * y_j, "k"),
    sum(x_i, "i", 3),
    min_argmin(x, "i"),
    argKmin(x_i * y_j, 0, "j"),
    argKmin(x_i * y_j, 6, "j"),
    reduction.LazyTensor(x_i, "Summ", "i"),
    sumsoftmaxweight(x_i, "i", y_j),
    (x_i * y_j) %*% x
  ))
  local_rkeops_options(formula_only = TRUE)
  expect_snapshot_output(show_errors(suppressMessages(sum(sqdist(x_i, y_j), "j"))))
})

test_that("gradients of reductions", {
  x_i <- Vi(x)
  y_j <- Vj(y)
  f <- sqdist(x_i, y_j)
  eta_i <- Vi(matrix(1, 4, 1))
  expect_snapshot_output(show_errors(
    grad(x, eta_i, "Sum", x_i, "j"),
    grad(f, eta_i, 1, x_i, "j"),
    grad(f, eta_i, "Sum", x_i, "k"),
    grad(f, Vj(matrix(1, 5, 1)), "Sum", x_i, "j"),
    grad(f, eta_i, "Sum", Vi(x + 1), "j"),
    grad(f, eta_i, "Sum", x_i + 1, "j"),
    grad(f, eta_i, "Sum", 2, "j")
  ))
})

test_that("LazyTensors as matrices and lists", {
  local_rkeops_options()
  x_i <- Vi(x)
  y_j <- Vj(y)
  K_ij <- exp(-sqdist(x_i, y_j))
  other_j <- Vj(x + 1)
  expect_snapshot_output(show_errors(
    K_ij[1, 2, 3],
    image(x_i * y_j),
    as.list(K_ij),
    solve(exp(-sqdist(x_i, Vj(x))), 1:4 + 1i),
    elemT(x_i * 1i, 1, 2),
    objective(sqdist(x_i, other_j), list(same = list(x_i, other_j)))
  ))
})
