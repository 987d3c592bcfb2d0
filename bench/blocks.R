# Blocks: time against the share of pairs that is kept. Rscript bench/blocks.R [N [file.csv]], with rkeops in the library. Times are
# those of the fastest of some runs, as parts of that of all pairs.
suppressPackageStartupMessages(library(rkeops))
given <- commandArgs(trailingOnly = TRUE)
N <- if (length(given) > 0L) as.numeric(given[1L]) else 40000
rows <- NULL
set.seed(1)
x <- matrix(runif(3 * N), N)
y <- matrix(runif(3 * N), N)
b <- matrix(rnorm(N))

seconds <- function(code) {
  code()
  min(vapply(1:3, function(run) system.time(code())[["elapsed"]], 0))
}

works <- list(
  "Gaussian sum" = function(...) sum(exp(-sqdist(Vi(x), Vj(y))) * Vj(b), index = "j", ...),
  "10 nearest" = function(...) argKmin(sqdist(Vi(x), Vj(y)), 10, index = "j", ...)
)

# 256 groups of rows in random order, of which a share is kept.
label <- sample(rep_len(1:256, N))
cat(sprintf("%-14s %-8s %10s %10s %14s\n", "work", "", "kept", "time", "time / kept"))
for (precision in c("float32", "float64")) {
  set_rkeops_options(list(precision = precision, geometry = "never"))
  for (work in names(works)) {
    all <- seconds(works[[work]])
    for (share in 2^-(0:7)) {
      keep <- matrix(FALSE, 256, 256)
      keep[sample(256^2, share * 256^2)] <- TRUE
      some <- blocks(label, label, keep)
      time <- seconds(function() works[[work]](blocks = some)) / all
      cat(sprintf("%-14s %-8s %10.4f %10.4f %14.2f\n", work, precision, share, time, time / share))
      rows <- rbind(rows, data.frame(work, precision, share, time = signif(time, 3)))
    }
  }
}

if (length(given) > 1L) utils::write.csv(rows, given[2L], row.names = FALSE, quote = 1:2)

# Neighbours within a radius.
set_rkeops_options(list(precision = "float32"))
count <- function(...) sum(sqdist(Vi(x), Vj(y)) < 0.05^2, index = "j", ...)
all <- seconds(count)
near <- blocks_within(x, y, 0.05)
print(near)
cat(sprintf("within a radius: %.4f of the time of all pairs, and %.4f to make the blocks\n", seconds(function() count(blocks = near)) / all,
            seconds(function() blocks_within(x, y, 0.05)) / all))
