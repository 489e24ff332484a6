package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"allocate/cmd/command/ops"
	"allocate/config"
	"allocate/pipeline/published"
	"allocate/returns"
)

func newOps(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "ops",
		Short:   "Write the files for nightly operation",
		Example: `  allocate ops write deploy --config /etc/allocate/allocate.yaml`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newOpsWrite(g))
	return cmd
}

func newOpsWrite(g *global) *cobra.Command {
	s := ops.Settings{Version: "allocate " + published.Version()}
	if published.Version() == "unknown" {
		s.Version = "an unversioned build of allocate"
	}
	var at string
	var force bool
	cmd := &cobra.Command{
		Use:   "write DIR",
		Short: "Write systemd, cron, container and Kubernetes files, alerts and the runbook",
		Example: `  allocate ops write deploy
  allocate ops write deploy --config /etc/allocate/allocate.yaml --at 02:30 --zone Europe/Berlin`,
		Long: `Writes to DIR, with the paths of the configuration: a systemd service and timer, a
cron file, a Dockerfile, a Kubernetes CronJob, Prometheus alerts, the runbook, and
files for arrays of Slurm, Kubernetes and Armada. Installs and starts nothing. If the
file of --config does not exist yet, the folders are those that a configuration there
has by default: below /etc, /var/lib/allocate and /var/cache/allocate.

` + exitHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			clock := strings.Split(at, ":")
			if len(clock) == 2 {
				var e1, e2 error
				s.Hour, e1 = strconv.Atoi(clock[0])
				s.Minute, e2 = strconv.Atoi(clock[1])
				if e1 != nil || e2 != nil {
					s.Hour = -1
				}
			}
			if len(clock) != 2 || s.Hour < 0 || s.Hour > 23 || s.Minute < 0 || s.Minute > 59 {
				return &usageError{fmt.Errorf("--at: %q is not a time of day; expected HH:MM, such as 02:00", at)}
			}
			if err := g.operated(cmd, &s); err != nil {
				return err
			}
			files, err := ops.Files(s)
			if err != nil {
				return &usageError{err}
			}
			dir := args[0]
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			if !force { // all or nothing
				for _, f := range files {
					if path := filepath.Join(dir, f.Name); exists(path) {
						return &usageError{fmt.Errorf("%s already exists; name another folder, or use --force", path)}
					}
				}
			}
			for _, f := range files {
				path := filepath.Join(dir, f.Name)
				if err := errors.Join(writeFile(path, f.Data, force), os.Chmod(path, fs.FileMode(f.Mode))); err != nil {
					return err
				}
			}
			_ = g.screen.Line(fmt.Sprintf("wrote %s to %s, for %s", returns.Count(len(files), "file"), dir, s.Config))
			return g.screen.Line("next: " + filepath.Join(dir, "README.md"))
		},
	}
	g.addConfigFlags(cmd, "out", "cache")
	f := cmd.Flags()
	f.StringVar(&s.Binary, "binary", "/usr/local/bin/allocate", "path of the program where it runs")
	f.StringVar(&s.User, "user", "allocate", "account of the nightly run")
	f.StringVar(&s.Name, "name", "allocate", "name of units and jobs")
	f.StringVar(&s.Image, "image", "allocate:latest", "name of the container image")
	f.StringVar(&at, "at", "02:00", "time of the nightly run, HH:MM")
	f.StringVar(&s.Zone, "zone", "", "time zone of --at, such as Europe/Berlin; default: that of the machine")
	f.BoolVar(&force, "force", false, "overwrite existing files")
	return cmd
}

// operated fills in the paths of the configuration, which may not exist yet.
func (g *global) operated(cmd *cobra.Command, s *ops.Settings) error {
	file := g.file
	if file == "" {
		file = defaultConfig
		if !exists(file) {
			file = "/etc/allocate/allocate.yaml"
		}
	}
	var err error
	if s.Config, err = filepath.Abs(file); err != nil {
		return err
	}
	var c *config.Config
	if exists(file) {
		g.file = file
		if c, err = g.loadFolders(cmd); err != nil {
			return err
		}
	} else {
		g.notice(file + " does not exist yet; the files have the default folders of a configuration there")
		fresh := config.Default()
		c = &fresh
		c.Out, c.Cache = config.Folders(s.Config, os.Environ())
		for flag, to := range map[string]*string{"out": &c.Out, "cache": &c.Cache} {
			if v, _ := cmd.Flags().GetString(flag); v != "" {
				*to = v
			}
		}
	}
	for from, to := range map[*string]*string{&c.Out: &s.Out, &c.Cache: &s.Cache, &c.Gates.Textfile: &s.Textfile, &c.Returns.Path: &s.Data} {
		*to = *from
		if *to != "" && !strings.Contains(*to, "://") {
			if *to, err = filepath.Abs(*to); err != nil {
				return err
			}
		}
	}
	return nil
}

// exists reports whether there is something at a path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
