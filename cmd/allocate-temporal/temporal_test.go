package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"allocate/pipeline/store/storetest"
)

var (
	serverProgram = flag.String("temporal-server", "", "the program of a server of Temporal: go -C testdata/servers/temporal build -o PATH .")
	moments       = flag.Int("moments", 1, "random moments of each kind of failure; 20 takes an hour")
)

// asProgram makes the test binary the program.
const asProgram = "RUN_AS_ALLOCATE_TEMPORAL"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	flag.Parse()
	os.Exit(m.Run())
}

// server is a server of Temporal on a fixed address.
type server struct {
	address string
	cmd     *exec.Cmd
	in      io.Closer
}

func startServer(t *testing.T) *server {
	t.Helper()
	if *serverProgram == "" {
		t.Skip("no server of Temporal: -temporal-server PATH names the program (built from testdata/servers/temporal)")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: l.Addr().String()}
	_ = l.Close()
	s.start(t)
	t.Cleanup(s.stop)
	t.Setenv("TEMPORAL_ADDRESS", s.address)
	t.Setenv("TEMPORAL_NAMESPACE", "allocate")
	t.Setenv(asProgram, "1")
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(*serverProgram, s.address)
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "serving\n" {
		t.Fatalf("the server of Temporal said %q", line)
	}
}

func (s *server) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	_ = s.in.Close()
}

// worker is a process that executes actions; it logs them.
type workerProcess struct {
	cmd *exec.Cmd
	log *bytes.Buffer
	mu  sync.Mutex
}

func (w *workerProcess) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(b)
}

func startWorker(t *testing.T, local string, args ...string) *workerProcess {
	t.Helper()
	w := &workerProcess{log: &bytes.Buffer{}, cmd: program(t, append([]string{"worker", "-v", "--slots", "1", "--local", local}, args...)...)}
	w.cmd.Stderr = w
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.cmd.Process.Signal(syscall.SIGCONT)
		_ = w.cmd.Process.Kill()
		_ = w.cmd.Wait()
	})
	return w
}

// executed are the actions that workers executed, by their hash, and how often.
func executed(workers ...*workerProcess) map[string]int {
	counts := map[string]int{}
	for _, w := range workers {
		w.mu.Lock()
		for lines := bufio.NewScanner(bytes.NewReader(w.log.Bytes())); lines.Scan(); {
			var line struct{ Event, Action string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Event == "executed" {
				counts[line.Action]++
			}
		}
		w.mu.Unlock()
	}
	return counts
}

func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(self, args...)
}

const backtestConfig = `
returns: {path: %s, short_history: exclude}
bayes: {chains: 2, draws: 250, min_ess: 50, max_rhat: 1.05}
scenarios: {count: 500, horizon: 10, holdout: 0}
backtest: {schedule: every, every: 42, start: "2021-01-01", replicates: 0, compare: [equal_weight]}
`

// book is a folder with a configuration.
func book(t *testing.T, cache string) string {
	t.Helper()
	dir := t.TempDir()
	sample, err := filepath.Abs("../../testdata/panels/sample.csv")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "allocate.yaml"), fmt.Appendf(nil, backtestConfig+"cache: \"%s\"\n", sample, cache), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// backtest is the command that backtests a book.
func backtest(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := program(t, append([]string{"backtest", "-q", "--config", filepath.Join(dir, "allocate.yaml")}, args...)...)
	cmd.Stdout, cmd.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return cmd
}

// files are the published files of a backtest, but for run.json, which has times, and its hash.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	latest := filepath.Join(dir, "out", "backtest", "latest")
	list, err := os.ReadDir(latest)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range list {
		if f.Name() == "run.json" || f.Name() == "SHA256SUMS" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(latest, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name()] = string(b)
	}
	return out
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	if len(want) < 6 || len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s differs from that of one process", name)
		}
	}
}

// alone is a backtest in one process.
func alone(t *testing.T) (want map[string]string, took time.Duration) {
	t.Helper()
	t.Setenv(asProgram, "1")
	dir, began := book(t, ".cache"), time.Now()
	must(t, backtest(t, dir))
	return files(t, dir), time.Since(began)
}

func must(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args[1:], err, cmd.Stdout, cmd.Stderr)
	}
}

// once fails where more than allowed actions were executed again.
func once(t *testing.T, allowed int, workers ...*workerProcess) {
	t.Helper()
	total, again := 0, 0
	for _, n := range executed(workers...) {
		total++
		again += n - 1
	}
	t.Logf("%d actions executed, %d of them again", total, again)
	if total < 50 || again > allowed {
		t.Errorf("%d actions executed, %d of them again; at most %d may be", total, again, allowed)
	}
}

