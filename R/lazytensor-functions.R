# Named functions. Those of one argument are made from this table; the others follow, each one line of operation.

named_functions <- c(
  square = "Square", rsqrt = "Rsqrt", inv = "Inv", xlogx = "XLogX", sinxdivx = "SinXDivX", relu = "ReLU",
  erf = "Erf", erfc = "Erfc", besselj0 = "BesselJ0", besselj1 = "BesselJ1",
  sqnorm2 = "SqNorm2", norm2 = "Norm2", normalize = "Normalize"
)

# The function `name`: `plain` for ordinary numbers, the operation of the table for LazyTensors. Without `plain`,
# numbers become LazyTensors.
named_function <- function(name, plain = NULL) {
  operation <- named_functions[[name]]
  force(plain)
  function(x) {
    if (missing(x)) require_given(sys.call(), x = TRUE)
    if (!is.null(plain) && !is.LazyTensor(x)) return(plain(x))
    apply_operation(operation, list(x = x), call = sys.call())
  }
}

# An error if an argument is missing: require_given(call, x = missing(x), y = missing(y)).
require_given <- function(call, ...) {
  absent <- c(...)
  if (!any(absent)) return(invisible())
  arg <- names(absent)[absent][1L]
  rkeops_abort("argument", sprintf("`%s` is missing", arg), call = call, argument = arg,
               hint = sprintf("The arguments are %s.", paste0("`", names(absent), "`", collapse = ", ")))
}

#' Functions of LazyTensors
#'
#' They build the formula; nothing is computed before a reduction. `D` is the dimension of the vectors of `x`.
#'
#' @details
#' Component by component:
#' * `square(x)`, `rsqrt(x)` (1 / sqrt(x); 0 at 0 for LazyTensors), `inv(x)` (1 / x), `xlogx(x)` (x log(x), 0 at 0),
#'   `sinxdivx(x)` (sin(x) / x, 1 at 0), `relu(x)` (max(x, 0)), `step(x)` (0 below 0, else 1),
#'   `atan2(y, x)`;
#' * `erf(x)`, `erfc(x)`: error function and 1 minus it; `besselj0(x)`, `besselj1(x)`: Bessel functions of the first
#'   kind, of order 0 and 1;
#' * `clamp(x, a, b)`: x kept between a and b; `clampint(x, y, z)`: the same with whole numbers y, z;
#' * `mod(x, a, b)`: x modulo a, in \[b, b + a), or (b + a, b\] if a is negative; for b = 0 it is `x %% a`;
#' * `ifelse(test, yes, no)`: if `test` holds truth values, such as `x < y` (see [lazytensor_operators]), yes where they
#'   are true, else no. If it holds other numbers, yes where **test >= 0**, else no.
#'
#' Vectors to numbers: `sqnorm2(x)`, `norm2(x)`, `sqdist(x, y)`, and with weights s of dimension 1, D (diagonal) or
#' D^2 (matrix, row by row; or a plain D x D matrix) `weightedsqnorm(x, s)`, `weightedsqdist(x, y, s)`. `normalize(x)`
#' divides by the norm.
#'
#' Parts of vectors (positions count from 1, or as the option `index_base` says): `elem(x, m)` component m;
#' `elemT(x, m, n)` zeros of length n with the number x at position m; `extract(x, m, d)` d components from position m
#' on; `extractT(x, m, d)` zeros of length d with x from position m on; `concat(x, y)` x followed by y;
#' `one_hot(x, D)` the vector of length D with 1 at position x, or at the whole number nearest to it (2.5 counts as 3); where
#' there is no such position, as for 0 or D + 1, all components are 0.
#'
#' Matrices and arrays in vectors are on a [page of their own][lazytensor_tensors], as are
#' [derivatives][lazytensor_derivatives], [bspline()], [softdtw()], [lookup()] and [matern()]. Operations of
#' [formula text][rkeops_operations] that have no function here are written with others: `SumT` by an operation with a
#' vector, such as `x + c(0, 0)`; `DiffClampInt(x, m, n)` as `(x >= m) & (x <= n)`; `ComplexSquareAbs(z)` as `Mod(z)^2`;
#' `Factorize` is not needed. `Reverse` and `InvOrZero` are there by name, as in `unaryop.LazyTensor(x, "Reverse")`.
#'
#' `square()`, `rsqrt()`, `inv()`, `xlogx()`, `sinxdivx()`, `relu()`, `erf()`, `erfc()`, `besselj0()` and `besselj1()` work
#' on ordinary numbers too. `ifelse()`, `atan2()` and `step()` do what they do in base R and stats unless a LazyTensor is given.
#' `extract()` is also the name of functions of `tidyr`, `magrittr` and others: where such a package is attached later,
#' write `rkeops::extract()`.
#'
#' @param x,y,test,yes,no LazyTensors, numbers or numeric vectors; for `clampint()`, `y` and `z` are whole numbers.
#' @param s weights: a LazyTensor, number or numeric vector, or a numeric matrix.
#' @param a,b bounds of `clamp()`, modulus and lower bound of `mod()`: LazyTensors, numbers or numeric vectors.
#' @param z a whole number, the upper bound.
#' @param m a position.
#' @param n,d,D length of a vector.
#' @param object a LazyTensor, or a fitted model for [stats::step()].
#' @param ... arguments of [stats::step()].
#' @return A LazyTensor. Errors: of class `rkeops_error_dimension` if dimensions do not go together,
#'   `rkeops_error_argument` if an argument is missing, or a position does not exist.
#' @name lazytensor_functions
#' @seealso [lazytensor_operators], [lazytensor_reductions], [matern()], [lookup()]. tidyr and magrittr have an `extract()`, too:
#'   the package attached last wins, and `rkeops::extract()` is always this one.
#' @concept squared distance
#' @concept Euclidean distance
#' @concept Mahalanobis distance
#' @concept mask
#' @concept pairwise distances
#' @examples
#' x_i <- Vi(matrix(runif(12), 4))
#' y_j <- Vj(matrix(runif(15), 5))
#' sum(sqdist(x_i, y_j), index = "j")
#' sum(elem(x_i, 1) * normalize(y_j), index = "j")
#' sum(ifelse(x_i < y_j, erf(x_i - y_j), 0), index = "j")
#' square(3)
#' erf(1)
NULL

