package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"allocate/pipeline/store"
	"allocate/returns"
)

// What stands in the folder of a revision beside the reports.
const (
	manifestFile  = "run.json"
	sumsFile      = "SHA256SUMS"     // of every other file, as sha256sum -c reads it
	retractedFile = "retracted.json" // only in a revision that was taken back
)

// manifestFormat is what run.json and its folder hold: 2 has SHA256SUMS and,
// for a nightly run, history.json.
const manifestFormat = 2

// revision is a published folder, as it lies there now.
type revision struct {
	dir      string
	day      returns.Date
	number   int
	manifest *Manifest // nil if run.json cannot be relied upon
	sums     map[string]ContentID
	damaged  []string // files that are not what was published, in order
}

// openRevision reads a folder of a published run and compares every file with
// its hash in SHA256SUMS, or else in run.json. Of the two, either tells whether
// the other is sound.
func openRevision(dir string) (*revision, error) {
	v := &revision{dir: dir, sums: map[string]ContentID{}}
	text, err := readRegular(filepath.Join(dir, manifestFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var m Manifest
	sound := err == nil && json.Unmarshal(text, &m) == nil && m.AsOf != 0
	sums, err := readRegular(filepath.Join(dir, sumsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	listed, ok := parseSums(sums)
	switch {
	case ok && sound && listed[manifestFile] == store.Sum(text) && m.Format >= manifestFormat && !maps.Equal(listed, m.sums(text)):
		// A damaged hash of another file, which is no damage of that file.
		v.sums, v.manifest = m.sums(text), &m
		v.damaged = append(v.damaged, sumsFile)
	case ok && sound && listed[manifestFile] == store.Sum(text):
		v.sums, v.manifest = listed, &m
	case ok && sound && agrees(&m, listed):
		// The same files, and another hash of run.json: either may have been
		// damaged, and run.json says more than hashes.
		v.sums, v.damaged = listed, append(v.damaged, manifestFile)
	case ok && !sound:
		v.sums, v.damaged = listed, append(v.damaged, manifestFile)
	case sound && m.Format >= manifestFormat:
		v.sums, v.manifest = m.sums(text), &m
		v.damaged = append(v.damaged, sumsFile)
	case sound:
		v.sums, v.manifest = m.sums(text), &m // from before there were sums
	default:
		v.damaged = append(v.damaged, manifestFile)
	}
	for _, name := range sortedKeys(v.sums) {
		if name == manifestFile {
			continue
		}
		if b, err := readRegular(filepath.Join(dir, name)); err != nil || store.Sum(b) != v.sums[name] {
			v.damaged = append(v.damaged, name)
		}
	}
	return v, nil
}

// agrees reports whether sums have the hashes of the manifest's files.
func agrees(m *Manifest, listed map[string]ContentID) bool {
	return !slices.ContainsFunc(m.Files, func(p Part) bool { return listed[p.Name] != p.Content })
}

// sums returns the hashes of the files of a revision whose run.json has a text.
func (m *Manifest) sums(text []byte) map[string]ContentID {
	out := map[string]ContentID{manifestFile: store.Sum(text)}
	for _, p := range m.Files {
		out[p.Name] = p.Content
	}
	if m.History != "" {
		out[historyFile] = m.History
	}
	return out
}

func sortedKeys(m map[string]ContentID) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// writeSums writes hashes as sha256sum does.
func writeSums(sums map[string]ContentID) []byte {
	var b bytes.Buffer
	for _, name := range sortedKeys(sums) {
		fmt.Fprintf(&b, "%s  %s\n", sums[name], name)
	}
	return b.Bytes()
}

// parseSums reads what writeSums writes.
func parseSums(b []byte) (map[string]ContentID, bool) {
	out := map[string]ContentID{}
	for line := range strings.Lines(string(b)) {
		id, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || !ContentID(id).Valid() || !filepath.IsLocal(name) || !strings.HasSuffix(line, "\n") {
			return nil, false
		}
		out[name] = ContentID(id)
	}
	return out, len(out) > 1 && out[manifestFile] != "" && bytes.Equal(writeSums(out), b)
}

// readRegular reads a file that is one: a FIFO would never end, a device never
// be empty.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &returns.InputError{Err: fmt.Errorf("%s is no regular file; expected a file that can be read whole", path)}
	}
	return os.ReadFile(path)
}

// heal writes damaged files again from the store, as far as it has them, and
// returns what it could and could not.
func (v *revision) heal(s *store.Store) (healed, lost []string) {
	for _, name := range v.damaged {
		var b []byte
		var err error
		if name == sumsFile {
			b = writeSums(v.sums)
		} else if b, err = s.Get(v.sums[name]); err != nil {
			if name != manifestFile || !v.trust(s) {
				lost = append(lost, name)
				continue
			}
			name, b = sumsFile, writeSums(v.sums)
		}
		if err := replaceFile(filepath.Join(v.dir, name), b); err != nil {
			lost = append(lost, name)
			continue
		}
		if name == manifestFile {
			var m Manifest
			if json.Unmarshal(b, &m) == nil {
				v.manifest = &m
			}
		}
		healed = append(healed, name)
	}
	v.damaged = lost
	return healed, lost
}

// trust takes run.json as it lies there for what was published if the store has
// it: then it is SHA256SUMS that is damaged.
func (v *revision) trust(s *store.Store) bool {
	text, err := readRegular(filepath.Join(v.dir, manifestFile))
	if err != nil || !s.Has(store.Sum(text)) {
		return false
	}
	var m Manifest
	if json.Unmarshal(text, &m) != nil {
		return false
	}
	v.manifest, v.sums = &m, m.sums(text)
	return true
}

// replaceFile writes a file whole, by way of a temporary one beside it.
func replaceFile(path string, b []byte) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return renameio.WriteFile(path, b, 0o644, renameio.WithTempDir(filepath.Dir(path)))
}

// read returns the bytes of a published file, verified; a *returns.InputError
// says that it is not what was published.
func (v *revision) read(name string) ([]byte, error) {
	b, err := readRegular(filepath.Join(v.dir, name))
	if err == nil && v.sums[name] == store.Sum(b) {
		return b, nil
	}
	return nil, v.broken(name)
}

func (v *revision) broken(name string) error {
	return &returns.InputError{Err: fmt.Errorf("%s is not what was published: its SHA-256 differs from the one in %s and %s, or it is gone, and the cache does not have it; restore it from a backup, publish the day again (allocate run --as-of %v), or take the revision back (allocate retract)",
		filepath.Join(v.dir, name), sumsFile, manifestFile, v.day)}
}

// openPublished opens a published run for reading; a run whose run.json is damaged
// is a *returns.InputError.
func openPublished(dir string) (*revision, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, &returns.NotReadyError{Message: fmt.Sprintf("%s is no published run: expected a folder <out>/<as-of>/r<k>, or <out>/latest", dir)}
	}
	if _, err := os.Stat(filepath.Join(dir, sumsFile)); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, manifestFile)); errors.Is(err, fs.ErrNotExist) {
			return nil, &returns.NotReadyError{Message: fmt.Sprintf("%s is no published run: it has no %s", dir, manifestFile)}
		}
	}
	v, err := openRevision(dir)
	if err != nil {
		return nil, err
	}
	if v.manifest == nil {
		if day, err := returns.ParseDate(filepath.Base(filepath.Dir(dir))); err == nil {
			v.day = day
		}
		return nil, v.broken(manifestFile)
	}
	v.day, v.number = v.manifest.AsOf, v.manifest.Revision
	return v, nil
}

