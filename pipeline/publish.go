package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"

	"allocate/pipeline/store"
	"allocate/returns"
)

// publish writes a run as <out>/<as-of>/r<k>: built beside its place, synced,
// and renamed whole; then <out>/latest is switched to it. A reader of either
// sees the run before or the run after, never a part. A revision is never
// overwritten. If the newest revision of the day has the same files, there is
// nothing to do: the folder is returned with fresh false.
func publish(out string, m *Manifest, s *store.Store) (dir string, fresh bool, err error) {
	day := filepath.Join(out, m.AsOf.String())
	newest, err := revisions(day)
	if err != nil {
		return "", false, err
	}
	if newest > 0 {
		dir := filepath.Join(day, "r"+strconv.Itoa(newest))
		if old, err := ReadManifest(dir); err == nil && slices.Equal(old.Files, m.Files) {
			return dir, false, setLatest(out, dir)
		}
	}
	m.Revision = newest + 1
	stage, err := os.MkdirTemp(out, ".staging-")
	if err != nil {
		return "", false, fmt.Errorf("pipeline: publish: %w", err)
	}
	defer os.RemoveAll(stage) // after the rename there is nothing left to remove
	for _, f := range m.Files {
		b, err := s.Get(f.Content)
		if err != nil {
			return "", false, err
		}
		if err := writeSynced(filepath.Join(stage, f.Name), b); err != nil {
			return "", false, err
		}
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return "", false, fmt.Errorf("pipeline: run.json: %w", err)
	}
	if err := writeSynced(filepath.Join(stage, "run.json"), append(b, '\n')); err != nil {
		return "", false, err
	}
	if err := os.Chmod(stage, 0o755); err != nil {
		return "", false, fmt.Errorf("pipeline: publish: %w", err)
	}
	if err := syncDir(stage); err != nil {
		return "", false, err
	}
	if err := os.MkdirAll(day, 0o755); err != nil {
		return "", false, fmt.Errorf("pipeline: publish: %w", err)
	}
	dir = filepath.Join(day, "r"+strconv.Itoa(m.Revision))
	if err := os.Rename(stage, dir); err != nil {
		return "", false, fmt.Errorf("pipeline: publish: %w", err)
	}
	if err := errors.Join(syncDir(day), syncDir(out)); err != nil {
		return "", false, err
	}
	return dir, true, setLatest(out, dir)
}

// revisions returns the highest k of the folders r<k> below day, 0 if none.
func revisions(day string) (int, error) {
	entries, err := os.ReadDir(day)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("pipeline: publish: %w", err)
	}
	newest := 0
	for _, e := range entries {
		if digits, ok := strings.CutPrefix(e.Name(), "r"); ok && e.IsDir() {
			if k, err := strconv.Atoi(digits); err == nil {
				newest = max(newest, k)
			}
		}
	}
	return newest, nil
}

// setLatest points <out>/latest at dir, in one step.
func setLatest(out, dir string) error {
	target, err := filepath.Rel(out, dir)
	if err != nil {
		return fmt.Errorf("pipeline: latest: %w", err)
	}
	link := filepath.Join(out, "latest")
	if now, err := os.Readlink(link); err == nil && now == target {
		return nil
	}
	if err := renameio.Symlink(target, link); err != nil {
		return fmt.Errorf("pipeline: latest: %w", err)
	}
	return syncDir(out)
}

// ReadManifest reads run.json of a published run.
func ReadManifest(dir string) (*Manifest, error) {
	b, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("pipeline: %s: %w", filepath.Join(dir, "run.json"), err)
	}
	return &m, nil
}

// retain deletes the oldest published days beyond the newest keep; 0 keeps all.
func retain(out string, keep int) error {
	entries, err := os.ReadDir(out)
	if err != nil || keep == 0 {
		return err
	}
	var days []string
	for _, e := range entries {
		if _, err := returns.ParseDate(e.Name()); err == nil && e.IsDir() && len(e.Name()) == len("2006-01-02") {
			days = append(days, e.Name())
		}
	}
	latest, _ := os.Readlink(filepath.Join(out, "latest"))
	slices.Sort(days)
	for _, day := range days[:max(0, len(days)-keep)] {
		if strings.HasPrefix(latest, day) {
			continue // an old day may have been run last
		}
		if err := os.RemoveAll(filepath.Join(out, day)); err != nil {
			return fmt.Errorf("pipeline: old runs: %w", err)
		}
	}
	return nil
}

// clearStaging removes what an interrupted run left half built.
func clearStaging(out string) {
	left, _ := fs.Glob(os.DirFS(out), ".staging-*") // out itself is no pattern
	for _, name := range left {
		_ = os.RemoveAll(filepath.Join(out, name))
	}
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("pipeline: publish: %w", err)
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("pipeline: publish: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("pipeline: publish: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("pipeline: publish: %w", err)
	}
	return nil
}
