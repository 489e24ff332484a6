package config

import (
	"os"
	"path/filepath"
	"strings"
)

// Folders returns the default output folder and cache of a configuration file:
//
//   - below /etc, /var/lib/allocate and /var/cache/allocate, as the filesystem hierarchy standard
//     has it; a file /etc/allocate/NAME.yaml has /var/lib/allocate/NAME, unless it is allocate.yaml
//   - in the user's folder of configurations, $XDG_CONFIG_HOME/allocate, those below $XDG_STATE_HOME
//     and $XDG_CACHE_HOME, in the same way
//   - elsewhere out and .cache beside the file, where earlier versions had them everywhere
//
// A folder that is there beside the file stays in use: output never moves by itself. Several files
// share a cache, whose results are named by their content, but no output folder.
func Folders(file string, env []string) (out, cache string) {
	usual := Default()
	if file == "" {
		return usual.Out, usual.Cache
	}
	dir := filepath.Dir(file)
	out, cache = filepath.Join(dir, usual.Out), filepath.Join(dir, usual.Cache)
	full, err := filepath.Abs(file)
	if err != nil {
		return out, cache
	}
	home := variable(env, "HOME")
	xdg := func(name, usual string) string {
		if v := variable(env, name); filepath.IsAbs(v) {
			return v
		}
		if home == "" {
			return ""
		}
		return filepath.Join(home, usual)
	}
	state, results := "", ""
	switch settings := xdg("XDG_CONFIG_HOME", ".config"); {
	case within(full, "/etc"):
		state, results = "/var/lib/allocate", "/var/cache/allocate"
	case settings != "" && within(full, filepath.Join(settings, "allocate")):
		state, results = xdg("XDG_STATE_HOME", ".local/state"), xdg("XDG_CACHE_HOME", ".cache")
		if state == "" || results == "" {
			return out, cache
		}
		state, results = filepath.Join(state, "allocate"), filepath.Join(results, "allocate")
	default:
		return out, cache
	}
	if name := baseName(full); name != "allocate" {
		state = filepath.Join(state, name)
	}
	if !isFolder(out) {
		out = state
	}
	if !isFolder(cache) {
		cache = results
	}
	return out, cache
}

// within reports a path below a folder.
func within(path, dir string) bool { return strings.HasPrefix(path, filepath.Clean(dir)+"/") }

// baseName is the name of a configuration file without its ending.
func baseName(file string) string {
	return strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
