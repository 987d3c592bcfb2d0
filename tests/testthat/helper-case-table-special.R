# The case table: hyperbolic, error, gamma and Bessel functions; logic, time series, lookups.

# As unary(), in one dimension only: these differ from the others in their C function alone.
special <- function(name, f, range = c(-2, 2)) {
  case(sprintf("%s((a+b)*0.5)", name), function(a, b) f((a + b) / 2), c(3, 3), range)
}

special_cases <- function() list(
  special("Expm1", expm1), special("Log1p", log1p, c(-0.75, 3)), special("Tan", tan, c(-1.25, 1.25)),
  special("Sinh", sinh), special("Cosh", cosh), special("Tanh", tanh), special("Asinh", asinh, c(-5, 5)),
  special("Acosh", function(x) acosh(pmax(x, 1)), c(1.125, 6)), special("Atanh", atanh, c(-0.9375, 0.9375)),
  special("Erf", function(x) sign(x) * stats::pchisq(2 * x^2, 1)),
  special("Erfc", function(x) 2 * stats::pnorm(sqrt(2) * x, lower.tail = FALSE), c(-2, 5)),
  special("LGamma", lgamma, c(0.125, 9)), special("Digamma", digamma, c(0.125, 9)),
  special("Trigamma", trigamma, c(0.125, 9)),
  case("Polygamma((a+b)*0.5,2)", function(a, b) psigamma((a + b) / 2, 2), c(3, 3), c(0.5, 9)),
  case("Polygamma((a+b)*0.5,5)", function(a, b) psigamma((a + b) / 2, 5), c(3, 3), c(1, 9)),
  case("SinXDivXSlope((a+b)*0.5)", function(a, b) slope_of_sinc((a + b) / 2), c(3, 3), c(0.5, 9)),
  special("BesselJ0", function(x) besselJ(abs(x), 0), c(-9, 9)),
  special("BesselJ1", function(x) sign(x) * besselJ(abs(x), 1), c(-9, 9)),
  case("SoftDTW_SqDist(a,b,c)", soft_dtw, list(c(2, 3, 1), c(3, 1, 1), c(1, 3, 1)), c(0.25, 3)),
  comparison("And(a,b)", `&`), comparison("Or(a,b)", `|`), comparison("Not(a*b)", function(a, b) !(a * b))
)

slope_of_sinc <- function(x) (cos(x) - sin(x) / x) / x

# The recursion as it is written down, entry by entry.
soft_dtw <- function(x, y, gamma) {
  soft_min <- function(v) min(v) - gamma * log(sum(exp((min(v) - v) / gamma)))
  r <- matrix(Inf, length(x) + 1, length(y) + 1)
  for (a in seq_along(x)) {
    for (b in seq_along(y)) {
      before <- if (a == 1 && b == 1) 0 else c(r[a, b], r[a, b + 1], r[a + 1, b])
      r[a + 1, b + 1] <- (x[a] - y[b])^2 + if (any(is.finite(before))) soft_min(before[is.finite(before)]) else 0
    }
  }
  r[length(x) + 1, length(y) + 1]
}

nearest <- function(x) floor(x + 0.5)

table_cases <- function() list(
  case("Gather(c,a+b,1)*a", function(a, b, c) c[nearest(a + b) + 1] * a, c(1, 1, 5), c(0, 2)),
  case("Gather(c,a+b,3)*b", function(a, b, c) rows_of(c, 3)[nearest(a + b) + 1, ] * b, c(1, 1, 15), c(0, 2)),
  case("Lookup(c,a,b,3)", function(a, b, c) rows_of(c, 3)[nearest(a) + 1, nearest(b) + 1], c(1, 1, 12), c(0, 2)),
  case("Lookup(c,1,b,3)*a", function(a, b, c) rows_of(c, 3)[2, nearest(b) + 1] * a, c(3, 1, 9), c(0, 2))
)
