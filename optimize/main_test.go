package optimize

import (
	"flag"
	"os"
	"runtime/debug"
	"testing"
)

var anew = flag.Bool("anew", false, "properties of other random problems in every run")

// TestMain has the properties drawn from the same problems in every run, so that a
// failure is one of the change at hand, unless -anew asks for others.
func TestMain(m *testing.M) {
	flag.Parse()
	if !*anew {
		if err := flag.Set("rapid.seed", "1"); err != nil {
			panic(err)
		}
	}
	debug.SetGCPercent(400) // a quarter of the time of many small problems is their garbage
	os.Exit(m.Run())
}
