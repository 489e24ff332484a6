package store

import (
	"strings"
	"testing"
)

func TestLocations(t *testing.T) {
	for _, text := range []string{
		"s3://bucket", "s3://bucket/a/b", "s3://bucket/a?endpoint=http%3A%2F%2F127.0.0.1%3A9000&local=%2Ftmp%2Fcopies&region=eu-west-1",
	} {
		l, err := ParseLocation(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if again, err := ParseLocation(l.String()); err != nil || again != l || l.String() != text {
			t.Errorf("%s is written %s and read %+v, %v", text, l, again, err)
		}
	}
	for _, text := range []string{
		"", "s3://", "s3:///a", "s3://b", "s3://Bucket", "s3://bucket:80/a", "s3://key:secret@bucket/a", "s3://bucket/../a", "s3://bucket/a//b",
		"s3://bucket/a#b", "s3://bucket?local=a&local=b", "s3://bucket?zone=a", "s3://bucket?endpoint=host", "s3://bucket?endpoint=http://key@host",
		"s3://bucket?endpoint=http://host/path", "https://bucket/a", "s3://bucket/%zz",
	} {
		if l, err := ParseLocation(text); err == nil {
			t.Errorf("%q was read as %+v", text, l)
		}
	}
}

// Who writes credentials into a location is told so, without them.
func TestLocationErrorsQuoteNoSecret(t *testing.T) {
	for _, location := range []string{
		"s3://AKIA:se/CRET@bucket/p", "s3://AKIA:seCRET@bucket/p", "s3://AKIA:CRET%@bucket/p", "s3://CRET:@bucket",
		"s3://bucket/p?endpoint=https://u:CRET@host", "s3://bucket/p?endpoint=https://host?key=CRET", "s3://bucket/p?secret=CRET",
		"s3://bucket/p?region=CRET;a", "s3://bucket/../p?secret=CRET", "s3://b/p?secret=CRET", "s3://bucket:1/p?secret=CRET",
	} {
		if _, err := ParseLocation(location); err == nil || strings.Contains(err.Error(), "CRET") {
			t.Errorf("%s: %v", location, err)
		}
	}
}
