# keops_kernel(): declarations, inputs, errors that show the place in the formula.
x <- random_matrix(6, 3, 1)
y <- random_matrix(9, 3, 2)
b <- random_matrix(9, 2, 3)
formula <- "Sum_Reduction(Exp(-s*SqNorm2(x-y))*b,1)"
args <- c("x=Vi(3)", "y=Vj(3)", "b=Vj(2)", "s=Pm(1)")
expected <- exp(-0.5 * squared_distances(x, y)) %*% b
op <- keops_kernel(formula, args)

test_that("an operator evaluates its formula", {
  expect_true(is.function(op))
  expect_close(op(list(x, y, b, 0.5)), expected)
  expect_identical(dim(op(list(x, y, b, 0.5))), c(6L, 2L))
  over_i <- keops_kernel("Sum_Reduction(SqNorm2(x-y)*b,0)", args[-4])
  expect_close(over_i(list(x, y, b)), colSums(squared_distances(x, y)) * b)
})

test_that("named inputs are matched by name, whatever the style of declaration", {
  expect_close(op(list(s = 0.5, b = b, y = y, x = x)), expected)
  positional <- keops_kernel(formula, c("b=Vj(2,2)", "s=Pm(3,1)", "x=Vi(0,3)", "y=Vj(1,3)"))
  expect_close(positional(list(x, y, b, 0.5)), expected)
  expect_close(positional(list(s = 0.5, b = b, y = y, x = x)), expected)
  expect_error(op(list(x, y = y, b, 0.5)), "only some", class = "rkeops_error_input")
  expect_error(op(list(x = x, y = y, b = b, S = 0.5)), "`S` is unknown", class = "rkeops_error_input")
  expect_error(op(list(x = x, x = x, y = y, b = b)), "given twice", class = "rkeops_error_input")
})

test_that("variables may be written inline, with blanks, with old names, and be called lambda", {
  inline <- keops_kernel("Sum_Reduction( SqDist( Vi(0, 3), Vj(1 ,3) ), 1 )")
  expect_close(inline(list(x, y)), rowSums(squared_distances(x, y)))
  old <- keops_kernel("Sum_Reduction(lambda*SqDist(x, y), 1)", c("lambda = Pm( 1 )", "x=Vx(3)", "y=Vy(3)"))
  expect_close(old(list(2, x, y)), 2 * rowSums(squared_distances(x, y)))
  var <- keops_kernel("Sum_Reduction(SqDist(x,Var(1,3,1)),1)", "x=Vi(0,3)")
  expect_close(var(list(x, y)), rowSums(squared_distances(x, y)))
})

test_that("parts of a formula have names", {
  named <- keops_kernel("K = Exp(-s*SqNorm2(x-y)); L = K*K; Sum_Reduction((K+L)*b,1);", args)
  K <- exp(-0.5 * squared_distances(x, y))
  expect_close(named(list(x, y, b, 0.5)), (K + K^2) %*% b)
  gradient <- keops_grad(named, "x")
  plain <- keops_grad(keops_kernel("Sum_Reduction((Exp(-s*SqNorm2(x-y))+Exp(-2*s*SqNorm2(x-y)))*b,1)", args), "x")
  eta <- random_matrix(6, 2, 4)
  expect_close(gradient(list(x, y, b, 0.5, eta)), plain(list(x, y, b, 0.5, eta)))
  error <- expect_error(keops_kernel("b = x; Sum_Reduction(b,1)", args), "'b' cannot be defined", class = "rkeops_error_parse")
  expect_equal(error$position, 0)
})

test_that("op() gives the context", {
  expect_named(op(), c("formula", "args", "args_info", "sum_scheme"))
  expect_identical(op()$formula, formula)
  expect_identical(op(NULL)$args, args)
  expect_identical(op()$sum_scheme, "auto")
  expect_identical(op()$args_info, list(
    args = args, var_name = c("x", "y", "b", "s"), var_type = c("Vi", "Vj", "Vj", "Pm"), var_pos = c(0, 1, 2, 3),
    var_dim = c(3, 3, 2, 1), decl = "dim"
  ))
})

