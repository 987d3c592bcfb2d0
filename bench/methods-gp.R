# Gaussian processes: Rscript bench/methods-gp.R [rows of diamonds]
# Lines `work,n,ours_s,peer,peer_s,agreement`; what is held out, and how much of it 95 % intervals cover, as notes on stderr.
suppressPackageStartupMessages(library(rkeops))
set.seed(1)
rows <- as.numeric(c(commandArgs(TRUE), 50000)[1L])
line <- function(work, n, ours, peer = NA, peer_s = NA, agreement = NA) {
  cat(paste(work, n, signif(ours, 3), peer, signif(peer_s, 3), signif(agreement, 3), sep = ","), "\n", sep = "")
}
seconds <- function(expr) system.time(expr)[["elapsed"]]

# Parameters given: predictions of kernlab at n = 1000.
against_kernlab <- function(n = 1000) {
  x <- matrix(rnorm(4 * n), n)
  y <- sin(x[, 1]) + x[, 2] * x[, 3] + rnorm(n) / 10
  new <- matrix(rnorm(4000), 1000)
  work <- function() gp(x, y, kernel = gaussian, trend = ~0, lengthscale = 2, variance = 1, nugget = 0.05)
  predict(work(), new)  # compiled
  ours_s <- seconds(ours <- predict(work(), new))
  if (!requireNamespace("kernlab", quietly = TRUE)) return(line("gp_given", n, ours_s))
  peer_s <- seconds(theirs <- kernlab::predict(
    kernlab::gausspr(x, y, kernel = "rbfdot", kpar = list(sigma = 0.125), var = 0.05, scaled = FALSE, fit = FALSE), new
  ))
  line("gp_given", n, ours_s, "kernlab", peer_s, max(abs(ours - theirs)))
}

# log(price) of diamonds by six numbers, each with a lengthscale of its own; held-out error and coverage.
diamonds_fit <- function(n) {
  if (!requireNamespace("ggplot2", quietly = TRUE)) return(invisible())
  data <- as.data.frame(ggplot2::diamonds)
  data <- data.frame(price = log(data$price), carat = log(data$carat), cut = as.integer(data$cut),
                     color = as.integer(data$color), clarity = as.integer(data$clarity), depth = data$depth, table = data$table)
  data <- data[sample(nrow(data)), ]
  n <- min(n, nrow(data) - 2000)
  test <- data[n + 1:2000, ]
  train <- data[seq_len(n), ]
  fit_s <- seconds(fit <- gp(price ~ ., data = train, trend = ~carat))
  predict_s <- seconds(found <- predict(fit, test, interval = "prediction"))
  plain <- lm(price ~ ., train)
  error <- sqrt(mean((test$price - found[, "fit"])^2))
  covered <- mean(test$price > found[, "lwr"] & test$price < found[, "upr"])
  line("gp_diamonds_fit", n, fit_s, "lm_error", sqrt(mean((test$price - predict(plain, test))^2)), error)
  line("gp_diamonds_predict", n, predict_s, "coverage", 0.95, covered)
  message(paste(capture.output(print(fit)), collapse = "\n"), "\nconverged: ", fit$convergence)
}

krr_ridge <- function(n = 1000) {
  x <- matrix(rnorm(4 * n), n)
  y <- sin(x[, 1]) + x[, 2] * x[, 3] + rnorm(n) / 10
  krr(x, y)
  dense_s <- seconds(dense <- krr(x, y))
  columns_s <- seconds(columns <- krr(x, y, exact = 0))
  line("krr", n, columns_s, "krr_dense", dense_s, abs(log(columns$ridge / dense$ridge)))
}

against_kernlab()
krr_ridge()
diamonds_fit(rows)
