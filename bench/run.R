# The benchmark; run.sh sets up what it needs. Ratios hold within one run: both sides take turns.
suppressPackageStartupMessages(library(rkeops))
set_rkeops_options(list(geometry = "never"))  # all pairs are what is compared; bench/geometry.sh has the rest
source("works.R")
source("peer.R")
source("machine.R")

options(width = 120)
given <- commandArgs(trailingOnly = TRUE)
quick <- "--quick" %in% given
rounds <- function(seconds) if (seconds < 0.05) 20L else 3L   # short works take more turns
Sys.setenv(RKEOPS_CACHE_DIR = tempfile("rkeops-bench"))

# ---- the six works --------------------------------------------------------------------------------------------------
seconds <- function(expr) {
  begin <- as.numeric(Sys.time())
  value <- expr
  list(seconds = as.numeric(Sys.time()) - begin, value = value)
}

tenth <- function(work) {
  work$i <- min(work$i, 10L)
  work$j <- min(work$j, 10L)
  work
}

time_work <- function(work, precision, peer) {
  set_rkeops_options(list(precision = precision))
  op <- keops_kernel(formula_text(work), work$arguments)
  first <- seconds(op(data_for(tenth(work))))$seconds
  data <- data_for(work)
  ours <- theirs <- peer_first <- numeric()
  for (round in seq_len(rounds(seconds(op(data))$seconds))) {
    run <- seconds(op(data))
    ours[round] <- run$seconds
    answer <- ask_peer(peer, work, precision)
    theirs[round] <- answer[1]
    peer_first[round] <- answer[2]
  }
  # The same sums on both sides: the peer counts rows from 0.
  total <- sum(run$value) - if (grepl("^Arg", work$reduction)) length(run$value) else 0
  if (!is.na(answer[3]) && abs(total - answer[3]) > 1e-3 * abs(answer[3])) {
    stop(sprintf("%s: results differ, %.9g here and %.9g there", work$name, total, answer[3]))
  }
  per_pair <- 1e9 / (as.numeric(work$i) * work$j)
  row <- data.frame(work = work$name, precision = precision, rkeops_ns = min(ours) * per_pair,
                    pykeops_ns = min(theirs) * per_pair, ratio = min(theirs) / min(ours), rkeops_s = min(ours),
                    pykeops_s = min(theirs), rkeops_first_s = first, pykeops_first_s = peer_first[1])
  cat(sprintf("%-34s %s  rkeops %7.3f  PyKeOps %7.3f ns/pair  ratio %5.1f  first call %.2f / %.1f s\n", row$work, precision,
              row$rkeops_ns, row$pykeops_ns, row$ratio, row$rkeops_first_s, row$pykeops_first_s))
  row
}

peer <- start_peer()
if (!is.null(peer$skipped)) cat("PyKeOps skipped:", peer$skipped, "\n")
table <- do.call(rbind, lapply(c("float32", "float64"), function(precision) {
  do.call(rbind, lapply(works(if (quick) 0.1 else 1), time_work, precision, peer))
}))
stop_peer(peer)

# ---- other costs ----------------------------------------------------------------------------------------------------
child <- function(...) {
  line <- system2(file.path(R.home("bin"), "Rscript"), c("child.R", ...), stdout = TRUE, stderr = FALSE)
  strsplit(utils::tail(line, 1L), " ")[[1]]
}
number <- function(...) as.numeric(child(...))

Sys.setenv(RKEOPS_CACHE_DIR = tempfile("rkeops-bench"))
new_formula <- number("call")
cached <- min(replicate(3, number("call")))
loading <- min(replicate(3, number("load")))
warm <- number("warm")
loop <- number("loop")
full <- if ("--full-memory" %in% given) "full" else "part"
memory <- lapply(c(float32 = "float32", float64 = "float64"), function(precision) child("memory", precision, full))
memory_row <- function(precision) {
  m <- memory[[precision]]
  data.frame(what = sprintf("peak memory beyond inputs, N = M = 1e6, D = 3, %s (%s)", precision, gsub("_", " ", m[3])),
             value = as.numeric(m[2]), unit = "MiB")
}
costs <- rbind(
  data.frame(what = "first call of a new formula (Gaussian sum, D = 15)", value = new_formula * 1e3, unit = "ms"),
  data.frame(what = "first call of a cached formula in a new R process", value = cached * 1e3, unit = "ms"),
  data.frame(what = "library(rkeops)", value = loading * 1e3, unit = "ms"),
  data.frame(what = "warm call on 10 x 10 data, keops_kernel", value = warm[1], unit = "us"),
  data.frame(what = "warm call on 10 x 10 data, LazyTensor expression", value = warm[2], unit = "us"),
  memory_row("float32"), memory_row("float64"),
  data.frame(what = "1e6 scalar additions before library(rkeops)", value = loop[1] * 1e3, unit = "ms"),
  data.frame(what = "1e6 scalar additions after library(rkeops)", value = loop[2] * 1e3, unit = "ms")
)
print(costs, row.names = FALSE, digits = 3)

# ---- write ----------------------------------------------------------------------------------------------------------
here <- machine()
base <- report_base(paste0("cpu", if (quick) "-quick"))

utils::write.csv(rbind(
  data.frame(what = paste(table$work, table$precision, "rkeops"), value = table$rkeops_ns, unit = "ns/pair"),
  data.frame(what = paste(table$work, table$precision, "PyKeOps"), value = table$pykeops_ns, unit = "ns/pair"),
  data.frame(what = paste(table$work, table$precision, "rkeops, first call"), value = table$rkeops_first_s * 1e3, unit = "ms"),
  data.frame(what = paste(table$work, table$precision, "PyKeOps, first call"), value = table$pykeops_first_s * 1e3, unit = "ms"),
  costs
), paste0(base, ".csv"), row.names = FALSE)

markdown <- c(
  sprintf("# Benchmark of %s", format(Sys.Date())), "",
  sprintf("- machine: %s, %d cores seen; %s", here$cpu, here$threads, R.version.string),
  sprintf("- compiler: %s", here$compiler),
  sprintf("- rkeops %s, commit %s; PyKeOps %s", utils::packageVersion("rkeops"), Sys.getenv("RKEOPS_BENCH_COMMIT"),
          if (is.null(peer$skipped)) peer$version else paste("skipped:", peer$skipped)),
  sprintf("- best of 3 (of 20 where a call takes less than 50 ms), both sides taking turns in one run%s", if (quick) "; quick: a tenth of the rows" else ""), "",
  "| work | precision | rkeops, ns/pair | PyKeOps, ns/pair | ratio | first call, s | PyKeOps, s |",
  "|:-----|:----------|----:|----:|----:|----:|----:|",
  sprintf("| %s | %s | %.3f | %.3f | %.1f | %.2f | %.1f |", table$work, table$precision, table$rkeops_ns,
          table$pykeops_ns, table$ratio, table$rkeops_first_s, table$pykeops_first_s), "",
  "| other costs | |", "|:-----|----:|", sprintf("| %s | %s %s |", costs$what, signif(costs$value, 3), costs$unit)
)
writeLines(markdown, paste0(base, ".md"))
cat("\nwritten: bench/", base, ".csv and .md\n", sep = "")
