package storetest

import (
	"flag"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var s3Program = flag.String("s3-server", "", "the program versitygw, a server of S3: go -C testdata/servers/s3 build -o PATH github.com/versity/versitygw/cmd/versitygw")

// S3Server is a server of S3 with one empty bucket, which ends with the test.
type S3Server struct {
	Endpoint string
	Bucket   string
	Dir      string // the folder with the objects of the bucket, as files
	cmd      *exec.Cmd
	address  string
}

// StartS3 starts a server, or skips the test where -s3-server does not name the program.
// Credentials are in the environment of the test afterwards.
func StartS3(t *testing.T) *S3Server {
	t.Helper()
	if *s3Program == "" {
		t.Skip("no server of S3: -s3-server PATH names the program versitygw (built from testdata/servers/s3)")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &S3Server{Bucket: "results", address: l.Addr().String()}
	_ = l.Close()
	s.Endpoint = "http://" + s.address
	s.Dir = filepath.Join(t.TempDir(), s.Bucket)
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "secret-of-the-test", "AWS_REGION": "us-east-1",
		"ROOT_ACCESS_KEY": "tester", "ROOT_SECRET_KEY": "secret-of-the-test", "AWS_ENDPOINT_URL_S3": "", "AWS_ENDPOINT_URL": "", "AWS_SESSION_TOKEN": "",
	} {
		t.Setenv(name, value)
	}
	s.Start(t)
	t.Cleanup(s.Stop)
	return s
}

// Location is that of a store below a prefix, with local copies in a folder.
func (s *S3Server) Location(prefix, local string) string {
	return "s3://" + s.Bucket + "/" + prefix + "?endpoint=" + s.Endpoint + "&region=us-east-1&local=" + local
}

// Start starts the server again after Stop.
func (s *S3Server) Start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(*s3Program, "--access", "tester", "--secret", "secret-of-the-test", "--port", s.address, "--quiet", "posix", filepath.Dir(s.Dir))

	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if r, err := http.Get(s.Endpoint); err == nil {
			_ = r.Body.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the server of S3 does not answer")
}

// Stop ends the server.
func (s *S3Server) Stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}
