# The published example and a solver on the GPU, from R; run by tools/gpu.sh.
suppressPackageStartupMessages(library(rkeops))
quick <- nzchar(Sys.getenv("RKEOPS_GPU_QUICK"))
check_rkeops()

set.seed(1)
n <- if (quick) 300L else 100000L
x <- matrix(runif(n * 15), n)
y <- matrix(runif(n * 15), n)
b <- matrix(runif(n * 15), n)
op <- keops_kernel("Sum_Reduction(Exp(-SqDist(x,y))*b,1)", c("x=Vi(15)", "y=Vj(15)", "b=Vj(15)"))
rows <- seq_len(100)
reference <- op(list(x[rows, ], y, b))

rkeops_use_gpu()
for (precision in c("float32", "float64")) {
  set_rkeops_options(list(precision = precision))
  invisible(op(list(x[rows, ], y[rows, ], b[rows, ])))
  seconds <- system.time(a <- op(list(x, y, b)))[["elapsed"]]
  error <- max(abs(a[rows, ] - reference)) / max(abs(reference))
  cat(sprintf("Gaussian sum, N = %d, D = 15, %s: %.3f s, relative error %.2g\n", n, precision, seconds, error))
  stopifnot(error < if (precision == "float32") 1e-5 else 1e-12)
}

# Kernel interpolation by conjugate gradients, in double precision.
m <- if (quick) 200L else 10000L
points <- matrix(runif(m), m)
values <- sin(6 * points) + 0.1 * rnorm(m)
K_ij <- exp(-sqdist(Vi(points), Vj(points)) / (2 * 0.01))
apply_K <- function(a) K_ij %*% a + 0.1 * a
seconds <- system.time({
  a <- 0 * values
  r <- values
  p <- r
  rr <- sum(r^2)
  for (k in 1:500) {
    q <- apply_K(p)
    alpha <- rr / sum(p * q)
    a <- a + alpha * p
    r <- r - alpha * q
    if (sqrt(sum(r^2)) < 1e-6 * sqrt(sum(values^2))) break
    beta <- sum(r^2) / rr
    rr <- sum(r^2)
    p <- r + beta * p
  }
})[["elapsed"]]
cat(sprintf("conjugate gradients, N = %d: %d steps, %.2f s\n", m, k, seconds))

# What a call costs on data too small to matter, resident and not.
small <- matrix(runif(30), 10)
K_ij <- exp(-sqdist(Vi(small), Vj(small)))
op <- keops_kernel("Sum_Reduction(Exp(-SqDist(x,y)),1)", c("x=Vi(3)", "y=Vj(3)"))
calls <- if (quick) 5L else 1000L
for (what in c("LazyTensor", "operator")) {
  once <- if (what == "LazyTensor") function() sum(K_ij, index = "j") else function() op(list(small, small))
  once()
  seconds <- system.time(for (k in seq_len(calls)) once())[["elapsed"]]
  cat(sprintf("a call of a %s on 10 x 10 data: %.3g ms\n", what, 1000 * seconds / calls))
}
