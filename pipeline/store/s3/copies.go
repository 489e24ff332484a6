package s3

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"allocate/pipeline/store"
)

// generationFile is the object with the generation of the bucket, and the file with that
// of the copies.
const generationFile = "generation"

// openCopies opens the store of the copies on this machine, without those of another
// generation.
func (s *Store) openCopies() error {
	generation, err := s.generation()
	if err != nil {
		return err
	}
	dir := filepath.Join(s.location.Local, "s3-"+store.Sum([]byte(s.bucket())).Short())
	path := filepath.Join(dir, generationFile)
	have, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("store: %w", err)
	}
	if string(have) != generation {
		for _, sub := range []string{"index", "data"} {
			if err := os.RemoveAll(filepath.Join(dir, sub)); err != nil {
				return fmt.Errorf("store: %w", err)
			}
		}
	}
	if s.local, err = store.Open(dir); err != nil {
		return err
	}
	if string(have) == generation {
		return nil
	}
	if err := renameio.WriteFile(path, []byte(generation), 0o644, renameio.WithTempDir(dir)); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// generation reads the generation of the bucket; a bucket without one gets it.
func (s *Store) generation() (string, error) {
	key := s.name(generationFile)
	b, err := s.read(key)
	if errors.Is(err, store.ErrMissing) {
		if _, err = s.write(key, []byte(rand.Text()), true); err == nil {
			b, err = s.read(key)
		}
	}
	return string(b), err
}

// nextGeneration makes every machine drop its copies when it opens the store again.
func (s *Store) nextGeneration() error {
	_, err := s.write(s.name(generationFile), []byte(rand.Text()), false)
	return err
}
