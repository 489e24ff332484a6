package command

import (
	"bufio"
	"context"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

var browser = flag.String("browser", "", "path of Chromium: open the pages in it (needs node; see testdata/browser)")

// TestBrowser opens the pages of runs and of a backtest in a browser, wide and
// narrow, light and dark: no error, no request, nothing wider than the window,
// no violation of accessibility rules.
func TestBrowser(t *testing.T) {
	if *browser == "" {
		t.Skip("no -browser")
	}
	dir := t.TempDir()
	sample, err := filepath.Abs(filepath.Join("..", "..", "testdata", "panels", "sample.csv"))
	if err != nil {
		t.Fatal(err)
	}
	hostile := filepath.Join(dir, "hostile.csv")
	b, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	names := "date,<b>bold</b>,=cmd()," + `"quote "" comma, end"` + ",naïve 🙂,\u202eright to left,strategy_06,a strategy with a name that is much longer than any column of any table can be,strategy_08,strategy_09,&amp;\n"
	for i, c := range b {
		if c == '\n' {
			b = append([]byte(names), b[i+1:]...)
			break
		}
	}
	if err := os.WriteFile(hostile, b, 0o600); err != nil {
		t.Fatal(err)
	}
	common := []string{"--set", "returns.path=" + hostile, "--out", filepath.Join(dir, "out"), "--cache", filepath.Join(dir, "cache"), "-q", "--set", "returns.short_history=exclude"}
	for _, args := range [][]string{{"run", "--as-of", "2022-12-22"}, {"run", "--as-of", "2022-12-23"}, {"backtest", "--as-of", "2022-12-23"}} {
		if code := Main(t.Context(), append(args, common...), os.Stderr, os.Stderr); code != 0 && code != exitDegraded {
			t.Fatalf("%v: exit %d", args, code)
		}
	}
	said, says := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		args := append([]string{"serve", "--listen", "127.0.0.1:0"}, slices.DeleteFunc(slices.Clone(common), func(s string) bool { return s == "-q" })...)
		Main(ctx, args, says, os.Stderr)
		_ = says.Close()
	}()
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`http://[^;\s]+`).FindString(line)
	check := exec.CommandContext(t.Context(), "node", filepath.Join("..", "..", "testdata", "browser", "check.mjs"), *browser,
		filepath.Join(dir, "out", "latest", "tearsheet.html"), filepath.Join(dir, "out", "backtest", "latest", "tearsheet.html"), filepath.Join(dir, "out", "index.html"), address+"/what-if")
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	} else {
		t.Logf("%s", out)
	}
}
