package returns

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// location is a file that returns.path led to: Name is how messages call it,
// Path is where it lies.
type location struct{ Name, Path string }

// locate finds the files that a path names: the file itself, the matches of a
// glob, or every file of a known format below a folder, in the order of their
// names. Hidden files and those that begin with _ are passed over, as writers
// of partitioned data leave such. Nothing found is a *NotReadyError.
func locate(where string) ([]location, error) {
	info, err := os.Stat(where)
	switch {
	case err == nil && info.IsDir():
		return below(where)
	case err == nil && !info.Mode().IsRegular():
		return nil, &NotReadyError{fmt.Sprintf("%s is neither a file nor a folder; correct returns.path", where)}
	case err == nil:
		return []location{{filepath.Base(where), where}}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, &NotReadyError{fmt.Sprintf("%v; returns.path must name the returns", err)}
	case !strings.ContainsAny(where, "*?["):
		return nil, &NotReadyError{fmt.Sprintf("%s: no such file; correct returns.path", where)}
	}
	matches, err := glob(where)
	if err != nil {
		return nil, &NotReadyError{fmt.Sprintf("%s: malformed pattern; close its brackets, or correct returns.path", where)}
	}
	var found []location
	for _, m := range matches {
		if info, err := os.Stat(m); err == nil && info.Mode().IsRegular() {
			found = append(found, location{filepath.Base(m), m})
		}
	}
	if len(found) == 0 {
		return nil, &NotReadyError{fmt.Sprintf("%s: no file matches; correct returns.path", where)}
	}
	// Files of one name in several folders keep their folders.
	seen := map[string]int{}
	for _, f := range found {
		seen[f.Name]++
	}
	for i, f := range found {
		if seen[f.Name] > 1 {
			found[i].Name = filepath.ToSlash(f.Path)
		}
	}
	return found, nil
}

// glob returns the paths that match a pattern. A leading folder that exists is
// taken as it is named, so that [, * and ? in it are no pattern.
func glob(pattern string) ([]string, error) {
	dir, rest := ".", filepath.ToSlash(pattern)
	if filepath.IsAbs(pattern) {
		dir, rest = "/", strings.TrimLeft(rest, "/")
	}
	for {
		first, after, more := strings.Cut(rest, "/")
		if !more {
			break
		}
		if info, err := os.Stat(filepath.Join(dir, first)); err != nil || !info.IsDir() {
			break
		}
		dir, rest = filepath.Join(dir, first), strings.TrimLeft(after, "/")
	}
	found, err := fs.Glob(os.DirFS(dir), rest)
	for i, f := range found {
		found[i] = filepath.Join(dir, filepath.FromSlash(f))
	}
	return found, err
}

var endings = []string{".csv", ".csv.gz", ".parquet", ".pq", ".arrow", ".arrows", ".feather", ".ipc"}

func below(dir string) ([]location, error) {
	var found []location
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if p != dir && strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") && p != dir {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		for _, e := range endings {
			if strings.HasSuffix(strings.ToLower(d.Name()), e) {
				rel, err := filepath.Rel(dir, p)
				if err != nil {
					return err
				}
				found = append(found, location{filepath.ToSlash(rel), p})
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, &NotReadyError{fmt.Sprintf("%v; expected a folder of returns", err)}
	}
	if len(found) == 0 {
		return nil, &NotReadyError{fmt.Sprintf("%s: no file ending in %s below this folder", dir, strings.Join(endings, ", "))}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Name < found[j].Name })
	return found, nil
}

// hiveNull is how hive writes a partition without a value.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// partitions returns the key=value parts of a relative path, URI-decoded.
func partitions(name string) map[string]string {
	parts := map[string]string{}
	for dir := path.Dir(name); dir != "." && dir != "/" && dir != ""; dir = path.Dir(dir) {
		key, value, ok := strings.Cut(path.Base(dir), "=")
		if !ok || value == hiveNull {
			continue
		}
		if k, err := url.PathUnescape(key); err == nil {
			key = k
		}
		if v, err := url.PathUnescape(value); err == nil {
			value = v
		}
		if _, inner := parts[key]; !inner {
			parts[key] = value
		}
	}
	return parts
}
