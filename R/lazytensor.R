# A LazyTensor is a symbolic matrix of vectors: a formula and the data its variables stand for.
#   formula  text; variables have identifiers A0x<digits><i|j|NA>, unique wherever they go (src/identifier.cpp), and
#            plain numbers N0x<hash of value and place>, so that the same expression has the same ones, and
#            D0x<hash> stands for a definition
#   definitions  parts of the formula that are long or used twice, as "D0x...=formula" (src/names.h), each behind those
#            that it mentions; NULL where there are none. So text grows with the number of operations, and no faster.
#   args     declarations "A0x1i=Vi(3)", one per variable
#   data     the R objects of the variables (not copied), parallel to args
#   labels   names for printing, parallel to args
#   tokens   environments, parallel to args (NULL for plain numbers): while one lives, a GPU may keep its variable's
#            data. Enclosed by the namespace at last, which R therefore loads where a LazyTensor arrives.
#   dimres   dimension of the vectors
#   ni, nj   number of rows i and j, NA where there is none
#   components  names of the components of the vectors, or NULL
#   logical  are the values truth values, 1 and 0: what comparisons give, and R's own logical data
#   mask     where pairs are left out, see lazytensor-mask.R
#   blocks   which pairs are visited, see blocks.R

new_lazytensor <- function(formula, args, data, labels, dimres, ni, nj, logical = FALSE, tokens = list(),
                           components = NULL, definitions = NULL) {
  x <- list(formula = formula, args = args, data = data, labels = labels, dimres = dimres, ni = ni, nj = nj,
            logical = logical, tokens = tokens, components = components, definitions = definitions)
  class(x) <- "LazyTensor"
  if (needs_s4_bit) asS4(x) else x
}

# Constants are part of the formula, and so of the kernel: for numbers that the package itself writes.
new_constant <- function(value) {
  new_lazytensor(sprintf("IntCst(%.0f)", value), character(), list(), character(), 1, NA_real_, NA_real_)
}

# A number in an expression: a parameter, so that other numbers need no other kernel. `place`: see src/operator.cpp.
new_number <- function(value, place = NULL) unwrap(rk_number(value, place))

# `data`: a matrix, without index (NA) a vector.
new_variable <- function(data, index, label) made(rk_variable(data, index, FALSE, label, here))

# Tokens of variables are enclosed by `here`; those that were made elsewhere, in another session or by reading a file, by a
# copy of it.
here <- new.env(FALSE, topenv())
new_token <- function() new.env(FALSE, here)
comes_from_elsewhere <- function(tokens) {
  any(vapply(tokens, function(token) is.environment(token) && !identical(parent.env(token), here), TRUE))
}

