// Package backtest replays a decision through time: on which days it is made
// (schedule.go), what others would have held (allocators.go, hrp.go), what a
// portfolio that follows the weights earns after costs (simulate.go), and how
// the result compares (result.go, score.go). How a day's weights are decided it
// does not know; the pipeline hands them in.
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
