# Methods of solving S x = b that take a product with S for each step. `b` has a column for each system; `target` are the norms
# of residuals to be reached; `done` steps were taken before. They give list(x, iterations).

# Block conjugate gradients: each column is solved in the space of the directions of all. Directions are made orthonormal, and
# those left out that depend on others, which is what keeps the method from breaking down (Ji and Li 2017).
conjugate_gradients <- function(system, b, target, done, scale) {
  x <- 0 * b
  r <- b
  p <- orthonormal(system$P$solve(r))
  largest <- system$size
  while (any(sqrt(colSums(r^2)) > target) && ncol(p) > 0L && done < system$max_iterations) {
    done <- done + 1
    q <- product(system, p)
    check_products(q, system)
    curvature <- spectrum(crossprod(p, q))
    largest <- max(largest, curvature$values)
    if (any(curvature$values < -system$noise * largest)) abort_indefinite(system)
    kept <- curvature$values > 0
    if (!any(kept)) break  # by rounding
    vectors <- curvature$vectors[, kept, drop = FALSE]
    inverse <- vectors %*% (t(vectors) / curvature$values[kept])
    step <- inverse %*% crossprod(p, r)
    x <- x + p %*% step
    r <- r - q %*% step
    system$progress$show(done, max(sqrt(colSums(r^2)) / scale))
    z <- system$P$solve(r)
    p <- orthonormal(z - p %*% (inverse %*% crossprod(q, z)))
  }
  list(x = x, iterations = done)
}

# eigen() of a matrix that is symmetric but for rounding, without its costs for a single number.
spectrum <- function(x) {
  if (length(x) == 1L) return(list(values = as.vector(x), vectors = matrix(1)))
  eigen((x + t(x)) / 2, symmetric = TRUE)
}

# An orthonormal basis of the columns, as far as they are independent.
orthonormal <- function(z) {
  norms <- sqrt(colSums(z^2))
  z <- z[, norms > 0, drop = FALSE] / rep(norms[norms > 0], each = nrow(z))
  if (ncol(z) < 2L) return(z)
  gram <- spectrum(crossprod(z))
  kept <- gram$values > 1e-10 * gram$values[1L]
  z %*% (gram$vectors[, kept, drop = FALSE] / rep(sqrt(gram$values[kept]), each = ncol(z)))
}

abort_indefinite <- function(system) {
  rkeops_abort("argument", "`a` is not positive definite", call = system$call, argument = "a",
               hint = paste("A positive `ridge` helps where points are the same or near each other;",
                            "solve(method = \"minres\") takes any symmetric `a`."))
}

# Columns are independent systems that share the products (Paige and Saunders 1975).
minimal_residuals <- function(system, b, target, done, scale) {
  rows <- nrow(b)
  spread <- function(factors) rep(factors, each = rows)
  beta <- rest <- sqrt(colSums(b^2))
  open <- rest > target
  x <- v_before <- w <- w_before <- 0 * b
  v <- b / spread(ifelse.default(beta > 0, beta, 1))
  cosine <- cosine_before <- rep(1, ncol(b))
  sine <- sine_before <- 0 * cosine
  while (any(open) && done < system$max_iterations) {
    done <- done + 1
    q <- product(system, v)
    check_products(q, system)
    alpha <- colSums(v * q)
    q <- q - v * spread(alpha) - v_before * spread(beta)
    beta_next <- sqrt(colSums(q^2))
    below <- cosine * alpha - cosine_before * sine * beta
    pivot <- sqrt(below^2 + beta_next^2)
    open <- open & pivot > 0
    safe <- ifelse.default(open, pivot, 1)
    w_next <- (v - w_before * spread(sine_before * beta) - w * spread(sine * alpha + cosine_before * cosine * beta)) / spread(safe)
    cosine_next <- below / safe
    x <- x + w_next * spread(ifelse.default(open, cosine_next * rest, 0))
    rest <- ifelse.default(open, -(beta_next / safe) * rest, rest)
    cosine_before <- cosine
    sine_before <- sine
    cosine <- cosine_next
    sine <- beta_next / safe
    w_before <- w
    w <- w_next
    v_before <- v
    v <- q / spread(ifelse.default(beta_next > 0, beta_next, 1))
    beta <- beta_next
    system$progress$show(done, max(abs(rest) / scale))
    open <- open & abs(rest) > target
  }
  list(x = x, iterations = done)
}

# Conjugate gradients for each column of z on its own, P^-1/2 S P^-1/2 seen from P^-1/2 z as a tridiagonal matrix: list(x, iterations,
# rules), the solutions and for each column a quadrature rule, nodes and weights, of the eigenvalues that z sees.
quadrature_steps <- function(system, z) {
  rows <- nrow(z)
  x <- 0 * z
  r <- z
  s <- system$P$solve(r)
  p <- s
  start <- rs <- colSums(r * s)
  open <- rs > 0
  steps <- ratios <- list()
  system$progress <- steps_progress()
  on.exit(system$progress$remove())
  while (any(open) && length(steps) < system$max_iterations) {
    q <- product(system, p)
    check_products(q, system)
    curvature <- colSums(p * q)
    if (any(open & curvature < -system$noise * system$size * colSums(p^2))) abort_indefinite(system)
    open <- open & curvature > 0
    step <- ifelse.default(open, rs / curvature, NA)
    moved <- rep(ifelse.default(open, step, 0), each = rows)
    x <- x + p * moved
    r <- r - q * moved
    s <- system$P$solve(r)
    following <- colSums(r * s)
    ratio <- ifelse.default(open, following / rs, 0)
    steps <- c(steps, list(step))
    ratios <- c(ratios, list(ratio))
    rest <- sqrt(following / start)
    system$progress$show(length(steps), max(rest[open], 0))
    open <- open & rest > system$tol
    p <- s + p * rep(ratio, each = rows)
    rs <- following
  }
  if (any(open)) warn_unconverged(system, length(steps), max(rest[open]))
  steps <- do.call(rbind, steps)
  ratios <- do.call(rbind, ratios)
  list(x = x, iterations = nrow(steps), rules = lapply(seq_len(ncol(z)), function(k) {
    taken <- seq_len(sum(!is.na(steps[, k])))
    gauss_rule(steps[taken, k], ratios[taken, k])
  }))
}

gauss_rule <- function(step, ratio) {
  count <- length(step)
  earlier <- seq_len(count - 1L)
  tridiagonal <- diag(1 / step + c(0, (ratio / step)[earlier]), count)
  tridiagonal[cbind(earlier + 1L, earlier)] <- (sqrt(ratio) / step)[earlier]
  eigen <- eigen(tridiagonal, symmetric = TRUE)
  list(nodes = pmax(eigen$values, .Machine$double.xmin), weights = eigen$vectors[1L, ]^2)
}
