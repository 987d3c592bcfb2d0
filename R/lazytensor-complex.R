# Complex LazyTensors. In formulas a complex vector is re, im, re, im, ...: its declared dimension is twice `dimres`,
# which counts complex components. The class says that a LazyTensor is complex.

#' Complex LazyTensors
#'
#' Complex matrices and vectors make complex LazyTensors, of class `ComplexLazyTensor`. They go together with real ones
#' and with R's complex numbers; reductions give complex matrices.
#'
#' @details
#' * `+ - * /`, `^`, `==`, `!=`, `&`, `exp`, `log`, `log2`, `log10`, `sqrt`, `sin`, `cos`, `tan`, `asin`, `acos`,
#'   `atan`, and the hyperbolic ones, `round`, `signif`, [square()], [inv()], [rsqrt()], [xlogx()], [sinxdivx()], [atan2()];
#'   values, also on branch cuts, are those of base R;
#' * `Re`, `Im`, `Mod` (or `abs`) and `Arg` give real LazyTensors; `Conj`;
#' * [sum()] and [mean()], also over `"i"` and `"j"`, and `%*%`; the weights of [sumsoftmaxweight()] may be complex;
#' * [concat()], [elem()], [extract()], [elemT()], [extractT()], [normalize()]; `ifelse()` with a real test; [lookup()]
#'   in complex tables;
#' * [matvecmult()], [vecmatmult()], [tensorprod()], [tensordot()], [kron()];
#' * [sqnorm2()], [norm2()], [sqdist()], and [weightedsqnorm()], [weightedsqdist()] with real weights: sums of squared
#'   moduli, z' S Conj(z) for a symmetric matrix S.
#' * `real2complex(x)` is x + 0i, `imag2complex(x)` is 0 + x i, `exp1j(x)` is cos(x) + i sin(x), for a real x.
#'
#' All else, such as `<`, `min()` or the scalar product `x | y`, has no meaning for complex numbers, and raises
#' an error of class `rkeops_error_unsupported`. `Vi(x, is_complex = TRUE)` takes real data as complex with imaginary
#' part 0.
#'
#' Complex data are copied when the LazyTensor is made. In `$data`, and in formulas for [keops_kernel()], real and
#' imaginary parts take turns: z with D columns is declared `"z=Vi(2*D)"`, with 2 * D written out.
#'
#' @param x a real LazyTensor.
#' @param z a complex LazyTensor.
#' @return A LazyTensor. Errors: of class `rkeops_error_argument` if `x` is complex, or `z` is real.
#' @name lazytensor_complex
#' @aliases Complex.LazyTensor
#' @seealso [lazytensor_operators], [lazytensor_functions].
#' @concept complex numbers
#' @concept Fourier transform
#' @concept irregular time series
#' @examples
#' # a Fourier transform at arbitrary frequencies
#' time <- runif(100)
#' signal <- cos(2 * pi * 5 * time)
#' frequency <- 0:10
#' angle_ij <- -2 * pi * Vi(matrix(frequency)) * Vj(matrix(time))
#' transform <- exp1j(angle_ij) %*% signal
#' round(Mod(transform))
#'
#' z_i <- Vi(matrix(complex(modulus = 2, argument = 1:4), 2))
#' w_j <- Vj(matrix(complex(real = 1:6, imaginary = 1), 3))
#' sum(z_i * Conj(w_j) / 3i, index = "j")
#' sum(Mod(z_i - w_j), index = "j")
NULL

#' @rdname lazytensor_complex
#' @export
Complex.LazyTensor <- function(z) {
  call <- call(.Generic, substitute(z))
  if (!is.ComplexLazyTensor(z)) {
    rkeops_abort("argument", sprintf("%s() is for complex LazyTensors, `z` is real", .Generic), call = call,
                 argument = "z", hint = "real2complex(z) makes it complex.")
  }
  operation <- switch(.Generic, Re = "ComplexReal", Im = "ComplexImag", Mod = "ComplexAbs", Arg = "ComplexAngle",
                      Conj = "Conj")
  compose(operation, list(z = z), call = call)
}

#' @rdname lazytensor_complex
#' @export
real2complex <- function(x) from_real("Real2Complex", x, sys.call())

#' @rdname lazytensor_complex
#' @export
imag2complex <- function(x) from_real("Imag2Complex", x, sys.call())

#' @rdname lazytensor_complex
#' @export
exp1j <- function(x) from_real("ComplexExp1j", x, sys.call())