func TestBacktestByWorkers(t *testing.T) {
	startServer(t)
	want, _ := alone(t)
	shared := t.TempDir()
	dir := book(t, shared)
	workers := []*workerProcess{startWorker(t, ""), startWorker(t, "")}
	must(t, backtest(t, dir, "--engine", "temporal"))
	same(t, files(t, dir), want)
	once(t, 0, workers...)
	for i, w := range workers {
		if len(executed(w)) == 0 {
			t.Errorf("worker %d has done nothing", i)
		}
		if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := w.cmd.Wait(); err != nil {
			t.Errorf("worker %d after a signal: %v", i, err)
		}
	}
}

// A command whose work nobody does says so, and goes on when a worker comes.
func TestNoWorker(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for 20 seconds")
	}
	startServer(t)
	want, _ := alone(t)
	dir := book(t, t.TempDir())
	cmd := program(t, "backtest", "--engine", "temporal", "--log-format", "json", "--config", filepath.Join(dir, "allocate.yaml"))
	out := &workerProcess{log: &bytes.Buffer{}}
	cmd.Stderr = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		out.mu.Lock()
		said := strings.Contains(out.log.String(), "no worker serves the task queue allocate-")
		out.mu.Unlock()
		if said {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("nothing said:\n%s", out.log)
		}
	}
	startWorker(t, "")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out.log)
	}
	same(t, files(t, dir), want)
}

// Whatever fails at whatever moment, the backtest ends with the same bytes, and of what was done
// nothing is done again but what a process that was given up was doing.
func TestFailures(t *testing.T) {
	if testing.Short() && *moments == 1 {
		t.Skip("takes minutes")
	}
	s := startServer(t)
	want, length := alone(t)
	random := rand.New(rand.NewPCG(22, 22))
	moment := func() time.Duration { return time.Duration((.1 + .8*random.Float64()) * float64(length)) }
	for _, c := range []struct {
		name  string
		again int                                                                               // actions that may be executed again
		fail  func(t *testing.T, w []*workerProcess, conductor *exec.Cmd) (after time.Duration) // for which the failure goes on
	}{
		{"a worker is killed", 1, func(t *testing.T, w []*workerProcess, _ *exec.Cmd) time.Duration {
			_ = w[0].cmd.Process.Kill()
			return 0
		}},
		{"a worker is suspended for longer than its heartbeat", 2, func(t *testing.T, w []*workerProcess, _ *exec.Cmd) time.Duration {
			_ = w[0].cmd.Process.Signal(syscall.SIGSTOP)
			time.AfterFunc(25*time.Second, func() { _ = w[0].cmd.Process.Signal(syscall.SIGCONT) })
			return 30 * time.Second
		}},
		{"the backtest is killed and started again", 0, func(t *testing.T, _ []*workerProcess, conductor *exec.Cmd) time.Duration {
			_ = conductor.Process.Kill()
			return 0
		}},
		{"the server is killed and started again without its state", 2, func(t *testing.T, _ []*workerProcess, _ *exec.Cmd) time.Duration {
			s.stop()
			time.Sleep(2 * time.Second)
			s.start(t)
			return 0
		}},
	} {
		for i := range *moments {
			t.Run(fmt.Sprintf("%s %d", c.name, i), func(t *testing.T) {
				dir := book(t, t.TempDir())
				workers := []*workerProcess{startWorker(t, ""), startWorker(t, "")}
				for _, w := range workers {
					defer func() { _ = w.cmd.Process.Signal(syscall.SIGTERM) }()
				}
				conductor := backtest(t, dir, "--engine", "temporal")
				if err := conductor.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(moment())
				after, began := c.fail(t, workers, conductor), time.Now()
				if err := conductor.Wait(); err != nil {
					if !strings.Contains(err.Error(), "killed") {
						t.Fatalf("%v\n%s", err, conductor.Stderr)
					}
					must(t, backtest(t, dir, "--engine", "temporal"))
				}
				same(t, files(t, dir), want)
				if after > 0 { // a worker that goes on after it was given up leaves everything as it is
					time.Sleep(after - time.Since(began))
					again := backtest(t, dir)
					must(t, again)
					if out := again.Stdout.(*bytes.Buffer).String(); !strings.Contains(out, "already published") {
						t.Errorf("afterwards:\n%s", out)
					}
				}
				once(t, c.again, workers...)
			})
		}
	}
}

// The store answers 503 for ten seconds.
func TestStoreUnavailable(t *testing.T) {
	startServer(t)
	s3 := storetest.StartS3(t)
	want, length := alone(t)
	target, _ := url.Parse(s3.Endpoint)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }}
	var down atomic.Bool
	var refused atomic.Int32
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	front := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			refused.Add(1)
			http.Error(w, "", http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	})}
	go func() { _ = front.Serve(l) }()
	defer front.Close()
	for i := range *moments {
		copies := t.TempDir()
		behind := *s3
		behind.Endpoint = "http://" + l.Addr().String()
		dir := book(t, behind.Location(fmt.Sprintf("book%d", i), filepath.Join(copies, "0")))
		workers := []*workerProcess{startWorker(t, filepath.Join(copies, "1")), startWorker(t, filepath.Join(copies, "2"))}
		time.AfterFunc(time.Duration((.1+.8*rand.Float64())*float64(length)), func() {
			down.Store(true)
			time.AfterFunc(10*time.Second, func() { down.Store(false) })
		})
		must(t, backtest(t, dir, "--engine", "temporal"))
		same(t, files(t, dir), want)
		once(t, 0, workers...)
		for _, w := range workers {
			_ = w.cmd.Process.Kill()
		}
	}
	if refused.Load() == 0 {
		t.Error("the store never refused")
	}
}

