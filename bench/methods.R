# The table of bench/methods.sh, from its lines: topic,work,n,ours_s,peer,peer_s,agreement.
source("machine.R")
lines <- utils::read.csv(commandArgs(TRUE)[1], header = FALSE, strip.white = TRUE, na.strings = c("", "NA"),
                         col.names = c("topic", "work", "n", "ours", "peer", "theirs", "agreement"))
cell <- function(x) ifelse(is.na(x), "", format(signif(x, 3), trim = TRUE, scientific = FALSE, drop0trailing = TRUE))
shown <- function(x) ifelse(is.na(x), "", as.character(x))
about <- machine()
file <- paste0(report_base("methods"), ".md")
writeLines(c(
  sprintf("# Statistical methods, %s", Sys.Date()), "",
  sprintf("- machine: %s, %d threads; %s; %s", about$cpu, about$threads, R.version.string, about$compiler),
  "- seconds of a call from R; how results agree is said by the programs bench/methods-*.R", "",
  "| | work | n | rkeops, s | peer | peer, s | peer / rkeops | agreement |", "|:--|:--|--:|--:|:--|--:|--:|:--|",
  with(lines, sprintf("| %s | %s | %s | %s | %s | %s | %s | %s |", topic, work, cell(n), cell(ours), shown(peer), cell(theirs),
                      cell(theirs / ours), shown(agreement)))
), file)
cat("\nwritten: bench/", file, "\n", sep = "")
