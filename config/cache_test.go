package config

import (
	"os"
	"path/filepath"
	"testing"

	"allocate/pipeline/store"
)

// What the location of a bucket leaves open comes from the variables of clients of S3, the more
// special one first; the copies are beside the configuration.
func TestCacheInABucket(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "allocate.yaml")
	for _, c := range []struct {
		cache string
		env   []string
		want  store.Location
	}{
		{"s3://bucket/book", nil, store.Location{Bucket: "bucket", Prefix: "book", Local: filepath.Join(dir, ".cache")}},
		{"s3://bucket", []string{"AWS_REGION=a", "AWS_DEFAULT_REGION=b", "AWS_ENDPOINT_URL=http://general", "AWS_ENDPOINT_URL_S3=http://s3"}, store.Location{Bucket: "bucket", Region: "a", Endpoint: "http://s3", Local: filepath.Join(dir, ".cache")}},
		{"s3://bucket", []string{"AWS_DEFAULT_REGION=b", "AWS_ENDPOINT_URL=http://general"}, store.Location{Bucket: "bucket", Region: "b", Endpoint: "http://general", Local: filepath.Join(dir, ".cache")}},
		{"s3://bucket?region=c&endpoint=http://own&local=copies", []string{"AWS_REGION=a", "AWS_ENDPOINT_URL=http://general"}, store.Location{Bucket: "bucket", Region: "c", Endpoint: "http://own", Local: filepath.Join(dir, "copies")}},
		{"s3://bucket?local=/var/copies", nil, store.Location{Bucket: "bucket", Local: "/var/copies"}},
	} {
		if err := os.WriteFile(file, []byte("returns: {path: x.csv}\ncache: \""+c.cache+"\"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		loaded, _, err := Load(Source{File: file, Env: c.env})
		if err != nil {
			t.Errorf("%s: %v", c.cache, err)
			continue
		}
		if got, err := store.ParseLocation(loaded.Cache); err != nil || got != c.want {
			t.Errorf("%s, %v: %+v, %v; want %+v", c.cache, c.env, got, err, c.want)
		}
	}
}
