// Package terminal writes to people: text without what a terminal would obey, tables and
// paragraphs that fit the window, colors, progress bars and small charts.
//
// Names, keys, values and paths come from files and from other people. Control characters and
// those that turn the direction of text are replaced on the way out: by [Filter] for a stream,
// and by [Screen] for every cell before it is colored.
package terminal
