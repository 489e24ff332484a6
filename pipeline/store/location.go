package store

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Location is where a store in a bucket of S3 is:
//
//	s3://bucket/prefix?endpoint=https://host:port&region=name&local=folder
//
// Local is the folder of the copies that this machine keeps.
type Location struct{ Bucket, Prefix, Endpoint, Region, Local string }

// s3Scheme begins the location of a store that is not a folder.
const s3Scheme = "s3://"

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// IsS3 reports the location of a bucket; others are folders.
func IsS3(location string) bool { return strings.HasPrefix(location, s3Scheme) }

// ParseLocation reads the location of a bucket. An error quotes neither credentials nor what
// may be some: an invalid location is not quoted, nor are values after ?.
func ParseLocation(location string) (Location, error) {
	var l Location
	u, err := url.Parse(location)
	switch {
	case err != nil:
		return l, fmt.Errorf("is no URL; expected s3://bucket/prefix, with %%25 for %%; credentials come from the environment or ~/.aws/credentials")
	case u.Scheme != "s3" || u.Host == "" || u.Port() != "" || u.User != nil || u.Fragment != "":
		u.User, u.RawQuery = nil, ""
		return l, fmt.Errorf("is %q; expected s3://bucket/prefix; credentials come from the environment or ~/.aws/credentials", u)
	}
	shown := u.Scheme + "://" + u.Host + u.Path
	l.Bucket, l.Prefix = u.Host, strings.Trim(u.Path, "/")
	if !bucketName.MatchString(l.Bucket) {
		return l, fmt.Errorf("is %q; the name of a bucket has 3 to 63 of lower-case letters, digits, dots and hyphens", shown)
	}
	for _, part := range strings.Split(l.Prefix, "/") {
		if part == "." || part == ".." || part == "" && l.Prefix != "" || strings.ContainsAny(part, "\\\x00") {
			return l, fmt.Errorf("is %q; the prefix has an invalid part %q", shown, part)
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return l, fmt.Errorf("is %q; after ? expected endpoint, region or local, as in ?region=eu-west-1", shown)
	}
	for key, values := range query {
		to, ok := map[string]*string{"endpoint": &l.Endpoint, "region": &l.Region, "local": &l.Local}[key]
		if !ok || len(values) != 1 {
			return l, fmt.Errorf("is %q; after ? expected endpoint, region or local, each once; it has %q", shown, key)
		}
		*to = values[0]
	}
	if l.Endpoint != "" {
		e, err := url.Parse(l.Endpoint)
		if err != nil || e.Scheme != "http" && e.Scheme != "https" || e.Host == "" || e.User != nil || e.RawQuery != "" || strings.Trim(e.Path, "/") != "" {
			return l, fmt.Errorf("endpoint: expected http(s)://host:port, without credentials")
		}
	}
	return l, nil
}

// String writes the location as ParseLocation reads it.
func (l Location) String() string {
	query := url.Values{}
	for key, value := range map[string]string{"endpoint": l.Endpoint, "region": l.Region, "local": l.Local} {
		if value != "" {
			query.Set(key, value)
		}
	}
	u := url.URL{Scheme: "s3", Host: l.Bucket, Path: l.Prefix, RawQuery: query.Encode()}
	return u.String()
}

// RemoteError is a server, of a store or of work, that did not do what it was asked.
type RemoteError struct {
	Server    string // what it is for, and where
	Text      string
	Temporary bool // it may do so later
}

func (e *RemoteError) Error() string { return e.Server + ": " + e.Text }