#' @rdname lazytensor_functions
#' @export
square <- named_function("square", function(x) x^2)

#' @rdname lazytensor_functions
#' @export
rsqrt <- named_function("rsqrt", function(x) 1 / sqrt(x))

#' @rdname lazytensor_functions
#' @export
inv <- named_function("inv", function(x) 1 / x)

#' @rdname lazytensor_functions
#' @export
xlogx <- named_function("xlogx", function(x) {
  value <- x * log(x)
  value[!is.na(x) & x == 0] <- 0
  value
})

#' @rdname lazytensor_functions
#' @export
sinxdivx <- named_function("sinxdivx", function(x) {
  value <- sin(x) / x
  value[!is.na(x) & x == 0] <- 1
  value
})

#' @rdname lazytensor_functions
#' @export
relu <- named_function("relu", function(x) {
  x[!is.na(x) & x < 0] <- 0
  x
})

# Exact near 0, where 1 minus the complement would not be.
#' @rdname lazytensor_functions
#' @export
erf <- named_function("erf", function(x) sign(x) * stats::pchisq(2 * x^2, 1))

#' @rdname lazytensor_functions
#' @export
erfc <- named_function("erfc", function(x) 2 * stats::pnorm(sqrt(2) * x, lower.tail = FALSE))

#' @rdname lazytensor_functions
#' @export
besselj0 <- named_function("besselj0", function(x) besselJ(abs(x), 0))

#' @rdname lazytensor_functions
#' @export
besselj1 <- named_function("besselj1", function(x) sign(x) * besselJ(abs(x), 1))

#' @rdname lazytensor_functions
#' @export
sqnorm2 <- named_function("sqnorm2")

