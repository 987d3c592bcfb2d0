# What reports say about where they were measured, and how their files are called.
machine <- function() {
  cpu <- sub(".*: *", "", grep("model name", readLines("/proc/cpuinfo"), value = TRUE)[1])
  list(
    cpu = cpu, threads = parallel::detectCores(),
    compiler = system2("sh", c("-c", shQuote("${CC:-gcc} --version | head -n 1")), stdout = TRUE),
    slug = tolower(gsub("[^A-Za-z0-9]+", "-", trimws(gsub("\\(R\\)|\\(TM\\)|CPU|@.*|Processor", "", cpu))))
  )
}

# Path without its ending; `what` names the benchmark.
report_base <- function(what) {
  dir.create("results", showWarnings = FALSE)
  file.path("results", paste(format(Sys.Date()), machine()$slug, what, sep = "-"))
}
