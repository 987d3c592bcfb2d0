# What skipping pairs by geometry gains: rkeops with geometry = "never" and "auto" beside FNN, scipy and scikit-learn, all
# taking turns in one run. geometry.sh sets up what it needs and says what can be asked for. A version of rkeops without the
# option is measured as "never".
suppressPackageStartupMessages(library(rkeops))
source("machine.R")
source("peer.R")
source("../tests/testthat/helper-data-sets.R")

given <- commandArgs(trailingOnly = TRUE)
setting <- function(name, default) {
  found <- grep(sprintf("^--%s=", name), given, value = TRUE)
  if (length(found) > 0L) as.numeric(sub(".*=", "", found[1L])) else default
}
scale <- setting("scale", if ("--quick" %in% given) 0.1 else 1)
asked <- given[!startsWith(given, "--")]
Sys.setenv(RKEOPS_CACHE_DIR = tempfile("rkeops-bench"))
options_there <- names(get_rkeops_options())
skips <- "geometry" %in% options_there
have_fnn <- requireNamespace("FNN", quietly = TRUE)

# ---- works ----------------------------------------------------------------------------------------------------------
# make(n): matrices x and y. run(data): rkeops; fnn(data): the same by FNN; scipy, sklearn: work and argument for
# geometry_peers.py. target: how many times faster than whom geometry has to be.
work <- function(name, title, n, make, run, target = NULL, fnn = NULL, scipy = NULL, sklearn = NULL, tol = 0) {
  list(name = name, title = title, n = max(ceiling(n * scale), 100), make = make, run = run, target = target, fnn = fnn,
       scipy = scipy, sklearn = sklearn, tol = tol)
}

size <- function(n) sub("e+0", "e", format(n, scientific = TRUE), fixed = TRUE)
uniform <- function(d) function(n) list(x = matrix(stats::runif(n * d), n), y = matrix(stats::runif(n * d), n))
made_of_3 <- data_sets()[["8 columns made of 3"]]

# `peers`: they take no NaN, and break ties otherwise.
nearest <- function(name, what, n, make, target = NULL, peers = TRUE) {
  work(name, sprintf("10 nearest, %s, N = %s", what, size(n)), n, make, target = target,
       run = function(data) argKmin(sqdist(Vi(data$x), Vj(data$y)), 10, "j"),
       fnn = if (peers) function(data) FNN::get.knnx(data$y, data$x, 10)$nn.index, scipy = if (peers) list("nearest", 10))
}

within_radius <- function(name, n, target = NULL) {
  work(name, sprintf("neighbours within 0.02, D = 3, N = %s", size(n)), n, uniform(3), target = target,
       run = function(data) sum(sqdist(Vi(data$x), Vj(data$y)) <= 0.02^2, index = "j"), scipy = list("within_radius", 0.02))
}

gaussian <- function(name, what, n, make, h, target, ...) {
  work(name, sprintf("Gaussian sum, %s, N = %s, h = %g", what, size(n), h), n, make, target = target,
       run = function(data) sum(exp(-sqdist(Vi(data$x), Vj(data$y)) / (2 * h^2)), index = "j"), ...)
}

density <- function(name, n, h, ...) {
  work(name, sprintf("density, D = 2, N = %s, h = %g, tol = 1e-8", size(n), h), n, uniform(2), tol = 1e-8,
       sklearn = list("density", h),
       run = function(data) mean(exp(-sqdist(Vi(data$x), Vj(data$y)) / (2 * h^2)), index = "j") / (2 * pi * h^2), ...)
}

# Ten sets of centres, as in ten steps of k-means; the points are one variable.
nearest_centre <- function(name, n, centres, target) {
  each <- function(data, f) {
    vapply(split.data.frame(data$y, rep(1:10, each = centres)), f, integer(nrow(data$x)))
  }
  work(name, sprintf("argmin over %d centroids, D = 2, N = %s, 10 times", centres, size(n)), n, target = target,
       make = function(n) list(x = matrix(stats::runif(2 * n), n), y = matrix(stats::runif(20 * centres), 10 * centres)),
       run = function(data) {
         x_i <- Vi(data$x)
         each(data, function(y) argmin(sqdist(x_i, Vj(y)), "j"))
       },
       fnn = function(data) each(data, function(y) FNN::get.knnx(y, data$x, 1)$nn.index),
       scipy = list("nearest_centres", 10), sklearn = list("k_means", 10))
}

