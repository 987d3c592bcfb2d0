# Operators and the Math group. The tables below say which operation of the formula language each R name is.

binary_operators <- c(
  "+" = "Add", "-" = "Subtract", "*" = "Mult", "/" = "Divide", "^" = "Power", "|" = "Scalprod",
  "==" = "Equal", "!=" = "NotEqual", "<" = "LessThan", "<=" = "LessOrEqual", ">" = "LessThan", ">=" = "LessOrEqual",
  "&" = "And", "%%" = "Mod", "%/%" = "Quotient"
)

math_functions <- c(
  abs = "Abs", sign = "Sign", sqrt = "Sqrt", floor = "Floor", exp = "Exp", expm1 = "Expm1", log1p = "Log1p",
  cos = "Cos", sin = "Sin", tan = "Tan", acos = "Acos", asin = "Asin", atan = "Atan",
  cosh = "Cosh", sinh = "Sinh", tanh = "Tanh", acosh = "Acosh", asinh = "Asinh", atanh = "Atanh",
  lgamma = "LGamma", digamma = "Digamma", trigamma = "Trigamma"
)

#' Operators and mathematical functions of LazyTensors
#'
#' They build the formula; nothing is computed before a reduction. Operands must have the same dimension, or
#' dimension 1. At least one operand is a LazyTensor; the other may be a number, or a vector that stands for a
#' parameter.
#'
#' @details
#' * `+ - * /`, `^`: component by component. `x^2`, `x^-1` and so on with whole exponents are exact products;
#'   `x^0.5` is `sqrt(x)` and `x^-0.5` is [rsqrt()], which is 0 at 0.
#' * `== != < <= > >=`: truth values, 1 where true and 0 where not.
#' * `!x`, `x & y`: as in R, every number but 0 counts as true.
#' * `x | y`: **scalar product** of the vectors, unless both sides are truth values; then it is "or", as in R.
#' * `x %% y`, `x %/% y`: as for R numbers.
#' * `abs sign sqrt floor ceiling trunc exp expm1 log log2 log10 log1p cos sin tan acos asin atan cosh sinh tanh acosh
#'   asinh atanh lgamma digamma trigamma`; `log(x, base)`.
#' * `round(x, digits)`: halves are rounded away from zero, unlike for R numbers.
#' * Other functions raise an error of class `rkeops_error_unsupported`.
#'
#' Truth values are what comparisons, `!`, `&` and `|` ("or") give, parts of them ([elem()], [extract()], [concat()],
#' [lookup()]), R's `TRUE` and `FALSE`, and variables made of logical matrices or vectors. What is computed from them,
#' as in `(x < y) * 1` or `sum(x < y)`, is a number. So `(x < y) | (y < z)` is "or", and `(x < y) * 1 | (y < z) * 1` a
#' scalar product. Exclusive "or" is `!=` between truth values, or [xor()]. There is no `NA`: comparisons with NaN are
#' false, except `!=`, and for `!`, `&` and `|` NaN in data is not 0 and so counts as true.
#'
#' @param e1,e2,x LazyTensors, numbers or numeric vectors.
#' @param ... `base` of `log()`, `digits` of `round()`.
#' @return A LazyTensor.
#' @name lazytensor_operators
#' @aliases Ops.LazyTensor Math.LazyTensor
#'   Ops,LazyTensor,data.frame-method Ops,data.frame,LazyTensor-method
#'   Ops,LazyTensor,factor-method Ops,factor,LazyTensor-method
#'   Ops,LazyTensor,Date-method Ops,Date,LazyTensor-method
#'   Ops,LazyTensor,POSIXt-method Ops,POSIXt,LazyTensor-method
#'   Ops,LazyTensor,ts-method Ops,ts,LazyTensor-method
#' @examples
#' x_i <- Vi(matrix(runif(6), 3))
#' y_j <- Vj(matrix(runif(8), 4))
#' K_ij <- exp(-abs(x_i - y_j) / 2) * (x_i > y_j)
#' sum(K_ij, index = "j")
#' sum(x_i | y_j, index = "j")
#' # how many y_j are closer to x_i than 1/2, and of those, on its right
#' near_ij <- sqdist(x_i, y_j) < 0.5^2
#' sum(near_ij, index = "j")
#' sum(near_ij & elem(y_j, 1) > elem(x_i, 1), index = "j")
NULL