// A night of the schedule: it is created, shown, triggered, held, approved and published.
func TestNights(t *testing.T) {
	startServer(t)
	dir := book(t, ".cache")
	config := filepath.Join(dir, "allocate.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, "as_of: \"2022-12-23\"\ngates: {severity: [{code: data.gap, severity: hold}]}\n"...)
	if err := os.WriteFile(config, text, 0o644); err != nil {
		t.Fatal(err)
	}
	startWorker(t, "", "--nights")
	output := func(args ...string) string {
		t.Helper()
		b, err := program(t, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, b)
		}
		return string(b)
	}
	got := output("schedule", "create", "book", "--config", config, "--cron", "0 2 * * 2-6", "--zone", "Europe/Berlin")
	if !strings.Contains(got, "schedule book: next night ") || !strings.Contains(got, "02:00 CE") {
		t.Errorf("create: %s", got)
	}
	if again := output("schedule", "create", "book", "--config", config, "--cron", "30 3 * * *"); !strings.Contains(again, "03:30 UTC") {
		t.Errorf("create again: %s", again)
	}
	// The next night is in some hours: it is a schedule of every minute for the test.
	output("schedule", "create", "book", "--config", config, "--cron", "* * * * *")
	night := ""
	wait := func(what string, ok func() bool) {
		t.Helper()
		for began := time.Now(); !ok(); time.Sleep(500 * time.Millisecond) {
			if time.Since(began) > 3*time.Minute {
				t.Fatalf("no %s:\n%s", what, output("schedule", "show", "book"))
			}
		}
	}
	refused := filepath.Join(dir, "out", "refused.json")
	wait("held night", func() bool {
		for _, line := range strings.Split(output("schedule", "show", "book"), "\n") {
			if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "night" && fields[2] == "running" {
				night = fields[1]
			}
		}
		_, err := os.Stat(refused)
		return night != "" && err == nil
	})
	if got := output("approve", night, "--by", "ana"); !strings.Contains(got, "approved") {
		t.Errorf("approve: %s", got)
	}
	wait("published weights", func() bool {
		_, err := os.Stat(filepath.Join(dir, "out", "latest", "weights.csv"))
		return err == nil
	})
	if got := output("schedule", "delete", "book"); !strings.Contains(got, "deleted") {
		t.Errorf("delete: %s", got)
	}
	cmd := program(t, "schedule", "show", "book")
	if b, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.ExitCode() != 4 {
		t.Errorf("a deleted schedule: %v\n%s", err, b)
	}
}

// A night that begins after a backtest ends before it: its batches go first.
func TestNightGoesFirst(t *testing.T) {
	startServer(t)
	shared := t.TempDir()
	backtested, nightly := book(t, shared), book(t, shared)
	long := backtest(t, backtested, "--engine", "temporal", "--set", "backtest.every=21")
	if err := long.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second) // its batches are in the queue
	night := program(t, "run", "-q", "--engine", "temporal", "--as-of", "2022-12-23", "--config", filepath.Join(nightly, "allocate.yaml"), "--set", "seed=2")
	night.Stdout, night.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	if err := night.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	w := startWorker(t, "")
	if err := night.Wait(); err != nil {
		t.Fatalf("%v\n%s%s", err, night.Stdout, night.Stderr)
	}
	before := len(executed(w))
	if err := long.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, long.Stderr)
	}
	all := len(executed(w))
	t.Logf("the night ended after %d of %d actions", before, all)
	if before > all/2 {
		t.Errorf("the night ended after %d of %d actions; want it before the backtest", before, all)
	}
}

// A folder is named to workers by its path, wherever they were started.
func TestRelativeFolder(t *testing.T) {
	startServer(t)
	dir := book(t, ".cache")
	elsewhere := t.TempDir()
	w := program(t, "worker", "--slots", "2")
	w.Dir = elsewhere
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Process.Kill(); _ = w.Wait() }()
	conductor := program(t, "backtest", "-q", "--engine", "temporal")
	conductor.Dir = dir
	conductor.Stdout, conductor.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	timer := time.AfterFunc(3*time.Minute, func() { _ = conductor.Process.Kill() })
	defer timer.Stop()
	must(t, conductor)
	if made, _ := os.ReadDir(elsewhere); len(made) != 0 {
		t.Errorf("the worker made %v", made)
	}
}
