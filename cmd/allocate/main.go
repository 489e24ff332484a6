// Command allocate computes portfolio weights from returns of trading
// strategies.
//
// See README.md for the commands, and `allocate help COMMAND` for each.
package main

import (
	"os"

	"allocate/cmd/command"
)

func main() { os.Exit(command.Run()) }
