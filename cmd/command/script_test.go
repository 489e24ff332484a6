package command

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"allocate/pipeline/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.InMemory()
	testscript.Main(m, map[string]func(){"allocate": func() { os.Exit(Run()) }, "compound": compound})
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
				for _, v := range []string{"RETURNS_WINDOW=3y", "BAYES_DRAWS=150", "BAYES_WARMUP=200", "BAYES_MIN_ESS=50", "BAYES_MAX_RHAT=1.05", "BAYES_REPLICATES=0", "SCENARIOS_COUNT=500", "SCENARIOS_HOLDOUT=0", "OPTIMIZE_FRONTIER=4"} {
					env.Vars = append(env.Vars, "ALLOCATE_"+v)
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
