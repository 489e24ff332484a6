// Package ops has the files with which allocate is operated: container, systemd, Kubernetes,
// cron, arrays of batch systems, alerts of Prometheus and the runbook, with the paths of a
// configuration.
package ops

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

//go:embed files
var files embed.FS

// Settings are what the files depend on.
type Settings struct {
	Binary   string // path of the program
	Config   string // absolute path of the configuration
	Out      string // folder of published runs
	Cache    string // folder of the cache, or a bucket
	Textfile string // of Prometheus; "" for none
	Data     string // folder of the returns; "" where it is not known
	User     string // account of the nightly run
	Image    string // of the container
	Version  string // of the program that writes the files
	Name     string // of units and jobs
	Hour     int    // of the nightly run
	Minute   int
	Zone     string // time zone of the nightly run; "" for that of the machine
}

// File is a file to write.
type File struct {
	Name string
	Data []byte
	Mode uint32 // permissions
}

var (
	account   = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	unitName  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$`) // of systemd and of Kubernetes
	imageName = regexp.MustCompile(`^[a-z0-9][a-zA-Z0-9./:_@-]*$`)
	zoneName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+/-]*$`)
)

// Validate reports the settings that files cannot have.
func (s Settings) Validate() error {
	for what, path := range map[string]string{"--binary": s.Binary, "--config": s.Config, "out": s.Out, "cache": s.Cache, "gates.textfile": s.Textfile} {
		if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("%s: %q has a control character; rename it", what, path)
		}
	}
	switch {
	case !filepath.IsAbs(s.Binary):
		return fmt.Errorf("--binary: %q is not an absolute path; expected for example /usr/local/bin/allocate", s.Binary)
	case !account.MatchString(s.User):
		return fmt.Errorf("--user: %q is not the name of an account; expected for example allocate", s.User)
	case !unitName.MatchString(s.Name):
		return fmt.Errorf("--name: %q is not a name for units and jobs; expected lower-case letters, digits and hyphens", s.Name)
	case !imageName.MatchString(s.Image):
		return fmt.Errorf("--image: %q is not the name of an image; expected for example registry.example.com/allocate:v1", s.Image)
	case s.Zone != "" && !zoneName.MatchString(s.Zone):
		return fmt.Errorf("--zone: %q is not a time zone; expected for example Europe/Berlin", s.Zone)
	}
	return nil
}

// below reports a folder below another.
func below(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// Bucket reports whether the cache is no folder.
func (s Settings) Bucket() bool { return strings.Contains(s.Cache, "://") }

// State is the StateDirectory of systemd, "" where the output folder is elsewhere.
func (s Settings) State() string { return strings.TrimPrefix(within(s.Out, "/var/lib/"), "/var/lib/") }

// CacheDirectory is that of systemd, "" where the cache is elsewhere.
func (s Settings) CacheDirectory() string {
	return strings.TrimPrefix(within(s.Cache, "/var/cache/"), "/var/cache/")
}

func within(path, dir string) string {
	if strings.HasPrefix(path, dir) {
		return path
	}
	return ""
}

// Writable lists the folders that the run writes to and systemd does not make.
func (s Settings) Writable() (list []string) {
	if s.State() == "" {
		list = append(list, s.Out)
	}
	if s.CacheDirectory() == "" && !s.Bucket() {
		list = append(list, s.Cache)
	}
	if s.Textfile != "" {
		list = append(list, filepath.Dir(s.Textfile))
	}
	return list
}

// AtHome reports whether a path is below the homes, which a protected unit does not see.
func (s Settings) AtHome() bool {
	for _, path := range []string{s.Out, s.Cache, s.Config, s.Data, s.Binary} {
		if below(path, "/home") || below(path, "/root") {
			return true
		}
	}
	return false
}

var functions = template.FuncMap{
	"unit": func(path string) string { // a word of a systemd unit
		path = strings.NewReplacer("%", "%%", `\`, `\\`, `"`, `\"`, "$", "$$").Replace(path)
		if strings.ContainsAny(path, " '\"") {
			return `"` + path + `"`
		}
		return path
	},
	"percent": func(path string) string { return strings.ReplaceAll(path, "%", "%%") }, // a whole line of one
	"link": func(path string) string {
		return strings.ReplaceAll((&url.URL{Scheme: "file", Path: path}).String(), "%", "%%")
	},
	"shell": shell,
	"cron":  func(path string) string { return strings.ReplaceAll(shell(path), "%", `\%`) },
	"yaml": func(s string) (string, error) {
		b, err := json.Marshal(s)
		return string(b), err
	},
	"dir":  filepath.Dir,
	"base": filepath.Base,
}

// shell is a word of a shell.
func shell(word string) string {
	if regexp.MustCompile(`^[A-Za-z0-9/._+=:,@-]+$`).MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// Files returns the files for settings, in the order of their names. Files whose names end in
// .tmpl are templates.
func Files(s Settings) ([]File, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	entries, err := files.ReadDir("files")
	if err != nil {
		return nil, err
	}
	var list []File
	for _, e := range entries {
		text, err := files.ReadFile("files/" + e.Name())
		if err != nil {
			return nil, err
		}
		name, isTemplate := strings.CutSuffix(e.Name(), ".tmpl")
		if isTemplate {
			t, err := template.New(name).Funcs(functions).Option("missingkey=error").Parse(string(text))
			if err != nil {
				return nil, err
			}
			var b bytes.Buffer
			if err := t.Execute(&b, s); err != nil {
				return nil, err
			}
			text = b.Bytes()
			if strings.HasPrefix(name, "allocate.") {
				name = s.Name + strings.TrimPrefix(name, "allocate")
			}
		}
		mode := uint32(0o644)
		if strings.HasSuffix(name, ".sh") {
			mode = 0o755
		}
		list = append(list, File{name, text, mode})
	}
	return list, nil
}
