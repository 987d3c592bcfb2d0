# Linear systems S x = b with S = a + diag(ridge), and how they are solved.

# The checked system, with `a` as an operator and its preconditioner. Elements: the arguments;
#   ridge      numbers: one, or one for each row
#   operator   gives products with a
#   size       about the largest eigenvalue of a
#   columns    for how many, each with steps of its own, the rank is chosen
#   noise      by how much products may be off, relative to `size`
#   P          see new_preconditioner()
new_system <- function(a, ridge, tol, max_iterations, rank, call, method = "cg", tolerance = NULL, columns = 1) {
  check_lazytensor(a, "a", call)
  check_square(a, call)
  rows <- dim(a)[1L]
  check_choice(method, c("cg", "minres"), "method", call)
  if (method == "minres" && is.null(rank)) rank <- 0
  system <- list(
    a = a, ridge = ridge_values(ridge, rows, call), tol = check_number(tol, "tol", call, 0), call = call, method = method, columns = columns,
    max_iterations = check_whole(max_iterations, "max_iterations", call, min = 1),
    tolerance = tolerance %||% current_options()$tolerance
  )
  with_tolerance(system$tolerance, NULL, call, "tolerance")  # refuses what it cannot be
  system["rank"] <- list(if (!is.null(rank)) check_whole(rank, "rank", call, min = 0, max = rows))
  if (method == "minres" && system$rank > 0) {
    rkeops_abort("argument", "`method = \"minres\"` has no preconditioner", call = call, argument = "rank",
                 hint = "Leave out `rank`.")
  }
  system$operator <- new_operator(a, 1L, call)
  system$size <- check_symmetric(system)
  system$noise <- max(if (current_options()$precision == "float64") 1e-12 else 1e-5, 10 * system$tolerance)
  system$progress <- steps_progress()
  on.exit(system$progress$remove())
  system$P <- new_preconditioner(system)
  system
}

check_square <- function(a, call) {
  if (a$dimres != 1 || is.ComplexLazyTensor(a)) {
    rkeops_abort("dimension", "`a` must be real and have dimension 1", call = call, argument = "a",
                 got = paste(if (is.ComplexLazyTensor(a)) "a complex LazyTensor of" else "got", "dimension", a$dimres))
  }
  if (dim(a)[1L] != dim(a)[2L]) {
    shape <- paste(dim(a), collapse = " x ")
    rkeops_abort("dimension", sprintf("`a` must have as many rows i as j, it is %s", shape), call = call,
                 argument = "a")
  }
}

# What `ridge` puts on the diagonal: one number, or one for each row.
ridge_values <- function(ridge, rows, call) {
  if (is.LazyTensor(ridge)) {
    if (is.ComplexLazyTensor(ridge) || ridge$dimres != 1 || (!is.na(ridge$ni) && !is.na(ridge$nj))) {
      abort_argument("ridge", "real, of dimension 1 and one index at most", ridge, call)
    }
    ridge <- as.vector(exactly(as.array(ridge, max_entries = Inf)))
  }
  if (length(ridge) == 1L) return(check_number(ridge, "ridge", call, 0))
  values <- as.double(plain_numbers(ridge, "ridge", call))
  if (length(values) != rows) {
    rkeops_abort("dimension", sprintf("`ridge` has length %d, `a` has %.0f rows", length(values), rows), call = call,
                 argument = "ridge", hint = "Give one number, or one for each row.")
  }
  check_finite(values, "ridge", call)
  if (any(values < 0)) abort_argument("ridge", "numbers that are not negative", ridge, call)
  values
}

right_hand_side <- function(b, arg, rows, call) {
  rhs <- plain_numbers(b, arg, call)
  rhs <- matrix(as.double(rhs), NROW(rhs), NCOL(rhs), dimnames = if (length(dim(rhs)) == 2L) dimnames(rhs))
  if (nrow(rhs) != rows) {
    rkeops_abort("dimension", sprintf("`a` has %d rows, `%s` has %d", rows, arg, nrow(rhs)), call = call,
                 argument = arg)
  }
  check_finite(rhs, arg, call)
  rhs
}

check_finite <- function(values, arg, call) {
  bad <- which(!is.finite(values))[1L]
  if (is.na(bad)) return(invisible())
  row <- (bad - 1) %% NROW(values) + 1
  rkeops_abort("input", sprintf("`%s` has missing or infinite values", arg), call = call, argument = arg,
               got = sprintf("%s in row %.0f", format(values[bad]), row))
}

