package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"allocate/cmd/web"
	"allocate/pipeline"
	"allocate/pipeline/whatif"
	"allocate/returns"
)

func newServe(g *global) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Show the output folder in a browser, with a what-if panel",
		Example: `  allocate serve
  allocate serve --listen 127.0.0.1:9000`,
		Long: `Serves the published pages on this machine; they reload when a run publishes. The page
/what-if decides again with other limits, another confidence or a view, in memory:
nothing is written. Anybody who reaches the address can read everything that is
published: keep it on the loopback interface, or behind a proxy that asks who it is.
It ends with a signal.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			if _, _, err := net.SplitHostPort(listen); err != nil {
				return &usageError{fmt.Errorf("--listen %q: %w; expected an address such as 127.0.0.1:8080", listen, err)}
			}
			out, err := os.OpenRoot(c.Out)
			if err != nil {
				return &returns.NotReadyError{Message: fmt.Sprintf("no output folder %s (%v); run allocate run first", c.Out, err)}
			}
			defer out.Close()
			s, err := pipeline.OpenStore(c.Cache)
			if err != nil {
				return err
			}
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return &usageError{fmt.Errorf("--listen %s: %w", listen, err)}
			}
			handler := &web.Server{Out: out, Hosts: web.Hosts(l.Addr()), Open: func(run string) (*whatif.Session, error) {
				return whatif.Open(filepath.Join(c.Out, run), s)
			}}
			server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return cmd.Context() }}
			stop := context.AfterFunc(cmd.Context(), func() {
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				defer cancel()
				_ = server.Shutdown(ctx)
				_ = server.Close()
			})
			defer stop()
			fmt.Fprintf(g.stdout, "serving %s on http://%s; end with Ctrl-C\n", printableText(c.Out), handler.Hosts[0])
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
	}
	g.addConfigFlags(cmd)
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "address; port 0 takes a free one")
	return cmd
}