not_slower <- c(never = 1 / 1.02)
works <- list(
  nearest("nearest-d3-1e5", "D = 3", 1e5, uniform(3), c(scipy = 2)),
  nearest("nearest-d3-1e6", "D = 3", 1e6, uniform(3), c(scipy = 3, FNN = 8)),
  nearest("nearest-d2-1e6", "D = 2", 1e6, uniform(2), c(scipy = 3)),
  nearest("nearest-d8-1e5", "D = 8", 1e5, uniform(8), not_slower),
  nearest("nearest-d8of3-1e5", "8 columns made of 3", 1e5, made_of_3, c(never = 5)),
  within_radius("radius-d3-1e5", 1e5, c(scipy = 3)),
  within_radius("radius-d3-1e6", 1e6, c(scipy = 3)),
  density("density-d2-1e5", 1e5, 0.01, target = c(sklearn = 50, never = 15)),
  gaussian("sum-d3-1e6", "D = 3, tol = 1e-6", 1e6, uniform(3), 0.02, c(never = 20), tol = 1e-6),
  nearest_centre("argmin-d2-1e5", 1e5, 1000, c(never = 2)),
  nearest("nearest-d15-3e4", "D = 15", 3e4, uniform(15), not_slower),
  nearest("nearest-d100-1e4", "D = 100", 1e4, uniform(100), not_slower),
  gaussian("sum-d15-3e4", "D = 15", 3e4, uniform(15), 1, not_slower),
  gaussian("sum-d100-1e4", "D = 100", 1e4, uniform(100), 1, not_slower)
)
for (set in grep("fewer|one ", names(data_sets()), value = TRUE, invert = TRUE)) {
  name <- gsub("[^a-z0-9]+", "-", tolower(set))
  n <- if (startsWith(set, "10 rows")) 1e6 else 2e4
  works <- c(works, list(
    nearest(paste0("awkward-nearest-", name), set, n, data_sets()[[set]], not_slower, peers = FALSE),
    gaussian(paste0("awkward-sum-", name), set, n, data_sets()[[set]], 0.05, not_slower)
  ))
}

# ---- methods --------------------------------------------------------------------------------------------------------
# Each gives the seconds of a work, and its result or only a number that sums it up.
elapsed <- function(f, data) {
  begin <- as.numeric(Sys.time())
  value <- f(data)
  list(seconds = as.numeric(Sys.time()) - begin, value = value, number = sum(as.numeric(value)))
}

use <- function(geometry, precision, tol = 0) {
  chosen <- list(precision = precision, geometry = geometry, tolerance = tol)
  set_rkeops_options(chosen[names(chosen) %in% options_there])
}

ours <- function(geometry, precision) function(work, data, files) {
  use(geometry, precision, if (geometry == "never") 0 else work$tol)
  elapsed(work$run, data)
}

fnn <- function(work, data, files) elapsed(work$fnn, data)[c("seconds", "number")]

python <- function(package) function(work, data, files) {
  task <- c(work[[package]][[1L]], files, ncol(data$x), parallel::detectCores(), work[[package]][[2L]])
  answer <- ask_line(peer, paste(task, collapse = "\t"))
  list(seconds = answer[1], number = answer[2])
}

methods <- list(
  "never, float32" = ours("never", "float32"), "never, float64" = ours("never", "float64"),
  "auto, float32" = ours("auto", "float32"), "auto, float64" = ours("auto", "float64"),
  "FNN" = fnn, "scipy" = python("scipy"), "sklearn" = python("sklearn")
)
is_ours <- function(method) grepl(",", method)
kind_of <- function(method) sub(",.*", "", method)
precision_of <- function(method) sub(".*, ", "", method)

methods_of <- function(work) {
  there <- c(never = !skips || !"--no-never" %in% given, auto = skips, FNN = have_fnn && !is.null(work$fnn),
             scipy = is.null(peer$skipped) && !is.null(work$scipy), sklearn = is.null(peer$skipped) && !is.null(work$sklearn))
  Filter(function(method) there[[kind_of(method)]], names(methods))
}

