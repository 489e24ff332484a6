package config

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPathsInsideLists: paths in a list of the file are relative to the file, as
// all others are; those of --set are relative to the working folder.
func TestPathsInsideLists(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.yaml")
	text := "returns: {path: r.csv}\nbacktest:\n  portfolios:\n    - {name: mine, path: mine.csv}\n    - {name: theirs, path: /abs/theirs.csv}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, _, err := Load(Source{File: file})
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Backtest.Portfolios; p[0].Path != filepath.Join(dir, "mine.csv") || p[1].Path != "/abs/theirs.csv" {
		t.Errorf("%+v", p)
	}
	c, _, err = Load(Source{File: file, Sets: []string{"backtest.portfolios=[{name: mine, path: mine.csv}]"}})
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Backtest.Portfolios; p[0].Path != "mine.csv" {
		t.Errorf("%+v", p)
	}
}