#' @rdname lazytensor_functions
#' @export
norm2 <- named_function("norm2")

#' @rdname lazytensor_functions
#' @export
normalize <- named_function("normalize")

#' @rdname lazytensor_functions
#' @export
sqdist <- function(x, y) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  apply_operation("SqDist", list(x = x, y = y), call = call)
}

#' @rdname lazytensor_functions
#' @export
weightedsqnorm <- function(x, s) {
  call <- sys.call()
  require_given(call, x = missing(x), s = missing(s))
  x <- as_operand(x, "x", call)
  s <- matrix_operand(s, "s", call, label_of(substitute(s)), rows = c(x = x$dimres), columns = c(x = x$dimres))
  apply_operation("WeightedSqNorm", list(s = s, x = x), call = call)
}

#' @rdname lazytensor_functions
#' @export
weightedsqdist <- function(x, y, s) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y), s = missing(s))
  x <- as_operand(x, "x", call)
  y <- as_operand(y, "y", call)
  dim <- if (x$dimres > 1) c(x = x$dimres) else c(y = y$dimres)
  s <- matrix_operand(s, "s", call, label_of(substitute(s)), rows = dim, columns = dim)
  apply_operation("WeightedSqDist", list(s = s, x = x, y = y), call = call)
}

#' @rdname lazytensor_functions
#' @export
clamp <- function(x, a, b) {
  call <- sys.call()
  require_given(call, x = missing(x), a = missing(a), b = missing(b))
  apply_operation("Clamp", list(x = x, a = a, b = b), call = call)
}

#' @rdname lazytensor_functions
#' @export
clampint <- function(x, y, z) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y), z = missing(z))
  limits <- c(check_whole(y, "y", call), check_whole(z, "z", call))
  apply_operation("ClampInt", list(x = x), limits, call)
}

#' @rdname lazytensor_functions
#' @export
mod <- function(x, a, b = 0) {
  require_given(sys.call(), x = missing(x), a = missing(a))
  if (is.LazyTensor(x) || is.LazyTensor(a) || is.LazyTensor(b)) {
    return(apply_operation("Mod", list(x = x, a = a, b = b), call = sys.call()))
  }
  rest <- exact_remainder(x, a)
  if (all(b == 0, na.rm = TRUE)) rest + b else rest - a * floor((rest - b) / a)
}

# As x %% y, but right for any size of x / y: y times powers of 2 are taken off, which is exact.
exact_remainder <- function(x, y) {
  shape <- if (length(x) >= length(y)) x else y
  size <- if (length(x) == 0L || length(y) == 0L) 0L else length(shape)
  x <- rep_len(as.double(x), size)
  y <- rep_len(as.double(y), size)
  rest <- abs(x)
  unit <- abs(y)
  while (length(far <- which(rest >= unit & is.finite(rest) & unit > 0)) > 0L) {
    power <- floor(log2(rest[far]) - log2(unit[far]))
    third <- power %/% 3  # 2^power may be infinite where the product is not
    part <- unit[far] * 2^third * 2^third * 2^(power - 2 * third)
    part <- base::ifelse(part > rest[far], part / 2, part)
    rest[far] <- rest[far] - part
  }
  rest <- base::ifelse(is.finite(x) & unit > 0, sign(x) * rest, NaN + x + y)
  other <- which(rest * sign(y) < 0)
  rest[other] <- rest[other] + y[other]
  rest[which(rest == y & is.finite(y))] <- 0
  shape[] <- rest
  shape
}

#' @rdname lazytensor_functions
#' @export
concat <- function(x, y) {
  call <- sys.call()
  require_given(call, x = missing(x), y = missing(y))
  apply_operation("Concat", list(x = x, y = y), call = call)
}

# ---- parts of vectors: positions are the user's here and 0-based in formulas

index_base <- function() current_options()$index_base

# The 0-based position; `size` is the number of positions there are.
check_position <- function(m, size, call) {
  base <- index_base()
  check_whole(m, "m", call, min = base, max = base + size - 1, hint = if (base == 1L) "Positions count from 1.") - base
}