#' Symbolic matrices
#'
#' A LazyTensor stands for a matrix of which entry (i, j) is a vector, given by a formula: `Vi(x)` is the matrix whose
#' entry (i, j) is row i of `x`, `Vj(y)` has row j of `y` there, and `Pm(p)` the same vector `p` everywhere. Ordinary
#' operators and functions build formulas of LazyTensors; nothing is computed, and no large matrix stored, until a
#' reduction over one of the indices is asked for, such as `sum(K, index = "j")` or `K %*% b`.
#'
#' In expressions with a LazyTensor, plain numbers and vectors need not be wrapped: a number is a parameter, and a vector
#' of length D a parameter of dimension D. Parameters are data, so that an expression with other numbers needs no new
#' kernel; only whole exponents (`x^2`), digits of `round()` and positions are part of the formula. `Pm()` makes a
#' parameter that has a name of its own, such as a variable of [gradients()]. Plain matrices have to be wrapped, since
#' only you know which index they have.
#'
#' Names come back: results that have one row per point have the row names of these points, and K * b, for `b` with
#' named columns, has results with these columns.
#'
#' LazyTensors can be saved, and sent to workers, where they load rkeops; a variable stays the same variable wherever it
#' goes.
#'
#' @param x a numeric matrix or data frame with one row per point, or a vector with one number per point, for `Vi()` and
#'   `Vj()`; a number or numeric vector for `Pm()`. Integer, logical and complex ones do, too.
#' @param index `"i"` or `"j"` for points; `NA` for a number or vector that is a parameter.
#' @param is_complex `TRUE`: take real data as complex numbers with imaginary part 0. Complex data need no `TRUE`.
#' @return An object of class `LazyTensor`; for complex data also of class `ComplexLazyTensor`, see
#'   [lazytensor_complex]. Errors: of class `rkeops_error_input` for data that are not numbers.
#' @seealso [sum.LazyTensor()] for the reductions, [lazytensor_operators] for operators,
#'   [lazytensor_functions] for functions, [keops_kernel()] for formulas as text.
#' @seealso [solve.LazyTensor()] for linear systems, [gradients()] for derivatives; `vignette("rkeops")` to get started,
#'   `vignette("recipes")` for short answers.
#' @concept kernel matrix
#' @concept Gram matrix
#' @concept distance matrix
#' @concept pairwise distances
#' @concept symbolic matrix
#' @concept lazy evaluation
#' @concept large matrices
#' @examples
#' x <- matrix(rnorm(300), 100, 3)
#' y <- matrix(rnorm(600), 200, 3)
#' b <- rnorm(200)
#' D_ij <- sqdist(Vi(x), Vj(y))
#' K_ij <- exp(-D_ij / 0.5)
#' K_ij
#' a <- K_ij %*% b
#' head(a)
#' @export
LazyTensor <- function(x, index = NA, is_complex = FALSE) {
  if (!missing(x)) {
    variable <- .Call(`_rkeops_rk_variable`, x, index, is_complex, substitute(x), here)
    if (is.object(variable)) return(variable)
  }
  make_lazytensor(x, index, is_complex, substitute(x), sys.call())
}

#' @rdname LazyTensor
#' @export
Vi <- function(x, is_complex = FALSE) {
  make_lazytensor(x, "i", is_complex, substitute(x), sys.call(), check_indexed)
}

#' @rdname LazyTensor
#' @export
Vj <- function(x, is_complex = FALSE) {
  make_lazytensor(x, "j", is_complex, substitute(x), sys.call(), check_indexed)
}

#' @rdname LazyTensor
#' @export
Pm <- function(x, is_complex = FALSE) {
  make_lazytensor(x, NA, is_complex, substitute(x), sys.call(), check_parameter)
}

check_parameter <- function(x, call) {
  if (is.LazyTensor(x)) abort_argument("x", "a number or a numeric vector", x, call)
  if (length(dim(x)) > 0L) {
    abort_argument("x", "a number or a numeric vector", x, call, hint = "Wrap a matrix with Vi() or Vj().")
  }
}

check_indexed <- function(x, call) {
  if ((is.matrix(x) || is.data.frame(x)) && !is.LazyTensor(x)) return(invisible())
  if ((is.numeric(x) || is.logical(x) || is.complex(x)) && length(dim(x)) < 2L && !is.LazyTensor(x) && length(x) > 0L) {
    return(invisible())
  }
  abort_argument("x", "a numeric matrix, or a vector with one number per point", x, call, hint = numbers_hint(x, "x"),
                 kind = "input")
}

# `written`: the expression for x, of which the label is made. `check` looks at data that are no plain numbers.
make_lazytensor <- function(x, index, is_complex, written, call, check = NULL) {
  if (missing(x)) abort_missing("x", call)
  variable <- rk_variable(x, index, is_complex, written, here)
  if (is.object(variable)) return(variable)
  if (!is.null(check)) check(x, call)
  label <- label_of(written)
  complex <- check_flag(is_complex, "is_complex", call) || is.complex(x)
  if (is.LazyTensor(x)) abort_argument("x", "numeric data", x, call, kind = "input")
  axis <- check_index(index, call, na_ok = TRUE)
  if (!is.complex(x)) x <- plain_numbers(x, "x", call)
  if (length(dim(x)) > 2L) abort_argument("x", "a matrix or a vector", x, call, kind = "input")
  if (!is.na(axis) && !is.matrix(x) && length(x) > 0L) x <- one_column(x)
  if (is.matrix(x)) {
    if (is.na(axis)) {
      rkeops_abort("argument", "`index` is missing: a matrix needs index \"i\" or \"j\"", call = call,
                   argument = "index",
                   hint = "Write Vi(x) or index \"i\" if its rows are i, Vj(x) or \"j\" if they are j.")
    }
    if (ncol(x) == 0L) abort_argument("x", "a matrix with at least one column", x, call, kind = "input")
    return(if (complex) new_complex_variable(x, index, label) else new_variable(x, index, label))
  }
  if (length(x) == 0L) abort_argument("x", "of length 1 or more", x, call, kind = "input")
  if (complex) return(new_complex_variable(x, NA, label))
  new_variable(if (is.null(dim(x))) x else as.vector(x), NA, label)
}

