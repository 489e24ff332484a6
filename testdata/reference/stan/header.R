# rstan 2.21 of Debian looks for RcppEigen.h, which r-cran-rstan does not bring.
# Three lines are enough; they go to a folder that the compiler searches.
folder <- file.path(tempdir(), "include")
dir.create(folder, showWarnings = FALSE)
writeLines(c("#include <RcppCommon.h>", "#include <Rcpp.h>", "#include <Eigen/Dense>"),
           file.path(folder, "RcppEigen.h"))
Sys.setenv(CPLUS_INCLUDE_PATH = paste(folder, "/usr/include/eigen3",
                                      "/usr/lib/R/site-library/Rcpp/include",
                                      Sys.getenv("CPLUS_INCLUDE_PATH"), sep = ":"))
