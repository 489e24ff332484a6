package command

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"allocate/pipeline/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.InMemory()
	if os.Getenv("GOGC") == "" { // of the commands, too: a tenth of the time of runs as small as these
		_ = os.Setenv("GOGC", "400")
		debug.SetGCPercent(400)
	}
	testscript.Main(m, map[string]func(){"allocate": func() { os.Exit(Run()) }, "compound": compound})
}

// small has the variables of a run of the bundled sample that takes a fraction of a second.
var small = map[string]string{
	"ALLOCATE_RETURNS_WINDOW": "2y",
	"ALLOCATE_BAYES_CHAINS":   "2", "ALLOCATE_BAYES_WARMUP": "100", "ALLOCATE_BAYES_DRAWS": "100", "ALLOCATE_BAYES_REPLICATES": "0",
	"ALLOCATE_BAYES_MIN_ESS": "20", "ALLOCATE_BAYES_MAX_RHAT": "1.2",
	"ALLOCATE_SCENARIOS_COUNT": "500", "ALLOCATE_SCENARIOS_HOLDOUT": "0", "ALLOCATE_OPTIMIZE_FRONTIER": "4",
}

// TestScripts runs the command stories of testdata/script. Beside the usual
// commands a story may say
//
//	exits CODE COMMAND [ARG ...]
//
// to run a command and compare its exit code. $SHARED is a cache for scripts that
// neither damage it nor count its results.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	shared := t.TempDir()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join(root, "testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("SHARED", shared)
			env.Setenv("SAMPLE", filepath.Join(root, "testdata", "panels", "sample.csv"))
			if testing.Short() {
				for key, value := range small {
					env.Setenv(key, value)
				}
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("usage: exits CODE COMMAND [ARG ...]")
				}
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				code := 0
				if err := ts.Exec(args[1], args[2:]...); err != nil {
					var exit *exec.ExitError
					if !errors.As(err, &exit) {
						ts.Fatalf("%v", err)
					}
					code = exit.ExitCode()
				}
				if code != want {
					ts.Fatalf("exit code %d, want %d", code, want)
				}
			},
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}
