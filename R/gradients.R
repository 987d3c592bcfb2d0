#' Gradients of reductions of LazyTensors
#'
#' `gradients()` gives a number that sums up a whole LazyTensor, by default the sum of all its entries, and its
#' gradients with respect to variables. `vjp()`, `jvp()` and `hvp()` are the adjoint, the differential and the Hessian
#' of a reduction, applied to numbers. [objective()] does the same for [stats::optim()] and the like.
#'
#' @details
#' With A the result of the reduction, which has one row per i if `index = "j"`:
#' * `gradients()`: value and gradients of `sum(e * A)`, or of `sum(e * loss(A))`;
#' * `vjp()` (vector-Jacobian product, reverse mode): the gradients of `sum(e * A)`;
#' * `jvp()` (Jacobian-vector product, forward mode): the change of A, to first order, when the variables change by
#'   `tangent`;
#' * `hvp()` (Hessian-vector product): the change of the gradients of `sum(e * A)`, or of `sum(e * loss(A))`, when the
#'   variables change by `tangent`.
#'
#' All that is needed is computed together: value and all gradients of sums take one pass over the pairs (i, j). After
#' a `loss`, `"LogSumExp"` or `"SumSoftMaxWeight"` gradients can need A first; those that do take a second pass
#' together. After `"Min"`, `"Max"` and `"KMin"` only the selected pairs are looked at. (On a GPU, and for more than 32
#' components, sums over i and sums over j are passes of their own.) Kernels are compiled once, also when data change.
#'
#' Derivatives of minima and maxima are those of the entries that are selected, and those of positions (`"ArgMin"`),
#' signs and comparisons are 0. A variable that occurs in `f` as rows i and as rows j at once, as in a matrix of
#' distances of a set of points to itself, is a list in `wrt`: `wrt = list(list(x_i, x_j))`.
#' On the other hand the same R object with the same index is always one variable: a copy of `x` that stays where it is,
#' while `Vi(x)` changes, is `Vi(x + 0)`.
#'
#' @param f a real LazyTensor.
#' @param wrt a variable of `f`, or of the weight: what `Vi()`, `Vj()` or `Pm()` returned; or a list of them. In a
#'   list, a list of variables stands for variables that are the same matrix, of which gradients are added up.
#' @param e weights of the result: a number; a vector with one number per row of the result; a matrix (or array) of its
#'   shape; or a LazyTensor indexed like the result, of dimension 1 or that of the result.
#' @param index `"j"`: reduce over j, `"i"`: over i. `NA`, for an `f` of one index or none: do not reduce, A are the rows of
#'   `f`.
#' @param reduction name of the reduction: `"Sum"`, `"LogSumExp"`, `"SumSoftMaxWeight"`, `"Min"`, `"Max"`, `"KMin"`, ...
#' @param opt_arg K for `"KMin"`, or the weight for `"LogSumExp"` and `"SumSoftMaxWeight"`: a LazyTensor, a number, or a
#'   vector or matrix with one number or row for each row that is reduced over.
#' @param loss a function of A that is applied entry by entry, such as `function(r) log1p(exp(-r))`.
#' @param derivative its derivative, a function of A, too. `NULL`: by the rules of [stats::D()], if `loss` is one
#'   expression. With a `derivative`, `loss` may also be any function of the matrix A, if `derivative(A)` has its
#'   shape.
#' @param second for `hvp()`: the derivative of `derivative`, a function of A that is applied entry by entry; or for a
#'   `loss` of the whole matrix A a function of A and of a change dA, which gives the change of `derivative(A)`. `NULL`:
#'   by the rules of [stats::D()], if `derivative` is one expression.
#' @param tangent a direction in which the variable changes: numbers or a LazyTensor of its shape, or one number for all
#'   entries; if `wrt` is a list, a list of them.
#' @return `gradients()`: a list of `value`, the number; `gradient`; and `result`, the matrix A. The `gradient`, and
#'   what `vjp()` and `hvp()` give: a matrix of the shape of the variable's data, a vector for a parameter, complex
#'   for a complex variable z (that with respect to Re(z) plus i times that with respect to Im(z)); if `wrt` is a
#'   list, a list of them, with its names. `jvp()`: a matrix (or array) of the shape of A.
#'
#'   Errors: of class `rkeops_error_argument` if a variable does not occur, or is an expression;
#'   `rkeops_error_dimension` if `e` or `tangent` has another shape; `rkeops_error_unsupported` if `f` is complex, or an
#'   operation or the reduction has no derivative.
#' @seealso [objective()]; [grad()] as in RKeOps 2; [keops_grad()] for formulas as text.
#' @seealso `vignette("gradients")`.
#' @concept automatic differentiation
#' @concept gradient
#' @concept Jacobian
#' @concept Hessian
#' @concept backpropagation
#' @concept adjoint
#' @concept sensitivity
#' @concept derivative
#' @examples
#' x <- matrix(runif(20), 10)
#' y <- matrix(runif(30), 15)
#' x_i <- Vi(x)
#' y_j <- Vj(y)
#' s <- Pm(0.5)
#' K_ij <- exp(-sqdist(x_i, y_j) / s)
#'
#' gradients(K_ij, x_i)$gradient
#' str(gradients(K_ij, list(x = x_i, y = y_j, s = s)))
#'
#' # of the log-likelihood of a kernel density
#' gradients(-sqdist(x_i, y_j) / s, s, reduction = "LogSumExp")
#'
#' # of quadratic forms a' K b
#' a <- rnorm(10)
#' b <- rnorm(15)
#' vjp(K_ij * Vj(matrix(b)), s, e = a, index = "j")
#'
#' jvp(K_ij, x_i, tangent = 1, index = "j")
#' hvp(K_ij, list(x_i, s), tangent = list(0, 1))
#' hvp(K_ij, s, tangent = 1, loss = function(r) log(r))
#' @export
gradients <- function(f, wrt, e = 1, index = "j", reduction = "Sum", opt_arg = NULL, loss = NULL, derivative = NULL) {
  call <- sys.call()
  fold <- new_fold(f, index, reduction, opt_arg, call)
  variables <- find_variables(fold, wrt, call)
  found <- value_and_adjoints(fold, variables, as_adjoint(e, fold, call), check_loss(loss, derivative, call))
  list(value = found$value, gradient = shape_adjoints(found$adjoints, variables), result = found$result)
}

