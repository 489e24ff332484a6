package pipeline

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms says what each package may import of ours and of others. A package
// that is not listed may not exist; a name ending in / admits all below it.
var rooms = map[string]struct{ ours, others []string }{
	"returns/columnar":         {nil, []string{"github.com/apache/arrow/go/v15/arrow", "github.com/apache/arrow/go/v15/arrow/array", "github.com/apache/arrow/go/v15/arrow/ipc", "github.com/apache/arrow/go/v15/arrow/memory", "github.com/parquet-go/parquet-go/"}},
	"returns":                  {[]string{"returns/columnar"}, []string{"gonum.org/v1/gonum/"}},
	"bayes/nuts":               {nil, []string{"gonum.org/v1/gonum/"}},
	"bayes/mcmc":               {nil, []string{"gonum.org/v1/gonum/"}},
	"bayes/surrogate":          {nil, []string{"gonum.org/v1/gonum/"}},
	"bayes":                    {[]string{"returns", "returns/columnar", "bayes/"}, []string{"gonum.org/v1/gonum/"}},
	"scenarios":                {[]string{"returns", "returns/columnar", "bayes"}, []string{"gonum.org/v1/gonum/"}},
	"optimize/qp":              {nil, []string{"gonum.org/v1/gonum/"}},
	"optimize":                 {[]string{"returns", "returns/columnar", "scenarios", "optimize/qp"}, []string{"gonum.org/v1/gonum/"}},
	"reports/metrics":          {nil, []string{"gonum.org/v1/gonum/"}},
	"reports/chart":            {nil, []string{"gonum.org/v1/gonum/", "gonum.org/v1/plot/", "gonum.org/v1/plot"}},
	"reports":                  {[]string{"returns", "bayes", "scenarios", "optimize", "reports/"}, []string{"gonum.org/v1/gonum/", "gonum.org/v1/plot/"}},
	"config":                   {[]string{"returns", "bayes", "scenarios", "optimize", "reports", "pipeline/backtest", "pipeline/store"}, []string{"github.com/spf13/viper", "github.com/go-viper/mapstructure/v2", "github.com/invopop/jsonschema"}},
	"pipeline/store":           {nil, []string{"github.com/google/renameio/v2"}},
	"pipeline/store/s3":        {[]string{"pipeline/store"}, []string{"github.com/google/renameio/v2", "github.com/minio/minio-go/v7", "github.com/minio/minio-go/v7/pkg/credentials", "golang.org/x/sync/errgroup"}},
	"pipeline/store/storetest": {[]string{"pipeline/store", "pipeline/engine"}, nil},
	"pipeline/engine":          {[]string{"pipeline/store", "returns"}, []string{"go.uber.org/zap", "golang.org/x/sync/errgroup"}},
	"pipeline/published":       {[]string{"returns", "returns/columnar", "bayes", "optimize", "reports", "scenarios", "config", "pipeline/store", "pipeline/engine", "pipeline/backtest"}, []string{"github.com/google/renameio/v2", "github.com/gofrs/flock", "gonum.org/v1/gonum/"}},
	"pipeline/whatif":          {[]string{"returns", "returns/columnar", "optimize", "scenarios", "config", "pipeline/engine", "pipeline/store", "pipeline/published"}, nil},
	"pipeline/backtest":        {[]string{"returns", "scenarios", "optimize", "reports/metrics"}, []string{"gonum.org/v1/gonum/"}},
	"pipeline/walkforward":     {[]string{"returns", "bayes", "reports/metrics", "scenarios"}, nil},
	"pipeline":                 {[]string{"returns", "returns/columnar", "bayes", "scenarios", "optimize", "reports", "reports/metrics", "config", "pipeline/"}, []string{"golang.org/x/sync/errgroup"}},
	"cmd/allocate":             {[]string{"cmd/command"}, nil},
	"cmd/allocate-temporal":    {[]string{"cmd/command", "pipeline/engine", "pipeline/temporal"}, []string{"github.com/spf13/cobra", "go.temporal.io/sdk/log"}},
	"pipeline/temporal":        {[]string{"config", "pipeline", "pipeline/engine", "pipeline/store"}, []string{"go.temporal.io/"}},
	"cmd/command/terminal":     {[]string{"pipeline/engine", "returns"}, []string{"github.com/mattn/go-runewidth", "github.com/vbauerster/mpb/v8/", "github.com/vbauerster/mpb/v8", "golang.org/x/term"}},
	"cmd/command/ops":          {nil, nil},
	"cmd/web":                  {[]string{"config", "optimize", "pipeline/whatif", "returns"}, nil},
	"cmd/command":              {[]string{"cmd/command/", "cmd/web", "pipeline/", "bayes", "config", "reports", "returns"}, []string{"github.com/spf13/cobra", "github.com/spf13/pflag", "go.uber.org/zap", "go.uber.org/zap/zapcore"}},
}

