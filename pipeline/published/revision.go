package published

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

	"allocate/pipeline/engine"
	"allocate/pipeline/store"
	"allocate/returns"
)

// Files in the folder of a revision beside the reports.
const (
	HistoryFile   = "history.json" // the digest of what a nightly run knew of the past
	ManifestFile  = "run.json"
	SumsFile      = "SHA256SUMS"     // of every other file, as sha256sum -c reads it
	retractedFile = "retracted.json" // only in a revision that was taken back
)

// manifestFormat is the version of run.json and its folder: 2 has SHA256SUMS and,
// for a nightly run, history.json.
const manifestFormat = 2

// Revision is a published folder, as it lies there now.
type Revision struct {
	Dir      string
	Day      returns.Date
	Number   int
	Manifest *Manifest // nil if run.json cannot be relied upon
	sums     map[string]engine.ContentID
	damaged  []string // files that are not what was published, in order
}

// openRevision reads a folder of a published run and compares every file with
// its hash in SHA256SUMS, or else in run.json. Of the two, either tells whether
// the other is sound.
func openRevision(dir string) (*Revision, error) {
	v := &Revision{Dir: dir, sums: map[string]engine.ContentID{}}
	text, err := returns.ReadRegular(filepath.Join(dir, ManifestFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var m Manifest
	sound := err == nil && json.Unmarshal(text, &m) == nil && m.AsOf != 0
	sums, err := returns.ReadRegular(filepath.Join(dir, SumsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	listed, ok := parseSums(sums)
	switch {
	case ok && sound && listed[ManifestFile] == store.Sum(text) && m.Format >= manifestFormat && !maps.Equal(listed, m.sums(text)):
		// A damaged hash of another file, which is no damage of that file.
		v.sums, v.Manifest = m.sums(text), &m
		v.damaged = append(v.damaged, SumsFile)
	case ok && sound && listed[ManifestFile] == store.Sum(text):
		v.sums, v.Manifest = listed, &m
	case ok && sound && agrees(&m, listed):
		// The same files, and another hash of run.json: either may have been
		// damaged, and run.json says more than hashes.
		v.sums, v.damaged = listed, append(v.damaged, ManifestFile)
	case ok && !sound:
		v.sums, v.damaged = listed, append(v.damaged, ManifestFile)
	case sound && m.Format >= manifestFormat:
		v.sums, v.Manifest = m.sums(text), &m
		v.damaged = append(v.damaged, SumsFile)
	case sound:
		v.sums, v.Manifest = m.sums(text), &m // from before there were sums
	default:
		v.damaged = append(v.damaged, ManifestFile)
	}
	for _, name := range sortedKeys(v.sums) {
		if name == ManifestFile {
			continue
		}
		if b, err := returns.ReadRegular(filepath.Join(dir, name)); err != nil || store.Sum(b) != v.sums[name] {
			v.damaged = append(v.damaged, name)
		}
	}
	return v, nil
}

// agrees reports whether sums have the hashes of the manifest's files.
func agrees(m *Manifest, listed map[string]engine.ContentID) bool {
	return !slices.ContainsFunc(m.Files, func(p engine.Part) bool { return listed[p.Name] != p.Content })
}

// sums returns the hashes of the files of a revision whose run.json has a text.
func (m *Manifest) sums(text []byte) map[string]engine.ContentID {
	out := map[string]engine.ContentID{ManifestFile: store.Sum(text)}
	for _, p := range m.Files {
		out[p.Name] = p.Content
	}
	if m.History != "" {
		out[HistoryFile] = m.History
	}
	return out
}

func sortedKeys(m map[string]engine.ContentID) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// writeSums writes hashes as sha256sum does.
func writeSums(sums map[string]engine.ContentID) []byte {
	var b bytes.Buffer
	for _, name := range sortedKeys(sums) {
		fmt.Fprintf(&b, "%s  %s\n", sums[name], name)
	}
	return b.Bytes()
}

func parseSums(b []byte) (map[string]engine.ContentID, bool) {
	out := map[string]engine.ContentID{}
	for line := range strings.Lines(string(b)) {
		id, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || !engine.ContentID(id).Valid() || !filepath.IsLocal(name) || !strings.HasSuffix(line, "\n") {
			return nil, false
		}
		out[name] = engine.ContentID(id)
	}
	return out, len(out) > 1 && out[ManifestFile] != "" && bytes.Equal(writeSums(out), b)
}

// restore writes damaged files again from the store, as far as it has them, and
// returns the names of those restored and those lost.
func (v *Revision) restore(s engine.Store) (healed, lost []string) {
	for _, name := range v.damaged {
		var b []byte
		var err error
		if name == SumsFile {
			b = writeSums(v.sums)
		} else if b, err = s.Get(v.sums[name]); err != nil {
			if name != ManifestFile || !v.verifiedManifest(s) {
				lost = append(lost, name)
				continue
			}
			name, b = SumsFile, writeSums(v.sums)
		}
		if err := ReplaceFile(filepath.Join(v.Dir, name), b); err != nil {
			lost = append(lost, name)
			continue
		}
		if name == ManifestFile {
			var m Manifest
			if json.Unmarshal(b, &m) == nil {
				v.Manifest = &m
			}
		}
		healed = append(healed, name)
	}
	v.damaged = lost
	return healed, lost
}

// verifiedManifest accepts the present run.json if the store has it: then
// SHA256SUMS is damaged.
func (v *Revision) verifiedManifest(s engine.Store) bool {
	text, err := returns.ReadRegular(filepath.Join(v.Dir, ManifestFile))
	if err != nil || !s.Has(store.Sum(text)) {
		return false
	}
	var m Manifest
	if json.Unmarshal(text, &m) != nil {
		return false
	}
	v.Manifest, v.sums = &m, m.sums(text)
	return true
}

// ReplaceFile writes a file whole, by way of a temporary one beside it.
func ReplaceFile(path string, b []byte) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return renameio.WriteFile(path, b, 0o644, renameio.WithTempDir(filepath.Dir(path)))
}

// read returns the bytes of a published file, verified; a *returns.InputError
// says that it is not what was published.
func (v *Revision) read(name string) ([]byte, error) {
	b, err := returns.ReadRegular(filepath.Join(v.Dir, name))
	if err == nil && v.sums[name] == store.Sum(b) {
		return b, nil
	}
	return nil, v.broken(name)
}

func (v *Revision) broken(name string) error {
	return &returns.InputError{Err: fmt.Errorf("%s is damaged or missing: its SHA-256 does not match %s and %s, and the cache has no copy; restore it from a backup, publish the date again (allocate run --as-of %v), or retract the revision (allocate retract)",
		filepath.Join(v.Dir, name), SumsFile, ManifestFile, v.Day)}
}

// Open opens a published run for reading. A folder that is none is a
// *returns.NotReadyError, a run whose run.json is damaged a *returns.InputError.
func Open(dir string) (*Revision, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, &returns.NotReadyError{Message: fmt.Sprintf("%s is not a published run; expected a folder <out>/<as-of>/r<k>, or <out>/latest", dir)}
	}
	if _, err := os.Stat(filepath.Join(dir, SumsFile)); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, ManifestFile)); errors.Is(err, fs.ErrNotExist) {
			return nil, &returns.NotReadyError{Message: fmt.Sprintf("%s is not a published run: it has no %s", dir, ManifestFile)}
		}
	}
	v, err := openRevision(dir)
	if err != nil {
		return nil, err
	}
	if v.Manifest == nil {
		if day, err := returns.ParseDate(filepath.Base(filepath.Dir(dir))); err == nil {
			v.Day = day
		}
		return nil, v.broken(ManifestFile)
	}
	v.Day, v.Number = v.Manifest.AsOf, v.Manifest.Revision
	return v, nil
}

