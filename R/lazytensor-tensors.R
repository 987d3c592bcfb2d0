# Products of matrices and arrays that are stored in vectors, the last index running fastest ("row by row").

#' Matrices and arrays in vectors
#'
#' The vectors of a LazyTensor can hold matrices, row by row, or arrays whose last index runs fastest. These functions
#' multiply them. R's own matrices and arrays are taken as the parameters they are, and put in that order.
#'
#' @details
#' * `matvecmult(m, v)` is `m %*% v`, with as many columns as `v` has components;
#' * `vecmatmult(v, m)` is `v %*% m`, with as many rows as `v` has components;
#' * `tensorprod(x, y)` is the outer product, `x %o% y`, of two vectors;
#' * `kron(x, y)` is the Kronecker product, `x %x% y`, of matrices or arrays;
#' * `tensordot(x, y)` is the sum of products of arrays over pairs of axes: axis `axes_x[k]` of `x` meets axis
#'   `axes_y[k]` of `y`. Axes that are left over, first those of `x`, then those of `y`, are the axes of the result.
#'   Without `axes_x` and `axes_y` nothing is summed.
#'
#' Axes count from 1, or as the option `index_base` says.
#'
#' `pracma` has a `kron()`, too, for ordinary matrices: write `rkeops::kron()` where both packages are attached.
#'
#' @param m a LazyTensor with a matrix in each vector, or a matrix.
#' @param v,x,y LazyTensors, numbers or numeric vectors; `x` and `y` of `kron()` and `tensordot()` may be matrices and
#'   arrays.
#' @param dims_x,dims_y shapes of the arrays in `x` and `y`: whole numbers whose product is the dimension. `NULL`: the
#'   shape of an R array, and one axis for a vector.
#' @param axes_x,axes_y numbers of the axes that are summed over, as many of `x` as of `y`, of equal lengths.
#' @param perm order of the axes of the result, as [aperm()] takes it: axis k is number `perm[k]` of those left over.
#'   (In formula text the permutation is the inverse one.)
#' @return A LazyTensor, the result in the same order. Errors: of class `rkeops_error_dimension` if shapes do not go
#'   together, `rkeops_error_argument` if axes do not exist.
#' @seealso [lazytensor_functions], [concat()] and [extract()] for parts of vectors.
#' @name lazytensor_tensors
#' @concept Kronecker product
#' @concept tensor product
#' @concept outer product
#' @examples
#' # distances after a linear map
#' A <- matrix(1:6, 2)
#' x_i <- Vi(matrix(runif(12), 4))
#' y_j <- Vj(matrix(runif(10), 5))
#' sum(norm2(matvecmult(A, x_i) - y_j), index = "j")
#'
#' # the trace of the product of two matrices of order 2
#' p_i <- Vi(matrix(runif(12), 3))
#' q_j <- Vj(matrix(runif(8), 2))
#' sum(tensordot(p_i, q_j, c(2, 2), c(2, 2), axes_x = c(1, 2), axes_y = c(2, 1)), index = "j")
#' sum(kron(p_i, diag(2), dims_x = c(2, 2)), index = "i")
NULL

#' @rdname lazytensor_tensors
#' @export
matvecmult <- function(m, v) {
  call <- sys.call()
  require_given(call, m = missing(m), v = missing(v))
  v <- as_operand(v, "v", call)
  m <- matrix_operand(m, "m", call, label_of(substitute(m)), columns = c(v = v$dimres))
  apply_operation("MatVecMult", list(m = m, v = v), call = call)
}

#' @rdname lazytensor_tensors
#' @export
vecmatmult <- function(v, m) {
  call <- sys.call()
  require_given(call, v = missing(v), m = missing(m))
  v <- as_operand(v, "v", call)
  m <- matrix_operand(m, "m", call, label_of(substitute(m)), rows = c(v = v$dimres))
  apply_operation("VecMatMult", list(v = v, m = m), call = call)
}

#' @rdname lazytensor_tensors
#' @export
tensorprod <- function(x, y) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  apply_operation("TensorProd", list(x = x, y = y), call = call)
}

#' @rdname lazytensor_tensors
#' @export
kron <- function(x, y, dims_x = NULL, dims_y = NULL) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  shapes <- list(array_shape(x, dims_x, "x", call), array_shape(y, dims_y, "y", call))
  operands <- list(x = array_operand(x, "x", call, label_of(substitute(x))),
                   y = array_operand(y, "y", call, label_of(substitute(y))))
  check_shapes(operands, shapes, call)
  apply_operation("Kron", operands, shapes, call)
}

#' @rdname lazytensor_tensors
#' @export
tensordot <- function(x, y, dims_x = NULL, dims_y = NULL, axes_x = NULL, axes_y = NULL, perm = NULL) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  shapes <- list(array_shape(x, dims_x, "x", call), array_shape(y, dims_y, "y", call))
  operands <- list(x = array_operand(x, "x", call, label_of(substitute(x))),
                   y = array_operand(y, "y", call, label_of(substitute(y))))
  check_shapes(operands, shapes, call)
  axes <- list(check_axes(axes_x, "axes_x", length(shapes[[1L]]), call),
               check_axes(axes_y, "axes_y", length(shapes[[2L]]), call))
  check_pairs_of_axes(shapes, axes, call)
  left <- sum(lengths(shapes)) - sum(lengths(axes))
  order <- if (!is.null(perm)) list(check_permutation(perm, left, call))
  apply_operation("TensorDot", operands, c(shapes, axes, order), call)
}

