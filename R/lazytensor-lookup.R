# Tables that are read at positions which depend on i and j.

#' Look up tables at symbolic positions
#'
#' `lookup(v, i)` is `v[i]` for positions `i` that depend on i or j, `lookup(M, i, j)` is `M[i, j]`, `lookup(M, i)` is
#' row `i` of the matrix `M` as a vector of dimension `ncol(M)`, and `lookup(M, j = j)` is column `j`: costs of pairs of
#' categories, transition probabilities, embeddings, and tabulated functions.
#'
#' Positions count from 1, or as the option `index_base` says. They are exact for tables of any size in `float64`, and
#' up to 2^24 rows or columns (half of that for complex tables) in `float32`. Positions that are not whole numbers are
#' rounded to the nearest one.
#' At positions outside of the table (also NaN) the value is NaN; there are no negative positions.
#'
#' Gradients exist with respect to the table (give a vector as `Pm(v)`, to name it as the variable of [grad()]), not with
#' respect to positions.
#'
#' @param table a numeric or complex vector or matrix, or a vector that is a parameter, made by [Pm()].
#' @param i,j positions: LazyTensors of dimension 1 (or single numbers).
#' @return A LazyTensor of dimension 1, or of the length of a row or column; complex if `table` is. Errors: of class
#'   `rkeops_error_input` for a table that is not numeric, `rkeops_error_argument` if `i` is missing, or `table` depends
#'   on i or j, `rkeops_error_dimension` for positions that are vectors.
#' @seealso [lazytensor_functions].
#' @concept lookup table
#' @concept transition matrix
#' @concept substitution matrix
#' @concept embedding
#' @examples
#' # the cost of taking a category for another one
#' cost <- matrix(c(0, 1, 4, 1, 0, 2, 4, 2, 0), 3)
#' x_i <- Vi(matrix(c(1, 3, 2, 2)))
#' y_j <- Vj(matrix(c(3, 3, 1)))
#' sum(lookup(cost, x_i, y_j), index = "j")
#'
#' # points that belong to classes, and the centre of each class
#' centres <- matrix(rnorm(6), 3)
#' points_j <- Vj(matrix(rnorm(6), 3))
#' argmin(sqdist(lookup(centres, x_i), points_j), index = "j")
#' @export
lookup <- function(table, i = NULL, j = NULL) {
  call <- sys.call()
  require_given(call, table = missing(table))
  label <- label_of(substitute(table))
  table <- check_table(table, call)
  if (is.null(i) && (is.null(j) || !is.matrix(table))) {
    rkeops_abort("argument", "`i` is missing", call = call, argument = "i")
  }
  if (!is.null(j) && !is.matrix(table)) {
    rkeops_abort("argument", "`j` is given, but `table` is a vector", call = call, argument = "j",
                 hint = "Write lookup(table, i).")
  }
  row <- 1
  if (is.matrix(table)) {
    if (!is.null(i)) table <- t(table)  # the engine wants row after row; columns are looked up as they are
    row <- nrow(table)
  }
  if (is.complex(table)) table <- new_complex_variable(as.vector(table), NA, label)
  if (!is.LazyTensor(table)) table <- new_variable(as.vector(table), NA, label)
  operands <- list(table = table)
  if (!is.null(i)) operands$i <- position_operand(i, "i", call)
  if (!is.null(j)) operands$j <- position_operand(j, "j", call)
  apply_operation(if (length(operands) == 3L) "Lookup" else "Gather", operands, row, call)
}

# A vector or matrix of numbers, or a parameter as it was made by Pm().
check_table <- function(table, call) {
  if (missing(table)) abort_missing("table", call)
  expected <- "a numeric vector or matrix, or a vector made by Pm()"
  if (is.LazyTensor(table)) {
    if (is_leaf(table) && length(table$args) == 1L && !is_indexed(table$args)) return(table)
    rkeops_abort("argument", paste("`table` must be", expected), got = paste("got", readable_formula(table)), call = call,
                 argument = "table", hint = "A table cannot depend on i or j, nor be computed in the formula.")
  }
  if (!is.complex(table)) table <- plain_numbers(table, "table", call)
  if (length(table) == 0L || length(dim(table)) > 2L) abort_argument("table", expected, table, call, kind = "input")
  longest <- (if (is.matrix(table)) max(dim(table)) else length(table)) * (if (is.complex(table)) 2 else 1)
  if (current_options()$precision == "float32" && longest > 2^24) {
    rkeops_abort("input", "`table` has more than 2^24 rows or columns: their numbers are not exact in float32",
                 call = call, argument = "table", hint = "Call rkeops_use_float64().")
  }
  table
}

# A position as formulas count, from 0.
position_operand <- function(x, arg, call) {
  x <- check_real(as_operand(x, arg, call), arg, call)
  if (x$dimres != 1) {
    rkeops_abort("dimension", sprintf("`%s` has dimension %.0f, a position has dimension 1", arg, x$dimres), call = call,
                 argument = arg, hint = sprintf("elem(%s, m) takes component m.", arg))
  }
  if (index_base() == 0L) return(x)
  apply_operation("Subtract", list(x = x, base = new_constant(index_base())), call = call)
}
