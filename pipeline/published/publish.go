package published

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"

	"allocate/pipeline/engine"
	"allocate/reports"
	"allocate/returns"
)

// Publish writes a run as <out>/<as-of>/r<k>: built beside its place, synced,
// and renamed whole; then <out>/latest is switched to it. A reader of either
// sees the run before or the run after, never a part. A revision is never
// overwritten. If the newest revision of the day that stands has the same files,
// there is nothing to do but to restore what of them is damaged: the folder is
// returned with fresh false. damaged is called with findings about damage, before
// anything is published, and returns them rated. A result that was retracted is a
// *RetractedError unless it is approved.
func Publish(out string, m *Manifest, s engine.Store, approved bool, damaged func([]returns.Finding) []returns.Finding) (dir string, fresh bool, err error) {
	day := filepath.Join(out, m.AsOf.String())
	valid, newest, err := validRevisions(day)
	if err != nil {
		return "", false, err
	}
	if len(valid) > 0 {
		k := valid[len(valid)-1]
		v, err := openRevision(filepath.Join(day, "r"+strconv.Itoa(k)))
		if err != nil {
			return "", false, err
		}
		v.Day, v.Number = m.AsOf, k
		fs := v.repair(s, true)
		if v.Manifest != nil && slices.Equal(v.Manifest.Files, m.Files) && len(v.damaged) == 0 {
			damaged(fs)
			return v.Dir, false, setLatest(out, v.Dir)
		}
		m.Findings = append(m.Findings, damaged(fs)...)
		returns.SortFindings(m.Findings)
	}
	if was, why := retractedSame(day, m); was != "" && !approved {
		return "", false, &RetractedError{Dir: was, Why: why}
	}
	m.Revision, m.Format = newest+1, manifestFormat
	stage, err := os.MkdirTemp(out, ".staging-")
	if err != nil {
		return "", false, fmt.Errorf("published: publish: %w", err)
	}
	defer os.RemoveAll(stage) // after the rename there is nothing left to remove
	parts := slices.Clone(m.Files)
	if m.History != "" {
		parts = append(parts, engine.Part{Name: HistoryFile, Content: m.History})
	}
	for _, f := range parts {
		if !plainName(f.Name) {
			return "", false, fmt.Errorf("published: publish: invalid file name %q; the cache is damaged: run allocate cache verify --remove", f.Name)
		}
		b, err := s.Get(f.Content)
		if err != nil {
			return "", false, err
		}
		if err := writeSynced(filepath.Join(stage, f.Name), b); err != nil {
			return "", false, err
		}
	}
	var text bytes.Buffer
	if err := reports.WriteJSON(&text, "  ", m); err != nil {
		return "", false, fmt.Errorf("published: run.json: %w", err)
	}
	b := text.Bytes()
	if _, err := s.Put(b); err != nil { // to restore it from
		return "", false, err
	}
	if err := writeSynced(filepath.Join(stage, ManifestFile), b); err != nil {
		return "", false, err
	}
	if err := writeSynced(filepath.Join(stage, SumsFile), writeSums(m.sums(b))); err != nil {
		return "", false, err
	}
	if err := os.Chmod(stage, 0o755); err != nil {
		return "", false, fmt.Errorf("published: publish: %w", err)
	}
	if err := syncDir(stage); err != nil {
		return "", false, err
	}
	if err := os.MkdirAll(day, 0o755); err != nil {
		return "", false, fmt.Errorf("published: publish: %w", err)
	}
	dir = filepath.Join(day, "r"+strconv.Itoa(m.Revision))
	if err := os.Rename(stage, dir); err != nil {
		return "", false, fmt.Errorf("published: publish: %w", err)
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
		return 0, fmt.Errorf("published: publish: %w", err)
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
		return fmt.Errorf("published: latest: %w", err)
	}
	link := filepath.Join(out, "latest")
	if now, err := os.Readlink(link); err == nil && now == target {
		return nil
	}
	if err := renameio.Symlink(target, link); err != nil {
		return fmt.Errorf("published: latest: %w", err)
	}
	return syncDir(out)
}

// ReadManifest reads run.json of a published run, verified. A folder that is
// none is a *returns.NotReadyError, a damaged one a *returns.InputError.
func ReadManifest(dir string) (*Manifest, error) {
	v, err := Open(dir)
	if err != nil {
		return nil, err
	}
	return v.Manifest, nil
}

// refusedFile is the record of a decision not to publish.
const refusedFile = "refused.json"

// WriteRefusal records that a run was refused or held. A failure is not reported:
// the exit code and the log say it too.
func WriteRefusal(out string, m *Manifest) {
	var b bytes.Buffer
	if err := reports.WriteJSON(&b, "  ", m); err == nil {
		_ = renameio.WriteFile(filepath.Join(out, refusedFile), b.Bytes(), 0o644, renameio.WithTempDir(out))
	}
}

// ClearRefusal removes the record of an earlier refusal, which is seldom there.
func ClearRefusal(out string) { _ = os.Remove(filepath.Join(out, refusedFile)) }

// plainName reports a name of a file in one folder: nothing that a joined path
// leaves the folder by.
func plainName(name string) bool {
	return filepath.IsLocal(name) && filepath.Base(name) == name && name != "." && !strings.ContainsAny(name, "\x00/\\")
}

// Retain deletes the oldest published days beyond the newest keep; 0 keeps all.
func Retain(out string, keep int) error {
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
			return fmt.Errorf("published: old runs: %w", err)
		}
	}
	return nil
}

// leftovers are the beginnings of the names of temporary files and folders in
// an output folder.
var leftovers = []string{".staging-", ".index", ".latest", ".refused", ".run.json", ".SHA256SUMS", ".weights", ".summary", ".tearsheet", ".history", ".retracted"}

// ClearStaging removes what interrupted runs left half built, in the output
// folder and in the newest revisions of its days. It needs the lock.
func ClearStaging(out string) {
	clear := func(dir string) {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if slices.ContainsFunc(leftovers, func(p string) bool { return strings.HasPrefix(e.Name(), p) }) {
				_ = os.RemoveAll(filepath.Join(dir, e.Name()))
			}
		}
	}
	clear(out)
	days, _ := os.ReadDir(out)
	for _, e := range days {
		if _, err := returns.ParseDate(e.Name()); err != nil || !e.IsDir() {
			continue
		}
		revisions, _ := os.ReadDir(filepath.Join(out, e.Name()))
		for _, r := range revisions {
			if r.IsDir() {
				clear(filepath.Join(out, e.Name(), r.Name()))
			}
		}
	}
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("published: publish: %w", err)
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("published: publish: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("published: publish: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("published: publish: %w", err)
	}
	return nil
}
