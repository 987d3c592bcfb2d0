# Complex LazyTensors. In formulas a complex vector is re, im, re, im, ...: its declared dimension is twice `dimres`,
# which counts complex components. The class says that a LazyTensor is complex.

#' Complex LazyTensors
#'
#' Complex matrices and vectors make complex LazyTensors, of class `ComplexLazyTensor`. They go together with real ones
#' and with R's complex numbers; reductions give complex matrices.
#'
#' @details
#' * `+ - * /`, `^`, `==`, `!=`, `exp`, `log`, `sqrt`, `sin`, `cos`, `sinh`, `cosh`, [square()], [inv()]; powers,
#'   logarithms and roots are principal values;
#' * `Re`, `Im`, `Mod` (or `abs`) and `Arg` give real LazyTensors; `Conj`;
#' * [sum()] and [mean()], also over `"i"` and `"j"`, and `%*%`; the weights of [sumsoftmaxweight()] may be complex;
#' * [concat()], [elem()], [extract()], [elemT()], [extractT()], [normalize()]; `ifelse()` with a real test;
#' * [sqnorm2()], [norm2()], [sqdist()], and [weightedsqnorm()], [weightedsqdist()] with one real weight or one for each
#'   component: sums of squared moduli.
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
  x <- x + 0i
  values <- matrix(0, nrow(x), 2L * ncol(x), dimnames = if (!is.null(rownames(x))) list(rownames(x), NULL))
  values[, c(TRUE, FALSE)] <- Re(x)
  values[, c(FALSE, TRUE)] <- Im(x)
  values
}

# (Not re + 1i * im, which is NaN where im is infinite.)
deinterleave <- function(values) {
  parts <- complex(real = values[, c(TRUE, FALSE)], imaginary = values[, c(FALSE, TRUE)])
  matrix(parts, nrow(values), ncol(values) / 2)
}

new_complex_variable <- function(x, category, label) {
  values <- interleave(x)
  as_complex(new_variable(values, category, ncol(values), as.numeric(nrow(values)), label))
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

# Operations of the formula language that give complex vectors.
complex_valued <- c(
  "Real2Complex", "Imag2Complex", "Conj", "ComplexAdd", "ComplexSubtract", "ComplexMult", "ComplexScal",
  "ComplexDivide", "ComplexRealScal", "ComplexExp", "ComplexExp1j", "ComplexSum", "ComplexSumT"
)

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
  Sqrt = function(operands, parameters, call) complex_power(operands[[1L]], 0.5),
  Rsqrt = function(operands, parameters, call) complex_power(operands[[1L]], -0.5),
  Pow = function(operands, parameters, call) complex_power(operands[[1L]], parameters),
  Powf = function(operands, parameters, call) {
    check_dims(operands, "sameor1", "^", call)
    if (is.ComplexLazyTensor(operands[[2L]])) exp(operands[[2L]] * log(promote(operands[[1L]])))
    else complex_power(operands[[1L]], operands[[2L]])
  },
  Exp = function(operands, parameters, call) compose("ComplexExp", operands, call = call),
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
  Equal = function(operands, parameters, call) {
    operands <- lapply(operands, promote)
    Re(operands[[1L]]) == Re(operands[[2L]]) & Im(operands[[1L]]) == Im(operands[[2L]])
  },
  NotEqual = function(operands, parameters, call) !complex_rules$Equal(operands, parameters, call),
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

apply_complex <- function(operation, operands, parameters, call) {
  rule <- complex_rules[[operation]]
  if (!is.null(rule)) return(rule(operands, parameters, call))
  if (!startsWith(operation, "Complex") && operation != "Conj") refuse_complex(operation, call)
  compose(operation, operands, parameters, call)
}

complex_pair <- function(operation, operands, call) {
  check_dims(operands, "sameor1", operation, call)
  compose(operation, lapply(operands, promote), call = call)
}

# A complex LazyTensor from functions of real and imaginary part.
of_parts <- function(z, re, im) real2complex(re(Re(z), Im(z))) + imag2complex(im(Re(z), Im(z)))

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
  check_dims(list(weight, z), "sameor1", "weightedsqnorm", call)
  compose("Scalprod", list(weight, compose("ComplexSquareAbs", list(z))), call = call)
}

refuse_complex <- function(operation, call) {
  name <- if (is.call(call) && is.name(call[[1L]])) as.character(call[[1L]]) else operation
  hint <- if (operation == "Scalprod") "Write sum(x * y), or sum(Conj(x) * y)."
          else "Take a real LazyTensor: Re(), Im(), Mod() or Arg() of it."
  rkeops_abort("unsupported", sprintf("`%s` is not available for complex LazyTensors", name), hint = hint, call = call)
}
