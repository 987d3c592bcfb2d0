# The case table: one row per operation, its plain-R reference on row vectors, dimensions and domain.
# In a formula a is a Vi, b a Vj, c a Pm; `dims` lists their dimensions, one vector for each variant to try. `brief` cases
# are tried on few sizes of data: their kernels differ from others in the operation alone.

case <- function(formula, reference, dims, range = c(-2, 2), gradient = TRUE, grid = 2^-10, brief = FALSE) {
  list(formula = formula, reference = reference, dims = if (is.list(dims)) dims else list(dims), range = range,
       gradient = gradient, grid = grid, brief = brief)
}

briefly <- function(cases) lapply(cases, utils::modifyList, list(brief = TRUE))

# A function of one vector, entry by entry, on the mean of a and b.
unary <- function(name, f, range = c(-2, 2), ...) {
  case(sprintf("%s((a+b)*0.5)", name), function(a, b) f((a + b) / 2), list(c(3, 3), c(1, 1)), range, ...)
}

# An operation of two vectors, with a scalar on either side.
binary <- function(formula, f, range = c(-2, 2), ...) {
  case(formula, function(a, b) f(a, b), list(c(3, 3), c(1, 4), c(4, 1)), range, ...)
}

positive <- c(0.125, 3)
integers <- list(range = c(-2, 2), grid = 1)
lengths <- list(c(3, 3), c(1, 1), c(2, 2), c(17, 17), c(64, 64), c(300, 300))

away_from_zero <- function(digits) function(x) sign(x) * floor(abs(x) * 10^digits + 0.5) / 10^digits
rows_of <- function(m, p) matrix(m, ncol = p, byrow = TRUE)   # matrices are stored row by row
one_at <- function(k, n) as.numeric(seq_len(n) - 1 == k)
clamp_to <- function(x, a, b) ifelse(x < a, a, ifelse(x > b, b, x))
unit <- function(x) if (any(x != 0)) x / sqrt(sum(x^2)) else x

case_table <- function() {
  c(
    arithmetic_cases(), elementary_cases(), choice_cases(), vector_cases(), matrix_cases(),
    briefly(c(special_cases(), table_cases(), tensor_cases(), complex_cases()))
  )
}

# The same as text, for tests/cpp/test_gpu_cases.cpp: formula, declarations, range and grid, with tabs between.
case_lines <- function() {
  lines <- lapply(case_table(), function(case) vapply(case$dims, function(dims) {
    paste(sprintf("Sum_Reduction(%s,1)", case$formula), paste(declare(dims), collapse = " "),
          format(case$range[1], digits = 15), format(case$range[2], digits = 15), format(case$grid, digits = 15), sep = "\t")
  }, ""))
  unlist(lines)
}

arithmetic_cases <- function() list(
  binary("a+b", `+`), binary("a-b", `-`), binary("a*b", `*`), binary("a/b", `/`, positive),
  binary("Add(a,b)", `+`), binary("Subtract(a,b)", `-`), binary("Mult(a,b)", `*`), binary("Divide(a,b)", `/`, positive),
  case("a*b+c", function(a, b, c) a * b + c, list(c(300, 300, 300), c(3, 1, 3), c(1, 1, 4), c(2, 2, 1))),
  unary("-", `-`), unary("Minus", `-`), unary("+", identity),
  unary("Inv", function(x) 1 / x, positive), unary("Square", function(x) x^2),
  case("(a+b)**2", function(a, b) (a + b)^2, c(3, 3)), case("(a+b)^3", function(a, b) (a + b)^3, c(3, 3)),
  case("-a**2*b", function(a, b) -(a^2) * b, c(3, 3)),
  case("(a+b)^-2", function(a, b) (a + b)^-2, c(3, 3), positive),
  case("(a+b)^0.5", function(a, b) sqrt(a + b), c(3, 3), positive),
  case("(a+b)^1.7", function(a, b) (a + b)^1.7, c(3, 3), positive),
  case("2^(a+b)", function(a, b) 2^(a + b), c(3, 3)),
  binary("a^b", `^`, positive), binary("Powf(a,b)", `^`, positive),
  case("Pow(a+b,5)", function(a, b) (a + b)^5, c(3, 3)), case("Pow(a+b,-3)", function(a, b) (a + b)^-3, c(3, 3), positive),
  case("Pow(a+b,0)", function(a, b) 1 + 0 * (a + b), c(3, 3)), case("Pow(a+b,1)", function(a, b) a + b, c(3, 3)),
  unary("Sqrt", sqrt, positive), unary("Rsqrt", function(x) 1 / sqrt(x), positive), unary("Abs", abs),
  case("a/3+b", function(a, b) a / 3 + b, c(3, 3)), case("0.1*a-b/7", function(a, b) 0.1 * a - b / 7, c(3, 3)),
  case("1/2*a*b", function(a, b) a * b / 2, c(3, 3)),
  case("1e-3*a+2.5e1*b", function(a, b) 1e-3 * a + 25 * b, c(3, 3), gradient = FALSE),
  case("IntCst(16777217)*a*b", function(a, b) 16777217 * a * b, c(3, 3)),
  case("RatCst(1,3)*a+IntInv(7)*b", function(a, b) a / 3 + b / 7, c(3, 3)),
  case("Zero(3)+a*b", function(a, b) 0 * 1:3 + a * b, list(c(3, 3), c(1, 1))),
  case("a-b-a/b*b", function(a, b) a - b - a, c(3, 3), positive),
  case("a|b*2", function(a, b) sum(a * b * 2), c(3, 3)), case("-a|b", function(a, b) -sum(a * b), c(3, 3))
)

