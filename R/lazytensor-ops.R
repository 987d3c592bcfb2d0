# Operators and the Math group. The tables below say which operation of the formula language each R name is.

binary_operators <- c(
  "+" = "Add", "-" = "Subtract", "*" = "Mult", "/" = "Divide", "^" = "Power", "|" = "Scalprod",
  "==" = "Equal", "!=" = "NotEqual", "<" = "LessThan", "<=" = "LessOrEqual", ">" = "LessThan", ">=" = "LessOrEqual",
  "&" = "And", "%%" = "Mod", "%/%" = "FloorDivide"
)

# Those that take the operation's operands in their order.
plain_operators <- as.list(binary_operators[c("+", "-", "*", "/", "^", "==", "!=", "<", "<=", "&")])
unary_operators <- list("-" = "Minus", "!" = "Not")

math_functions <- list(
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
#' * `x %% y`, `x %/% y`: as for R numbers, with the sign of y, but exact for any size of x / y (base R is not from about
#'   2^53 on). `x %% 0` is NaN.
#' * `abs sign sqrt floor ceiling trunc exp expm1 log log2 log10 log1p cos sin tan acos asin atan cosh sinh tanh acosh
#'   asinh atanh lgamma digamma trigamma`; `log(x, base)`.
#' * `round(x, digits)` and `signif(x, digits)`: halves are rounded away from zero, unlike for R numbers. `digits` is
#'   one number.
#' * Other functions raise an error of class `rkeops_error_unsupported`.
#'
#' Truth values are what comparisons, `!`, `&` and `|` ("or") give, parts of them ([elem()], [extract()], [concat()],
#' [lookup()]), R's `TRUE` and `FALSE`, and variables made of logical matrices or vectors. What is computed from them,
#' as in `(x < y) * 1` or `sum(x < y)`, is a number. So `(x < y) | (y < z)` is "or", and `(x < y) * 1 | (y < z) * 1` a
#' scalar product. Exclusive "or" is `!=` between truth values, or [xor()]. There is no `NA`: comparisons with NaN are
#' false, except `!=`, and for `!`, `&` and `|` NaN in data is not 0 and so counts as true.
#'
#' @param e1,e2,x LazyTensors, numbers or numeric vectors.
#' @param ... `base` of `log()`, `digits` of `round()` and `signif()`. As for all classes of R objects, methods are
#'   found by the first argument: in `log(2, base = x)` no LazyTensor is seen; write `log(2) / log(x)`.
#' @return A LazyTensor.
#' @name lazytensor_operators
#' @aliases Ops.LazyTensor Math.LazyTensor
#'   Math2,LazyTensor,ANY-method Math2,ANY,LazyTensor-method
#'   Ops,LazyTensor,LazyTensor-method Ops,LazyTensor,missing-method
#'   Ops,LazyTensor,numeric-method Ops,numeric,LazyTensor-method
#'   Ops,LazyTensor,data.frame-method Ops,data.frame,LazyTensor-method
#'   Ops,LazyTensor,factor-method Ops,factor,LazyTensor-method
#'   Ops,LazyTensor,Date-method Ops,Date,LazyTensor-method
#'   Ops,LazyTensor,POSIXt-method Ops,POSIXt,LazyTensor-method
#'   Ops,LazyTensor,ts-method Ops,ts,LazyTensor-method
#' @seealso [lazytensor_functions], [lazytensor_reductions], [lazytensor_complex].
#' @concept comparison
#' @concept logical operators
#' @concept scalar product
#' @concept symbolic matrix
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
  binary <- !missing(e2)
  operands <- if (binary) list(e1 = e1, e2 = e2) else list(e1 = e1)
  operation <- (if (binary) plain_operators else unary_operators)[[.Generic]]
  x <- .Call(`_rkeops_rk_apply`, operation, operands, NULL, NULL)
  if (is.object(x)) return(x)
  if (binary) return(apply_binary(.Generic, operands, call(.Generic, substitute(e1), substitute(e2))))
  if (.Generic == "+") e1 else apply_operation(operation, operands, call = call(.Generic, substitute(e1)))
}

# The names under which errors speak of operands: those of variables instead of e1 and e2.
user_names <- function(names, call) {
  place <- match(names, c("e1", "e2"))
  names[!is.na(place)] <- vapply(place[!is.na(place)], function(k) operand_name(call[[k + 1L]], names[place %in% k]), "")
  names
}

operand_name <- function(expression, otherwise) if (is.name(expression)) as.character(expression) else otherwise

apply_binary <- function(operator, operands, call) {
  operation <- binary_operators[[operator]]
  switch(operator,
    "^" = apply_power(operands, call),
    "|" = apply_operation(if (all_logical(operands)) "Or" else operation, operands, call = call),
    ">" = ,
    ">=" = apply_operation(operation, rev(operands), call = call),
    "%%" = apply_operation(operation, c(operands, list(new_constant(0))), call = call),
    apply_operation(operation, operands, call = call)
  )
}

apply_power <- function(operands, call) {
  power <- unwrap(rk_power(operands[[2L]]))
  apply_operation(power$operation, operands[seq_len(power$count)], power$parameters, call)
}

#' @rdname lazytensor_operators
#' @export
Math.LazyTensor <- function(x, ...) {
  operation <- math_functions[[.Generic]]
  result <- .Call(`_rkeops_rk_apply`, operation, list(x = x), NULL, NULL)
  if (is.object(result)) return(result)
  if (!is.null(operation)) {
    return(apply_operation(operation, list(x = x), call = math_call(.Generic, substitute(x), ...)))
  }
  if (.Generic == "log" && ...length() == 1L && base_for_x(x, ..1, sys.call())) {
    return(apply_math("log", ..1, list(x), call("log", quote(x), quote(base))))
  }
  apply_math(.Generic, x, list(...), math_call(.Generic, substitute(x), ...))
}

