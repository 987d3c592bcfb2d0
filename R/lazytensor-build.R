# How expressions are put together: operands, dimension checks by the engine's operation table, merging of variables.

# An operand of an operation with LazyTensors: plain numbers and vectors become parameters.
as_operand <- function(x, arg, call, label = "", place = NULL) {
  if (missing(x)) abort_missing(arg, call)
  if (is.LazyTensor(x)) return(x)
  if (length(dim(x)) > 0L && (is.atomic(x) || is.data.frame(x))) {
    rkeops_abort("input", sprintf("`%s` is a matrix without an index", arg), got = paste("got", describe(x)),
                 hint = sprintf("Wrap it: Vi(%s) if its rows are i, Vj(%s) if they are j.", arg, arg), call = call,
                 argument = arg)
  }
  if (!is.numeric(x) && !is.complex(x) && !is.logical(x)) {
    abort_argument(arg, "a LazyTensor, a number or a numeric vector", x, call, hint = numbers_hint(x, arg),
                   kind = "input")
  }
  if (length(x) == 0L) {
    abort_argument(arg, "a LazyTensor, a number or a numeric vector", x, call, kind = "input")
  }
  if (is.complex(x)) return(new_complex_variable(x, NA, label))
  x <- plain_numbers(x, arg, call)
  if (length(x) == 1L) return(new_number(x, place))
  new_variable(x, NA, label)
}

# A plain vector whose length is the number of rows, and not the dimension, was hardly meant as a parameter.
check_plain_vectors <- function(given, operands, call) {
  for (k in seq_along(given)) {
    if (is.LazyTensor(given[[k]])) next
    length <- length(given[[k]])
    if (length <= 1L) next
    for (other in operands[-k]) {
      if (other$dimres != length && length %in% c(other$ni, other$nj)) {
        index <- if (length %in% other$ni) "i" else "j"
        arg <- names(given)[k]
        rkeops_abort(
          "input", sprintf("`%s` is a plain vector of length %d, which is the number of rows %s", arg, length, index),
          hint = sprintf("Write V%s(matrix(%s)) for one number per row, Pm(%s) for a parameter of dimension %d.",
                         index, arg, arg, length),
          call = call, argument = arg
        )
      }
    }
  }
}

# The LazyTensor `operation(operands, parameters)`. `operands` is a list named by the user's arguments; e1 and e2 are those
# of an operator. (`call` is evaluated where there is an error.)
apply_operation <- function(operation, operands, parameters = NULL, call = NULL) {
  x <- rk_apply(operation, operands, parameters, NULL)
  if (is.object(x)) return(x)
  if (is.list(x)) raise_failure(x[[1L]], call)
  names(operands) <- user_names(names(operands), call)
  given <- operands
  for (k in seq_along(operands)) {
    operands[[k]] <- as_operand(operands[[k]], names(operands)[k], call, place = list(operation, given, k))
  }
  check_plain_vectors(given, operands, call)
  complex <- any(vapply(operands, is.ComplexLazyTensor, TRUE))
  if (complex) apply_complex(operation, operands, parameters, call) else compose(operation, operands, parameters, call)
}

# The same for operands that are LazyTensors, taken as the real vectors that they are in formulas. `complex`: so is the
# result; NA: where the operation says it.
compose <- function(operation, operands, parameters = NULL, call = NULL, complex = NA) {
  made(rk_apply(operation, operands, parameters, complex), call)
}

# A LazyTensor that C++ has made, or its failure, in a list, as an error.
made <- function(x, call = NULL) if (is.object(x)) x else raise_failure(x[[1L]], call)

declared_dim <- function(x) .subset2(x, "dimres") * (if (is.ComplexLazyTensor(x)) 2 else 1)

# Of LazyTensors and R's own values.
all_logical <- function(operands) all(vapply(operands, holds_truth, TRUE))
holds_truth <- function(x) if (is.LazyTensor(x)) isTRUE(.subset2(x, "logical")) else is.logical(x)

# Operands as parts of one formula, see rk_merge().
merge_operands <- function(operands, call) unwrap(rk_merge(operands), call)

identifier <- function(args) sub("=.*", "", args)
declared_as <- function(args) sub(".*=", "", args)
categories_of <- function(args) substr(declared_as(args), 1L, 2L)

