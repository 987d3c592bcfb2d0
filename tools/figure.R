# The picture of README.md, from stored measurements: Rscript tools/figure.R, in the root of the checkout.
# Double precision throughout: it is the only one that base R and FNN have.
library(ggplot2)
scaling <- read.csv("vignettes/scaling.csv")
scaling$work <- factor(scaling$work, unique(scaling$work))
scaling <- scaling[scaling$method != "rkeops, float32", ]
scaling$method <- c("base R" = "base R (1 thread)", "FNN (k-d tree)" = "FNN, k-d tree (1 thread)",
                    "rkeops, float64" = "rkeops (2 threads)")[scaling$method]
plot <- ggplot(scaling, aes(n, seconds, colour = method, shape = method)) +
  geom_line() +
  geom_point(size = 2) +
  facet_wrap(~work) +
  scale_x_log10(breaks = 10^(2:6), labels = c("100", "1,000", "10,000", "100,000", "1,000,000")) +
  scale_y_log10(breaks = 10^(-4:2), labels = c("0.1 ms", "1 ms", "10 ms", "0.1 s", "1 s", "10 s", "100 s")) +
  scale_colour_manual(values = c("#999999", "#E69F00", "#0072B2")) +
  labs(x = "number of points (N = M)", y = "time of a call", colour = "double precision", shape = "double precision") +
  theme_minimal(base_size = 11) +
  theme(panel.grid.minor = element_blank(), axis.text.x = element_text(angle = 25, hjust = 1),
        legend.position = "right", strip.text = element_text(face = "bold"),
        plot.background = element_rect(fill = "white", colour = NA))
ggsave("man/figures/README-scaling.png", plot, width = 7.8, height = 2.9, dpi = 110)