# ---- turns ----------------------------------------------------------------------------------------------------------
# How many turns a method takes, by its first time; for ratios near 1 it takes more.
turns <- function(seconds, close) {
  if (seconds > 20) 1L else if (seconds < 0.01) 60L else if (close) 15L else if (seconds > 0.1) 3L else 20L
}

# Kernels are compiled by small data, for which pairs are skipped only where it is asked for.
compile <- function(work, data) {
  short <- function(points) if (nrow(points) > 2e4) points[1:1000, , drop = FALSE] else points
  for (precision in c("float32", "float64")) for (geometry in if (skips) c("never", "always") else "never") {
    use(geometry, precision, work$tol)
    work$run(list(x = utils::head(data$x, 1000), y = short(data$y)))
  }
}

# The results of a work are the same, whole numbers bit for bit in the same precision; those of peers, which break ties
# otherwise and sum in other orders, sum up to the same.
check <- function(work, method, got, known) {
  if (is.null(known)) return()
  near <- function(a, b, tolerance) isTRUE(all.equal(a, b, tolerance = tolerance, check.attributes = FALSE))
  ok <- if (is.null(got$value) || is.null(known$value)) {
    !is.finite(got$number) || !is.finite(known$number) || near(got$number, known$number, 1e-4)
  } else if (all(got$value %% 1 == 0, na.rm = TRUE)) {
    identical(got$value, known$value)
  } else {
    near(got$value, known$value, max(work$tol, if (precision_of(method) == "float32") 1e-4 else 1e-10))
  }
  if (!ok) stop(sprintf("%s: the result of %s is another", work$name, method))
}

# The least seconds of each method; NA for those that are not among `names`.
measure <- function(work, names = methods_of(work)) {
  set.seed(1)
  data <- work$make(work$n)
  files <- tempfile(c("x", "y"))
  on.exit(unlink(files))
  for (k in 1:2) writeBin(as.vector(data[[k]]), files[k])
  compile(work, data)
  times <- lapply(methods, function(method) numeric())
  known <- list()
  close <- any(work$target < 1.2)
  wanted <- function(method) {
    length(times[[method]]) < 1L || length(times[[method]]) < turns(times[[method]][1L], close && is_ours(method))
  }
  while (length(waiting <- Filter(wanted, names)) > 0L) {
    for (method in waiting) {
      got <- methods[[method]](work, data, files)
      times[[method]] <- c(times[[method]], got$seconds)
      if (length(times[[method]]) > 1L) next
      same_kind <- if (is_ours(method)) precision_of(method) else "float64"
      check(work, method, got, known[[same_kind]])
      if (is_ours(method)) known[[same_kind]] <- got
    }
  }
  least <- vapply(times, function(t) if (length(t) > 0L) min(t) else NA_real_, 0)
  cat(work$title, "\n", sprintf("  %-15s %10.4f s\n", names, least[names]), sep = "")
  least
}

# ---- reports --------------------------------------------------------------------------------------------------------
cells <- function(seconds) ifelse(is.na(seconds), "", sprintf("%.3g", seconds))
row <- function(...) paste0("| ", paste(c(...), collapse = " | "), " |")

# "3 x scipy: 2.7 missed": how many times faster than whom geometry has to be, and is.
verdict <- function(work, least) {
  one <- function(whom) {
    ratio <- least[[if (whom == "never") "never, float64" else whom]] / least[["auto, float64"]]
    found <- if (is.na(ratio)) "" else paste0(": ", signif(ratio, 3), if (ratio < work$target[[whom]]) " **missed**")
    sprintf("%.2g x %s%s", work$target[[whom]], whom, found)
  }
  paste(vapply(names(work$target), one, ""), collapse = "; ")
}