from_real <- function(operation, x, call) {
  check_lazytensor(x, "x", call)
  if (is.ComplexLazyTensor(x)) {
    rkeops_abort("argument", "`x` is complex already", call = call, argument = "x",
                 hint = "Re(x) and Im(x) are real.")
  }
  compose(operation, list(x = x), call = call)
}

# ---- data and results

# R numbers as formulas hold them: a real matrix with columns re, im, re, im, ...; one row for a vector.
interleave <- function(x) {
  if (!is.matrix(x)) x <- matrix(x, 1L)
  if (!is.complex(x)) x <- x + 0i  # (which would make -0 of a complex number 0: the other side of a cut)
  values <- matrix(0, nrow(x), 2L * ncol(x))
  values[, c(TRUE, FALSE)] <- Re(x)
  values[, c(FALSE, TRUE)] <- Im(x)
  if (!is.null(rownames(x))) rownames(values) <- rownames(x)
  values
}

# (Not re + 1i * im, which is NaN where im is infinite.)
deinterleave <- function(values) {
  parts <- complex(real = values[, c(TRUE, FALSE)], imaginary = values[, c(FALSE, TRUE)])
  matrix(parts, nrow(values), ncol(values) / 2)
}

new_complex_variable <- function(x, index, label) {
  values <- interleave(x)
  variable <- new_variable(if (is.na(index)) as.vector(values) else values, index, label)
  if (!is.null(colnames(x))) variable$components <- colnames(x)
  as_complex(variable)
}

# The LazyTensor whose vectors are taken as re, im, re, im, ...
as_complex <- function(x) {
  x$dimres <- x$dimres / 2
  oldClass(x) <- c("ComplexLazyTensor", "LazyTensor")
  if (needs_s4_bit) asS4(x) else x
}

# Is the reduction complex? An error if it has no meaning for complex numbers.
check_complex_reduction <- function(x, name, weight, call) {
  if (is.ComplexLazyTensor(x)) {
    if (name != "Sum") refuse_complex(name, call)
    return(TRUE)
  }
  if (!is.ComplexLazyTensor(weight)) return(FALSE)
  if (name != "SumSoftMaxWeight") refuse_complex(name, call)
  TRUE
}

# ---- operations

