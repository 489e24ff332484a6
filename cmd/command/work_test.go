package command

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"allocate/pipeline/store/storetest"
)

func TestShardOfAnArray(t *testing.T) {
	for _, c := range []struct {
		flag string
		env  map[string]string
		want string // or the beginning of the error
	}{
		{"1/3", map[string]string{"JOB_COMPLETION_INDEX": "0", "JOB_COMPLETIONS": "4"}, "1/3"},
		{"", map[string]string{"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "4"}, "3/4"},
		{"", map[string]string{"SLURM_ARRAY_TASK_ID": "4", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_COUNT": "4"}, "3/4"},
		{"", map[string]string{"SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_STEP": "4", "SLURM_ARRAY_TASK_COUNT": "3"}, "2/3"},
		{"", map[string]string{"JOB_COMPLETION_INDEX": "0", "JOB_COMPLETIONS": "4"}, "0/4"},
		{"", map[string]string{"AWS_BATCH_JOB_ARRAY_INDEX": "9", "AWS_BATCH_JOB_ARRAY_SIZE": "10"}, "9/10"},
		{"", map[string]string{"JOB_COMPLETION_INDEX": "2"}, "JOB_COMPLETION_INDEX is set, and JOB_COMPLETIONS is not"},
		{"", map[string]string{"SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_COUNT": "4"}, "SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT"},
		{"", map[string]string{"SLURM_ARRAY_TASK_ID": "x", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_COUNT": "4"}, "SLURM_ARRAY_TASK_ID=\"x\""},
		{"", nil, "expected --shard i/n"},
	} {
		s, err := shardOf(c.flag, func(name string) (string, bool) { v, ok := c.env[name]; return v, ok })
		if err != nil && !strings.HasPrefix(err.Error(), c.want) || err == nil && s.String() != c.want {
			t.Errorf("%q, %v: %v, %v; want %s", c.flag, c.env, s, err, c.want)
		}
	}
}

// The files for schedulers name every shard once.
func TestArrayFiles(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("ops", "files", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	k := read("kubernetes.yaml")
	completions := regexp.MustCompile(`completions: (\d+)`).FindStringSubmatch(k)
	of := regexp.MustCompile(`JOB_COMPLETIONS\n +value: "(\d+)"`).FindStringSubmatch(k)
	if completions == nil || of == nil || completions[1] != of[1] {
		t.Errorf("kubernetes.yaml: completions %v, JOB_COMPLETIONS %v", completions, of)
	}
	shards := regexp.MustCompile(`--shard, (\d+)/(\d+)`).FindAllStringSubmatch(read("armada.yaml"), -1)
	for i, s := range shards {
		if s[1] != strconv.Itoa(i) || s[2] != strconv.Itoa(len(shards)) {
			t.Errorf("armada.yaml: shard %s/%s, want %d/%d", s[1], s[2], i, len(shards))
		}
	}
	if len(shards) < 2 {
		t.Errorf("armada.yaml has %d shards", len(shards))
	}
}

// allocateCommand is the program, with a configuration below dir, run as the test binary.
func allocateCommand(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bin", "allocate")
	if _, err := os.Lstat(bin); err != nil {
		if err := os.MkdirAll(filepath.Dir(bin), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(self, bin); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(bin, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(bin)+string(os.PathListSeparator)+os.Getenv("PATH"))
	return cmd
}

const arrayConfig = `
returns: {short_history: exclude}
bayes: {chains: 2, draws: 250, min_ess: 50, max_rhat: 1.05}
scenarios: {count: 500, horizon: 10, holdout: 0}
backtest: {schedule: every, every: 63, start: "2021-01-01", replicates: 0, compare: [equal_weight, min_variance]}
`

// A backtest in one process, by an array of four on a shared folder, started by the script for
// Slurm, and by one of four on S3, each with copies of its own, publish the same bytes.
func TestArraysPublishTheSame(t *testing.T) {
	sample, err := filepath.Abs("../../testdata/panels/sample.csv")
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("ops/files/slurm.sh")
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		for key, value := range small {
			t.Setenv(key, value)
		}
		t.Setenv("ALLOCATE_BACKTEST_EVERY", "126")
		t.Setenv("ALLOCATE_RETURNS_STRATEGIES", "[strategy_01,strategy_02,strategy_05,strategy_07]")
	}
	alone := t.TempDir()
	configure := func(dir, cache string) {
		text := arrayConfig + "cache: \"" + cache + "\"\n"
		text = strings.Replace(text, "{short_history", "{path: "+sample+", short_history", 1)
		if err := os.WriteFile(filepath.Join(dir, "allocate.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(cmd *exec.Cmd) {
		t.Helper()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
		}
	}
	configure(alone, ".cache")
	run(allocateCommand(t, alone, "backtest", "-q"))
	array := func(t *testing.T, cache func(i int) string) {
		dir := t.TempDir()
		configure(dir, cache(4))
		bin := filepath.Dir(allocateCommand(t, dir).Path)
		var all []*exec.Cmd
		for i := range 4 {
			cmd := exec.Command("bash", script, "work")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "SLURM_CPUS_PER_TASK=1", "SLURM_ARRAY_TASK_ID="+strconv.Itoa(i), "SLURM_ARRAY_TASK_COUNT=4", "ALLOCATE_CACHE="+cache(i))
			cmd.Stderr = &bytes.Buffer{}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			all = append(all, cmd)
		}
		for _, cmd := range all {
			if err := cmd.Wait(); err != nil {
				t.Fatalf("%v: %v\n%s", cmd.Args, err, cmd.Stderr)
			}
		}
		cmd := exec.Command("bash", script, "backtest")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		run(cmd)
		samePublished(t, filepath.Join(alone, "out", "backtest", "latest"), filepath.Join(dir, "out", "backtest", "latest"))
	}
	t.Run("folder", func(t *testing.T) {
		shared := t.TempDir()
		array(t, func(int) string { return shared })
	})
	t.Run("S3", func(t *testing.T) {
		server := storetest.StartS3(t)
		copies := t.TempDir()
		array(t, func(i int) string { return server.Location("book", filepath.Join(copies, strconv.Itoa(i))) })
	})
}

// samePublished compares the files of two published revisions, but for run.json, which has the
// times, and the checksum of it.
func samePublished(t *testing.T, a, b string) {
	t.Helper()
	files, err := os.ReadDir(a)
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if f.Name() == "run.json" || f.Name() == "SHA256SUMS" {
			continue
		}
		x, err := os.ReadFile(filepath.Join(a, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(filepath.Join(b, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if string(x) != string(y) {
			t.Errorf("%s differs", f.Name())
		}
	}
}
