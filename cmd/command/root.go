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

	"allocate/config"
)

// defaultConfig is read from the working folder when no --config is given.
const defaultConfig = "allocate.yaml"

// global holds the flags that every command that reads a configuration has.
type global struct {
	stdout io.Writer // lines for people
	json   io.Writer // the same stream, for JSON
	data   io.Writer // the same stream, for the bytes of a file
	stderr io.Writer // as it is; view and Main write to it what may be shown
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
	g := &global{stdout: shown(stdout), json: asJSONText(stdout), data: asData(stdout), stderr: stderr}
	root := &cobra.Command{
		Use:           "allocate",
		Short:         "Compute portfolio weights from returns of trading strategies",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(g.stdout)
	root.SetErr(shown(stderr))
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())}
	})
	root.AddCommand(newRun(g), newPlan(g), newCheck(g), newDiff(g), newExport(g), newCache(g), newSimulate(g), newBacktest(g), newWalkforward(g), newWork(g), newReport(g), newServe(g), newRetract(g), newConfig(g), newVersion(g), newExecute(g))
	for _, add := range more {
		root.AddCommand(add(&Loader{g}))
	}
	usageErrors(root)
	introduce(root)
	return root
}

// introduce begins the help of every command with the sentence that the list of
// commands has of it.
func introduce(cmd *cobra.Command) {
	if cmd.Long != "" {
		cmd.Long = cmd.Short + ".\n\n" + cmd.Long
	}
	for _, c := range cmd.Commands() {
		introduce(c)
	}
}

// usageErrors makes wrong arguments exit as bad usage.
func usageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return &usageError{fmt.Errorf("%w; see: %s --help", err, c.CommandPath())}
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		usageErrors(c)
	}
}

// addConfigFlags gives a command the flags of a configuration.
func (g *global) addConfigFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&g.file, "config", "c", "", "configuration file (default "+defaultConfig+")")
	f.StringArrayVar(&g.sets, "set", nil, "override a key: --set optimize.alpha=0.99 (repeatable)")
	f.String("as-of", "", "as-of date, of the last return used, YYYY-MM-DD")
	f.String("out", "", "folder of published runs")
	f.String("cache", "", "folder of the cache")
	f.String("seed", "", "random seed")
	f.String("workers", "", "parallel workers; does not affect results")
	for _, name := range retiredFlags {
		_ = f.MarkHidden(name) // the error is for a flag that is not there
	}
}

// addEngineFlag gives the flag of where actions are executed to a command that executes many.
func addEngineFlag(cmd *cobra.Command) {
	cmd.Flags().String("engine", "", "execution of actions: local, process or temporal")
}

// retiredFlags are flags of earlier versions, which --set replaces.
var retiredFlags = []string{"seed", "workers"}

// load combines file, environment, --set and flags.
func (g *global) load(cmd *cobra.Command) (*config.Config, map[string]config.Origin, error) {
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
	c, origins, err := config.Load(src)
	if err != nil && src.File == "" && !given(src, "returns.path") {
		return nil, nil, &config.Error{Err: fmt.Errorf("no %s in this folder; create one with allocate config init, or name one with --config", defaultConfig)}
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