# What an operation of real numbers is for operands of which one is complex at least: a function of the list of
# operands, the parameters and the user's call.
complex_rules <- list(
  Add = function(operands, parameters, call) complex_pair("ComplexAdd", operands, call),
  Subtract = function(operands, parameters, call) complex_pair("ComplexSubtract", operands, call),
  Mult = function(operands, parameters, call) {
    if (any(vapply(operands, is_real_number, TRUE))) compose("ComplexRealScal", operands, call = call)
    else complex_pair("ComplexMult", operands, call)
  },
  Divide = function(operands, parameters, call) {
    divisor <- operands[[2L]]
    if (is.ComplexLazyTensor(divisor)) complex_pair("ComplexDivide", operands, call)
    else if (is_real_number(divisor)) compose("Divide", operands, call = call, complex = TRUE)
    else complex_pair("ComplexMult", list(operands[[1L]], inv(divisor)), call)
  },
  Minus = function(operands, parameters, call) compose("Minus", operands, call = call, complex = TRUE),
  Inv = function(operands, parameters, call) 1 / operands[[1L]],
  Square = function(operands, parameters, call) operands[[1L]] * operands[[1L]],
  Rsqrt = function(operands, parameters, call) {  # 0 at 0, as for real numbers
    Conj(compose("ComplexSqrt", operands, call = call)) * compose("InvOrZero", list(Mod(operands[[1L]])), call = call)
  },
  Pow = function(operands, parameters, call) complex_power(operands[[1L]], parameters),
  Powf = function(operands, parameters, call) {
    check_dims(operands, "sameor1", "^", call)
    if (is.ComplexLazyTensor(operands[[2L]])) exp(operands[[2L]] * log(promote(operands[[1L]])))
    else complex_power(operands[[1L]], operands[[2L]])
  },
  Log = function(operands, parameters, call) {
    real2complex(log(Mod(operands[[1L]]))) + imag2complex(Arg(operands[[1L]]))
  },
  Sin = function(operands, parameters, call) {
    of_parts(operands[[1L]], function(a, b) sin(a) * cosh(b), function(a, b) cos(a) * sinh(b))
  },
  Cos = function(operands, parameters, call) {
    of_parts(operands[[1L]], function(a, b) cos(a) * cosh(b), function(a, b) -sin(a) * sinh(b))
  },
  Sinh = function(operands, parameters, call) {
    of_parts(operands[[1L]], function(a, b) sinh(a) * cos(b), function(a, b) cosh(a) * sin(b))
  },
  Cosh = function(operands, parameters, call) {
    of_parts(operands[[1L]], function(a, b) cosh(a) * cos(b), function(a, b) sinh(a) * sin(b))
  },
  Atan2 = function(operands, parameters, call) complex_angle(promote(operands[[1L]]), promote(operands[[2L]]), call),
  XLogX = function(operands, parameters, call) {
    z <- operands[[1L]]
    z * log(ifelse(z == 0, 1, z))
  },
  SinXDivX = function(operands, parameters, call) {
    z <- operands[[1L]]
    ifelse(z == 0, 1, sin(z) / ifelse(z == 0, 1, z))
  },
  Round = function(operands, parameters, call) {
    rounded <- function(part) apply_round(part, parameters, call)
    of_parts(operands[[1L]], function(a, b) rounded(a), function(a, b) rounded(b))
  },
  Equal = function(operands, parameters, call) {
    operands <- lapply(operands, promote)
    Re(operands[[1L]]) == Re(operands[[2L]]) & Im(operands[[1L]]) == Im(operands[[2L]])
  },
  NotEqual = function(operands, parameters, call) !complex_rules$Equal(operands, parameters, call),
  And = function(operands, parameters, call) {
    operands <- lapply(operands, function(z) if (is.ComplexLazyTensor(z)) z != 0 else z)
    operands[[1L]] & operands[[2L]]
  },
  Abs = function(operands, parameters, call) compose("ComplexAbs", operands, call = call),
  Sum = function(operands, parameters, call) compose("ComplexSum", operands, call = call),

  SqNorm2 = function(operands, parameters, call) compose("SqNorm2", operands, call = call),
  Norm2 = function(operands, parameters, call) compose("Norm2", operands, call = call),
  Normalize = function(operands, parameters, call) compose("Normalize", operands, call = call, complex = TRUE),
  SqDist = function(operands, parameters, call) sqnorm2(complex_pair("ComplexSubtract", operands, call)),
  WeightedSqNorm = function(operands, parameters, call) weighted_squares(operands[[1L]], operands[[2L]], call),
  WeightedSqDist = function(operands, parameters, call) {
    weighted_squares(operands[[1L]], complex_pair("ComplexSubtract", operands[-1L], call), call)
  },

  MatVecMult = function(operands, parameters, call) bilinear("MatVecMult", operands, parameters, call),
  VecMatMult = function(operands, parameters, call) bilinear("VecMatMult", operands, parameters, call),
  TensorProd = function(operands, parameters, call) bilinear("TensorProd", operands, parameters, call),
  TensorDot = function(operands, parameters, call) bilinear("TensorDot", operands, parameters, call),
  Kron = function(operands, parameters, call) bilinear("Kron", operands, parameters, call),
  Gather = function(operands, parameters, call) compose("Gather", operands, 2 * parameters, call, complex = TRUE),
  Lookup = function(operands, parameters, call) {
    column <- 2 * floor(operands[[3L]] + 0.5)  # of the real part
    part <- function(column) compose("Lookup", c(operands[1:2], list(column)), 2 * parameters, call)
    complex_of(part(column), part(column + 1))
  },

  Concat = function(operands, parameters, call) {
    compose("Concat", lapply(operands, promote), call = call, complex = TRUE)
  },
  Elem = function(operands, parameters, call) {
    compose("Extract", operands, c(2 * parameters, 2), call, complex = TRUE)
  },
  Extract = function(operands, parameters, call) compose("Extract", operands, 2 * parameters, call, complex = TRUE),
  ElemT = function(operands, parameters, call) {
    if (operands[[1L]]$dimres != 1) {
      rkeops_abort("dimension", sprintf("`x` has dimension %.0f, one number is needed", operands[[1L]]$dimres),
                   call = call, argument = "x")
    }
    compose("ExtractT", operands, 2 * rev(parameters), call, complex = TRUE)
  },
  ExtractT = function(operands, parameters, call) compose("ExtractT", operands, 2 * parameters, call, complex = TRUE),
  IfElse = function(operands, parameters, call) {
    if (is.ComplexLazyTensor(operands[[1L]])) refuse_complex("IfElse", call)
    check_dims(operands, "sameor1", "ifelse", call)
    dim <- max(vapply(operands, `[[`, 0, "dimres"))
    test <- operands[[1L]]
    if (test$dimres != 1) test <- compose("Add", list(real2complex(test), imag2complex(test)), call = call)
    values <- lapply(operands[-1L], function(x) complex_repeat(promote(x), dim))
    compose("IfElse", c(list(test), values), call = call, complex = TRUE)
  }
)

