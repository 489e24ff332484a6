package published

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
	"time"

	"allocate/config"
	"allocate/returns"
)

// Retract takes a published revision back: it stays where it is, with its files
// and the reason, but is neither latest nor previous weights nor a baseline any
// more. run is DATE/rN, below out. It returns what latest is now, "" if nothing.
func Retract(out, run, why string, now func() time.Time) (latest string, err error) {
	day, rev, ok := strings.Cut(filepath.ToSlash(run), "/")
	d, dateErr := returns.ParseDate(day)
	k, numErr := strconv.Atoi(strings.TrimPrefix(rev, "r"))
	if !ok || dateErr != nil || numErr != nil || !strings.HasPrefix(rev, "r") || k < 1 {
		return "", &config.Error{Err: fmt.Errorf("%q is not a revision; expected DATE/rN, such as 2022-12-28/r1", run)}
	}
	if strings.TrimSpace(why) == "" {
		return "", &config.Error{Err: errors.New("--why is required; it is shown in the index and the folder")}
	}
	if _, err := os.Stat(out); err != nil {
		return "", &returns.NotReadyError{Message: fmt.Sprintf("%s: not a published revision", out)}
	}
	release, err := Lock(out)
	if err != nil {
		return "", err
	}
	defer release()
	dir := filepath.Join(out, d.String(), "r"+strconv.Itoa(k))
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", &config.Error{Err: fmt.Errorf("%s: no such revision", dir)}
	}
	b, err := json.MarshalIndent(Retraction{Why: why, At: now().UTC()}, "", "  ")
	if err != nil {
		return "", err
	}
	if err := ReplaceFile(filepath.Join(dir, retractedFile), append(b, '\n')); err != nil {
		return "", fmt.Errorf("published: retract: %w", err)
	}
	if err := syncDir(dir); err != nil {
		return "", err
	}
	link := filepath.Join(out, "latest")
	if now, err := os.Readlink(link); err == nil && filepath.Clean(filepath.Join(out, now)) == filepath.Clean(dir) {
		if latest = NewList(out).Newest(); latest != "" {
			err = setLatest(out, latest)
		} else if err = os.Remove(link); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err != nil {
			return "", err
		}
	}
	return latest, WriteIndex(out)
}

// retractedSame returns a revision of a day that was taken back and whose files
// are those of m, and why; "" if there is none.
func retractedSame(day string, m *Manifest) (dir, why string) {
	newest, err := revisions(day)
	if err != nil {
		return "", ""
	}
	for k := newest; k >= 1; k-- {
		dir := filepath.Join(day, "r"+strconv.Itoa(k))
		r := retraction(dir)
		if r == nil {
			continue
		}
		if old, err := ReadManifest(dir); err == nil && slices.Equal(old.Files, m.Files) {
			return dir, r.Why
		}
	}
	return "", ""
}

// retractions lists the retracted revisions of an output folder, for the index.
func retractions(out string) []string {
	var list []string
	entries, _ := os.ReadDir(out)
	for _, e := range entries {
		if _, err := returns.ParseDate(e.Name()); err != nil || !e.IsDir() {
			continue
		}
		newest, _ := revisions(filepath.Join(out, e.Name()))
		for k := 1; k <= newest; k++ {
			if r := retraction(filepath.Join(out, e.Name(), "r"+strconv.Itoa(k))); r != nil {
				list = append(list, fmt.Sprintf("%s/r%d: %s", e.Name(), k, r.Why))
			}
		}
	}
	return list
}