// Retraction is why a revision was taken back.
type Retraction struct {
	Why string    `json:"why"`
	At  time.Time `json:"at"`
}

// retraction returns why a revision was taken back, nil if it was not.
func retraction(dir string) *Retraction {
	b, err := readRegular(filepath.Join(dir, retractedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var r Retraction
	if err != nil || json.Unmarshal(b, &r) != nil {
		r.Why = "(" + retractedFile + " cannot be read)"
	}
	return &r
}

// standing returns the numbers of the revisions of a day that were not taken
// back, in order, and the highest number of all.
func standing(day string) (valid []int, newest int, err error) {
	if newest, err = revisions(day); err != nil {
		return nil, 0, err
	}
	for k := 1; k <= newest; k++ {
		dir := filepath.Join(day, "r"+strconv.Itoa(k))
		if info, err := os.Stat(dir); err == nil && info.IsDir() && retraction(dir) == nil {
			valid = append(valid, k)
		}
	}
	return valid, newest, nil
}

// lastRevision returns the newest revision that stands of the last day before
// asOf, verified and healed from the store if it may write; nil if there is
// none. The findings say what was damaged. What must not be damaged is an error:
// the weights, and what the run believed.
func lastRevision(out string, asOf returns.Date, s *store.Store, write bool) (*revision, []returns.Finding, error) {
	dir, day := lastPublished(out, asOf)
	if dir == "" {
		return nil, nil, nil
	}
	v, err := openRevision(dir)
	if err != nil {
		return nil, nil, err
	}
	v.day = day
	v.number, _ = strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), "r"))
	fs := v.mend(s, write)
	for _, name := range []string{manifestFile, "weights.csv", "summary.json"} {
		if slices.Contains(v.damaged, name) && !(name != manifestFile && !write && s.Has(v.sums[name])) {
			return nil, nil, v.broken(name)
		}
	}
	return v, fs, nil
}

// mend heals a revision, if it may write, and says so.
func (v *revision) mend(s *store.Store, write bool) []returns.Finding {
	if len(v.damaged) == 0 {
		return nil
	}
	was := slices.Clone(v.damaged)
	if !write {
		return []returns.Finding{{
			// A warning: nothing uses a damaged file, and a run restores what it can.
			Code: "run.damaged", Severity: returns.Warn,
			Sentence: fmt.Sprintf("%s: %s %s not what was published; a run restores what the cache still has.", v.dir, strings.Join(was, ", "), isAre(was)),
		}}
	}
	var fs []returns.Finding
	healed, lost := v.heal(s)
	if len(healed) > 0 {
		fs = append(fs, returns.Finding{
			Code: "run.restored", Severity: returns.Warn, // the file is right again, the disk may not be
			Sentence: fmt.Sprintf("%s: %s %s damaged or gone, and restored as published; check the disk, and who writes there.", v.dir, strings.Join(healed, ", "), wasWere(healed)),
		})
	}
	if len(lost) > 0 {
		fs = append(fs, returns.Finding{
			Code: "run.damaged", Severity: returns.Warn, // nothing reads it again but people
			Sentence: fmt.Sprintf("%s: %s %s not what was published, and the cache no longer has the original; restore from a backup, or take the revision back (allocate retract).", v.dir, strings.Join(lost, ", "), isAre(lost)),
		})
	}
	return fs
}

func isAre(names []string) string {
	if len(names) == 1 {
		return "is"
	}
	return "are"
}

func wasWere(names []string) string {
	if len(names) == 1 {
		return "was"
	}
	return "were"
}