# Of operations that are linear in both operands, out of real ones.
bilinear <- function(operation, operands, parameters, call) {
  real <- function(a, b) compose(operation, list(a, b), parameters, call)
  x <- operands[[1L]]
  y <- operands[[2L]]
  if (!is.ComplexLazyTensor(x)) return(complex_of(real(x, Re(y)), real(x, Im(y))))
  if (!is.ComplexLazyTensor(y)) return(complex_of(real(Re(x), y), real(Im(x), y)))
  complex_of(real(Re(x), Re(y)) - real(Im(x), Im(y)), real(Re(x), Im(y)) + real(Im(x), Re(y)))
}

# atan(y / x) in the half plane that x lies in, as base R has it.
complex_angle <- function(y, x, call) {
  check_dims(list(y = y, x = x), "sameor1", "atan2", call)
  angle <- atan(y / ifelse(x == 0, 1, x))
  angle <- angle + pi * (Re(x) < 0)
  angle <- ifelse(Re(angle) > pi, angle - 2 * pi, angle)
  ifelse(x == 0, ifelse(y == 0, NaN, ifelse(Re(y) >= 0, pi / 2, -pi / 2)), angle)
}

check_real <- function(x, arg, call) {
  if (!is.ComplexLazyTensor(x)) return(x)
  rkeops_abort("unsupported", sprintf("`%s` is complex, real numbers are needed", arg), call = call, argument = arg,
               hint = sprintf("Take Re(%s), Im(%s) or Mod(%s).", arg, arg, arg))
}

apply_complex <- function(operation, operands, parameters, call) {
  rule <- complex_rules[[operation]]
  if (!is.null(rule)) return(rule(operands, parameters, call))
  of_complex <- paste0("Complex", operation)
  if (rk_gives_complex(of_complex)) return(compose(of_complex, operands, parameters, call))
  if (!startsWith(operation, "Complex") && operation != "Conj") refuse_complex(operation, call)
  compose(operation, operands, parameters, call)
}

complex_pair <- function(operation, operands, call) {
  check_dims(operands, "sameor1", called(call, operation), call)
  compose(operation, lapply(operands, promote), call = call)
}

# A complex LazyTensor from functions of real and imaginary part.
of_parts <- function(z, re, im) complex_of(re(Re(z), Im(z)), im(Re(z), Im(z)))
complex_of <- function(re, im) real2complex(re) + imag2complex(im)

promote <- function(x) if (is.ComplexLazyTensor(x)) x else compose("Real2Complex", list(x))

is_real_number <- function(x) !is.ComplexLazyTensor(x) && x$dimres == 1

complex_repeat <- function(z, dim) if (z$dimres == dim) z else compose("ComplexSumT", list(z), 2 * dim)

# z to a real power. Small whole powers are products, as in R; the others go through modulus and argument.
complex_power <- function(z, power) {
  if (!is.LazyTensor(power) && is_whole(power) && abs(power) >= 1 && abs(power) <= 64) {
    product <- whole_power(z, abs(power))
    return(if (power < 0) 1 / product else product)
  }
  real2complex(Mod(z)^power) * exp1j(Arg(z) * power)
}

whole_power <- function(z, n) {
  if (n == 1) return(z)
  half <- whole_power(z, n %/% 2)
  if (n %% 2 == 0) half * half else half * half * z
}

weighted_squares <- function(weight, z, call) {
  if (is.ComplexLazyTensor(weight)) refuse_complex("WeightedSqNorm", call)
  norm <- function(part) compose("WeightedSqNorm", list(weight, part), call = call)
  norm(Re(z)) + norm(Im(z))
}

refuse_complex <- function(operation, call) {
  hint <- complex_hints[operation]
  rkeops_abort(
    "unsupported", sprintf("`%s` is not available for complex LazyTensors", called(call, operation)), call = call,
    hint = if (is.na(hint)) "Take a real LazyTensor: Re(), Im(), Mod() or Arg() of it." else unname(hint)
  )
}

complex_hints <- c(
  Scalprod = "Write sum(x * y), or sum(Conj(x) * y).", Not = "Write z == 0.",
  Expm1 = "Write exp(z) - 1.", Log1p = "Write log(1 + z).",
  Min = "Mod(z) has a minimum.", Max = "Mod(z) has a maximum.",
  LogSumExp = "log(sum(exp(z), index)) is the logarithm of a complex sum.",
  WeightedSqNorm = "Weights are real: take Re() of them.", IfElse = "`test` is real: take Re() of it."
)

# The function that the user called.
called <- function(call, otherwise) {
  if (is.call(call) && is.name(call[[1L]])) sub("[.]LazyTensor$", "", as.character(call[[1L]])) else otherwise
}
