package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"allocate/optimize"
	"allocate/pipeline/whatif"
	"allocate/returns"
	"allocate/scenarios"
)

// folder is an output folder with a page, a link to its latest run, and things that are not to be seen.
func folder(t *testing.T) (dir string, s *Server, at *httptest.Server) {
	t.Helper()
	dir = t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, "out", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page := `<html><head><meta http-equiv="Content-Security-Policy" content="default-src 'none'"></head><body><header></header></body></html>`
	write("index.html", page)
	write("2022-12-23/r1/tearsheet.html", page)
	write("2022-12-23/r1/weights.csv", "as_of\n")
	write("2022-12-23/r1/notes.txt", "hidden")
	write(".staging/summary.json", "{}")
	write("lock.exe", "x")
	write("folder.csv/hidden.txt", "x")
	if err := os.WriteFile(filepath.Join(dir, "allocate.csv"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"latest": "2022-12-23/r1", "escape.csv": "../allocate.csv", "2022-12-23/r1/up.csv": "../../../allocate.csv"} {
		if err := os.Symlink(to, filepath.Join(dir, "out", link)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	s = &Server{Out: root, Poll: 10 * time.Millisecond, Open: func(string) (*whatif.Session, error) {
		return nil, &returns.NotReadyError{Message: "not cached"}
	}}
	at = httptest.NewServer(s)
	t.Cleanup(at.Close)
	s.Hosts = []string{strings.TrimPrefix(at.URL, "http://")}
	return dir, s, at
}

// ask returns the status and the text of an answer.
func ask(t *testing.T, method, url string, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = "" // the path as it is
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b), answer.Header
}

func TestFiles(t *testing.T) {
	_, _, at := folder(t)
	for path, want := range map[string]int{
		"/": 200, "/index.html": 200, "/latest/tearsheet.html": 200, "/2022-12-23/r1/weights.csv": 200,
		"/2022-12-23/r1/notes.txt": 404, "/.staging/summary.json": 404, "/lock.exe": 404, "/folder.csv": 404, "/2022-12-23": 404, "/escape.csv": 404, "/latest/up.csv": 404,
		"/../allocate.csv": 404, "/..%2fallocate.csv": 404, "/%2e%2e/allocate.csv": 404, "/latest/../../allocate.csv": 404, "/none.html": 404,
	} {
		code, text, header := ask(t, "GET", at.URL+path, "")
		if code != want || strings.Contains(text, "secret") || strings.Contains(text, "hidden") {
			t.Errorf("%s: %d, want %d: %.60s", path, code, want, text)
		}
		if !strings.Contains(header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", path, header)
		}
		if code == 200 && strings.HasSuffix(path, ".html") && (strings.Contains(text, "http-equiv") || !strings.Contains(text, "EventSource") || !strings.Contains(text, `href="/what-if"`)) {
			t.Errorf("%s is not live: %s", path, text)
		}
	}
}

// What others ask for, in another's name or from another's page, is refused; nothing can be written.
func TestOthersAreRefused(t *testing.T) {
	_, _, at := folder(t)
	for _, c := range []struct {
		method, path string
		headers      []string
		want         int
	}{
		{"GET", "/", []string{"Host", "evil.example"}, 403},
		{"GET", "/", []string{"Origin", "http://evil.example"}, 403},
		{"GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "script"}, 403},
		{"GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200},
		{"GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403},
		{"POST", "/what-if", []string{"Sec-Fetch-Site", "cross-site", "Content-Type", "application/json"}, 403},
		{"POST", "/what-if", []string{"Origin", "null", "Content-Type", "application/json"}, 403},
		{"POST", "/what-if", []string{"Content-Type", "text/plain"}, 400},
		{"POST", "/", nil, 405},
		{"PUT", "/index.html", nil, 405},
		{"DELETE", "/index.html", nil, 405},
	} {
		if code, text, _ := ask(t, c.method, at.URL+c.path, "{}", c.headers...); code != c.want {
			t.Errorf("%s %s %v: %d, want %d: %s", c.method, c.path, c.headers, code, c.want, text)
		}
	}
}

func TestHosts(t *testing.T) {
	loop, _ := net.ResolveTCPAddr("tcp", "127.0.0.1:80")
	if got := Hosts(loop); len(got) != 3 || got[0] != "localhost:80" {
		t.Errorf("%q", got)
	}
	outside, _ := net.ResolveTCPAddr("tcp", "192.0.2.1:80")
	if got := Hosts(outside); len(got) != 1 || got[0] != "192.0.2.1:80" {
		t.Errorf("%q", got)
	}
}

// A page is told of a run that is published, and of nothing else.
func TestChangesAreTold(t *testing.T) {
	dir, _, at := folder(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", at.URL+"/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	if !lines.Scan() || lines.Text() != "retry: 2000" {
		t.Fatalf("first %q", lines.Text())
	}
	if err := os.WriteFile(filepath.Join(dir, "out", "other.csv"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	if err := os.MkdirAll(filepath.Join(dir, "out", "2022-12-26", "r1"), 0o755); err != nil {
		t.Fatal(err)
	}
	latest := filepath.Join(dir, "out", "latest")
	if err := os.Remove(latest); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("2022-12-26/r1", latest); err != nil {
		t.Fatal(err)
	}
	changes := 0
	for lines.Scan() {
		if lines.Text() == "event: change" {
			changes++
			break
		}
	}
	if changes != 1 {
		t.Errorf("%d changes told: %v", changes, lines.Err())
	}
}

// The panel shows the published options and answers changes; errors say what is wrong, with their code.
func TestWhatIf(t *testing.T) {
	dir, s, at := folder(t)
	if code, text, _ := ask(t, "GET", at.URL+"/what-if", ""); code != 404 || !strings.Contains(text, "not cached") {
		t.Errorf("without results: %d %s", code, text)
	}
	opened := 0
	s.Open = func(string) (*whatif.Session, error) { opened++; return small(t), nil }
	code, page, _ := ask(t, "GET", at.URL+"/what-if", "")
	if code != 200 || !strings.Contains(page, `name="alpha" step="any" data-step="0.5" value="95"`) || !strings.Contains(page, "&lt;b&gt;") || strings.Contains(page, "<b>") {
		t.Errorf("%d %s", code, page)
	}
	post := func(text string) (int, string) {
		code, answer, _ := ask(t, "POST", at.URL+"/what-if", text, "Content-Type", "application/json", "Origin", at.URL)
		return code, answer
	}
	code, text := post(`{"optimize": {"max_weight": 0.5}}`)
	var a whatif.Answer
	if err := json.Unmarshal([]byte(text), &a); err != nil || code != 200 || len(a.Weights) != 3 {
		t.Fatalf("%d %v %s", code, err, text)
	}
	for _, w := range a.Weights {
		if w.Weight > 0.5 {
			t.Errorf("%s is %v", w.Name, w.Weight)
		}
	}
	for text, want := range map[string]int{
		`{"optimize": {"max_weight": 0.2}}`: 422, `{"optimize": {"alpha": 7}}`: 400, `{"other": 1}`: 400, `{`: 400,
		fmt.Sprintf(`{"optimize": {"objective": %q}}`, strings.Repeat("x", mostChange)):                  400,
		`{"views": [{"name": "v", "strategy": "a", "kind": "mean", "relation": "equal", "value": 0.9}]}`: 400,
	} {
		if code, answer := post(text); code != want || !strings.Contains(answer, `"error"`) {
			t.Errorf("%.60s: %d, want %d: %.200s", text, code, want, answer)
		}
	}
	if opened != 1 {
		t.Errorf("the run was opened %d times", opened)
	}
	latest := filepath.Join(dir, "out", "latest") // another run is published
	if err := os.Remove(latest); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("2022-12-26/r1", latest); err != nil {
		t.Fatal(err)
	}
	if code, _ := post(`{}`); code != 200 || opened != 2 {
		t.Errorf("after another run: %d, opened %d times", code, opened)
	}
}

// small is a decision about three strategies, made by hand.
func small(t *testing.T) *whatif.Session {
	t.Helper()
	set := &scenarios.Set{AsOf: returns.NewDate(2022, 12, 23), Horizon: 21, Names: []string{"a", "<b>", "c"}}
	for i := range 300 {
		x := float64(i%17)/17 - 0.45
		y := float64(i%23)/23 - 0.45
		z := float64(i%11)/11 - 0.4
		set.Returns = append(set.Returns, 0.1*x, 0.05*y, 0.08*z)
	}
	o := optimize.DefaultOptions()
	o.Frontier = 0
	p, err := optimize.NewProblem(set, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := optimize.Solve(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return whatif.New(set, scenarios.DefaultOptions(), o, nil, s)
}
