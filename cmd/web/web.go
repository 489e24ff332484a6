// Package web shows the output folder in a browser, and decisions with other limits beside the
// published one. It reads only, and serves one machine.
package web

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"allocate/pipeline/whatif"
)

// Server serves an output folder.
type Server struct {
	Out  *os.Root                                  // no link of it leads out of it
	Open func(run string) (*whatif.Session, error) // a run of the folder, such as latest; nil: there are no decisions here
	// Hosts are the names by which a browser may ask for it, with port: a page of another name that
	// leads here is refused.
	Hosts []string
	Poll  time.Duration // between looks at the folder for changes; 0: a second

	decisions decisions
}

// Hosts are the names of an address: those of this machine, where it is one of them.
func Hosts(address net.Addr) []string {
	a, ok := address.(*net.TCPAddr)
	if !ok || !a.IP.IsLoopback() {
		return []string{address.String()}
	}
	port := fmt.Sprint(a.Port)
	return []string{net.JoinHostPort("localhost", port), net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}
}

// types are those of published files; others are not shown.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".json": "application/json", ".csv": "text/plain; charset=utf-8", ".png": "image/png", ".parquet": "application/vnd.apache.parquet",
	"SHA256SUMS": "text/plain; charset=utf-8",
}

// policy permits a page its own script and this server, and nothing else.
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for key, value := range map[string]string{
		"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
	} {
		w.Header().Set(key, value)
	}
	if !s.known(r.Host) || !s.sameOrigin(r) {
		http.Error(w, "this server answers to "+strings.Join(s.Hosts, ", ")+", and to its own pages only", http.StatusForbidden)
		return
	}
	switch {
	case r.URL.Path == whatIfPath && r.Method == http.MethodPost:
		s.decide(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "read only", http.StatusMethodNotAllowed)
	case r.URL.Path == "/favicon.ico": // which browsers ask for
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == "/events":
		s.events(w, r)
	case r.URL.Path == whatIfPath:
		s.whatIfPage(w)
	default:
		s.file(w, r)
	}
}

func (s *Server) known(host string) bool {
	for _, h := range s.Hosts {
		if strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}

// sameOrigin refuses what pages of others ask for.
func (s *Server) sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		// A link from elsewhere may open a page.
		return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && s.known(u.Host)
}

// file serves a published file; a page is told when the folder changes.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if name == "" {
		name = "index.html"
	}
	kind, ok := types[path.Ext(name)]
	if !ok {
		kind, ok = types[path.Base(name)]
	}
	if !ok || strings.Contains("/"+name, "/.") {
		http.NotFound(w, r)
		return
	}
	f, err := s.Out.Open(name)
	if err != nil {
		if name == "index.html" {
			s.empty(w)
			return
		}
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	if path.Ext(name) != ".html" {
		http.ServeContent(w, r, "", info.ModTime(), f)
		return
	}
	text, err := io.ReadAll(f)
	if err != nil {
		http.Error(w, "the file cannot be read", http.StatusInternalServerError)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.live(text)))
}

// empty is the page of a folder without one.
func (s *Server) empty(w http.ResponseWriter) {
	w.Header().Set("Content-Type", types[".html"])
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write(s.live([]byte(`<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>allocate</title></head><body><main><h1>Nothing is published yet</h1><p>This page changes when a run has published.</p></main></body></html>`)))
}

//go:embed assets/live.js
var liveJS []byte

// live adds to a page what reloads it, and the way to other decisions. The page's own policy does not
// permit it to ask for anything: the header's does.
func (s *Server) live(page []byte) []byte {
	const own = `<meta http-equiv="Content-Security-Policy"`
	if at := bytes.Index(page, []byte(own)); at >= 0 {
		if end := bytes.IndexByte(page[at:], '>'); end >= 0 {
			page = append(append([]byte{}, page[:at]...), page[at+end+1:]...)
		}
	}
	added := append(append([]byte("<script>"), liveJS...), "</script>\n"...)
	if s.Open != nil {
		if at := bytes.Index(page, []byte("</header>")); at >= 0 {
			page = append(append(append([]byte{}, page[:at]...), `<p><a href="`+whatIfPath+`">What if…</a></p>`...), page[at:]...)
		}
	}
	at := bytes.LastIndex(page, []byte("</body>"))
	if at < 0 {
		return page
	}
	return append(append(append([]byte{}, page[:at]...), added...), page[at:]...)
}

// events tells a page when the folder has another run or index, as server-sent events.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	flusher, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "no events on this connection", http.StatusNotImplemented)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	poll := s.Poll
	if poll == 0 {
		poll = time.Second
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	before := s.state()
	fmt.Fprint(w, "retry: 2000\n\n")
	flusher.Flush()
	for quiet := 0; ; quiet++ {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
		if now := s.state(); now != before {
			before, quiet = now, 0
			fmt.Fprint(w, "event: change\ndata: \n\n")
			flusher.Flush()
		} else if quiet%15 == 14 {
			fmt.Fprint(w, ": still here\n\n") // a connection that is gone is noticed
			flusher.Flush()
		}
	}
}

// state changes when something is published, refused or retracted.
func (s *Server) state() string {
	var b strings.Builder
	for _, name := range []string{"index.html", "latest", "refused.json", "backtest/latest"} {
		info, err := fs.Stat(s.Out.FS(), name)
		if link, failed := s.Out.Readlink(name); failed == nil {
			fmt.Fprint(&b, link)
		}
		if err == nil {
			fmt.Fprint(&b, info.ModTime().UnixNano(), info.Size())
		}
		b.WriteByte('\n')
	}
	return b.String()
}
