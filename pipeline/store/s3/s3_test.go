package s3_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"allocate/pipeline/engine"
	"allocate/pipeline/store"
	"allocate/pipeline/store/s3"
	"allocate/pipeline/store/storetest"
)

var (
	_ engine.Maintainer = (*s3.Store)(nil)
	_ engine.Claimer    = (*s3.Store)(nil)
	_ engine.Restorer   = (*s3.Store)(nil)
)

func open(t *testing.T, location string) *s3.Store {
	t.Helper()
	s, err := s3.Open(location)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *s3.Store, text string) store.ID {
	t.Helper()
	id, err := s.Put([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// machines opens the same store on so many machines.
func machines(t *testing.T, server *storetest.S3Server, prefix string, n int) []*s3.Store {
	list := make([]*s3.Store, n)
	for i := range list {
		list[i] = open(t, server.Location(prefix, t.TempDir()))
	}
	return list
}

func TestConformance(t *testing.T) {
	server := storetest.StartS3(t)
	prefixes := 0
	storetest.Run(t, func(t *testing.T) engine.Store {
		prefixes++
		return open(t, server.Location("suite"+string(rune('a'+prefixes)), t.TempDir()))
	})
}

func TestMachinesShareResults(t *testing.T) {
	server := storetest.StartS3(t)
	m := machines(t, server, "a/b", 2)
	action := store.Sum([]byte("action"))
	big := strings.Repeat("0123456789", 20_000)
	id := put(t, m[0], big)
	if err := m[0].Record(action, id); err != nil {
		t.Fatal(err)
	}
	got, err := m[1].Lookup(action)
	if err != nil || got != id || !m[1].Has(id) {
		t.Fatalf("%s, %v", got, err)
	}
	b, err := m[1].Get(id)
	if err != nil || string(b) != big {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	server.Stop() // copies need no server
	if b, err = m[1].Get(id); err != nil || string(b) != big {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	server.Start(t)
}

// Damage in the bucket is found when the object is read, and repaired by making the
// content again.
func TestDamage(t *testing.T) {
	server := storetest.StartS3(t)
	for _, size := range []int{10, 200_000} {
		text := strings.Repeat("x", size)
		m := machines(t, server, "d", 2)
		id := put(t, m[0], text)
		path := filepath.Join(server.Dir, "d", "data", string(id[:2]), string(id))
		if err := os.WriteFile(path, []byte(text[1:]+"y"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := m[1].Get(id); !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("%d bytes: damaged content was read: %v", size, err)
		}
		if _, damaged, err := m[1].Verify(false); err != nil || len(damaged) != 1 || damaged[0] != id {
			t.Errorf("verify: %v, %v", damaged, err)
		}
		put(t, m[1], text)
		if b, err := machines(t, server, "d", 1)[0].Get(id); err != nil || string(b) != text {
			t.Errorf("%d bytes: not repaired: %v", size, err)
		}
		if _, damaged, err := m[0].Verify(true); err != nil || len(damaged) != 0 {
			t.Errorf("verify: %v, %v", damaged, err)
		}
	}
	m := machines(t, server, "d2", 2)
	action, id := store.Sum([]byte("action")), put(t, m[0], "content")
	if err := m[0].Record(action, id); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(server.Dir, "d2", "index", string(action[:2]), string(action)), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := m[1].Lookup(action); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("a damaged entry was read: %v", err)
	}
	if _, damaged, err := m[1].Verify(true); err != nil || len(damaged) != 1 {
		t.Errorf("verify: %v, %v", damaged, err)
	}
	if _, err := machines(t, server, "d2", 1)[0].Lookup(action); !errors.Is(err, store.ErrMissing) {
		t.Errorf("a damaged entry stayed: %v", err)
	}
}

func TestTrim(t *testing.T) {
	server := storetest.StartS3(t)
	local := t.TempDir()
	here, there := open(t, server.Location("t", local)), machines(t, server, "t", 1)[0]
	age := func(id store.ID, by time.Duration) {
		at := time.Now().Add(-by)
		if err := os.Chtimes(filepath.Join(server.Dir, "t", "data", string(id[:2]), string(id)), at, at); err != nil {
			t.Fatal(err)
		}
	}
	day := 24 * time.Hour
	old, used, named, young := put(t, here, "old"), put(t, here, "used"), put(t, here, "named"), put(t, here, "young")
	for _, id := range []store.ID{old, used, named} {
		age(id, 10*day)
	}
	now := time.Now()
	release, err := there.Lease(now)
	if err != nil {
		t.Fatal(err)
	}
	there.Touch(now, store.Sum(nil), used)
	release()
	removed, _, err := here.Trim(now, now.Add(-7*day), 0, map[store.ID]bool{named: true})
	if err != nil || removed != 1 {
		t.Errorf("%d removed, %v; want the one that was neither used nor named", removed, err)
	}
	again := open(t, server.Location("t", local))
	if again.Has(old) || !again.Has(used) || !again.Has(named) || !again.Has(young) {
		t.Error("wrong contents were trimmed, or copies of trimmed ones stayed")
	}
	// Beside a process at work nothing from after its start goes, whatever the size.
	if release, err = there.Lease(now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if removed, _, err = here.Trim(now, time.Time{}, 1, nil); err != nil || removed != 1 || !machines(t, server, "t", 1)[0].Has(young) {
		t.Errorf("beside a lease: %d removed, %v", removed, err) // named is of 10 days ago
	}
	release()
	if removed, _, err = here.Trim(now, time.Time{}, 1, nil); err != nil || removed != 2 {
		t.Errorf("afterwards: %d removed, %v", removed, err)
	}
	for _, below := range []string{"leases", "clock", "claims"} {
		if left, _ := os.ReadDir(filepath.Join(server.Dir, "t", below)); len(left) != 0 {
			t.Errorf("%d left of %s", len(left), below)
		}
	}
}

func TestClaims(t *testing.T) {
	server := storetest.StartS3(t)
	storetest.RunClaims(t, func(t *testing.T) engine.Claimer { return open(t, server.Location("c", t.TempDir())) })

	m := machines(t, server, "e", 3)
	action := store.Sum([]byte("of a process that ends"))
	if _, ok, err := m[0].Claim(action); !ok || err != nil {
		t.Fatal(ok, err)
	}
	at := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(server.Dir, "e", "claims", string(action[:2]), string(action)), at, at); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := m[1].Claim(action); !ok || err != nil {
		t.Errorf("the claim of a process that ended stays: %v, %v", ok, err)
	}
	if _, ok, err := m[2].Claim(action); ok || err != nil {
		t.Errorf("a claim that was taken over is free: %v, %v", ok, err)
	}
}

// A server that answers 503 for some seconds delays, and one that stays away is an error
// that names it and may pass.
func TestUnavailable(t *testing.T) {
	server := storetest.StartS3(t)
	target, _ := url.Parse(server.Endpoint)
	var down atomic.Bool
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }}
	front := &http.Server{Addr: "127.0.0.1:0", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			http.Error(w, "<Error><Code>SlowDown</Code></Error>", http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	})}
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = front.Serve(listen) }()
	defer front.Close()
	behind := *server
	behind.Endpoint = "http://" + listen.Addr().String()
	s := open(t, behind.Location("u", t.TempDir()))
	down.Store(true)
	time.AfterFunc(3*time.Second, func() { down.Store(false) })
	began := time.Now()
	id := put(t, s, "content")
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("written after %v, while the server refused", took)
	}
	if b, err := machines(t, server, "u", 1)[0].Get(id); err != nil || string(b) != "content" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestErrorsNameTheStore(t *testing.T) {
	server := storetest.StartS3(t)
	var remote *store.RemoteError
	other := *server
	other.Bucket = "nobody"
	if _, err := s3.Open(other.Location("p", t.TempDir())); !errors.As(err, &remote) || remote.Temporary || !strings.Contains(err.Error(), "s3://nobody/p") {
		t.Errorf("no bucket: %v", err)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	if _, err := s3.Open(server.Location("p", t.TempDir())); !errors.As(err, &remote) || remote.Temporary || strings.Contains(err.Error(), "wrong") {
		t.Errorf("wrong credentials: %v", err)
	}
}

// Where a request was given up, those of the end of a command do not wait, and the next answer of
// the server makes them patient again.
func TestEndWithoutServer(t *testing.T) {
	if testing.Short() {
		t.Skip("a request is given up after half a minute")
	}
	server := storetest.StartS3(t)
	s := open(t, server.Location("end", t.TempDir()))
	release, err := s.Lease(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	drop, ok, err := s.Claim(store.Sum(nil))
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	s.Touch(time.Now(), store.Sum(nil))
	server.Stop()
	began := time.Now()
	var remote *store.RemoteError
	if _, err := s.Lookup(store.Sum([]byte("a"))); !errors.As(err, &remote) || !remote.Temporary {
		t.Fatalf("without a server: %v", err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("given up after %v", took)
	}
	began = time.Now()
	drop()
	release()
	if took := time.Since(began); took > 40*time.Second { // a renewal that was in progress is waited for
		t.Errorf("%v to release a claim and a lease", took)
	}
	server.Start(t)
	if _, err := s.Lookup(store.Sum([]byte("a"))); !errors.Is(err, store.ErrMissing) {
		t.Errorf("with the server again: %v", err)
	}
}

// S3 answers 409 to a conditional write beside a deletion. The content is not there then.
func TestConflict(t *testing.T) {
	server := storetest.StartS3(t)
	target, _ := url.Parse(server.Endpoint)
	var conflicts atomic.Int32
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/data/") && conflicts.Add(1) == 1 {
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte("<Error><Code>ConditionalRequestConflict</Code></Error>"))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	behind := *server
	behind.Endpoint = front.URL
	id := put(t, open(t, behind.Location("conflict", t.TempDir())), "content")
	if b, err := machines(t, server, "conflict", 1)[0].Get(id); err != nil || string(b) != "content" {
		t.Errorf("%q, %v", b, err)
	}
}

// Content that a process has seen in the bucket, and that was trimmed since, is there again after it
// is restored.
func TestRestore(t *testing.T) {
	server := storetest.StartS3(t)
	m := machines(t, server, "r", 3)
	id := put(t, m[0], "content")
	if _, err := m[1].Get(id); err != nil {
		t.Fatal(err)
	}
	if n, _, err := m[2].Trim(time.Now(), time.Now().Add(time.Hour), 0, nil); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if _, err := engine.Restore(m[1], []byte("content")); err != nil {
		t.Fatal(err)
	}
	if b, err := machines(t, server, "r", 1)[0].Get(id); err != nil || string(b) != "content" {
		t.Errorf("%q, %v", b, err)
	}
}