# A vector is points in dimension 1.
one_column <- function(x) {
  names <- names(x)
  dim(x) <- c(length(x), 1L)
  if (!is.null(names)) rownames(x) <- names
  x
}

# A short name for printing, out of the expression that the user gave, or a string.
label_of <- function(expression) {
  if (is.name(expression) || is.character(expression)) return(as.character(expression))
  if (is.numeric(expression) && length(expression) == 1L) return(number_text(expression, 4L))
  ""
}

#' What a LazyTensor is
#'
#' @param x any object; for `is.LazyParameter()`, `is.ComplexLazyParameter()`, `is.LazyVector()` and `is.LazyMatrix()`
#'   a LazyTensor.
#' @return `TRUE` or `FALSE`. `is.LazyTensor()`: is it a LazyTensor. `is.ComplexLazyTensor()`: is it a complex one.
#'   `is.LazyParameter()`, `is.ComplexLazyParameter()`: is it one number, a parameter of dimension 1.
#'   `is.LazyVector()`: has it a parameter. `is.LazyMatrix()`: has it a variable indexed by i or j.
#'   `is.int()`: is it one whole number.
#' @details LazyTensors are S3 objects. Before R 4.3, `%*%` looks for methods only where the S4 bit is set, so that
#'   `isS4()` of a LazyTensor is `TRUE` there, and `testthat::expect_s3_class()` refuses it;
#'   `inherits(x, "LazyTensor")`, `is.LazyTensor(x)` and `testthat::expect_s4_class(x, "LazyTensor")` do not. From R 4.3
#'   on `isS4()` is `FALSE`.
#' @seealso [LazyTensor()].
#' @examples
#' is.LazyTensor(Vi(matrix(1:6, 3)))
#' is.LazyParameter(Pm(0.5))
#' is.LazyMatrix(Vi(matrix(1:6, 3)) + Pm(c(1, 2)))
#' is.int(3)
#' @export
is.LazyTensor <- function(x) inherits(x, "LazyTensor")

#' @rdname is.LazyTensor
#' @export
is.ComplexLazyTensor <- function(x) inherits(x, "ComplexLazyTensor")

#' @rdname is.LazyTensor
#' @export
is.LazyParameter <- function(x) {
  check_lazytensor(x, "x", sys.call())
  !is.ComplexLazyTensor(x) && is_leaf(x) && x$dimres == 1 && !any(is_indexed(x$args))
}

#' @rdname is.LazyTensor
#' @export
is.ComplexLazyParameter <- function(x) {
  check_lazytensor(x, "x", sys.call())
  is.ComplexLazyTensor(x) && is_leaf(x) && x$dimres == 1 && !any(is_indexed(x$args))
}

#' @rdname is.LazyTensor
#' @export
is.LazyVector <- function(x) {
  check_lazytensor(x, "x", sys.call())
  !all(is_indexed(x$args))
}

#' @rdname is.LazyTensor
#' @export
is.LazyMatrix <- function(x) {
  check_lazytensor(x, "x", sys.call())
  any(is_indexed(x$args))
}

#' @rdname is.LazyTensor
#' @export
is.int <- function(x) is_whole(x)

# One variable, number or constant, and not an expression of them.
is_leaf <- function(x) grepl("^(A0x[0-9a-f]+(i|j|NA)|N0x[0-9a-f]+|IntCst\\([-0-9]+\\))$", x$formula)

# Are they plain numbers?
is_number <- function(args) startsWith(args, "N0x")

is_indexed <- function(args) grepl("=V[ij]\\(", args)