# ---- plain matrices and arrays

# A plain matrix as the parameter that it is in formulas, row by row; all else as it is. `rows` and `columns`: what it
# must have, as in c(v = 3), which names the argument that decides.
matrix_operand <- function(x, arg, call, label = "", rows = NULL, columns = NULL) {
  if (is.LazyTensor(x) || length(dim(x)) != 2L) return(x)
  if (!is.complex(x)) x <- plain_numbers(x, arg, call)
  check_extent(nrow(x), rows, "row", arg, call)
  check_extent(ncol(x), columns, "column", arg, call)
  as_operand(as.vector(t(x)), arg, call, label)
}

check_extent <- function(extent, wanted, what, arg, call) {
  if (is.null(wanted) || extent == wanted) return(invisible())
  rkeops_abort(
    "dimension", sprintf("`%s` has %d %s%s, `%s` has dimension %.0f", arg, extent, what, if (extent == 1L) "" else "s",
                         names(wanted), wanted),
    call = call, argument = arg, hint = "Both must be equal."
  )
}

array_operand <- function(x, arg, call, label) {
  if (is.LazyTensor(x) || is.null(dim(x))) return(as_operand(x, arg, call, label))
  if (!is.complex(x)) x <- plain_numbers(x, arg, call)
  as_operand(as.vector(aperm(x)), arg, call, label)
}

# The lengths of the axes of `x`: as given, or its own.
array_shape <- function(x, dims, arg, call) {
  if (is.null(dims)) {
    if (is.LazyTensor(x)) return(x$dimres)
    return(as.numeric(if (is.null(dim(x))) length(x) else dim(x)))
  }
  name <- paste0("dims_", arg)
  if (!is.LazyTensor(x) && !is.null(dim(x)) && !identical(as.numeric(dims), as.numeric(dim(x)))) {
    abort_argument(name, sprintf("the shape of `%s`, %s", arg, paste(dim(x), collapse = " x ")), dims, call,
                   hint = "Leave it out for R's own arrays.")
  }
  check_wholes(dims, name, call, min = 1)
}

check_wholes <- function(x, arg, call, min, max = Inf) {
  numbers <- is.numeric(x) && !is.object(x) && length(x) > 0L && all(is.finite(x))
  if (numbers && all(x == trunc(x)) && all(x >= min & x <= max)) return(as.numeric(x))
  abort_argument(arg, if (is.finite(max)) sprintf("whole numbers from %.0f to %.0f", min, max)
                      else sprintf("whole numbers, at least %.0f", min), x, call)
}

check_shapes <- function(operands, shapes, call) {
  for (k in 1:2) {
    dim <- operands[[k]]$dimres
    if (prod(shapes[[k]]) == dim) next
    arg <- names(operands)[k]
    rkeops_abort(
      "dimension", sprintf("`%s` has dimension %.0f, an array %s has %.0f entries", arg, dim,
                           paste(shapes[[k]], collapse = " x "), prod(shapes[[k]])),
      call = call, argument = paste0("dims_", arg), hint = sprintf("The product of `dims_%s` is the dimension.", arg)
    )
  }
}

# Axes as formulas count, from 0.
check_axes <- function(axes, arg, count, call) {
  if (is.null(axes)) return(numeric())
  base <- index_base()
  axes <- check_wholes(axes, arg, call, base, base + count - 1)
  if (!anyDuplicated(axes)) return(axes - base)
  rkeops_abort("argument", sprintf("`%s` has the same axis twice", arg), call = call, argument = arg,
               got = paste("got", paste(axes, collapse = ", ")))
}

check_pairs_of_axes <- function(shapes, axes, call) {
  if (length(axes[[1L]]) != length(axes[[2L]])) {
    rkeops_abort("argument", "`axes_x` and `axes_y` must have equal lengths", call = call, argument = "axes_y",
                 got = sprintf("got %d and %d axes", length(axes[[1L]]), length(axes[[2L]])))
  }
  lengths <- Map(function(shape, axes) shape[axes + 1], shapes, axes)
  k <- which(lengths[[1L]] != lengths[[2L]])[1L]
  if (is.na(k)) return(invisible())
  numbers <- vapply(axes, `[`, 0, k) + index_base()
  rkeops_abort(
    "dimension", sprintf("axis %.0f of `x` has length %.0f, axis %.0f of `y` has length %.0f", numbers[1L],
                         lengths[[1L]][k], numbers[2L], lengths[[2L]][k]),
    call = call, argument = "axes_y", hint = "Axes that are summed over have equal lengths."
  )
}

# The permutation of formulas: where each axis goes, from 0.
check_permutation <- function(perm, count, call) {
  base <- index_base()
  if (is.numeric(perm) && !is.object(perm) && length(perm) == count && setequal(perm, seq_len(count) - 1 + base)) {
    return(order(perm) - 1)
  }
  abort_argument("perm", if (count == 0) "NULL: the result is a number"
                         else sprintf("a permutation of %.0f to %.0f", base, base + count - 1), perm, call)
}
