package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"allocate/pipeline/store"
)

// cellError is an error with fields, as stages have them.
type cellError struct {
	File  string
	Row   int
	Value float64
	Names []string
	Err   error
}

func (e *cellError) Error() string {
	return fmt.Sprintf("%s: row %d: %v: %v: %v", e.File, e.Row, e.Value, e.Names, e.Err)
}
func (e *cellError) Unwrap() error { return e.Err }

func init() { RegisterError(&cellError{}) }

func cross(t *testing.T, err error) error {
	t.Helper()
	b, failed := EncodeError(err)
	if failed != nil {
		t.Fatal(failed)
	}
	got, failed := DecodeError(b)
	if failed != nil {
		t.Fatal(failed)
	}
	return got
}

// TestErrorsAcrossProcesses expects of an error that crossed a process what it was before:
// the same text, types with the same fields, and sentinels.
func TestErrorsAcrossProcesses(t *testing.T) {
	cell := &cellError{"f\xff.csv", 7, math.Inf(1), []string{"a", "b"}, store.ErrDamaged}
	_, absent := os.ReadFile(filepath.Join(t.TempDir(), "absent"))
	for _, err := range []error{
		errors.New("plain"),
		cell,
		fmt.Errorf("wrapped: %w", cell),
		errors.Join(errors.New("first"), fmt.Errorf("second: %w", cell)),
		&StageError{"bayes", fmt.Errorf("strategy a: %w", cell)},
		&StageError{"bayes", context.Canceled},
		fmt.Errorf("deadline: %w", context.DeadlineExceeded),
		fmt.Errorf("store: content x: %w", store.ErrMissing),
		absent,
		&cellError{File: "nothing behind it"},
	} {
		got := cross(t, err)
		if got.Error() != err.Error() {
			t.Errorf("%q became %q", err, got)
		}
		for name, sentinel := range sentinels {
			if errors.Is(err, sentinel) != errors.Is(got, sentinel) {
				t.Errorf("%q: is %s: %v, was %v", err, name, errors.Is(got, sentinel), errors.Is(err, sentinel))
			}
		}
		var was, is *cellError
		if errors.As(err, &was) != errors.As(got, &is) || was != nil && (is.File != was.File || is.Row != was.Row || is.Value != was.Value || len(is.Names) != len(was.Names)) {
			t.Errorf("%q: %+v, was %+v", err, is, was)
		}
		var stage, before *StageError
		if errors.As(err, &before) != errors.As(got, &stage) || before != nil && stage.Stage != before.Stage {
			t.Errorf("%q: stage %+v, was %+v", err, stage, before)
		}
		var path *fs.PathError
		if errors.As(err, new(*fs.PathError)) != errors.As(got, &path) {
			t.Errorf("%q: a path error: %v", err, path)
		}
	}
}

// TestRegisterErrorRefuses expects a panic where something of an error would be
// lost on the way.
func TestRegisterErrorRefuses(t *testing.T) {
	for name, register := range map[string]func(){
		"hidden field": func() { RegisterError(&hiddenError{}) },
		"twice":        func() { RegisterError(&StageError{}) },
		"no pointer":   func() { RegisterError(valueError{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: registered", name)
				}
			}()
			register()
		}()
	}
	if _, err := DecodeError([]byte("no error")); err == nil {
		t.Error("bytes that are no error were read")
	}
}

type hiddenError struct{ row int }

func (e *hiddenError) Error() string { return fmt.Sprint(e.row) }

type valueError struct{}

func (valueError) Error() string { return "" }
