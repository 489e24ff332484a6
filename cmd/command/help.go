package command

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"allocate/cmd/command/terminal"
	"allocate/config"
	"allocate/returns"
)

// helpWidth is the width of the lines of help.
func helpWidth(s *terminal.Screen) int {
	if s.Width == 0 {
		return 80
	}
	return min(s.Width, 100)
}

// introduce begins the help of every command with the sentence that the list of
// commands has of it, and fits its paragraphs to a width.
func introduce(cmd *cobra.Command, width int) {
	if cmd.Long != "" {
		cmd.Long = terminal.Reflow(cmd.Short+".\n\n"+cmd.Long, width)
	}
	for _, c := range cmd.Commands() {
		introduce(c, width)
	}
}

// usageErrors makes wrong arguments exit as bad usage, and suggests the command that may have
// been meant.
func usageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if c.HasAvailableSubCommands() && len(args) > 0 {
				return unknownCommand(c, args[0])
			}
			if err := check(c, args); err != nil {
				if c.Args != nil && !strings.ContainsAny(c.Use, " ") && len(args) > 0 { // takes no argument
					hint := ""
					if _, dateErr := returns.ParseDate(args[0]); dateErr == nil && c.Flags().Lookup("as-of") != nil {
						hint = "; a date is given by --as-of " + args[0]
					}
					return &usageError{fmt.Errorf("%q: %s takes no argument%s; see: %[2]s --help", args[0], c.CommandPath(), hint)}
				}
				return &usageError{fmt.Errorf("%w; usage: %s; see: %s --help", err, c.UseLine(), c.CommandPath())}
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		usageErrors(c)
	}
}

// mostCommands is the number of commands that an error lists.
const mostCommands = 6

// unknownCommand is the error of a word that is none of the commands below one.
func unknownCommand(c *cobra.Command, word string) error {
	names := commandNames(c)
	hint := returns.Suggest(word, names)
	if hint == "" && len(names) <= mostCommands {
		hint = "; expected " + strings.Join(names, ", ")
	}
	return &usageError{fmt.Errorf("unknown command %q for %q%s; see: %[2]s --help", word, c.CommandPath(), hint)}
}

// newHelp is cobra's command help with an error for an unknown command.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Print the help of a command",
		Example: `  allocate help run
  allocate help export weights`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			at := cmd.Root()
			for _, word := range args {
				next := slices.IndexFunc(at.Commands(), func(c *cobra.Command) bool { return c.Name() == word || c.HasAlias(word) })
				if next < 0 {
					return unknownCommand(at, word)
				}
				at = at.Commands()[next]
			}
			at.InitDefaultHelpFlag()
			return at.Help()
		},
	}
}

// commandNames lists the commands below one, with their other names.
func commandNames(cmd *cobra.Command) (names []string) {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(append(names, c.Name()), c.Aliases...)
		}
	}
	return names
}

// unknownFlag is the error of a flag that cannot be read, with the flag that may have been meant.
func unknownFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	hint := ""
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, "--"+f.Name)
			}
		})
		hint = returns.Suggest("--"+unknown.GetSpecifiedName(), names)
		for _, f := range config.Fields() {
			if key := f.Key[strings.LastIndex(f.Key, ".")+1:]; hint == "" && strings.ReplaceAll(unknown.GetSpecifiedName(), "-", "_") == key {
				hint = fmt.Sprintf("; a key of the configuration is set by --set %s=VALUE", f.Key)
			}
		}
	}
	return &usageError{fmt.Errorf("%w%s; see: %s --help", err, hint, cmd.CommandPath())}
}

// completeKeys completes --set with the keys of the configuration.
func completeKeys(_ *cobra.Command, _ []string, text string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var keys []cobra.Completion
	for _, f := range config.Fields() {
		if strings.HasPrefix(f.Key, text) {
			keys = append(keys, cobra.CompletionWithDesc(f.Key+"=", f.Doc))
		}
	}
	return keys, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

func newCompletion(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print the completion script of a shell",
		Example: `  # bash, with the package bash-completion
  allocate completion bash > ~/.local/share/bash-completion/completions/allocate
  # zsh, with this folder in fpath
  allocate completion zsh > ~/.zfunc/_allocate
  # fish
  allocate completion fish > ~/.config/fish/completions/allocate.fish`,
		Long:      "Completes commands, flags, keys of --set, and names of published runs. Start a new shell\nafterwards.",
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args:      cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch root := cmd.Root(); args[0] {
			case "bash":
				return root.GenBashCompletionV2(g.data, true)
			case "zsh":
				return root.GenZshCompletion(g.data)
			case "fish":
				return root.GenFishCompletion(g.data, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(g.data)
			}
			return &usageError{fmt.Errorf("%q is not a shell of this command; expected bash, zsh, fish or powershell%s", args[0], shellHint(os.Getenv("SHELL")))}
		},
	}
}

// shellHint names the shell of the user.
func shellHint(path string) string {
	name := path[strings.LastIndex(path, "/")+1:]
	if name == "bash" || name == "zsh" || name == "fish" {
		return "; yours is " + name
	}
	return ""
}
