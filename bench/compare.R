# Two installed versions of rkeops taking turns; compare.sh prepares them. Rscript compare.R OLD NEW ROUNDS
# The same file is either side: Rscript compare.R side LIBRARY reads tasks from a named pipe, one a line, and prints seconds.
source("works.R")
given <- commandArgs(trailingOnly = TRUE)

first_formulas <- function() {
  gauss <- function(d, b) list(sprintf("Sum_Reduction(Exp(-SqDist(x,y))*b,1)"), c(d, d, b))
  with_two <- function(f, d) list(f, c(d, d))
  c(lapply(c(1, 2, 3, 5, 8, 15, 50, 200), gauss, b = 1), lapply(c(2, 4, 10, 15), gauss, b = 3),
    list(with_two("LogSumExp_Reduction(-SqDist(x,y),1)", 3), with_two("LogSumExp_Reduction(-SqDist(x,y),1)", 15),
         with_two("ArgKMin_Reduction(SqDist(x,y),10,1)", 3), with_two("KMin_Reduction(SqDist(x,y),5,1)", 15),
         with_two("ArgMin_Reduction(SqDist(x,y),1)", 2), with_two("Min_Reduction(SqDist(x,y),1)", 3),
         with_two("Max_Reduction((x|y),1)", 15), with_two("Sum_Reduction((x|y),1)", 100),
         with_two("Sum_Reduction(Exp(-Norm2(x-y)),1)", 3), with_two("Sum_Reduction(Sqrt(SqDist(x,y)),1)", 3),
         with_two("Sum_Reduction(Inv(IntCst(1)+SqDist(x,y)),1)", 3), with_two("Sum_Reduction(Normalize(x-y),1)", 3),
         with_two("Sum_Reduction(Grad(Exp(-SqDist(x,y)),x,1),1)", 3), with_two("Sum_Reduction(Grad(Exp(-SqDist(x,y)),x,1),1)", 15),
         with_two("Sum_Reduction(Sin((x|y)),1)", 3), with_two("Sum_Reduction(Log(IntCst(1)+SqDist(x,y)),1)", 5),
         with_two("Sum_Reduction(Pow((x|y),3),1)", 5), with_two("Sum_Reduction(ComplexMult(x,y),1)", 6)))
}

# ---- one side
side <- function(library) {
  suppressPackageStartupMessages(library(rkeops, lib.loc = library))
  if ("geometry" %in% names(get_rkeops_options())) set_rkeops_options(list(geometry = "never"))  # kernels are compared
  Sys.setenv(RKEOPS_CACHE_DIR = tempfile("rkeops-compare"))
  clock <- function() as.numeric(Sys.time())
  seconds <- function(f, times = 1L) {
    begin <- clock()
    for (k in seq_len(times)) f()
    (clock() - begin) / times
  }
  operators <- list()
  tasks <- list(
    work = function(k, precision) {
      set_rkeops_options(list(precision = precision))
      key <- paste(k, precision)
      if (is.null(operators[[key]])) {
        work <- works()[[as.integer(k)]]
        op <- keops_kernel(formula_text(work), work$arguments)
        data <- data_for(work)
        operators[[key]] <<- function() op(data)
        operators[[key]]()
      }
      seconds(operators[[key]])
    },
    first = function(k, precision) {
      set_rkeops_options(list(precision = precision))
      row <- first_formulas()[[as.integer(k)]]
      names <- c("x", "y", "b")[seq_along(row[[2]])]
      data <- lapply(row[[2]], function(d) matrix(seq_len(10 * d) / (10 * d), 10))
      seconds(function() keops_kernel(row[[1]], sprintf("%s=V%s(%d)", names, c("i", "j", "j")[seq_along(names)], row[[2]]))(data))
    },
    small = function(what, precision) {
      set_rkeops_options(list(precision = precision))
      set.seed(1)
      data <- replicate(3, matrix(runif(150), 10), simplify = FALSE)
      op <- keops_kernel("Sum_Reduction(Exp(-SqDist(x,y))*b,1)", c("x=Vi(15)", "y=Vj(15)", "b=Vj(15)"))
      lazy <- function() {
        x_i <- LazyTensor(data[[1]], "i")
        y_j <- LazyTensor(data[[2]], "j")
        sum(exp(-sum((x_i - y_j)^2)) * LazyTensor(data[[3]], "j"), index = "j")
      }
      points <- matrix(runif(3000), 1000)
      right <- matrix(runif(1000))
      systems <- function() {
        k <- exp(-sum((LazyTensor(points, "i") - LazyTensor(points, "j"))^2))
        solve(k, right, ridge = 0.1)
      }
      f <- switch(what, operator = function() op(data), expression = lazy, solve = systems)
      f()
      if (what == "solve") seconds(f) else min(replicate(20, seconds(f, 25L)))
    },
    memory = function(...) {  # the most that the process has had, MiB
      status <- readLines("/proc/self/status")
      as.numeric(gsub("[^0-9]", "", grep("VmHWM", status, value = TRUE))) / 1024
    }
  )
  input <- file("stdin", "r")
  cat("ready\n")
  while (length(line <- readLines(input, 1L))) {
    words <- strsplit(line, " ")[[1]]
    cat(format(tasks[[words[1]]](words[2], words[3]), digits = 9), "\n")
  }
}

