# The case table: tensor products and complex vectors. Arrays lie row by row (in C order) in vectors.

to_array <- function(v, dim) aperm(array(v, rev(dim)), rev(seq_along(dim)))
to_vector <- function(x) as.vector(aperm(x, rev(seq_along(dim(x)))))

# Contracts axes of a with axes of b; the kept axis number v goes to place to[v]. All count from 0.
tensor_dot <- function(a, b, dim_a, dim_b, axes_a, axes_b, to = NULL) {
  kept_a <- setdiff(seq_along(dim_a), axes_a + 1)
  kept_b <- setdiff(seq_along(dim_b), axes_b + 1)
  summed <- prod(dim_a[axes_a + 1])
  left <- matrix(aperm(to_array(a, dim_a), c(kept_a, axes_a + 1)), ncol = summed)
  right <- matrix(aperm(to_array(b, dim_b), c(axes_b + 1, kept_b)), nrow = summed)
  result <- array(left %*% right, c(dim_a[kept_a], dim_b[kept_b], if (length(c(kept_a, kept_b)) == 0L) 1))
  to_vector(if (is.null(to)) result else aperm(result, order(to)))
}

tensor_case <- function(dim_a, dim_b, axes_a, axes_b, to = NULL) {
  list <- function(x) paste0("[", paste(x, collapse = ","), "]")
  lists <- vapply(c(base::list(dim_a, dim_b, axes_a, axes_b), if (!is.null(to)) base::list(to)), list, "")
  case(sprintf("TensorDot(a,b,%s)", paste(lists, collapse = ",")),
       function(a, b) tensor_dot(a, b, dim_a, dim_b, axes_a, axes_b, to), c(prod(dim_a), prod(dim_b)))
}

tensor_cases <- function() list(
  tensor_case(c(2, 3), 3, 1, 0), tensor_case(c(2, 3), c(3, 2), c(1, 0), c(0, 1)), tensor_case(2, 3, NULL, NULL),
  tensor_case(c(2, 3), c(3, 4), 1, 0, c(1, 0)), tensor_case(c(2, 1, 3), c(2, 3, 2), 2, 1, c(2, 0, 3, 1)),
  tensor_case(c(2, 3, 4), c(3, 5, 2), c(0, 1), c(2, 0)),
  case("Kron(a,b,[2],[3])", function(a, b) kronecker(a, b), c(2, 3)),
  case("Kron(a,b,[2,3],[2,2])", function(a, b) to_vector(kronecker(to_array(a, c(2, 3)), to_array(b, c(2, 2)))), c(6, 4)),
  case("Kron(a,b,[1,2,3],[2,1,2])",
       function(a, b) to_vector(kronecker(to_array(a, c(1, 2, 3)), to_array(b, c(2, 1, 2)))), c(6, 4))
)

# Complex vectors hold real and imaginary parts in turn.
to_complex <- function(v) complex(real = v[c(TRUE, FALSE)], imaginary = v[c(FALSE, TRUE)])
to_parts <- function(z) as.vector(rbind(Re(z), Im(z)))

complex_cases <- function() {
  pair <- function(name, f, range = c(-2, 2)) {
    case(sprintf("%s(a,b)", name), function(a, b) to_parts(f(to_complex(a), to_complex(b))), list(c(4, 4), c(2, 4)), range)
  }
  one <- function(name, f, range = c(-2, 2)) {
    case(sprintf("%s(a+b)", name), function(a, b) f(to_complex(a + b)), c(4, 4), range)
  }
  of_base <- function(name, f) one(name, function(z) to_parts(f(z)), positive)
  list(
    case("Real2Complex(a*b)", function(a, b) to_parts(a * b), c(3, 3)),
    case("Imag2Complex(a*b)", function(a, b) to_parts(1i * a * b), c(3, 3)),
    one("ComplexReal", Re), one("ComplexImag", Im), one("Conj", function(z) to_parts(Conj(z))),
    pair("ComplexAdd", `+`), pair("ComplexSubtract", `-`), pair("ComplexMult", `*`), pair("ComplexScal", `*`),
    pair("ComplexDivide", `/`, positive),
    case("ComplexMult(a,b)", function(a, b) to_parts(to_complex(a) * to_complex(b)), c(6, 2)),
    case("ComplexMult(Real2Complex(a),b)", function(a, b) to_parts(a * to_complex(b)), c(3, 6)),
    case("ComplexRealScal(a,b)", function(a, b) to_parts(a * to_complex(b)), c(1, 4)),
    case("ComplexRealScal(b,a)", function(a, b) to_parts(b * to_complex(a)), c(4, 1)),
    one("ComplexSquareAbs", function(z) Mod(z)^2), one("ComplexAbs", Mod), one("ComplexAngle", Arg, c(-0.25, 2)),
    of_base("ComplexSqrt", sqrt), of_base("ComplexTan", tan), of_base("ComplexTanh", tanh), of_base("ComplexAsin", asin),
    of_base("ComplexAcos", acos), of_base("ComplexAtan", atan), of_base("ComplexAsinh", asinh),
    of_base("ComplexAcosh", acosh), of_base("ComplexAtanh", atanh),
    one("ComplexExp", function(z) to_parts(exp(z))), one("ComplexSum", function(z) to_parts(sum(z))),
    case("ComplexExp1j(a*b)", function(a, b) to_parts(exp(1i * a * b)), c(3, 3)),
    case("ComplexSumT(a+b,6)", function(a, b) rep(a + b, 3), c(2, 2))
  )
}