// Damaged lists the files that are not what was published.
func (v *Revision) Damaged() []string { return slices.Clone(v.damaged) }

// Contents lists what a run names: its actions, their results, and its files.
func (v *Revision) Contents() []engine.ContentID {
	var ids []engine.ContentID
	for _, stage := range v.Manifest.Stages {
		for _, a := range stage.Actions {
			ids = append(ids, a.Action, a.Content)
		}
	}
	for _, name := range sortedKeys(v.sums) {
		ids = append(ids, v.sums[name])
	}
	return ids
}

// Retraction is why a revision was taken back.
type Retraction struct {
	Why string    `json:"why"`
	At  time.Time `json:"at"`
}

// retraction returns why a revision was taken back, nil if it was not.
func retraction(dir string) *Retraction {
	b, err := returns.ReadRegular(filepath.Join(dir, retractedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var r Retraction
	if err != nil || json.Unmarshal(b, &r) != nil {
		r.Why = "(" + retractedFile + " cannot be read)"
	}
	return &r
}

// Listed is the newest revision of a day that was not retracted.
type Listed struct {
	Day    returns.Date
	Number int
	Dir    string
}

// List holds the contents of an output folder, in order of the days.
type List []Listed

// NewList lists an output folder, which may not exist.
func NewList(out string) List {
	var l List
	entries, _ := os.ReadDir(out)
	for _, e := range entries {
		day, err := returns.ParseDate(e.Name())
		if err != nil || !e.IsDir() {
			continue
		}
		dir := filepath.Join(out, e.Name())
		if valid, _, err := validRevisions(dir); err == nil && len(valid) > 0 {
			k := valid[len(valid)-1]
			l = append(l, Listed{day, k, filepath.Join(dir, "r"+strconv.Itoa(k))})
		}
	}
	slices.SortFunc(l, func(a, b Listed) int { return int(a.Day) - int(b.Day) })
	return l
}

// Newest returns the folder of the newest day, "" if nothing stands.
func (l List) Newest() string {
	if len(l) == 0 {
		return ""
	}
	return l[len(l)-1].Dir
}

// validRevisions returns the numbers of the revisions of a day that were not taken
// back, in order, and the highest number of all.
func validRevisions(day string) (valid []int, newest int, err error) {
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

// Before returns the newest valid revision of the last day before asOf,
// verified, and restored from the store if it may write; nil if there is none.
// The findings report damage. Damage to the weights or to the forecast that
// cannot be repaired is an error.
func (l List) Before(asOf returns.Date, s engine.Store, write bool) (*Revision, []returns.Finding, error) {
	at := slices.IndexFunc(l, func(r Listed) bool { return r.Day >= asOf })
	if at < 0 {
		at = len(l)
	}
	if at == 0 {
		return nil, nil, nil
	}
	last := l[at-1]
	v, err := openRevision(last.Dir)
	if err != nil {
		return nil, nil, err
	}
	v.Day, v.Number = last.Day, last.Number
	fs := v.repair(s, write)
	for _, name := range []string{ManifestFile, "weights.csv", "summary.json"} {
		if slices.Contains(v.damaged, name) && !(name != ManifestFile && !write && s.Has(v.sums[name])) {
			return nil, nil, v.broken(name)
		}
	}
	return v, fs, nil
}

// repair restores the damaged files of a revision, if it may write, and reports
// it.
func (v *Revision) repair(s engine.Store, write bool) []returns.Finding {
	if len(v.damaged) == 0 {
		return nil
	}
	was := v.Damaged()
	if !write {
		return []returns.Finding{{
			// A warning: nothing uses a damaged file, and a run restores it if possible.
			Code: "run.damaged", Severity: returns.Warn,
			Sentence: fmt.Sprintf("%s: %s %s damaged; the next run restores files from the cache.", v.Dir, strings.Join(was, ", "), isAre(was)),
		}}
	}
	var fs []returns.Finding
	healed, lost := v.restore(s)
	if len(healed) > 0 {
		fs = append(fs, returns.Finding{
			Code: "run.restored", Severity: returns.Warn, // the file is right again, the disk may not be
			Sentence: fmt.Sprintf("%s: %s %s damaged or missing, and restored from the cache; check the disk and its write permissions.", v.Dir, strings.Join(healed, ", "), wasWere(healed)),
		})
	}
	if len(lost) > 0 {
		fs = append(fs, returns.Finding{
			Code: "run.damaged", Severity: returns.Warn, // nothing reads it again but people
			Sentence: fmt.Sprintf("%s: %s %s damaged, and the cache has no copy; restore from a backup, or retract the revision (allocate retract).", v.Dir, strings.Join(lost, ", "), isAre(lost)),
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
