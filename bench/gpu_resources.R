# Registers, spills and shared memory of the six works' GPU kernels, as ptxas reports them; no GPU is needed, nvcc is:
#   Rscript bench/gpu_resources.R > bench/results/DATE-gpu-resources.md
suppressPackageStartupMessages(library(rkeops))
source("bench/works.R")
nvcc <- Sys.which("nvcc")
if (!nzchar(nvcc)) stop("nvcc is not on the PATH")
cat("# GPU kernels: resources\n\nAs reported by ptxas of", sub(".*release ([0-9.]+).*", "CUDA \\1", paste(system2(nvcc, "--version", stdout = TRUE), collapse = " ")),
    "for the fold kernels of the six works.\n\n| work | precision | architecture | registers | spill stores, bytes | spill loads, bytes | stack, bytes | shared memory, bytes |\n|---|---|---|---|---|---|---|---|\n")
number <- function(text, pattern) {
  found <- regmatches(text, regexec(pattern, text))[[1L]]
  if (length(found) == 2L) found[2L] else "0"
}
for (work in works()) {
  op <- keops_kernel(formula_text(work), work$arguments)
  for (precision in c("float32", "float64")) {
    set_rkeops_options(list(precision = precision))
    file <- tempfile(fileext = ".cu")
    writeLines(keops_source(op, "gpu"), file)
    for (architecture in c("sm_75", "sm_80", "sm_90")) {
      out <- system2(nvcc, c("-cubin", paste0("-arch=", architecture), "-Xptxas", "-v", file, "-o", tempfile()), stdout = TRUE, stderr = TRUE)
      at <- grep("Compiling entry function 'rkeops_gpu_fold'", out)
      text <- paste(out[at + 1:3], collapse = " ")
      cat(sprintf("| %s | %s | %s | %s | %s | %s | %s | %s |\n", work$name, precision, architecture, number(text, "Used ([0-9]+) registers"),
                  number(text, "([0-9]+) bytes spill stores"), number(text, "([0-9]+) bytes spill loads"),
                  number(text, "([0-9]+) bytes stack frame"), number(text, "([0-9]+) bytes smem")))
    }
  }
}