// onlyIn names what is allowed in some rooms and nowhere else.
var onlyIn = map[string][]string{
	"time.Now":     {"pipeline", "pipeline/temporal", "cmd/command"},
	"os.Getenv":    {"config", "cmd/command", "cmd/allocate-temporal"},
	"os.Environ":   {"config", "cmd/command"},
	"os.LookupEnv": {"config", "cmd/command"},
}

func TestLayering(t *testing.T) {
	root := ".."
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "out") {
			return fs.SkipDir
		}
		if d.IsDir() && slices.Contains([]string{"util", "utils", "common", "helpers"}, name) {
			t.Errorf("%s: a package of that name says nothing", path)
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		room := filepath.ToSlash(filepath.Dir(rel))
		seen++
		checkFile(t, path, room, strings.HasSuffix(name, "_test.go"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 50 {
		t.Errorf("only %d files were checked", seen)
	}
}

func checkFile(t *testing.T, path, room string, isTest bool) {
	t.Helper()
	rules, known := rooms[room]
	if !known {
		t.Errorf("%s: no room %q in the design", path, room)
		return
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if imported == "math/rand" {
			t.Errorf("%s imports math/rand; use math/rand/v2", path)
		}
		for _, heavy := range []string{"arrow/go/v15/parquet", "arrow/go/v15/arrow/flight", "arrow/go/v15/arrow/compute"} {
			if strings.Contains(imported, heavy) {
				t.Errorf("%s imports %s, which is forbidden everywhere", path, imported)
			}
		}
		if isTest {
			continue
		}
		ours, isOurs := strings.CutPrefix(imported, "allocate/")
		switch {
		case isOurs && !admits(rules.ours, ours):
			t.Errorf("%s: %s may not import %s", path, room, ours)
		case !isOurs && strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") && !admits(rules.others, imported):
			t.Errorf("%s: %s may not import %s", path, room, imported)
		}
	}
	if isTest {
		return
	}
	for _, use := range selectors(file) {
		if allowed, ruled := onlyIn[use]; ruled && !slices.Contains(allowed, room) {
			t.Errorf("%s uses %s, which only %s may", path, use, strings.Join(allowed, " and "))
		}
	}
}

// crossing lists the types of errors that need not cross the boundary of a process,
// with the reason.
var crossing = map[string]string{
	"bayes.GradientError": "a finding of the fit", "bayes/nuts.PointError": "a finding of the fit",
	"pipeline/backtest.RuinError": "of the simulator, which is no action", "pipeline/engine.remoteError": "what others become",
	"cmd/command.usageError": "of the command line", "cmd/command.allRefused": "of the command line", "cmd/command.unfit": "of the command line",
}

// TestErrorTypesAcrossProcesses expects every type of error to be registered with the engine,
// or to be listed with the reason why it need not be: an exit code or a refusal that
// goes by its type would depend on where an action ran.
func TestErrorTypesAcrossProcesses(t *testing.T) {
	pattern := regexp.MustCompile(`(?m)^func \(\w+ \*?(\w+)\) Error\(\) string`)
	registered := map[string]bool{"engine.StageError": true} // which the engine registers
	for _, example := range errorTypes {
		registered[strings.TrimPrefix(fmt.Sprintf("%T", example), "*")] = true
	}
	found := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(strings.TrimPrefix(path, ".."+string(filepath.Separator))))
		for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
			found++
			name := folder + "." + m[1]
			_, listed := crossing[name]
			if crosses := registered[name[strings.LastIndex(name, "/")+1:]]; crosses == listed {
				t.Errorf("%s: registered %v, listed as one that need not be %v", name, crosses, listed)
			}
		}
		return nil
	})
	if err != nil || found < 15 {
		t.Errorf("%d types of errors, %v", found, err)
	}
}

func admits(list []string, path string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		return entry == path || strings.HasSuffix(entry, "/") && (strings.HasPrefix(path, entry) || path == strings.TrimSuffix(entry, "/"))
	})
}