test_that("inputs of all numeric kinds", {
  whole <- matrix(1:18, 6)
  expect_close(op(list(whole, y, b, 0.5)), op(list(whole + 0, y, b, 0.5)))
  frame <- as.data.frame(x)
  expect_close(op(list(frame, y, b, 0.5)), expected)
  expect_close(op(list(x, y, b, matrix(0.5))), expected)
  linear <- keops_kernel("Sum_Reduction(x*y|p,1)", c("x=Vi(1)", "y=Vj(1)", "p=Pm(2)"))
  reference <- cbind((1:3) * 10 * 3)
  for (p in list(c(1, 2), cbind(c(1, 2)), rbind(c(1, 2)), 1:2)) {
    expect_close(linear(list(1:3, 1:4, p)), reference)
    expect_close(linear(list(matrix(1:3, 1), 1:4, p), inner_dim = "row"), reference)
  }
  expect_equal(linear(list(c(NA, TRUE), 1, c(1, 0))), matrix(c(NaN, 1)))
  expect_equal(linear(list(table(c(1, 1, 2)), 1, c(1, 0))), matrix(c(2, 1), dimnames = list(c("1", "2"), NULL)))
  expect_equal(linear(list(c(NA, 2L), 1L, c(1L, 0L))), matrix(c(NaN, 2)))
})

test_that("inner_dim = \"row\" takes transposed data", {
  expect_close(op(list(t(x), t(y), t(b), 0.5), inner_dim = "row"), expected)
  expect_error(op(list(x, y, b, 0.5), inner_dim = "col2"), "inner_dim", class = "rkeops_error_argument")
})

test_that("bad inputs are refused, and named", {
  expect_error(op(x, y), "in one list", class = "rkeops_error_argument")
  expect_error(op(c(x, y)), "`input`", class = "rkeops_error_input")
  expect_error(op(as.data.frame(x)), "`input`", class = "rkeops_error_input")
  expect_error(op(list(x, y)), "got 2 inputs, expected 4", class = "rkeops_error_input")
  expect_error(op(list()), class = "rkeops_error_input")
  for (bad in list("a", NULL, list(1), factor("a"), data.frame(u = "v"), mean, quote(z), Sys.Date())) {
    error <- tryCatch(op(list(x, y, b, bad)), error = identity)
    expect_s3_class(error, "rkeops_error_input")
    expect_match(conditionMessage(error), "`s`")
    expect_identical(error$argument, "s")
  }
  expect_error(op(list(x, y, b, 1i)), "`s`", class = "rkeops_error_input")
  expect_error(op(list(x[, 1:2], y, b, 0.5)), "x=Vi", class = "rkeops_error_input")
  expect_error(op(list(x, t(y), b, 0.5)), "y=Vj", class = "rkeops_error_input")
  expect_error(op(list(x, y, b[-1, ], 0.5)), "b=Vj", class = "rkeops_error_input")
  expect_error(op(list(x, y, b, c(1, 2))), "s=Pm", class = "rkeops_error_input")
  expect_error(op(list(x, y, array(1, c(9, 2, 1)), 0.5)), "`b`", class = "rkeops_error_input")
  expect_close(op(list(x, y, b, 0.5)), expected)
})

test_that("bad declarations and formulas are refused at once", {
  expect_error(keops_kernel(3, args), "formula", class = "rkeops_error_argument")
  expect_error(keops_kernel(c(formula, formula), args), class = "rkeops_error_argument")
  expect_error(keops_kernel(formula, 3), "args", class = "rkeops_error_argument")
  for (bad in c("x", "x=Vk(3)", "x=Vi(a)", "x=Vi(1,2,3)", "x=Vi()", "3x=Vi(3)", NA, "")) {
    expect_error(keops_kernel("Sum_Reduction(x,1)", bad), "args", class = "rkeops_error_argument")
  }
  expect_error(keops_kernel("Sum_Reduction(x,1)", "x=Vi(0)"), class = "rkeops_error")
  expect_error(keops_kernel("Sum_Reduction(x,1)", c("x=Vi(3)", "x=Vj(3)")), "twice", class = "rkeops_error_argument")
  expect_error(keops_kernel("Sum_Reduction(x,1)", c("x=Vi(0,3)", "y=Vj(3)")), "mixes", class = "rkeops_error_argument")
  expect_error(keops_kernel("Sum_Reduction(x,1)", c("x=Vi(0,3)", "y=Vj(0,3)")), class = "rkeops_error_argument")
  expect_error(keops_kernel(formula, args, sum_scheme = "best"), "sum_scheme", class = "rkeops_error_argument")
  expect_error(keops_kernel("Min_Reduction(x,1)", "x=Vj(1)", "kahan_scheme"), class = "rkeops_error_argument")
})

