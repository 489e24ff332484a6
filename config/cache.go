package config

import (
	"path/filepath"
	"strings"

	"allocate/pipeline/store"
)

// completeCache adds to the location of a bucket what it leaves open: endpoint and region
// from the variables that every client of S3 reads, and the folder of local copies.
func completeCache(c *Config, src Source) {
	if !store.IsS3(c.Cache) {
		return
	}
	l, err := store.ParseLocation(c.Cache)
	if err != nil {
		return // Validate reports it
	}
	l.Endpoint = first(l.Endpoint, variable(src.Env, "AWS_ENDPOINT_URL_S3"), variable(src.Env, "AWS_ENDPOINT_URL"))
	l.Region = first(l.Region, variable(src.Env, "AWS_REGION"), variable(src.Env, "AWS_DEFAULT_REGION"))
	if _, cache := Folders(src.File, src.Env); l.Local == "" {
		l.Local = cache
	} else if !filepath.IsAbs(l.Local) && src.File != "" {
		l.Local = filepath.Join(filepath.Dir(src.File), l.Local)
	}
	c.Cache = l.String()
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// variable returns the value of an environment variable, "" where it is not set.
func variable(env []string, name string) string {
	for _, e := range env {
		if key, value, _ := strings.Cut(e, "="); key == name {
			return value
		}
	}
	return ""
}
