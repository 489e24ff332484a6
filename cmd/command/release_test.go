package command

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRelease builds a release of this platform twice: the bytes are the same, and the program
// knows its version and commit, which the build without a repository has from its flags.
func TestRelease(t *testing.T) {
	if testing.Short() {
		t.Skip("links two programs")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	commit, err := exec.Command("git", "-C", root, "rev-parse", "HEAD").Output()
	if err != nil {
		t.Skip("no repository")
	}
	out, err := exec.Command("go", "env", "GOOS", "GOARCH").Output()
	if err != nil {
		t.Fatal(err)
	}
	platform := strings.Fields(string(out))
	var programs [2][]byte
	var dir string
	for i := range programs {
		dir = t.TempDir()
		cmd := exec.Command("bash", filepath.Join(root, ".ci", "release"), "v9.8.7-rc.1", dir)
		cmd.Env = append(os.Environ(), "ALLOW_CHANGES=1", "PLATFORMS="+strings.Join(platform, "/"))
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if programs[i], err = os.ReadFile(filepath.Join(dir, "allocate_v9.8.7-rc.1_"+strings.Join(platform, "_"))); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(programs[0], programs[1]) {
		t.Error("two builds differ")
	}
	program := filepath.Join(dir, "allocate_v9.8.7-rc.1_"+strings.Join(platform, "_"))
	text, err := exec.Command(program, "--version").Output()
	if want := "allocate v9.8.7-rc.1 (commit " + string(commit[:12]); err != nil || !strings.HasPrefix(string(text), want) {
		t.Errorf("%s, %v", text, err)
	}
	sums := exec.Command("sha256sum", "-c", "SHA256SUMS")
	sums.Dir = dir
	if text, err := sums.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	var bom struct {
		BOMFormat  string `json:"bomFormat"`
		Components []struct{ Name, Version, Purl string }
		Metadata   struct{ Component struct{ Version string } }
	}
	b, err := os.ReadFile(program + ".cdx.json")
	if err != nil || json.Unmarshal(b, &bom) != nil {
		t.Fatalf("%v: %s", err, b)
	}
	if bom.BOMFormat != "CycloneDX" || bom.Metadata.Component.Version != "v9.8.7-rc.1" || len(bom.Components) < 20 || !strings.Contains(string(b), "pkg:golang/github.com/spf13/cobra@v1.") {
		t.Errorf("%d components of %+v", len(bom.Components), bom.Metadata)
	}
	cmd := exec.Command("bash", filepath.Join(root, ".ci", "release"), "1.0", dir)
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != exitUsage {
		t.Errorf("a version without v: %v", err)
	}
}