# ---- both sides by turns
start_side <- function(library) {
  pipe_in <- tempfile("side")
  system2("mkfifo", pipe_in)
  out <- pipe(sprintf("exec Rscript compare.R side %s < %s", shQuote(library), shQuote(pipe_in)), "r")
  inp <- fifo(pipe_in, "w", blocking = TRUE)
  while (!identical(line <- readLines(out, 1L), "ready")) if (length(line) == 0L) stop(library, " does not start")
  list(out = out, inp = inp)
}

ask <- function(side, task) {
  writeLines(task, side$inp)
  flush(side$inp)
  answer <- readLines(side$out, 1L)
  if (length(answer) == 0L) stop("died at: ", task)
  as.numeric(answer)
}

compare <- function(libraries, rounds) {
  sides <- lapply(libraries, start_side)
  slower <- 0L
  turns <- function(tasks) vapply(tasks, function(task) vapply(sides, ask, 0, task), c(0, 0))
  verdict <- function(name, times) {  # 2 x rounds
    best <- apply(times, 1, min)
    middle <- apply(times, 1, median)
    ratio <- best[2] / best[1]
    slower <<- slower + (ratio > 1.03)
    cat(sprintf("%-42s %10.3g %10.3g s  least %.3f  median %.3f  %s\n", name, best[1], best[2], ratio, middle[2] / middle[1],
                if (ratio > 1.03) "SLOWER" else if (ratio < 1 / 1.03) "faster" else "equal"))
  }
  for (k in seq_along(works())) for (precision in c("float32", "float64")) {
    task <- paste("work", k, precision)
    once <- max(turns(task))
    verdict(paste(works()[[k]]$name, precision, sep = ", "), turns(rep(task, if (once < 0.05) 20 * rounds else rounds)))
  }
  if (file.exists("/proc/self/status")) {
    most <- turns("memory - -")
    cat(sprintf("%-42s %10.4g %10.4g MiB  ratio %.3f\n", "peak memory of the six works", most[1], most[2], most[2] / most[1]))
  }
  for (what in c("operator", "expression", "solve")) {
    verdict(paste0(what, if (what == "solve") ", N = 1000" else ", 10 x 10"), turns(rep(paste("small", what, "float64"), 2 * rounds)))
  }
  first <- turns(paste("first", seq_along(first_formulas()), "float32"))
  middle <- apply(first, 1, median)
  cat(sprintf("%-42s %10.3g %10.3g s  median %.3f\n", "first calls of 30 formulas", middle[1], middle[2], median(first[2, ] / first[1, ])))
  for (side in sides) close(side$inp)
  quit(status = as.integer(slower > 0L))
}

if (given[1] == "side") side(given[2]) else compare(given[1:2], as.integer(given[3]))
