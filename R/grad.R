#' Gradients of operators
#'
#' Makes the operator of the gradient of `operator` with respect to one of its variables. The new operator takes one
#' more input, at the end: the gradient with respect to the result of `operator`, which has the shape of that result.
#' The new operator gives the gradient with respect to the variable: a matrix with the shape of that variable's
#' data (a matrix with one row for a parameter).
#'
#' Gradients can be taken of gradient operators again, to any order.
#'
#' In formulas, too, as in `"Grad(Sum_Reduction(F, 1), x, e)"`, the index of `e` is the index of the result that is
#' differentiated. It decides: with `e=Vi(1)` the sum is one over j, whichever axis is written. `keops_grad()` declares
#' `e` with the index that the result of `operator` has, so that its rows are those of that result.
#'
#' @param operator an operator made by [keops_kernel()] or `keops_grad()`.
#' @param var name of a variable, or its position in the list of data, counted from 0.
#' @return An operator, see [keops_kernel()].
#' @seealso [keops_kernel()]; [gradients()] for LazyTensors.
#' @concept automatic differentiation
#' @concept gradient
#' @concept derivative
#' @examples
#' op <- keops_kernel("Sum_Reduction(SqNorm2(x - y), 1)", c("x=Vi(3)", "y=Vj(3)"))
#' grad_op <- keops_grad(op, var = "x")
#' x <- matrix(runif(12), 4)
#' y <- matrix(runif(15), 5)
#' eta <- matrix(1, 4, 1)
#' grad_op(list(x, y, eta))
#' @export
keops_grad <- function(operator, var) {
  call <- sys.call()
  self <- operator_self(operator, "operator", call)
  info <- self$info
  if (info$outputs > 1) {
    rkeops_abort("unsupported", "`operator` has several formulas", call = call, argument = "operator",
                 hint = "Write Grad(F, v, e) as one of them.")
  }
  context <- self$context
  var_name <- variable_name(var, info, call)
  label <- if (grepl("(", var_name, fixed = TRUE)) "eta" else var_name
  eta <- setdiff(c(paste0(label, "_grad"), paste0(label, "_grad", seq_along(info$names) + 1L)), info$names)[1L]
  dim <- sum(info$columns[!info$is_index])
  if (dim == 0) dim <- sum(info$columns)
  inline <- length(info$names) > length(context$args)
  args <- if (inline) {
    named <- !grepl("(", info$names, fixed = TRUE) & nzchar(info$names)
    sprintf("%s=%s(%.0f,%.0f)", info$names, info$categories, info$positions, info$dims)[named]
  } else {
    context$args
  }
  positional <- inline || context$args_info$decl == "pos_dim"
  declaration <- if (positional) {
    sprintf("%s=%s(%.0f,%.0f)", eta, info$category, length(info$names), dim)
  } else {
    sprintf("%s=%s(%.0f)", eta, info$category, dim)
  }
  formula <- sub("[; ]+$", "", context$formula)
  definitions <- sub("[^;]*$", "", formula)
  reduction <- substring(formula, nchar(definitions) + 1)
  make_operator(sprintf("%sGrad(%s,%s,%s)", definitions, reduction, var_name, eta), c(args, declaration), "auto", call)
}

# The name (or the inline text) of a variable given by name or 0-based position.
variable_name <- function(var, info, call) {
  text <- ifelse.default(nzchar(info$names), info$names,
                         sprintf("%s(%.0f,%.0f)", info$categories, info$positions, info$dims))
  expected <- paste0("one of ", paste0("\"", text, "\"", collapse = ", "), ", or a position from 0 to ", length(text) - 1L)
  if (is_whole(var) && var >= 0 && var < length(text)) return(text[var + 1])
  if (is.character(var) && length(var) == 1L && gsub(" ", "", var) %in% text) return(gsub(" ", "", var))
  abort_argument("var", expected, var, call)
}