math_call <- function(name, shown, ...) {
  if (!is.language(shown)) shown <- quote(x)  # round() and signif() have it evaluated by now
  as.call(list(as.name(name), shown, ...))
}

# R up to some version gives the methods of log(base = b, x = a) b as x and a as `base`: values in the order of the
# arguments of log(), names in the order of the call.
log_swaps <- local({
  Math.rkeops_probe <- function(x, ...) !inherits(x, "rkeops_probe")
  isTRUE(log(base = 2, x = structure(1, class = "rkeops_probe")))
})

base_for_x <- function(x, base, call) {
  if (!is.LazyTensor(base)) return(FALSE)
  if (!is.LazyTensor(x)) return(TRUE)  # the method was found for what is really x
  first <- names(call)[2L] %||% ""
  log_swaps && nzchar(first) && startsWith("base", first)
}

# The second argument of Math functions that have one.
math_options <- c(log = "base", round = "digits", signif = "digits")

apply_math <- function(name, x, options, call) {
  option <- math_option(name, options, call)
  unary <- function(operation, x) apply_operation(operation, list(x = x), call = call)
  switch(name,
    log = apply_log(x, option, call),
    log2 = apply_log(x, 2, call),
    log10 = apply_log(x, 10, call),
    round = apply_round(x, if (is.null(option)) 0 else check_digits(option, call), call),
    signif = apply_signif(x, if (is.null(option)) 6 else check_digits(option, call), call),
    ceiling = -unary("Floor", -x),
    trunc = unary("Sign", x) * unary("Floor", unary("Abs", x)),
    refuse_function(name, call, if (startsWith(name, "cum")) by_entries(name))
  )
}

# The option by position or by name, NULL if it is not given.
math_option <- function(name, options, call) {
  wanted <- math_options[name]
  given <- names(options) %||% rep.int("", length(options))
  if (length(options) == 0L || is.na(wanted) && name != "trunc") return(NULL)  # R counts the arguments of others
  if (!is.na(wanted) && length(options) == 1L && given %in% c("", wanted)) return(options[[1L]])
  unknown <- c(given[!given %in% c("", wanted)], "")[1L]
  rkeops_abort(
    "argument",
    if (is.na(wanted)) sprintf("%s() of a LazyTensor takes nothing but `x`", name)
    else sprintf("%s() of a LazyTensor takes `x` and `%s`", name, wanted),
    got = if (nzchar(unknown)) sprintf("got `%s`", unknown) else sprintf("got %d arguments", length(options) + 1L),
    call = call, argument = if (nzchar(unknown)) unknown
  )
}

# log(x, base) of base R: complex if one of them is.
apply_log <- function(x, base, call) {
  if (is.ComplexLazyTensor(base) || is.complex(base)) x <- promote(x)
  log_x <- apply_operation("Log", list(x = x), call = call)
  if (is.null(base)) return(log_x)
  if (!is.LazyTensor(base)) {
    if (!is.numeric(base) && !is.complex(base) || is.object(base)) {
      abort_argument("base", "a number or a LazyTensor", base, call)
    }
    log_base <- if (is.ComplexLazyTensor(x)) log(base + 0i) else suppressWarnings(log(base))  # NaN, as for LazyTensors
  } else {
    log_base <- apply_operation("Log", list(base = base), call = call)
  }
  apply_operation("Divide", list(x = log_x, base = log_base), call = call)
}

# As base R takes them: any number, rounded to a whole one.
check_digits <- function(digits, call) {
  if (!is.numeric(digits) && !is.logical(digits) || is.object(digits) || length(digits) != 1L || is.na(digits)) {
    abort_argument("digits", "a number", digits, call)
  }
  min(max(floor(digits + 0.5), -300), 300)
}

# From 16 digits on, products with powers of ten could overflow; numbers too large to have that many digits stay as
# they are.
apply_round <- function(x, digits, call) {
  rounded <- apply_operation("Round", list(x = x), digits, call)
  if (digits < 16 || is.ComplexLazyTensor(x)) return(rounded)
  ifelse(abs(x) < 2^52 / 10^digits, rounded, x)
}

apply_signif <- function(x, digits, call) {
  digits <- max(digits, 1)
  if (is.ComplexLazyTensor(x)) {
    larger <- ifelse(abs(Re(x)) > abs(Im(x)), abs(Re(x)), abs(Im(x)))
    return(of_parts(x, function(a, b) significant(a, larger, digits), function(a, b) significant(b, larger, digits)))
  }
  significant(x, apply_operation("Abs", list(x = x), call = call), digits)
}

# x rounded to as many decimals as give `size` so many digits. Only powers of ten with exponents of 0 and more are
# exact, hence a product or a quotient.
significant <- function(x, size, digits) {
  ten <- new_constant(10)
  magnitude <- floor(log(size) * (1 / log(10)))
  magnitude <- magnitude + (ten^(magnitude + 1) <= size) - (ten^magnitude > size)  # the logarithm is rounded
  decimals <- (digits - 1) - magnitude
  up <- ten^relu(decimals)
  down <- ten^relu(-decimals)
  ifelse((size > 0) & (size < Inf) & (up < Inf), round(x * up / down) * down / up, x)
}

refuse_function <- function(name, call, hint = NULL) {
  rkeops_abort("unsupported", sprintf("`%s` is not available for LazyTensors", name), hint = unname(hint), call = call)
}
