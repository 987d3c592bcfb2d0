# What attaching rkeops costs: Rscript bench/attach.R. Time of library(rkeops), and of ordinary computations in sessions
# without and with it, which take turns; the best of the rounds counts.

rounds <- 4
x <- runif(1e5)
small <- matrix(runif(4), 2)
large <- matrix(runif(4e4), 200)

# Compiled functions, as users' code is.
works <- lapply(list(
  "1e6 scalar additions" = function() { s <- 0; for (k in 1:1000000) s <- s + 1; s },
  "1e6 scalar comparisons" = function() { s <- 0; for (k in 1:1000000) s <- s < 1; s },
  "1e6 calls of sum()" = function() for (k in 1:1000000) sum(1, 2),
  "1e6 calls of exp()" = function() for (k in 1:1000000) exp(1),
  "1e6 products 2 x 2 %*% 2 x 2" = function() for (k in 1:1000000) small %*% small,
  "50 products 200 x 200" = function() for (k in 1:50) large %*% large,
  "1000 sums of matrices 200 x 200" = function() for (k in 1:1000) large + large,
  "100 times ifelse() of 1e5" = function() for (k in 1:100) ifelse(x < 0.5, x, 0),
  "100 times atan2() of 1e5" = function() for (k in 1:100) atan2(x, x)
), compiler::cmpfun)

# In a session of its own: seconds of library(rkeops), then of the works.
session_times <- function(with) {
  elapsed <- function(work) system.time(work(), gcFirst = FALSE)[["elapsed"]]
  load <- if (with) elapsed(function() suppressPackageStartupMessages(library(rkeops))) else 0
  c(load, vapply(works, function(work) min(elapsed(work), elapsed(work)), 0))
}

role <- commandArgs(TRUE)
if (length(role) == 1L) {
  cat(session_times(role == "with"), "\n")
} else {
  script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
  ask <- function(role) {
    scan(text = system2(file.path(R.home("bin"), "Rscript"), c(script, role), stdout = TRUE), quiet = TRUE)
  }
  times <- replicate(rounds, cbind(ask("without"), ask("with")))
  best <- apply(times, 1:2, min)
  cat(sprintf("library(rkeops): %.3f s\n\n%-34s %8s %8s %6s\n", best[1, 2], "", "without", "with", "ratio"))
  best <- best[-1, ]
  cat(sprintf("%-34s %6.3f s %6.3f s %6.2f\n", names(works), best[, 1], best[, 2], best[, 2] / best[, 1]), sep = "")
}
