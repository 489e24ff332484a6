package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"allocate/cmd/command/terminal"
	"allocate/config"
)

// defaultConfig is read from the working folder when no --config is given.
const defaultConfig = "allocate.yaml"

// global holds the flags that every command that reads a configuration has.
type global struct {
	stdout io.Writer        // lines for people
	screen *terminal.Screen // the same stream, for tables, paragraphs and colors
	json   io.Writer        // the same stream, for JSON
	data   io.Writer        // the same stream, for the bytes of a file
	stderr io.Writer        // as it is; view and Main write to it what may be shown
	file   string
	sets   []string

	noticed []string // notices that were printed
}

// unread reports that standard output failed after a publish. The publication
// and the exit code are unaffected.
func (g *global) unread(err error) {
	if err != nil {
		fmt.Fprintln(g.stderr, "allocate: standard output: "+printableText(err.Error()))
	}
}

func newRoot(stdout, stderr io.Writer, more ...func(l *Loader) *cobra.Command) *cobra.Command {
	g := &global{stdout: shown(stdout), screen: screenOf(stdout), json: asJSONText(stdout), data: asData(stdout), stderr: stderr}
	root := &cobra.Command{
		Use:   "allocate",
		Short: "Compute portfolio weights from returns of trading strategies",
		Example: `  allocate init my_returns.csv
  allocate run
  allocate show`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(g.stdout)
	root.SetErr(shown(stderr))
	root.CompletionOptions.DisableDefaultCmd = true
	root.Version = buildLine()
	root.Flags().Bool("version", false, "print the version and commit of the program")
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(unknownFlag)
	for _, group := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Decide", []*cobra.Command{newInit(g), newCheck(g), newRun(g), newDoctor(g)}},
		{"Look at results", []*cobra.Command{newList(g), newShow(g), newDiff(g), newReport(g), newServe(g), newExport(g)}},
		{"Evaluate", []*cobra.Command{newBacktest(g), newWalkforward(g), newSimulate(g)}},
		{"Operate", []*cobra.Command{newPlan(g), newRetract(g), newCache(g), newWork(g), newOps(g), newConfig(g)}},
	} {
		root.AddGroup(&cobra.Group{ID: group.title, Title: group.title + ":"})
		for _, c := range group.commands {
			c.GroupID = group.title
			root.AddCommand(c)
		}
	}
	root.AddCommand(newCompletion(g), newVersion(g), newExecute(g))
	root.SetHelpCommand(newHelp())
	for _, add := range more {
		root.AddCommand(add(&Loader{g}))
	}
	usageErrors(root)
	introduce(root, helpWidth(g.screen))
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", fmt.Sprintf(".FlagUsagesWrapped %d", helpWidth(g.screen))))
	return root
}

// configFlags are the flags of single keys of the configuration.
var configFlags = []struct{ name, usage string }{
	{"as-of", "as-of date, of the last return used, YYYY-MM-DD"},
	{"out", "folder of published runs"},
	{"cache", "folder of the cache"},
	{"seed", "random seed"},
	{"workers", "parallel workers; does not affect results"},
}

// retiredFlags are flags of earlier versions, which --set replaces.
var retiredFlags = []string{"seed", "workers"}

// addConfigFlags gives a command the flags of a configuration: the file, --set, and those of the
// keys that the command uses, of all if uses is empty. Others are accepted, as by earlier versions.
func (g *global) addConfigFlags(cmd *cobra.Command, uses ...string) {
	f := cmd.Flags()
	f.StringVarP(&g.file, "config", "c", "", "configuration file (default "+defaultConfig+")")
	f.StringArrayVar(&g.sets, "set", nil, "override a key: --set optimize.alpha=0.99 (repeatable)")
	for _, flag := range configFlags {
		f.String(flag.name, "", flag.usage)
		if slices.Contains(retiredFlags, flag.name) || len(uses) > 0 && !slices.Contains(uses, flag.name) {
			_ = f.MarkHidden(flag.name) // the error is for a flag that is not there
		}
	}
	_ = cmd.RegisterFlagCompletionFunc("set", completeKeys)
}

// addEngineFlag gives the flag of where actions are executed to a command that executes many.
func addEngineFlag(cmd *cobra.Command) {
	cmd.Flags().String("engine", "", "execution of actions: local, process or temporal")
}

// load combines file, environment, --set and flags.
func (g *global) load(cmd *cobra.Command) (*config.Config, map[string]config.Origin, error) {
	return g.loadWith(cmd, func(*config.Source) {})
}

// loadWith is load with a change of the sources.
func (g *global) loadWith(cmd *cobra.Command, change func(src *config.Source)) (*config.Config, map[string]config.Origin, error) {
	src := config.Source{File: g.file, Env: os.Environ(), Sets: g.sets, Flags: map[string]string{}}
	if src.File == "" {
		if _, err := os.Stat(defaultConfig); err == nil {
			src.File = defaultConfig
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
	}
	keys := map[string]string{"as-of": "as_of", "out": "out", "cache": "cache", "engine": "executor", "seed": "seed", "workers": "workers"}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if key, ok := keys[f.Name]; ok {
			src.Flags[key] = f.Value.String()
		}
		if slices.Contains(retiredFlags, f.Name) {
			g.notice("--" + f.Name + " is retired: use --set " + f.Name + "=" + f.Value.String())
		}
	})
	change(&src)
	c, origins, err := config.Load(src)
	if err != nil && src.File == "" && !given(src, "returns.path") {
		return nil, nil, &config.Error{Err: fmt.Errorf("no %s in this folder; create one with: allocate init RETURNS, or name one with --config", defaultConfig)}
	}
	if err == nil {
		for _, notice := range c.Notices {
			g.notice(notice)
		}
	}
	return c, origins, err
}

// notice prints what a user should change, once.
func (g *global) notice(text string) {
	if !slices.Contains(g.noticed, text) {
		g.noticed = append(g.noticed, text)
		fmt.Fprintln(g.stderr, "allocate: "+printableText(text))
	}
}

// given reports a key that the environment or --set has.
func given(src config.Source, key string) bool {
	variable := "ALLOCATE_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_")) + "="
	return slices.ContainsFunc(src.Sets, func(s string) bool { return strings.HasPrefix(strings.TrimSpace(s), key) }) ||
		slices.ContainsFunc(src.Env, func(e string) bool { return strings.HasPrefix(e, variable) })
}
