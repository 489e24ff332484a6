// Package returns is the input layer: it reads daily returns of trading
// strategies from files, refuses what is not a clean return, and hands on one
// immutable Panel of simple daily returns as fractions.
package returns