test_that("all sum schemes of RKeOps 2 are taken, for sums", {
  for (scheme in c("auto", "direct_sum", "block_sum", "kahan_scheme")) {
    op <- keops_kernel(formula, args, sum_scheme = scheme)
    expect_identical(op()$sum_scheme, scheme)
    expect_close(op(list(x, y, b, 0.5)), expected)
    for (reduction in c("LogSumExp", "Max_SumShiftExp")) {
      expect_s3_class(keops_kernel(sprintf("%s_Reduction(x,1)", reduction), "x=Vj(1)", scheme), "keops_operator")
    }
  }
  for (scheme in c("block_sum", "kahan_scheme")) {
    expect_error(keops_kernel("Min_Reduction(x,1)", "x=Vj(1)", scheme), "is for sums", class = "rkeops_error_argument")
  }
})

test_that("errors in formulas show the place", {
  error <- tryCatch(keops_kernel("Sum_Reduction(Foo(x),1)", "x=Vi(3)"), error = identity)
  expect_s3_class(error, "rkeops_error_parse")
  expect_equal(error$position, 14)
  lines <- strsplit(conditionMessage(error), "\n")[[1]]
  expect_identical(lines[2:3], c("  Sum_Reduction(Foo(x),1)", paste0(strrep(" ", 16), "^")))
  expect_identical(conditionCall(error), quote(keops_kernel("Sum_Reduction(Foo(x),1)", "x=Vi(3)")))
  for (bad in c("Sum_Reduction(x", "Sum_Reduction(x,2)", "Foo_Reduction(x,1)", "Sum_Reduction(z,1)", "x +", "$x",
                "Sum_Reduction(Exp(x,x),1)", "Sum_Reduction((x,1)", "Sum_Reduction(x<x<x,1)")) {
    expect_error(keops_kernel(bad, "x=Vi(3)"), class = "rkeops_error_parse")
  }
  expect_error(keops_kernel("Sum_Reduction(x+y,1)", c("x=Vi(3)", "y=Vj(2)")), class = "rkeops_error_dimension")
  expect_error(keops_kernel("x", "x=Vi(3)"), class = "rkeops_error")
})

test_that("long formulas are cut around the place", {
  long <- paste0("Sum_Reduction(", strrep("x+", 100), "Foo(x)", strrep("+x", 100), ",1)")
  error <- tryCatch(keops_kernel(long, "x=Vi(3)"), error = identity)
  lines <- strsplit(conditionMessage(error), "\n")[[1]]
  expect_lt(max(nchar(lines)), 90)
  place <- regexpr("^", lines[3], fixed = TRUE)
  expect_identical(substr(lines[2], place, place + 2L), "Foo")
})

test_that("what the language table documents is accepted in strings", {
  value <- function(f) keops_kernel(sprintf("Sum_Reduction(%s,1)", f), c("x=Vi(1)", "y=Vi(1)"))(list(3, 2))[1]
  expect_equal(value("Concat(Concat(x^2,x**0.5),Concat(0.5*x,1/2*x))|Concat(Concat(y,y),Concat(y,y))"),
               2 * (9 + sqrt(3) + 3))
  expect_equal(value("(x==y)+10*(x!=y)+100*(x>=y)+(+x)+Powf(x,2)+Clamp(x,0,1)+Exp(2)+(x|2)"),
               0 + 10 + 100 + 3 + 9 + 1 + exp(2) + 6)
})

test_that("operators survive saveRDS", {
  file <- withr::local_tempfile()
  saveRDS(op, file)
  back <- readRDS(file)
  expect_identical(back(list(x, y, b, 0.5)), op(list(x, y, b, 0.5)))
  expect_identical(back(), op())
  again <- unserialize(serialize(op, NULL))
  expect_s3_class(keops_grad(again, "x"), "keops_operator")
})

test_that("K nearest has the shapes of an array", {
  nearest <- keops_kernel("KMin_ArgKMin_Reduction(x*y,2,1)", c("x=Vi(3)", "y=Vj(3)"))
  result <- nearest(list(x, y))
  expect_identical(lapply(result, dim), list(c(6L, 2L, 3L), c(6L, 2L, 3L)))
  expect_error(nearest(list(x, y[1, , drop = FALSE])), "K", class = "rkeops_error")
  expect_error(keops_kernel("KMin_Reduction(x,0,1)", "x=Vj(1)"), "K", class = "rkeops_error")
})

test_that("the same bits for any number of threads", {
  local_rkeops_options()
  big <- random_matrix(3000, 3, 7)
  data <- list(x = big, y = big, b = big[, 1:2], s = 0.5)
  rkeops_use_cpu(1)
  one <- op(data)
  rkeops_use_cpu(2)
  expect_identical(op(data), one)
})