#' @rdname lazytensor_operators
#' @export
Ops.LazyTensor <- function(e1, e2) {
  if (missing(e2)) {
    call <- call(.Generic, substitute(e1))
    if (.Generic == "+") return(e1)
    return(apply_operation(if (.Generic == "-") "Minus" else "Not", list(e1 = e1), call = call))
  }
  call <- call(.Generic, substitute(e1), substitute(e2))
  operands <- list(e1, e2)
  names(operands) <- c(operand_name(call[[2L]], "e1"), operand_name(call[[3L]], "e2"))
  apply_binary(.Generic, operands, call)
}

# The name under which errors speak of an operand.
operand_name <- function(expression, otherwise) if (is.name(expression)) as.character(expression) else otherwise

apply_binary <- function(operator, operands, call) {
  operation <- binary_operators[[operator]]
  switch(operator,
    "^" = apply_power(operands, call),
    "|" = apply_operation(if (all_logical(operands)) "Or" else operation, operands, call = call),
    ">" = ,
    ">=" = apply_operation(operation, rev(operands), call = call),
    "%%" = apply_operation(operation, c(operands, list(0)), call = call),
    "%/%" = apply_operation("Floor", list(apply_operation("Divide", operands, call = call)), call = call),
    apply_operation(operation, operands, call = call)
  )
}

# x^n for whole n is Pow, x^0.5 and x^-0.5 are Sqrt and Rsqrt, all else is Powf.
apply_power <- function(operands, call) {
  exponent <- operands[[2L]]
  if (is.LazyTensor(operands[[1L]]) && is.numeric(exponent) && is.null(dim(exponent)) && length(exponent) == 1L &&
      !is.object(exponent) && is.finite(exponent)) {
    if (exponent == 2) return(apply_operation("Square", operands[1L], call = call))
    if (exponent == 0.5) return(apply_operation("Sqrt", operands[1L], call = call))
    if (exponent == -0.5) return(apply_operation("Rsqrt", operands[1L], call = call))
    if (is_whole(exponent) && abs(exponent) < 1e9) {
      return(apply_operation("Pow", operands[1L], exponent, call))
    }
  }
  apply_operation("Powf", operands, call = call)
}

#' @rdname lazytensor_operators
#' @export
Math.LazyTensor <- function(x, ...) {
  shown <- substitute(x)
  if (!is.language(shown)) shown <- quote(x)  # round() and signif() have it evaluated by now
  call <- as.call(list(as.name(.Generic), shown, ...))
  operation <- unname(math_functions[.Generic])
  if (!is.na(operation)) return(apply_operation(operation, list(x = x), call = call))
  unary <- function(operation, x) apply_operation(operation, list(x = x), call = call)
  switch(.Generic,
    log = apply_log(x, ..., call = call),
    log2 = apply_log(x, 2, call = call),
    log10 = apply_log(x, 10, call = call),
    round = apply_round(x, ..., call = call),
    ceiling = -unary("Floor", -x),
    trunc = unary("Sign", x) * unary("Floor", unary("Abs", x)),
    refuse_function(.Generic, call, if (startsWith(.Generic, "cum")) by_entries(.Generic))
  )
}

apply_log <- function(x, base = exp(1), call) {
  log_x <- apply_operation("Log", list(x = x), call = call)
  if (identical(base, exp(1))) return(log_x)
  log_base <- if (is.LazyTensor(base)) apply_operation("Log", list(base = base), call = call) else log(base)
  apply_operation("Divide", list(x = log_x, base = log_base), call = call)
}

apply_round <- function(x, digits = 0, call) {
  apply_operation("Round", list(x = x), check_whole(digits, "digits", call, min = -300, max = 300), call)
}

refuse_function <- function(name, call, hint = NULL) {
  rkeops_abort("unsupported", sprintf("`%s` is not available for LazyTensors", name), hint = unname(hint), call = call)
}
