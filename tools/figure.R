# The picture of README.md, from stored measurements: Rscript tools/figure.R, in the root of the checkout.
library(ggplot2)
scaling <- read.csv("vignettes/scaling.csv")
scaling <- scaling[scaling$method %in% c("base R", "FNN (k-d tree)", "rkeops, float32"), ]
scaling$method <- sub(", float32", "", scaling$method)
scaling$work <- factor(scaling$work, unique(scaling$work))
plot <- ggplot(scaling, aes(n, seconds, colour = method, shape = method)) +
  geom_line() +
  geom_point(size = 2) +
  facet_wrap(~work) +
  scale_x_log10(breaks = 10^(2:6), labels = c("100", "1,000", "10,000", "100,000", "1,000,000")) +
  scale_y_log10(breaks = 10^(-3:2), labels = c("1 ms", "10 ms", "0.1 s", "1 s", "10 s", "100 s")) +
  scale_colour_manual(values = c("#999999", "#E69F00", "#0072B2")) +
  labs(x = "number of points (N = M)", y = NULL, colour = NULL, shape = NULL) +
  theme_minimal(base_size = 11) +
  theme(panel.grid.minor = element_blank(), axis.text.x = element_text(angle = 25, hjust = 1), legend.position = "right",
        strip.text = element_text(face = "bold"), plot.background = element_rect(fill = "white", colour = NA))
ggsave("man/figures/README-scaling.png", plot, width = 7.2, height = 2.9, dpi = 110)
