# The matrix products.

#' Products with LazyTensors
#'
#' `K %*% b` is the sum over j of `K_ij * b_j`: a matrix with one row per i. `b` is a vector, or a matrix or data frame
#' with one row per j. `a %*% K` is the sum over i of `a_i * K_ij`, with one column per j.
#'
#' `%*%` goes by [dim()]: what is summed over are the rows j of `x` and the rows i of `y`, and there must be as many of
#' them. So `K %*% Vi(b)` is the product with the column `b`, and `Vj(a) %*% K` that with the row `a`. For scripts of
#' RKeOps 2, `y` may also have the index j alone: `K %*% Vj(b)` is the same sum over j.
#'
#' A product of two LazyTensors that both have i and j would have three indices: multiply the second one with something
#' first, as in `K %*% (L %*% v)`. An `x` without j, or a plain matrix times a `y` without i, has nothing to sum over.
#'
#' From R 4.4 on `crossprod(x, y)` is `t(x) %*% y` and `tcrossprod(x, y)` is `x %*% t(y)`; in older R these functions
#' take ordinary matrices only.
#'
#' Columns of `K %*% b` have the column names of `b`, rows the row names of the data of i.
#'
#' @param x,y LazyTensors, numeric or complex vectors or matrices, or data frames; one of them at least a LazyTensor.
#' @return A matrix of numbers, complex if `x` or `y` is. Errors: of class `rkeops_error_dimension` if `x` and `y` do
#'   not go together, `rkeops_error_argument` if there is no index to sum over, `rkeops_error_unsupported` if there
#'   would be three.
#' @name lazytensor_product
#' @aliases %*%,LazyTensor,ANY-method %*%,ANY,LazyTensor-method %*%,LazyTensor,LazyTensor-method
#'   show,LazyTensor-method
#' @usage
#' \S4method{\%*\%}{LazyTensor,ANY}(x, y)
#' @rawNamespace if (getRversion() >= "4.3.0") S3method(matrixOps, LazyTensor)
#' @seealso [lazytensor_reductions] for other sums, [solve.LazyTensor()] for the inverse.
#' @concept kernel matrix
#' @concept matrix product
#' @concept kernel regression
#' @concept Nadaraya-Watson
#' @concept kernel smoothing
#' @concept Gaussian sum
#' @concept fast Gauss transform
#' @examples
#' x <- matrix(runif(20), 10)
#' y <- matrix(runif(10), 5)
#' K_ij <- exp(-sqdist(Vi(x), Vj(y)))
#' K_ij %*% rnorm(5)
#' matrix(1, 1, 10) %*% K_ij
#' t(K_ij) %*% (K_ij %*% rnorm(5))
NULL

matrixOps.LazyTensor <- function(x, y) {
  call <- as.call(c(list(as.name(.Generic), substitute(x)), if (!missing(y)) list(substitute(y))))
  matrix_product(.Generic, x, if (missing(y)) NULL else y, call)
}

#' @rawNamespace if (getRversion() >= "4.3.0") S3method(chooseOpsMethod, LazyTensor)
chooseOpsMethod.LazyTensor <- function(x, y, mx, my, cl, reverse) TRUE

matrix_product <- function(generic, x, y, call) {
  switch(generic,
    "%*%" = multiply(x, y, call),
    crossprod = multiply(transposed(x), y %||% x, call),
    tcrossprod = multiply(x, transposed(y %||% x), call),
    refuse_function(generic, call)
  )
}

# (t() is generic, but knows nothing of vectors as columns and of data frames with row numbers.)
transposed <- function(x) if (is.LazyTensor(x)) t.LazyTensor(x) else base::t(as.matrix(x))

multiply <- function(x, y, call) {
  if (is.LazyTensor(x) && is.LazyTensor(y)) return(multiply_lazy(x, y, call))
  if (is.LazyTensor(x)) {
    check_summed(x$nj, "x", "j", call)
    names <- colnames(y)
    y <- as.matrix(product_side(y, "y", call))
    b <- make_lazytensor(y, "j", FALSE, "y", call)
    check_conformable(x$nj, b$nj, "the LazyTensor", "columns", "the matrix", "rows", call)
    return(with_colnames(sum_product(x, b, "j", call), names))
  }
  check_summed(y$ni, "y", "i", call)
  x <- product_side(x, "x", call)
  x <- if (is.matrix(x)) base::t(x) else as.matrix(x)
  a <- make_lazytensor(x, "i", FALSE, "x", call)
  check_conformable(y$ni, a$ni, "the LazyTensor", "rows", "the matrix", "columns", call)
  base::t(with_colnames(sum_product(a, y, "i", call), colnames(x)))
}

multiply_lazy <- function(x, y, call) {
  if (!anyNA(c(x$ni, x$nj, y$ni, y$nj))) {
    names <- c(operand_name(call[[2L]], "x"), operand_name(call[[length(call)]], "y"))
    rkeops_abort(
      "unsupported", sprintf("`%s` and `%s` both have i and j: their product would have three indices", names[1L],
                             names[2L]), call = call,
      hint = sprintf("%s %%*%% (%s %%*%% v) multiplies a vector or matrix v by both, %s * %s goes entry by entry.",
                     names[1L], names[2L], names[1L], names[2L])
    )
  }
  check_summed(x$nj, "x", "j", call)
  if (is.na(y$ni) && !is.na(y$nj)) return(sum_product(x, y, "j", call))  # b_j, as in RKeOps 2
  check_conformable(x$nj, if (is.na(y$ni)) 1 else y$ni, "`x`", "columns", "`y`", "rows", call)
  if (is.na(y$nj)) return(sum_product(x, t.LazyTensor(y), "j", call))
  base::t(sum_product(t.LazyTensor(x), y, "i", call))
}

sum_product <- function(x, y, index, call) {
  reduce_lazytensor(apply_operation("Mult", list(x = x, y = y), call = call), "Sum", index, call = call)
}

with_colnames <- function(values, names) {
  if (length(names) == ncol(values)) colnames(values) <- names
  values
}

product_side <- function(x, arg, call) if (is.complex(x)) x else plain_numbers(x, arg, call)

check_summed <- function(rows, arg, index, call) {
  if (!is.na(rows)) return(invisible())
  rkeops_abort("argument", sprintf("there is no index %s in `%s`, over which x %%*%% y sums", index, arg), call = call,
               argument = arg,
               hint = sprintf("Did you mean V%s(), where there is V%s()? x * y multiplies entry by entry.", index,
                              setdiff(c("i", "j"), index)))
}

check_conformable <- function(rows_x, rows_y, x, of_x, y, of_y, call) {
  if (rows_x == rows_y) return(invisible())
  rkeops_abort("dimension", sprintf("%s has %.0f %s, %s %.0f %s", x, rows_x, of_x, y, rows_y, of_y), call = call,
               hint = "x %*% y sums over the rows j of x and the rows i of y; dim() gives their numbers.")
}