#' Gradient of a reduction of a LazyTensor
#'
#' The gradient of `sum(f, index)` (or another reduction) with respect to one of the variables of `f`, applied to
#' `gradin`: with result `R` of the reduction, the gradient of `sum(R * gradin)`.
#'
#' @param f a LazyTensor.
#' @param gradin a LazyTensor indexed like the result of the reduction (by i if `index = "j"`) and of its dimension,
#'   such as `Vi(matrix(1, n, 1))`; or a number for the same value everywhere.
#' @param opstr name of the reduction, such as `"Sum"` or `"LogSumExp"`.
#' @param var the variable: a LazyTensor made by `Vi()`, `Vj()` or `Pm()` that occurs in `f`, its `formula`, or its
#'   position among the variables of `f`, counted from 0 (plain numbers in `f` do not count).
#' @param index `"i"` or `"j"`: the index that is reduced.
#' @return A matrix with the shape of the variable's data (one row for a parameter), complex if `var` is a complex
#'   LazyTensor.
#' @seealso [gradients()], which also gives the value, and several gradients at once; [adjoint()] for gradients pair by
#'   pair. `grad()` is also the name of a function of `numDeriv`, `pracma` and others: where such a package is attached
#'   later, write `rkeops::grad()`.
#' @concept automatic differentiation
#' @concept gradient
#' @examples
#' x_i <- Vi(matrix(runif(12), 4))
#' y_j <- Vj(matrix(runif(15), 5))
#' eta_i <- Vi(matrix(1, 4, 1))
#' grad(sqdist(x_i, y_j), eta_i, "Sum", var = x_i, index = "j")
#' grad(sqdist(x_i, y_j), eta_i, "Sum", var = y_j, index = "j")
#' @export
grad <- function(f, gradin, opstr, var, index) {
  call <- sys.call()
  check_lazytensor(f, "f", call)
  check_string(opstr, "opstr", call)
  axis <- check_index(index, call)
  gradin <- as_operand(gradin, "gradin", call)
  check_gradin(gradin, c("j", "i")[axis + 1L], call)
  id <- variable_in(f, var, call)
  merged <- merge_operands(list(leave_out(f, NULL, opstr)$x, gradin), call)
  check_occurs(f, axis, call)
  formula <- sprintf("Grad(%s_Reduction(%s,%d),%s,%s)", opstr, merged$formulas[1L], axis, id, merged$formulas[2L])
  values <- evaluate(formula, merged, call)
  if (is.ComplexLazyTensor(var)) deinterleave(values) else values
}

check_gradin <- function(gradin, index, call) {
  other <- if (index == "i") gradin$nj else gradin$ni
  if (is.na(other)) return(invisible())
  rkeops_abort("argument", sprintf("`gradin` must be indexed by %s, like the result of the reduction", index),
               call = call, argument = "gradin", hint = sprintf("Wrap it with V%s().", index))
}

# The identifier in f of a variable given as LazyTensor, by identifier or by 0-based position. Variables of LazyTensors that
# were saved apart, or made of one matrix that was saved with each, are found by their data.
variable_in <- function(f, var, call, arg = "var") {
  if (missing(var)) abort_missing(arg, call)
  named <- !is_number(f$args)
  ids <- identifier(f$args)[named]
  if (is.LazyTensor(var)) {
    if (length(var$args) != 1L || var$formula != identifier(var$args) || is_number(var$args)) {
      rkeops_abort("argument", sprintf("`%s` must be one variable, not an expression", arg), call = call,
                   argument = arg, hint = "Give what Vi(), Vj() or Pm() returned.")
    }
    if (var$formula %in% ids) return(var$formula)
    alike <- declared_as(f$args)[named] == declared_as(var$args)
    same <- alike & rk_match_objects(f$data[named], var$data) > 0
    if (!any(same) && comes_from_elsewhere(c(f$tokens, var$tokens))) {
      same <- alike
      same[alike] <- vapply(f$data[named][alike], identical, TRUE, var$data[[1L]])
      if (sum(same) > 1L) same[] <- FALSE
    }
    if (any(same)) return(ids[same][1L])
    rkeops_abort("argument", sprintf("`%s` does not occur in `f`", arg), call = call, argument = arg,
                 got = paste("`f` is", readable_formula(f)))
  }
  if (is.character(var) && length(var) == 1L && var %in% ids) return(var)
  if (is_whole(var) && var >= 0 && var < length(ids)) return(ids[var + 1])
  abort_argument(arg, sprintf("a variable of `f`: a LazyTensor, its formula, or a position from 0 to %d",
                              length(ids) - 1L), var, call)
}
