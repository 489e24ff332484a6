package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"allocate/cmd/command/terminal"
	"allocate/config"
	"allocate/pipeline"
	"allocate/pipeline/engine"
	"allocate/pipeline/published"
	"allocate/returns"
)

// initial is how a configuration is to be written.
type initial struct {
	returns string // path of the returns
	file    string // of the configuration; - is standard output
	asOf    string
	preset  string
	all     bool // every key, with its default and its meaning
	force   bool
}

func newInit(g *global) *cobra.Command {
	var o initial
	cmd := &cobra.Command{
		Use:   "init [RETURNS]",
		Short: "Write a configuration for a file of returns",
		Example: `  allocate init my_returns.csv
  allocate init prices.parquet -o books/equity.yaml
  allocate init my_returns.csv --all --preset adaptive`,
		Long: `Reads the returns (a CSV, Parquet, Arrow or Feather file, a glob or a folder; by
default the one such file in this folder) and finds layout, columns, prices or
returns, unit, frequency, calendar, as-of date and metadata. Writes a short
` + defaultConfig + ` with what it found and why, validates the data with it, and prints
the next command. Keys that are not in the file have their defaults; with --all the
file has every key, with its meaning. An existing file is kept unless --force.

EXIT STATUS
  0 written; a run can use it   1 failure   4 bad usage, or the file exists
  5 returns missing or empty   6 returns cannot be read, or a run is refused`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.returns = args[0]
			} else {
				var err error
				if o.returns, err = onlyReturns("."); err != nil {
					return err
				}
			}
			return g.writeConfig(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.file, "output", "o", defaultConfig, "file to write; - is standard output")
	f.StringVar(&o.asOf, "as-of", "", "as-of date to write, YYYY-MM-DD; default: blank if the data are current, else their last date")
	f.StringVar(&o.preset, "preset", config.Static, "defaults of the forecast: static or adaptive")
	f.BoolVar(&o.all, "all", false, "write every key, with its meaning and default")
	f.BoolVar(&o.force, "force", false, "overwrite an existing file")
	return cmd
}

