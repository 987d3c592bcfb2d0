# State of the session that is not a user's option: what was found out once.
session <- new.env(parent = emptyenv())
session$warned <- character()
session$reductions <- NULL  # see reduction_table()
session$r_functions <- NULL # see r_functions()
session$row_numbers <- NULL # data of the variable of row numbers, as used last
session$bar <- NULL         # id of the progress bar on the screen
session$bar_done <- NULL    # the share of the work that it shows