elementary_cases <- function() list(
  unary("Exp", exp), unary("Log", log, positive), unary("XLogX", function(x) x * log(x), positive),
  unary("Sin", sin, c(-8, 8)), unary("Cos", cos, c(-8, 8)), unary("SinXDivX", function(x) sin(x) / x, c(0.5, 9)),
  unary("Asin", asin, c(-0.9375, 0.9375)), unary("Acos", acos, c(-0.9375, 0.9375)), unary("Atan", atan, c(-5, 5)),
  binary("Atan2(a,b)", atan2), unary("Sign", sign), unary("Step", function(x) as.numeric(x >= 0)),
  unary("ReLU", function(x) pmax(x, 0)), unary("Floor", floor, c(-5, 5)),
  case("Round(a+b,0)", function(a, b) away_from_zero(0)(a + b), c(3, 3), c(-9, 9), grid = 0.5, gradient = FALSE),
  case("Round((a+b)*0.5,1)", function(a, b) away_from_zero(1)((a + b) / 2), c(3, 3)),
  case("Round(a*b,-1)", function(a, b) away_from_zero(-1)(a * b), c(3, 3), c(-9, 9))
)

comparison <- function(formula, f) {
  case(formula, function(a, b) as.numeric(f(a, b)), list(c(3, 3), c(1, 4), c(4, 1)), grid = 1, gradient = FALSE)
}

choice_cases <- function() list(
  comparison("a<b", `<`), comparison("a<=b", `<=`), comparison("a>b", `>`), comparison("a>=b", `>=`),
  comparison("a==b", `==`), comparison("a!=b", `!=`), comparison("LessThan(a,b)", `<`),
  comparison("LessOrEqual(a,b)", `<=`), comparison("Equal(a,b)", `==`), comparison("NotEqual(a,b)", `!=`),
  case("IfElse(a,b,c)", function(a, b, c) ifelse(rep_len(a, max(length(a), length(b), length(c))) >= 0, b, c),
       list(c(3, 3, 3), c(3, 3, 1), c(3, 1, 3)), gradient = TRUE),
  case("IfElse(a-b,a*b,b)", function(a, b) ifelse(a >= b, a * b, b), c(3, 3)),
  case("Clamp(a,b,c)", function(a, b, c) clamp_to(a, b, c), list(c(3, 3, 3), c(3, 1, 1)), gradient = FALSE),
  case("Clamp(a,b,b+1+c*c)", function(a, b, c) clamp_to(a, b, b + 1 + c * c), list(c(3, 3, 3), c(3, 1, 1))),
  case("Clamp(a*b,0,1)", function(a, b) clamp_to(a * b, 0, 1), c(3, 3)),
  case("ClampInt(a*b,-1,1)", function(a, b) clamp_to(a * b, -1, 1), c(3, 3)),
  case("DiffClampInt(a*b,-1,1)", function(a, b) as.numeric(abs(a * b) <= 1), c(3, 3)),
  case("WhereNonzero(Step(a),b)", function(a, b) (a >= 0) * b, list(c(3, 3), c(1, 3))),
  case("MultOrZero(ReLU(a),b)", function(a, b) pmax(a, 0) * b, list(c(3, 3), c(1, 3), c(3, 1))),
  binary("FloorDivide(a,b)", `%/%`, c(0.5, 6), gradient = FALSE),
  case("Mod(a,b,c)", function(a, b, c) a - b * floor((a - c) / b), list(c(3, 3, 3), c(3, 1, 1)), c(0.5, 6))
)

