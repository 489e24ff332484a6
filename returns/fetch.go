package returns

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Source is where returns are from. A run works on the bytes that one Fetch
// returns: a source that answers differently a moment later, as a query does,
// changes nothing.
type Source interface {
	// Fetch returns the files of returns in a fixed order. Data that is not there
	// yet is a *NotReadyError.
	Fetch(ctx context.Context) ([]File, error)
}

// Files is a source of files: the file of that path, those that a glob matches,
// or those of a known format below a folder.
type Files string

// Fetch implements Source.
func (f Files) Fetch(ctx context.Context) ([]File, error) {
	found, err := locate(string(f))
	if err != nil {
		return nil, err
	}
	files := make([]File, len(found))
	for i, l := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if files[i], err = FetchFile(l.Path); err != nil {
			return nil, err
		}
		files[i].Name = l.Name
	}
	return files, nil
}

// Source returns where the options say that the returns are.
func (o Options) Source() Source { return Files(o.Path) }

// FetchFile reads a file that the configuration names. One that cannot be read is
// a *NotReadyError.
func FetchFile(path string) (File, error) {
	b, err := ReadRegular(path)
	if input := new(InputError); errors.As(err, &input) {
		return File{}, err
	}
	if err != nil {
		return File{}, &NotReadyError{Message: fmt.Sprintf("%v; expected a file that the configuration names", err)}
	}
	return File{From: path, Data: b}, nil
}

// ReadRegular reads a regular file: a FIFO would never end, and a device would
// never be empty. Anything else is an *InputError.
func ReadRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &InputError{Err: fmt.Errorf("%s is not a regular file; name a file on disk", path)}
	}
	return os.ReadFile(path)
}
