# What a product in R costs besides its kernel: operator(K)(v), one step's product of solve(), and K %*% v, next to the figures
# of bench/evaluation.cpp, as a table. One thread; the least of many turns, in microseconds.
#   g++ -std=c++17 -O2 -Iinst/include bench/evaluation.cpp -o evaluation -ldl -pthread
#   Rscript bench/evaluation.R ./evaluation
library(rkeops)
program <- commandArgs(TRUE)[1L]
set_rkeops_options(list(threads = 1))

turns <- function(f, n) {
  f()
  min(replicate(n, {
    from <- Sys.time()
    for (k in 1:5) f()
    as.numeric(difftime(Sys.time(), from, units = "secs")) / 5
  })) * 1e6
}

rows <- strsplit(grep("^\\| [0-9]", system2(program, "1", stdout = TRUE), value = TRUE), " *\\| *")
cat("| N | D | precision | fold alone | Evaluation | operator(K)(v) | in solve() | K %*% v | solve() / fold alone |\n")
cat("|---|---|---|---|---|---|---|---|---|\n")
for (row in rows) {
  n <- as.numeric(row[2L])
  x <- matrix(runif(n * as.numeric(row[3L])), n)
  K <- exp(-sqdist(Vi(x), Vj(x)))
  v <- matrix(rnorm(n))
  if (row[4L] == "float32") rkeops_use_float32() else rkeops_use_float64()
  multiply <- operator(K)
  system <- list(operator = rkeops:::new_operator(K, 1L, NULL), ridge = 0.1, call = NULL)
  times <- c(turns(function() multiply(v), 60), turns(function() rkeops:::product(system, v), 60), turns(function() K %*% v, 60))
  fold <- as.numeric(row[7L])
  cat(sprintf("| %s | %s | %s | %s | %s | %.1f | %.1f | %.1f | %.2f |\n", row[2L], row[3L], row[4L], row[7L], row[6L],
              times[1L], times[2L], times[3L], times[2L] / fold))
}
