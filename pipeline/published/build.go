package published

import (
	"runtime/debug"
)

// version and commit are those of a release, set by its build:
//
//	go build -ldflags '-X allocate/pipeline/published.version=v1.2.0 -X allocate/pipeline/published.commit=HASH'
var version, commit string

// Build is what the program was built from.
type Build struct {
	Version  string // of the release, else of the module, else the commit
	Commit   string // "" where the build did not know it
	Time     string // of the commit, RFC 3339; ""
	Modified bool   // with changes that are in no commit
}

// ReadBuild returns what this program was built from.
func ReadBuild() Build {
	b := Build{Version: version, Commit: commit}
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && b.Commit == "":
				b.Commit = s.Value
			case s.Key == "vcs.time":
				b.Time = s.Value
			case s.Key == "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
		if b.Version == "" && info.Main.Version != "(devel)" {
			b.Version = info.Main.Version
		}
	}
	for _, v := range []string{b.Commit, "unknown"} {
		if b.Version == "" {
			b.Version = v
		}
	}
	return b
}

// Version is the program's version in a run's account.
func Version() string {
	b := ReadBuild()
	if b.Modified {
		return b.Version + " with local changes"
	}
	return b.Version
}