// newConfigInit is the earlier name of init --all, with the file as its argument.
func newConfigInit(g *global) *cobra.Command {
	o := initial{all: true}
	cmd := &cobra.Command{
		Use:     "init [FILE]",
		Short:   "Write a configuration with every key (allocate init --all)",
		Example: `  allocate config init --returns my_returns.csv my.yaml`,
		Long: "Writes " + defaultConfig + `, or FILE; - is standard output. If the file of --returns exists,
its kind, unit and layout are found as by allocate init. An existing file is kept
unless --force.

` + exitHelp,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.file = defaultConfig
			if len(args) == 1 {
				o.file = args[0]
			}
			if _, err := os.Stat(o.returns); err != nil {
				return g.writeTemplate(o)
			}
			return g.writeConfig(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.returns, "returns", "returns.csv", "value of returns.path, relative to the working folder")
	cmd.Flags().StringVar(&o.asOf, "as-of", "", "value of as_of")
	cmd.Flags().StringVar(&o.preset, "preset", config.Static, "defaults to write: static or adaptive")
	cmd.Flags().BoolVar(&o.force, "force", false, "overwrite an existing file")
	return cmd
}

// onlyReturns is the one file of a folder that may be of returns.
func onlyReturns(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range entries {
		name := strings.TrimSuffix(strings.ToLower(e.Name()), ".gz")
		if e.Type().IsRegular() && slices.Contains([]string{".csv", ".parquet", ".pq", ".arrow", ".feather"}, filepath.Ext(name)) && !isMetadata(filepath.Join(dir, e.Name())) {
			found = append(found, e.Name())
		}
	}
	switch len(found) {
	case 0:
		return "", &usageError{errors.New("no .csv, .parquet, .arrow or .feather file in this folder; name the file of returns: allocate init RETURNS")}
	case 1:
		return found[0], nil
	}
	return "", &usageError{fmt.Errorf("several files in this folder may be the returns (%s); name one: allocate init %s", strings.Join(found[:min(5, len(found))], ", "), found[0])}
}

// writeTemplate writes every key, for returns that are not there yet.
func (g *global) writeTemplate(o initial) error {
	var text bytes.Buffer
	if err := config.WriteTemplate(&text, o.preset, map[string]any{"returns.path": fromFolder(o.file, o.returns), "as_of": o.asOf}); err != nil {
		return err
	}
	if o.file == "-" {
		_, err := g.data.Write(text.Bytes())
		return err
	}
	if err := writeFile(o.file, text.Bytes(), o.force); err != nil {
		return err
	}
	_, err := fmt.Fprintf(g.stdout, "wrote %s; set returns.path in it (%s: no such file), then: allocate run%s\n", printableText(o.file), printableText(o.returns), printableText(configFlag(o.file)))
	return err
}

// configFlag is the flag that names a configuration, where it has to be named.
func configFlag(file string) string {
	if file == defaultConfig {
		return ""
	}
	return " --config " + quoted(file)
}

// quoted is a word for a shell.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+=:,@%", r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// writeConfig inspects the returns, writes the configuration and validates the data with it.
func (g *global) writeConfig(ctx context.Context, o initial) error {
	if o.file != "-" && !o.force {
		if _, err := os.Lstat(o.file); err == nil {
			name := strings.TrimSuffix(filepath.Base(o.returns), filepath.Ext(o.returns)) + ".yaml"
			return &usageError{fmt.Errorf("%s already exists; name another file, such as %s, or use --force", o.file, name)}
		}
	}
	if _, err := os.Stat(o.returns); errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(o.returns, "*?[") {
		return &returns.NotReadyError{Message: fmt.Sprintf("%s: no such file%s; name the file of returns: allocate init RETURNS", o.returns, suggestFile(o.returns))}
	}
	known := returns.DefaultOptions()
	known.Path = o.returns
	files, err := known.Source().Fetch(ctx)
	if err != nil {
		return err
	}
	found, err := returns.Inspect(files, known)
	if err != nil {
		return err
	}
	settings, err := settingsOf(o, found, returns.DateOf(time.Now()))
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if o.all {
		values := map[string]any{}
		for _, s := range settings {
			values[s.Key] = s.Value
		}
		err = config.WriteTemplate(&text, o.preset, values)
	} else {
		err = config.WriteShort(&text, headOf(o, found), settings)
	}
	if err != nil {
		return err
	}
	if o.file == "-" {
		_, err := g.data.Write(text.Bytes())
		return err
	}
	if err := writeFile(o.file, text.Bytes(), o.force); err != nil {
		return err
	}
	return g.validate(ctx, o, found, settings)
}

// suggestFile names the file of the same folder that may have been meant.
func suggestFile(path string) string {
	var names []string
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, e := range entries[:min(len(entries), 1000)] {
		names = append(names, e.Name())
	}
	return returns.Suggest(filepath.Base(path), names)
}

// headOf is the comment at the top of a short configuration.
func headOf(o initial, n *returns.Inspection) []string {
	p := n.Panel
	return []string{
		fmt.Sprintf("%s: %s, %s from %v to %v.", filepath.Base(o.returns), returns.Count(p.Len(), "strategy"), p.Frequency().Periods(p.Days()), p.First(), p.Last()),
		"Written by allocate init; every other key has its default: allocate config show. The manual is allocate config docs. Paths are relative to this file.",
	}
}

// settingsOf are the keys of a configuration for returns, with the reasons.
func settingsOf(o initial, n *returns.Inspection, today returns.Date) ([]config.Setting, error) {
	p := n.Panel
	list := []config.Setting{{Key: "preset", Value: o.preset, Why: "static: volatility and correlations of the whole window; adaptive: those of today, in twice the time"}}
	asOf, why := o.asOf, "the date that was asked for; blank: the last session before today"
	if asOf == "" {
		sessions, err := n.Options.Sessions(p.Frequency(), "", nil)
		if err != nil {
			return nil, err
		}
		due := sessions.Due(today)
		if asOf, why = "", "blank: the last session before today, which the data reach"; p.Last() < due {
			asOf, why = p.Last().String(), fmt.Sprintf("the data end on %v, before %v, the last session; leave it blank for nightly runs", p.Last(), due)
		}
	}
	list = append(list, config.Setting{Key: "as_of", Value: asOf, Why: why}, config.Setting{Key: "returns.path", Value: fromFolder(o.file, o.returns)})
	add := func(key string, value, usual any) {
		if why, ok := n.Reasons[key]; ok || value != usual {
			list = append(list, config.Setting{Key: "returns." + key, Value: value, Why: why})
		}
	}
	usual := returns.DefaultOptions()
	add("layout", n.Options.Layout, usual.Layout)
	add("date_column", n.Options.DateColumn, usual.DateColumn)
	add("strategy_column", n.Options.StrategyColumn, usual.StrategyColumn)
	add("return_column", n.Options.ReturnColumn, usual.ReturnColumn)
	add("kind", n.Options.Kind, usual.Kind)
	add("unit", n.Options.Unit, usual.Unit)
	add("frequency", n.Options.Frequency, usual.Frequency)
	add("calendar", n.Options.Calendar, usual.Calendar)
	if path, why := metadataBeside(o.returns, p.Names()); path != "" {
		list = append(list, config.Setting{Key: "returns.metadata", Value: fromFolder(o.file, path), Why: why})
	}
	var short []string
	for j := range p.Len() {
		if p.Series(j).Len() < usual.MinHistory {
			short = append(short, p.Names()[j])
		}
	}
	if len(short) > 0 && len(short) < p.Len() {
		list = append(list, config.Setting{Key: "returns.short_history", Value: "exclude", Why: fmt.Sprintf("fewer than %d returns: %s; fail would refuse the run", usual.MinHistory, strings.Join(short[:min(6, len(short))], ", "))})
	}
	return append(list,
		config.Setting{Key: "optimize.objective", Value: "min_cvar", Why: "min_cvar, min_variance, max_return (within max_cvar), utility, max_ratio or risk_budget"},
		config.Setting{Key: "optimize.max_weight", Value: 1.0, Why: "maximum weight of a strategy, as a fraction of capital: 0.2 or 20%"},
		config.Setting{Key: "optimize.cost_bp", Value: 0.0, Why: "proportional trading cost, basis points of the traded amount"},
	), nil
}

// isMetadata reports a CSV of metadata.
func isMetadata(path string) bool { return metadataOf(path) != nil }

func metadataOf(path string) returns.Metadata {
	if strings.ToLower(filepath.Ext(path)) != ".csv" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 4096)
	k, _ := io.ReadFull(f, head)
	line, _, _ := strings.Cut(string(head[:k]), "\n")
	columns := strings.Split(strings.TrimSpace(line), ",")
	if !slices.Contains(columns, "strategy") || !slices.ContainsFunc(columns, func(c string) bool {
		return slices.Contains([]string{"first_date", "live_from", "exit", "group", "cost_bp"}, c)
	}) {
		return nil
	}
	file, err := returns.FetchFile(path)
	if err != nil {
		return nil
	}
	m, err := returns.ReadMetadata(filepath.Base(path), file.Data)
	if err != nil {
		return nil
	}
	return m
}

