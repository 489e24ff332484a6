package command

import (
	"debug/buildinfo"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"allocate/pipeline/published"
	"allocate/reports"
)

// component is a module in an SBOM.
type component struct {
	Type       string     `json:"type"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Purl       string     `json:"purl,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// writeSBOM writes the modules that a program was built from as CycloneDX 1.5: a function of the
// program's bytes, and of the version of this program where the other does not know its own.
func writeSBOM(w io.Writer, program string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return &usageError{fmt.Errorf("--sbom: %s is not a program that Go built; expected for example the path of allocate", program)}
	}
	main := component{Type: "application", Name: info.Path, Version: info.Main.Version, Properties: []property{{"go", info.GoVersion}}}
	for _, s := range info.Settings {
		if s.Key == "GOOS" || s.Key == "GOARCH" || s.Key == "vcs.revision" {
			main.Properties = append(main.Properties, property{s.Key, s.Value})
		}
	}
	if main.Version == "" || main.Version == "(devel)" { // a stamp is no build information; both are of one release
		main.Version = published.ReadBuild().Version
	}
	list := []component{{Type: "library", Name: "stdlib", Version: strings.TrimPrefix(info.GoVersion, "go"), Purl: "pkg:golang/stdlib@" + strings.TrimPrefix(info.GoVersion, "go")}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		list = append(list, moduleOf(m))
	}
	slices.SortFunc(list, func(a, b component) int { return strings.Compare(a.Name, b.Name) })
	return reports.WriteJSON(w, "  ", map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"metadata":   map[string]any{"component": main},
		"components": list,
	})
}

func moduleOf(m *debug.Module) component {
	return component{Type: "library", Name: m.Path, Version: m.Version, Purl: "pkg:golang/" + m.Path + "@" + m.Version, Properties: []property{{"go.sum", m.Sum}}}
}
