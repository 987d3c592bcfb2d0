# Talks to a process in Python that times peers, fed through a named pipe: peer.py (PyKeOps) or another.

start_peer <- function(script = "peer.py") {
  why <- Sys.getenv("RKEOPS_BENCH_SKIP")
  if (nzchar(why)) return(list(skipped = why))
  pipe_in <- tempfile("peer")
  system2("mkfifo", pipe_in)
  log <- tempfile("peer-log")
  command <- sprintf("KEOPS_CACHE_FOLDER=%s exec %s %s < %s 2> %s", shQuote(tempfile("keops")),
                     shQuote(Sys.getenv("RKEOPS_BENCH_PYTHON")), script, shQuote(pipe_in), shQuote(log))
  dir.create(sub(".*KEOPS_CACHE_FOLDER='([^']*)'.*", "\\1", command))
  out <- pipe(command, "r")
  inp <- fifo(pipe_in, "w", blocking = TRUE)
  peer <- list(out = out, inp = inp)
  repeat {
    line <- readLines(out, 1L)
    if (length(line) == 0L) {
      close(inp)
      close(out)
      return(list(skipped = paste(script, "does not run:", paste(utils::tail(readLines(log), 1L), collapse = ""))))
    }
    if (startsWith(line, "ready ")) break
  }
  peer$version <- sub("ready ", "", line)
  peer
}

# c(seconds, seconds of the first call, sum of the result); NA where there is no peer.
ask_peer <- function(peer, work, precision) {
  if (!is.null(peer$skipped)) return(c(NA_real_, NA_real_, NA_real_))
  line <- paste(precision, work$reduction, work$formula, work$axis, work$k, work$i, work$j,
                paste(work$arguments, collapse = ";"), sep = "\t")
  ask_line(peer, line)
}

# The numbers that a peer answers to a line.
ask_line <- function(peer, line) {
  writeLines(line, peer$inp)
  flush(peer$inp)
  answer <- readLines(peer$out, 1L)
  if (length(answer) == 0L) stop("the peer died at: ", line)
  suppressWarnings(as.numeric(strsplit(answer, "\t")[[1]]))
}

stop_peer <- function(peer) {
  if (!is.null(peer$skipped)) return(invisible())
  close(peer$inp)
  close(peer$out)
}