// metadataBeside finds a file of metadata, with at least half of the strategies, beside the returns.
func metadataBeside(path string, names []string) (found, why string) {
	dir := path
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		dir = filepath.Dir(path)
	}
	matches, _ := filepath.Glob(filepath.Join(dir, "*.csv"))
	slices.Sort(matches)
	for _, m := range matches {
		known, live := 0, 0
		about := metadataOf(m)
		for _, name := range names {
			if a, ok := about[name]; ok {
				known++
				if a.LiveFrom != nil {
					live++
				}
			}
		}
		if known > 0 && 2*known >= len(names) {
			return m, fmt.Sprintf("%d of %d strategies are in it, %d with live_from", known, len(names), live)
		}
	}
	return "", ""
}

// validate checks the data by a configuration that was written, and prints the next command.
func (g *global) validate(ctx context.Context, o initial, n *returns.Inspection, settings []config.Setting) error {
	c, _, err := config.Load(config.Source{File: o.file})
	if err != nil {
		return fmt.Errorf("%s was written: %w", o.file, err)
	}
	scratch, err := os.MkdirTemp("", "allocate-init-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	c.Cache = scratch
	checked, err := pipeline.Check(ctx, c, engine.Tee{}, time.Now)
	var gate *published.GateError
	if err != nil && !errors.As(err, &gate) {
		return fmt.Errorf("%s was written: %w", o.file, err)
	}
	w := g.screen
	_ = w.Paragraph(terminal.Strong, fmt.Sprintf("%s: %s, %s from %v to %v", o.returns, returns.Count(n.Panel.Len(), "strategy"), n.Panel.Frequency().Periods(n.Panel.Days()), n.Panel.First(), n.Panel.Last()), 0)
	table := &terminal.Table{Columns: []terminal.Column{{}, {Name: true}, {Prose: true}}}
	for _, s := range settings {
		if key, ok := strings.CutPrefix(s.Key, "returns."); (ok && key != "path") || s.Key == "as_of" {
			table.Add(s.Key, config.FormatValue(s.Value), terminal.Span{Style: terminal.Faint, Text: s.Why})
		}
	}
	if err := w.Table(table); err != nil {
		return err
	}
	warnings, notes := 0, 0
	for _, f := range returns.Grouped(checked.Findings) {
		switch {
		case f.Severity >= returns.Hold: // the error says it
		case f.Severity == returns.Warn:
			warnings++
			_ = w.Paragraph(terminal.Warning, f.String(), 2)
		default:
			notes++
		}
	}
	if notes > 0 {
		_ = w.Line(fmt.Sprintf("%s: allocate check%s", returns.Count(notes, "informational finding"), configFlag(o.file)))
	}
	_ = w.Line("wrote " + o.file)
	if gate != nil {
		return fmt.Errorf("%s was written, but a run would not publish yet: %w", o.file, err)
	}
	return w.Line(terminal.Span{Style: terminal.Strong, Text: "next: "}, "allocate run"+configFlag(o.file))
}