#' @rdname gradients
#' @export
vjp <- function(f, wrt, e = 1, index, reduction = "Sum", opt_arg = NULL) {
  call <- sys.call()
  fold <- new_fold(f, index, reduction, opt_arg, call)
  variables <- find_variables(fold, wrt, call)
  found <- reverse(fold, unlist(variables$ids), as_adjoint(e, fold, call), value = FALSE)
  shape_adjoints(found$adjoints, variables)
}

#' @rdname gradients
#' @export
jvp <- function(f, wrt, tangent, index, reduction = "Sum", opt_arg = NULL) {
  call <- sys.call()
  fold <- new_fold(f, index, reduction, opt_arg, call)
  variables <- find_variables(fold, wrt, call)
  forward(with_tangents(fold, variables, tangent, call), unlist(variables$ids))
}

#' @rdname gradients
#' @export
hvp <- function(f, wrt, tangent, e = 1, index = "j", reduction = "Sum", opt_arg = NULL, loss = NULL,
                derivative = NULL, second = NULL) {
  call <- sys.call()
  fold <- new_fold(f, index, reduction, opt_arg, call)
  variables <- find_variables(fold, wrt, call)
  e <- as_adjoint(e, fold, call)
  loss <- check_loss(loss, derivative, call, second, twice = TRUE)
  fold <- with_tangents(fold, variables, tangent, call)
  ids <- unlist(variables$ids)
  adjoints <- if (is.null(loss)) reverse_of_forward(fold, ids, e) else hessian_of_loss(fold, ids, e, loss)
  shape_adjoints(adjoints, variables)
}