test_that("a forked child computes too", {
  skip_on_os("windows")
  expected <- op(list(x, y, b, 0.5))
  results <- parallel::mclapply(1:2, function(k) op(list(x, y, b, 0.5)), mc.cores = 2)
  expect_identical(results, list(expected, expected))
})

test_that("SumBoth sums over both indices at once", {
  local_rkeops_options(precision = "float64")
  K <- exp(-squared_distances(x, y))
  args <- c("x=Vi(3)", "y=Vj(3)")
  both <- keops_kernel("SumBoth_Reduction(Exp(-SqDist(x,y)), Exp(-SqDist(x,y))*x, 1)", args)(list(x, y))
  expect_close(both, list(matrix(rowSums(K)), t(K) %*% x))
  swapped <- keops_kernel("SumBoth_Reduction(Exp(-SqDist(x,y)), Exp(-SqDist(x,y))*y, 0)", args)(list(x, y))
  expect_close(swapped, list(matrix(colSums(K)), K %*% y))
  expect_error(keops_grad(keops_kernel("SumBoth_Reduction(x|y, x|y, 1)", args), "x"), "SumBoth_Reduction has no gradient",
               class = "rkeops_error_unsupported")
  expect_error(keops_kernel("SumBoth_Reduction(x|y, 1)", args), "takes 3 arguments, got 2", class = "rkeops_error_parse")
})

test_that("LogSumExp_Reduction takes a weight", {
  x <- random_matrix(4, 2, 1)
  y <- random_matrix(5, 2, 2)
  w <- random_matrix(5, 1, 3, 0.5, 2)
  declared <- c("x = Vi(2)", "y = Vj(2)", "w = Vj(1)")
  op <- keops_kernel("LogSumExp_Reduction(-SqDist(x, y), w, 1)", declared)
  expect_close(op(list(x, y, w)), log(exp(-squared_distances(x, y)) %*% w))
  expect_close(keops_grad(op, "w")(list(x, y, w, matrix(1, 4))),
               t(exp(-squared_distances(x, y))) %*% (1 / (exp(-squared_distances(x, y)) %*% w)))
})

test_that("several formulas are computed together", {
  local_rkeops_options(precision = "float64")
  declared <- c("x = Vi(3)", "y = Vj(3)", "e = Vi(1)")
  reduction <- "Sum_Reduction(Exp(-SqDist(x, y)), 1)"
  formulas <- c("R", "Grad(R, x, e)", "Grad(R, y, e)", "KMin_ArgKMin_Reduction(x - y, 2, 1)")
  e <- random_matrix(6, 1, 4)
  together <- keops_kernel(paste0("R = ", reduction, "; ", paste(formulas, collapse = "; ")), declared)(list(x, y, e))
  alone <- lapply(gsub("R", reduction, formulas[1:3], fixed = TRUE), function(f) keops_kernel(f, declared)(list(x, y, e)))
  expect_equal(together[1:3], alone, ignore_attr = TRUE)
  expect_equal(unname(together[4:5]), keops_kernel(formulas[4], declared)(list(x, y, e)))
  expect_named(together, c("R", "", "", "", ""))
  expect_null(names(keops_kernel(paste(reduction, "; Max_Reduction(x - y, 1)"), declared)(list(x, y, e))))
  expect_error(keops_grad(keops_kernel("Sum_Reduction(x, 0); Sum_Reduction(y, 1)", declared), "x"), "several formulas",
               class = "rkeops_error_unsupported")
})

test_that("results that are definitions have their names", {
  declared <- c("x = Vi(1)", "y = Vj(1)")
  definitions <- "S = Sum_Reduction(x - y, 1); N = Min_ArgMin_Reduction(x * y, 0); B = SumBoth_Reduction(x, y, 1)"
  data <- list(1:3 / 3, 1:4 / 4)
  results <- keops_kernel(paste0(definitions, "; S; N; B; 2 * S"), declared)(data)
  expect_named(results, c("S", "N.value", "N.position", "B.i", "B.j", ""))
  expect_close(results$S, rowSums(outer(data[[1]], data[[2]], "-")))
  expect_equal(results$N.position, matrix(1, 4))
  expect_close(results$B.j, 3 * data[[2]])
  expect_null(names(keops_kernel("N = Min_ArgMin_Reduction(x * y, 1); N", declared)(data)))
})
