# The matrix product.


#' Products with LazyTensors
#'
#' `K %*% b` is the sum over j of `K_ij * b_j`: a matrix with one row per i. `b` is a vector, or a matrix or data frame
#' with one row per j, or a LazyTensor. `a %*% K` is the sum over i of `a_i * K_ij`, with one column per j.
#'
#' @param x,y LazyTensors, numeric or complex vectors or matrices, or data frames; one of them at least a LazyTensor.
#' @return A matrix of numbers, complex if `x` or `y` is.
#' @name lazytensor_product
#' @aliases %*%,LazyTensor,ANY-method %*%,ANY,LazyTensor-method %*%,LazyTensor,LazyTensor-method
#'   show,LazyTensor-method
#' @usage
#' \S4method{\%*\%}{LazyTensor,ANY}(x, y)
#' @rawNamespace if (getRversion() >= "4.3.0") S3method(matrixOps, LazyTensor)
#' @examples
#' x <- matrix(runif(20), 10)
#' y <- matrix(runif(10), 5)
#' K_ij <- exp(-sqdist(Vi(x), Vj(y)))
#' K_ij %*% rnorm(5)
#' matrix(1, 1, 10) %*% K_ij
NULL

matrixOps.LazyTensor <- function(x, y) multiply(x, y, call("%*%", substitute(x), substitute(y)))

#' @rawNamespace if (getRversion() >= "4.3.0") S3method(chooseOpsMethod, LazyTensor)
chooseOpsMethod.LazyTensor <- function(x, y, mx, my, cl, reverse) TRUE

multiply <- function(x, y, call) {
  if (is.LazyTensor(x) && is.LazyTensor(y)) {
    return(reduce_lazytensor(apply_operation("Mult", list(x = x, y = y), call = call), "Sum", "j", call = call))
  }
  if (is.LazyTensor(x)) {
    y <- product_side(y, "y", call)
    b <- make_lazytensor(as.matrix(y), "j", FALSE, "y", call)
    check_conformable(x$nj, b$nj, "columns", "rows", call)
    return(reduce_lazytensor(apply_operation("Mult", list(x = x, y = b), call = call), "Sum", "j", call = call))
  }
  x <- product_side(x, "x", call)
  a <- make_lazytensor(if (is.matrix(x)) base::t(x) else as.matrix(x), "i", FALSE, "x", call)
  check_conformable(y$ni, a$ni, "rows", "columns", call)
  base::t(reduce_lazytensor(apply_operation("Mult", list(x = a, y = y), call = call), "Sum", "i", call = call))
}

product_side <- function(x, arg, call) if (is.complex(x)) x else plain_numbers(x, arg, call)

check_conformable <- function(lazy, plain, of_lazy, of_plain, call) {
  if (is.na(lazy) || lazy == plain) return(invisible())
  rkeops_abort("dimension", sprintf("the LazyTensor has %.0f %s, the matrix %.0f %s", lazy, of_lazy, plain, of_plain),
               call = call, hint = "x %*% y sums over j if x is the LazyTensor, over i if y is.")
}