# With A the result and dA its change: the Hessian is that of sum(e1 * A) where e1 = e * derivative(A), and what comes
# from the change of e1.
hessian_of_loss <- function(fold, ids, e, loss) {
  change <- forward(fold, ids)
  found <- reverse(fold, ids, function(result) {
    adjoint_of_loss(as.vector(e) * as.vector(loss$second(result, change)), fold, "second")
  })
  e1 <- adjoint_of_loss(as.vector(e) * as.vector(loss$derivative(found$value)), fold, "derivative")
  Map(`+`, found$adjoints[ids], reverse_of_forward(fold, ids, e1)[ids])
}

# Value of sum(e * loss(result)), the result, and the adjoints of all identifiers.
value_and_adjoints <- function(fold, variables, e, loss) {
  ids <- unlist(variables$ids)
  if (is.null(loss)) {
    found <- reverse(fold, ids, e)
    return(list(value = sum(as.vector(e) * found$value), result = found$value, adjoints = found$adjoints))
  }
  found <- reverse(fold, ids, function(result) {
    adjoint_of_loss(as.vector(e) * loss$derivative(result), fold, "derivative")
  })
  list(value = sum(as.vector(e) * loss$value(found$value)), result = found$value, adjoints = found$adjoints)
}

# What `derivative` or `second` gave, as a matrix with a row per row of the result.
adjoint_of_loss <- function(slopes, fold, arg) {
  size <- fold$rows * fold$columns
  if (length(slopes) == 1L) slopes <- rep_len(slopes, size)
  if (length(slopes) == size) return(matrix(as.double(slopes), fold$rows))
  rkeops_abort("dimension", sprintf("`%s` must give as many numbers as the result has, or one", arg), call = fold$call,
               argument = arg, got = sprintf("%d instead of %.0f", length(slopes), size))
}

# `second` of what this gives is a function of the result and its change.
check_loss <- function(loss, derivative, call, second = NULL, twice = FALSE) {
  if (is.null(loss) && is.null(derivative) && is.null(second)) return(NULL)
  if (!is.function(loss)) abort_argument("loss", "a function of the result", loss, call)
  if (is.null(derivative)) derivative <- derivative_of(loss, call)
  if (!is.function(derivative)) abort_argument("derivative", "a function of the result", derivative, call)
  if (!twice) return(list(value = loss, derivative = derivative))
  if (is.null(second)) second <- derivative_of(derivative, call, "derivative", "second")
  if (!is.function(second)) {
    abort_argument("second", "a function of the result, or of the result and its change", second, call)
  }
  of_change <- !is.primitive(second) && length(formals(second)) > 1L
  list(value = loss, derivative = derivative,
       second = if (of_change) second else function(result, change) {
         slopes <- second(result)
         if (length(slopes) %in% c(1L, length(result))) as.vector(slopes) * change else slopes  # refused by its length
       })
}

# By the rules of D(), for a function that is one expression.
derivative_of <- function(loss, call, arg = "loss", instead = "derivative") {
  if (is.primitive(loss)) {
    name <- sub("^.Primitive\\(\"(.*)\"\\)$", "\\1", deparse(loss))
    loss <- as.function(list(r = quote(expr = ), as.call(list(as.name(name), quote(r)))))
  }
  expression <- body(loss)
  if (is.call(expression) && identical(expression[[1L]], quote(`{`)) && length(expression) == 2L) {
    expression <- expression[[2L]]
  }
  slope <- tryCatch(stats::D(expression, names(formals(loss))[1L]), error = identity)
  if (inherits(slope, "error")) {
    rkeops_abort("argument", sprintf("the derivative of `%s` is not known", arg), call = call, argument = arg,
                 got = conditionMessage(slope),
                 hint = sprintf("Give `%s`, a function of the result too.", instead))
  }
  body(loss) <- slope
  loss
}