heading <- function(what) c(
  sprintf("# %s, %s", what, format(Sys.Date())), "",
  sprintf("- machine: %s, %d cores seen; %s", machine()$cpu, machine()$threads, R.version.string),
  sprintf("- rkeops %s, commit %s%s; %s; %s", utils::packageVersion("rkeops"), Sys.getenv("RKEOPS_BENCH_COMMIT"),
          if (skips) "" else ", which has no option `geometry`",
          if (have_fnn) paste("FNN", utils::packageVersion("FNN")) else "FNN is missing",
          if (is.null(peer$skipped)) peer$version else paste("without scipy and scikit-learn:", peer$skipped)),
  "- seconds of a call from R with new variables, orders and trees included; the least of several turns (one of what takes more",
  "  than 20 s), which all methods take one after the other. h is the standard deviation of a Gaussian",
  if (scale != 1) sprintf("- %g times as many rows as it says: a look, no figures to publish", scale), ""
)

write_table <- function(rows, least, file) {
  lines <- vapply(seq_along(least), function(k) row(rows[[k]]$title, cells(least[[k]]), verdict(rows[[k]], least[[k]])), "")
  writeLines(c(
    heading("Skipping by geometry"),
    row("work", names(methods), "wanted in float64: reached"),
    paste0("|:--|", strrep("--:|", length(methods)), ":--|"), lines
  ), file)
}

# ---- growth ---------------------------------------------------------------------------------------------------------
# Time against N from 1e3 on; `most`: the largest N of each kind of method (times `scale`).
growth_works <- function(n) list(
  list(work = nearest("", "D = 3", n, uniform(3)), most = c(never = 1e5, auto = 1e7, FNN = 1e6, scipy = 1e6)),
  list(work = nearest("", "D = 2", n, uniform(2)), most = c(never = 1e5, auto = 1e6, FNN = 1e6, scipy = 1e6)),
  list(work = nearest("", "8 columns made of 3", n, made_of_3), most = c(never = 1e5, auto = 1e6, FNN = 1e5, scipy = 1e6)),
  list(work = within_radius("", n), most = c(never = 1e5, auto = 1e6, scipy = 1e6))
)

grow <- function(base) {
  found <- NULL
  for (n in round(10^seq(3, 7, 0.5))) for (one in growth_works(n / scale)) {
    names <- Filter(function(method) n <= 1.01 * scale * one$most[[kind_of(method)]], methods_of(one$work))
    if (length(names) == 0L) next
    what <- sub(", N = .*", "", one$work$title)
    one$work$title <- sprintf("%s, N = %.0f", what, n)
    found <- rbind(found, data.frame(work = what, method = names, n = n, seconds = measure(one$work, names)[names]))
    utils::write.csv(found, paste0(base, ".csv"), row.names = FALSE)
  }
  found
}

# Seconds at each N, and the last tenfold of N that has both ends: 14 times at most is wanted.
write_growth <- function(found, file) {
  sizes <- sort(unique(found$n))
  groups <- list(factor(found$method, names(methods)), factor(found$work, unique(found$work)))
  lines <- vapply(split(found, groups, drop = TRUE), function(one) {
    at <- one$seconds[match(sizes, one$n)]
    tenfold <- at[-(1:2)] / utils::head(at, -2L)
    row(one$work[1], one$method[1], cells(at), format(signif(utils::tail(c(NA, tenfold[!is.na(tenfold)]), 1L), 3)))
  }, "")
  writeLines(c(
    heading("Skipping by geometry: growth"),
    row("work", "method", sprintf("N = %g", sizes), "last tenfold of N"),
    paste0("|:--|:--|", strrep("--:|", length(sizes) + 1L)), lines
  ), file)
}

draw <- function(found, file) {
  if (!requireNamespace("ggplot2", quietly = TRUE)) return(cat("ggplot2 is missing: no plot\n"))
  found$method <- factor(found$method, names(methods))
  plot <- ggplot2::ggplot(found, ggplot2::aes(n, seconds, colour = method, shape = method)) +
    ggplot2::geom_line() + ggplot2::geom_point() + ggplot2::facet_wrap(~work) + ggplot2::scale_x_log10() +
    ggplot2::scale_y_log10() + ggplot2::scale_shape_manual(values = seq_along(levels(found$method)), drop = TRUE) +
    ggplot2::labs(x = "number of points (N = M)", y = "time of a call, seconds", colour = NULL, shape = NULL) +
    ggplot2::theme_minimal()
  ggplot2::ggsave(file, plot, width = 8, height = 5.5, dpi = 80, bg = "white")
  cat("drawn:", file, "\n")
}