#' @rdname lazytensor_functions
#' @export
elem <- function(x, m) {
  call <- sys.call()
  require_given(call, x = missing(x), m = missing(m))
  x <- as_operand(x, "x", call)
  apply_operation("Elem", list(x = x), check_position(m, x$dimres, call), call)
}

#' @rdname lazytensor_functions
#' @export
elemT <- function(x, m, n) {
  call <- sys.call()
  require_given(call, x = missing(x), m = missing(m), n = missing(n))
  n <- check_whole(n, "n", call, min = 1)
  apply_operation("ElemT", list(x = x), c(n, check_position(m, n, call)), call)
}

#' @rdname lazytensor_functions
#' @export
extract <- function(x, m, d) {
  call <- sys.call()
  require_given(call, x = missing(x), m = missing(m), d = missing(d))
  x <- as_operand(x, "x", call)
  start <- check_position(m, x$dimres, call)
  apply_operation("Extract", list(x = x), c(start, check_whole(d, "d", call, min = 1, max = x$dimres - start)), call)
}

#' @rdname lazytensor_functions
#' @export
extractT <- function(x, m, d) {
  call <- sys.call()
  require_given(call, x = missing(x), m = missing(m), d = missing(d))
  x <- as_operand(x, "x", call)
  d <- check_whole(d, "d", call, min = x$dimres)
  apply_operation("ExtractT", list(x = x), c(check_position(m, d - x$dimres + 1, call), d), call)
}

#' @rdname lazytensor_functions
#' @export
one_hot <- function(x, D) {
  call <- sys.call()
  require_given(call, x = missing(x), D = missing(D))
  D <- check_whole(D, "D", call, min = 1)
  x <- as_operand(x, "x", call)
  if (index_base() != 0L) x <- apply_operation("Subtract", list(x = x, base = new_constant(index_base())), call = call)
  apply_operation("OneHot", list(x = x), D, call)
}

# ---- names that base and stats have and that are not generic there

#' @rdname lazytensor_functions
#' @export
ifelse <- function(test, yes, no) UseMethod("ifelse")

# The default methods are the functions of base and stats themselves: missing arguments, laziness and the frame in
# which stats::step() evaluates are as without this package.
#' @export
ifelse.default <- base::ifelse

#' @rdname lazytensor_functions
#' @export
ifelse.LazyTensor <- function(test, yes, no) {
  call <- sys.call()
  require_given(call, test = missing(test), yes = missing(yes), no = missing(no))
  if (holds_truth(test)) {
    test <- apply_operation("Subtract", list(test = test, one = new_constant(1)), call = call)  # 0 or -1
  }
  apply_operation("IfElse", list(test = test, yes = yes, no = no), call = call)
}

#' @rdname lazytensor_functions
#' @export
atan2 <- function(y, x) UseMethod("atan2")

#' @export
atan2.default <- function(y, x) if (is.LazyTensor(x)) atan2.LazyTensor(y, x) else base::atan2(y, x)

#' @rdname lazytensor_functions
#' @export
atan2.LazyTensor <- function(y, x) {
  call <- sys.call()
  require_given(call, y = missing(y), x = missing(x))
  apply_operation("Atan2", list(y = y, x = x), call = call)
}

#' @rdname lazytensor_functions
#' @export
step <- function(object, ...) UseMethod("step")

#' @export
step.default <- stats::step

#' @rdname lazytensor_functions
#' @export
step.LazyTensor <- function(object, ...) {
  call <- sys.call()
  if (missing(object) && identical(names(list(...)), "x")) return(step.LazyTensor(..1))  # its name in RKeOps 2
  require_given(call, object = missing(object))
  if (...length() > 0L) {
    rkeops_abort("argument", "step() of a LazyTensor takes nothing but the LazyTensor", call = call,
                 got = sprintf("got %d arguments", ...length() + 1L))
  }
  apply_operation("Step", list(object = object), call = call)
}
