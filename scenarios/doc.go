// Package scenarios turns posteriors into joint futures: a Set of horizon
// returns in which parameter uncertainty is held over the whole path and the
// dependence of the strategies is kept.
package scenarios