#' Building blocks of operations
#'
#' Apply an operation of the formula language by name. They are meant for operations that have no R function of their
#' own.
#'
#' @param x,y,z LazyTensors, numbers or numeric vectors.
#' @param opstr name of the operation in the formula language, such as `"Exp"`; with `is_operator = TRUE` one of
#'   `+ - * / | ^ < <= > >= == !=`.
#' @param opt_arg,opt_arg2 further parameters of the operation: whole numbers that follow the operands in formulas, such
#'   as the degree of `"BSpline"`. For `binaryop.LazyTensor()` also a LazyTensor, which becomes the operand in the
#'   middle. An operation refuses parameters that it does not have.
#' @param res_type `"LazyTensor"` or `"ComplexLazyTensor"`: take the result as real, or as complex, with real and
#'   imaginary parts in turn; `NA`: what the operation gives.
#' @param dim_res dimension of the result, which has to be that by the rules of the operation; `NA`: not checked.
#' @param is_operator `TRUE`: `opstr` is an operator.
#' @param dim_check_type `"sameor1"` or `"same"`: refuse operands of other dimensions; `NA`: by the rules of the
#'   operation only.
#' @return A LazyTensor.
#' @seealso [rkeops_operations] for their names, [lazytensor_functions]; `vignette("extending")`.
#' @examples
#' x_i <- Vi(matrix(runif(6), 3))
#' unaryop.LazyTensor(x_i, "Exp")
#' binaryop.LazyTensor(x_i, 2, "Mult")
#' @export
unaryop.LazyTensor <- function(x, opstr, opt_arg = NA, opt_arg2 = NA, res_type = NA, dim_res = NA) {
  call <- sys.call()
  require_given(call, x = missing(x), opstr = missing(opstr))
  check_string(opstr, "opstr", call)
  parameters <- c(builder_parameter(opt_arg, "opt_arg", call), builder_parameter(opt_arg2, "opt_arg2", call))
  builder_result(apply_operation(opstr, list(x = x), parameters, call), res_type, dim_res, call)
}

#' @rdname unaryop.LazyTensor
#' @export
binaryop.LazyTensor <- function(x, y, opstr, is_operator = FALSE, dim_check_type = "sameor1", res_type = NA,
                                dim_res = NA, opt_arg = NA) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y), opstr = missing(opstr))
  check_string(opstr, "opstr", call)
  if (check_flag(is_operator, "is_operator", call)) {
    check_choice(opstr, names(binary_operators), "opstr", call)
    if (!is_absent(opt_arg)) abort_argument("opt_arg", "NA: operators have no parameters", opt_arg, call)
    return(builder_result(apply_binary(opstr, list(x = x, y = y), call), res_type, dim_res, call))
  }
  x <- as_operand(x, "x", call)
  y <- as_operand(y, "y", call)
  check_dims(list(x = x, y = y), dim_check_type, opstr, call)
  middle <- is.LazyTensor(opt_arg)
  operands <- if (middle) list(x = x, opt_arg = opt_arg, y = y) else list(x = x, y = y)
  parameters <- if (!middle) builder_parameter(opt_arg, "opt_arg", call)
  builder_result(apply_operation(opstr, operands, parameters, call), res_type, dim_res, call)
}

#' @rdname unaryop.LazyTensor
#' @export
ternaryop.LazyTensor <- function(x, y, z, opstr, dim_check_type = "sameor1", dim_res = NA) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y), z = missing(z), opstr = missing(opstr))
  check_string(opstr, "opstr", call)
  operands <- list(x = as_operand(x, "x", call), y = as_operand(y, "y", call), z = as_operand(z, "z", call))
  check_dims(operands, dim_check_type, opstr, call)
  builder_result(apply_operation(opstr, operands, call = call), NA, dim_res, call)
}

is_absent <- function(x) is.null(x) || is.atomic(x) && length(x) == 1L && is.na(x)

builder_parameter <- function(x, arg, call) if (!is_absent(x)) check_whole(x, arg, call)

check_dims <- function(operands, type, opstr, call) {
  if (is.atomic(type) && length(type) == 1L && is.na(type)) return(invisible())
  check_choice(type, c("sameor1", "same"), "dim_check_type", call)
  dims <- vapply(operands, `[[`, 0, "dimres")
  if (length(unique(dims)) == 1L || (type == "sameor1" && length(unique(dims[dims != 1])) <= 1L)) return(invisible())
  rkeops_abort(
    "dimension", sprintf("%s: operands have dimensions %s", opstr, paste(dims, collapse = " and ")), call = call,
    hint = if (type == "same") "Dimensions must be equal." else "Dimensions must be equal, or 1."
  )
}

builder_result <- function(x, res_type, dim_res, call) {
  if (!is_absent(res_type)) {
    check_choice(res_type, c("LazyTensor", "ComplexLazyTensor"), "res_type", call)
    if (res_type == "LazyTensor") {
      x$dimres <- declared_dim(x)
      oldClass(x) <- "LazyTensor"
      if (needs_s4_bit) x <- asS4(x)
    } else if (!is.ComplexLazyTensor(x)) {
      if (x$dimres %% 2 != 0) {
        rkeops_abort("dimension", sprintf("%.0f real components are no complex ones", x$dimres), call = call,
                     argument = "res_type", hint = "Real and imaginary parts take turns.")
      }
      x <- as_complex(x)
    }
  }
  if (is_absent(dim_res)) return(x)
  check_whole(dim_res, "dim_res", call, min = 1)
  if (x$dimres == dim_res) return(x)
  rkeops_abort("dimension", sprintf("the result has dimension %.0f", x$dimres), call = call, argument = "dim_res",
               got = sprintf("`dim_res` is %.0f", dim_res), hint = "Leave `dim_res` out.")
}