# ---- tolerance ------------------------------------------------------------------------------------------------------
# Processor seconds, of all threads, and pairs visited against the tolerance, into vignettes/tolerance.csv.
tolerance_works <- function() {
  signed <- function(n) c(uniform(3)(n), list(b = matrix(stats::rnorm(n))))
  kernel <- function(data, h) exp(-sqdist(Vi(data$x), Vj(data$y)) / (2 * h^2))
  n <- max(ceiling(1e5 * scale), 100)
  list(
    list(name = "density, D = 2", data = uniform(2)(n), f = function(data) kernel(data, 0.01)),
    list(name = "Gaussian sum, D = 3, weights of both signs", data = signed(n),
         f = function(data) kernel(data, 0.05) * Vj(data$b))
  )
}

measure_tolerance <- function(file) {
  set.seed(1)
  tolerances <- c(0, 10^(-12:-1))
  found <- NULL
  for (precision in c("float32", "float64")) for (work in tolerance_works()) {
    once <- function(tol) {
      use("auto", precision, tol)
      before <- rkeops:::rk_statistics()
      time <- system.time(value <- sum(work$f(work$data), index = "j"))
      after <- rkeops:::rk_statistics()
      walked <- after$pairs - before$pairs
      c(seconds = sum(time[1:2]), visited = if (walked > 0) (after$pairs_visited - before$pairs_visited) / walked else 1,
        certificate = if (tol > 0) attr(value, "certificate") else 0)
    }
    once(0.1)
    turns <- replicate(3, vapply(tolerances, once, numeric(3)))  # they take turns: what, tolerance, turn
    found <- rbind(found, data.frame(work = work$name, precision = precision, n = nrow(work$data$x), tol = tolerances,
                                     seconds = signif(apply(turns["seconds", , ], 1L, min), 3),
                                     visited = signif(turns["visited", , 1L], 4),
                                     certificate = signif(turns["certificate", , 1L], 3)))
    print(found[found$work == work$name & found$precision == precision, -(1:3)], row.names = FALSE)
  }
  utils::write.csv(found, file, row.names = FALSE)
}

# ---- run ------------------------------------------------------------------------------------------------------------
groups <- c("table", "awkward", "growth", "tolerance", "all")
names_of_works <- vapply(works, `[[`, "", "name")
if ("--list" %in% given) {
  writeLines(c(names_of_works, "growth", "tolerance"))
  quit()
}
strange <- Filter(function(word) !word %in% groups && !any(startsWith(names_of_works, word)), asked)
if (length(strange) > 0L) stop("no work is called ", strange[1L], "; --list gives the names")
if (length(asked) == 0L) asked <- "table"
if ("all" %in% asked) asked <- c("table", "awkward", "growth", "tolerance")

if ("tolerance" %in% asked) {
  measure_tolerance(if (scale == 1) "../vignettes/tolerance.csv" else "../build/tolerance.csv")
  if (identical(asked, "tolerance")) quit()
}
peer <- start_peer("geometry_peers.py")
if (!is.null(peer$skipped)) cat("without scipy and scikit-learn:", peer$skipped, "\n")
some <- if (scale != 1) "-quick" else if (!all(asked %in% groups)) "-part" else ""

chosen <- Filter(function(work) {
  ("table" %in% asked && !startsWith(work$name, "awkward")) || any(startsWith(work$name, setdiff(asked, "table")))
}, works)
least <- list()
for (one in chosen) {
  least <- c(least, list(measure(one)))
  write_table(chosen, least, paste0(report_base("geometry"), some, ".md"))
}
if (length(chosen) > 0L) cat("\nwritten: bench/", report_base("geometry"), some, ".md\n", sep = "")

if ("growth" %in% asked) {
  base <- paste0(report_base("geometry-growth"), some)
  found <- grow(base)
  if (is.null(found)) stop("nothing grows from 1000 points on with --scale=", scale)
  write_growth(found, paste0(base, ".md"))
  cat("\nwritten: bench/", base, ".csv and .md\n", sep = "")
  draw(found, "../build/geometry-growth.png")
}
stop_peer(peer)
