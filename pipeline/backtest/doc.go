// Package backtest replays a decision through time: on which days it is made
// (schedule.go), what others would have held (allocators.go, hrp.go), what a
// portfolio that follows the weights earns after costs (simulate.go). How a day's
// weights are decided, and what is made of the paths, it does not know: that is
// the pipeline's.
//
// # Timing
//
// A rebalance has a day t. Models see returns up to the close of t, less a
// purge. The weights are decided after that close, traded before the next
// session's return (or Delay sessions later) and hold until they are traded
// again; in between every position grows by its own returns. So a weight never
// earns a return that its decision saw. Trading costs are taken from the capital
// at the trade.
package backtest
