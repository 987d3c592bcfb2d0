# Measurements that need an R process of their own: Rscript child.R WHAT; prints one figure a line.
what <- commandArgs(trailingOnly = TRUE)[1]
seconds <- function(expr) system.time(expr)[["elapsed"]]
memory <- function(field) {
  line <- grep(paste0("^", field), readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}
clock <- function() as.numeric(Sys.time())

first_formula <- "Sum_Reduction(Exp(-SqDist(x,y))*b,1)"
first_arguments <- c("x=Vi(15)", "y=Vj(15)", "b=Vj(15)")

switch(what,
  # First call of a formula in this process: compiled, or from the disk cache where it is there already.
  call = {
    suppressPackageStartupMessages(library(rkeops))
    data <- replicate(3, matrix(runif(150), 10), simplify = FALSE)
    begin <- clock()
    invisible(keops_kernel(first_formula, first_arguments)(data))
    cat(clock() - begin, "\n")
  },
  load = cat(seconds(suppressPackageStartupMessages(library(rkeops))), "\n"),
  # Warm calls on 10 x 10 data, in microseconds: operator, LazyTensor expression.
  warm = {
    suppressPackageStartupMessages(library(rkeops))
    data <- replicate(3, matrix(runif(150), 10), simplify = FALSE)
    op <- keops_kernel(first_formula, first_arguments)
    lazy <- function() {
      x_i <- LazyTensor(data[[1]], "i")
      y_j <- LazyTensor(data[[2]], "j")
      b_j <- LazyTensor(data[[3]], "j")
      sum(exp(-sum((x_i - y_j)^2)) * b_j, index = "j")
    }
    per_call <- function(f, times) {
      f()
      min(replicate(5, seconds(for (k in seq_len(times)) f()))) / times * 1e6
    }
    cat(per_call(function() op(data), 2000), per_call(lazy, 500), "\n")
  },
  # A loop of 1e6 scalar additions before and after library(rkeops).
  loop = {
    add <- function() { s <- 0; for (k in 1:1000000) s <- s + 1; s }
    add()
    before <- min(replicate(3, seconds(add())))
    suppressPackageStartupMessages(library(rkeops))
    cat(before, min(replicate(3, seconds(add()))), "\n")
  },
  # Peak memory in MiB beyond the process before, and beyond the inputs: N = M = 1e6, D = 3. Everything is allocated
  # at the start, so that the first 20 seconds tell unless all is asked for.
  memory = {
    suppressPackageStartupMessages(library(rkeops))
    set_rkeops_options(list(precision = commandArgs(trailingOnly = TRUE)[2]))
    points <- function(n) {
      x <- runif(3 * n)
      dim(x) <- c(n, 3L)
      x
    }
    op <- keops_kernel("Sum_Reduction(Exp(-SqDist(x,y)),1)", c("x=Vi(3)", "y=Vj(3)"))
    invisible(op(list(points(10L), points(10L))))
    before <- memory("VmHWM")
    data <- list(points(1000000L), points(1000000L))
    inputs <- memory("VmHWM")
    if (!"full" %in% commandArgs(trailingOnly = TRUE)) setTimeLimit(elapsed = 20)
    stopped <- function(e) "stopped_after_20_s"
    status <- tryCatch({ op(data); "finished" }, error = stopped, interrupt = stopped)
    setTimeLimit()
    cat(inputs - before, memory("VmHWM") - inputs, status, "\n")
  }
)