vector_cases <- function() list(
  case("Sum(a*b)", function(a, b) sum(a * b), lengths), case("SumT(a*b,5)", function(a, b) rep(a * b, 5), c(1, 1)),
  case("(a|b)", function(a, b) sum(a * b), lengths), case("Scalprod(a,b)", function(a, b) sum(a * b), list(c(3, 3), c(1, 4))),
  case("SqNorm2(a+b)", function(a, b) sum((a + b)^2), lengths),
  case("Norm2(a+b)", function(a, b) sqrt(sum((a + b)^2)), lengths),
  case("Normalize(a+b)", function(a, b) unit(a + b), lengths),
  case("SqDist(a,b)", function(a, b) sum((a - b)^2), c(lengths, list(c(4, 1)))),
  case("Exp(-SqDist(a,b))*b", function(a, b) exp(-sum((a - b)^2)) * b, list(c(3, 3), c(15, 15)), c(-0.5, 0.5)),
  case("WeightedSqNorm(c,a-b)", function(a, b, c) sum(c * (a - b)^2), list(c(3, 3, 1), c(3, 3, 3), c(300, 300, 300))),
  case("WeightedSqNorm(c,a+b)", function(a, b, c) drop((a + b) %*% rows_of(c, 3) %*% (a + b)), c(3, 3, 9)),
  case("WeightedSqDist(c,a,b)", function(a, b, c) drop((a - b) %*% rows_of(c, 2) %*% (a - b)), c(2, 2, 4)),
  case("SqNormIso(c,a+b)", function(a, b, c) c * sum((a + b)^2), c(3, 3, 1)),
  case("SqNormDiag(c,a+b)", function(a, b, c) sum(c * (a + b)^2), c(3, 3, 3)),
  case("SymSqNorm(c,a+b)", function(a, b, c) drop((a + b) %*% rows_of(c, 3) %*% (a + b)), c(3, 3, 9)),
  case("Max(a*b)", function(a, b) max(a * b), c(5, 5)), case("Min(a*b)", function(a, b) min(a * b), c(5, 5)),
  case("ArgMax(a*b)", function(a, b) which.max(a * b) - 1, c(5, 5)),
  case("ArgMin(a*b)", function(a, b) which.min(a * b) - 1, c(5, 5)),
  case("Elem(a*b,2)", function(a, b) (a * b)[3], list(c(3, 3), c(300, 300))),
  case("ElemT(a*b,4,1)", function(a, b) c(0, a * b, 0, 0), c(1, 1)),
  case("Extract(a*b,1,2)", function(a, b) (a * b)[2:3], list(c(3, 3), c(300, 300))),
  case("ExtractT(a*b,1,5)", function(a, b) c(0, a * b, 0), c(3, 3)),
  case("Concat(a,b)", function(a, b) c(a, b), list(c(3, 2), c(1, 1), c(150, 150))),
  case("SqNorm2(Concat(a*b,Extract(b,0,2)))", function(a, b) sum((a * b)^2) + sum(b[1:2]^2), c(3, 3)),
  case("OneHot(a-b,3)", function(a, b) one_at(nearest(a - b), 3), c(1, 1), c(-2, 3), grid = 0.25, gradient = FALSE),
  case("OneHot(Square(a-b),5)", function(a, b) one_at((a - b)^2, 5), c(1, 1), c(0, 2), grid = 1, gradient = FALSE)
)

matrix_cases <- function() list(
  case("MatVecMult(a,b)", function(a, b) drop(rows_of(a, length(b)) %*% b), list(c(6, 2), c(6, 3), c(4, 1), c(3, 3), c(300, 20))),
  case("VecMatMult(b,a)", function(a, b) drop(b %*% rows_of(a, length(a) / length(b))),
       list(c(6, 2), c(6, 3), c(4, 1), c(300, 20))),
  case("MatVecMult(c,a*b)", function(a, b, c) drop(rows_of(c, 3) %*% (a * b)), c(3, 3, 6)),
  case("TensorProd(a,b)", function(a, b) as.vector(b %o% a), list(c(2, 3), c(1, 3), c(15, 20)))
)