product <- function(system, p) multiply_prepared(system$operator, p, system$call) + system$ridge * p

# A value, computed in float64 and without tolerance whatever the options say.
exactly <- function(value) {
  options <- current_options()
  if (options$precision == "float64" && options$tolerance == 0) return(value)
  options$precision <- "float64"
  options$tolerance <- 0
  old <- options(rkeops = options)
  on.exit(options(old))
  value
}

# u'Kv = v'Ku for two vectors that have nothing to do with K (and not with R's random numbers). Gives the size of K, as far as
# they and the vector of ones show it.
check_symmetric <- function(system) {
  rows <- dim(system$a)[1L]
  noise <- function(seed) (sin(seq_len(rows) * 12.9898 + seed) * 43758.5453) %% 1 - 0.5
  probe <- cbind(noise(0.5), noise(78.233), 1)
  images <- exactly(multiply_prepared(system$operator, probe, system$call))
  check_products(images, system)
  difference <- sum(probe[, 1L] * images[, 2L]) - sum(probe[, 2L] * images[, 1L])
  if (abs(difference) <= 1e-9 * sqrt(sum(probe[, 1:2]^2) * sum(images[, 1:2]^2))) {
    return(sqrt(max(colSums(images^2) / colSums(probe^2))))
  }
  abort_unsymmetric(system)
}

abort_unsymmetric <- function(system) {
  rkeops_abort("argument", "`a` is not symmetric", call = system$call, argument = "a",
               hint = "Entry (i, j) must be entry (j, i), as for a kernel of a set of points with itself.")
}

# Products that are not finite come from data that are not.
check_products <- function(values, system) {
  if (all(is.finite(values))) return(invisible())
  for (k in seq_along(system$a$data)) check_finite(system$a$data[[k]], variable_names(system$a)[k], system$call)
  rkeops_abort("input", "`a` has entries that are not finite", call = system$call, argument = "a")
}

# Steps until their own residual is small, then from the true one, as long as that helps. Columns are solved in groups.
solve_system <- function(system, b) {
  system$progress <- steps_progress()
  on.exit(system$progress$remove())
  size <- sqrt(colSums(b^2))
  scale <- ifelse.default(size > 0, size, 1)
  reachable <- if (system$noise < 1e-10) 1e-10 else 1e-4  # by one run, relative to where it starts
  x <- 0 * b
  r <- b
  residual <- size / scale
  iterations <- 0
  repeat {
    open <- which(residual > system$tol)
    if (length(open) == 0L || iterations >= system$max_iterations) break
    target <- pmax(0.9 * system$tol * scale, reachable * residual * scale)
    found <- in_groups(system, r[, open, drop = FALSE], target[open], iterations, scale[open])
    iterations <- found$iterations
    proposed <- x[, open, drop = FALSE] + found$x
    r_proposed <- b[, open, drop = FALSE] - exactly(product(system, proposed))
    reached <- sqrt(colSums(r_proposed^2)) / scale[open]
    before <- residual
    better <- reached < before[open]
    x[, open[better]] <- proposed[, better]
    r[, open[better]] <- r_proposed[, better]
    residual[open] <- pmin(reached, before[open])
    if (!any(residual > system$tol & residual < 0.5 * before)) break
  }
  if (any(residual > system$tol)) warn_unconverged(system, iterations, max(residual))
  list(x = x, iterations = iterations, residual = residual)
}

warn_unconverged <- function(system, iterations, residual) {
  rkeops_warn(sprintf(
    paste0("no convergence after %.0f steps: the relative residual is %s\n",
           "%s A larger `ridge`, `rank` or `max_iterations` helps."),
    iterations, number_text(residual, 2L), cli::symbol$info
  ), system$call)
}

# More columns than 32 at a time take more time in algebra than they take steps away.
in_groups <- function(system, b, target, done, scale) {
  iterate <- if (system$method == "cg") conjugate_gradients else minimal_residuals
  x <- b
  iterations <- done
  for (group in split(seq_len(ncol(b)), (seq_len(ncol(b)) - 1L) %/% 32L)) {
    found <- with_tolerance(system$tolerance,
                            iterate(system, b[, group, drop = FALSE], target[group], done, scale[group]), system$call)
    x[, group] <- found$x
    iterations <- max(iterations, found$iterations)
  }
  list(x = x, iterations = iterations)
}
