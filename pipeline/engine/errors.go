package engine

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"reflect"

	"allocate/pipeline/store"
)

// StageError is a stage that could not do an action. Its text is that of its
// cause.
type StageError struct {
	Stage string
	Err   error
}

func (e *StageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *StageError) Unwrap() error { return e.Err }

// Errors cross the boundary of a process as data, so that errors.As and errors.Is
// find in the caller the same errors as where the action ran. A type
// whose identity matters is registered; of any other error the text and the causes
// cross.
var (
	typeOf    = map[string]reflect.Type{} // by kind: path.Name
	sentinels = map[string]error{
		"missing":    store.ErrMissing,
		"damaged":    store.ErrDamaged,
		"canceled":   context.Canceled,
		"deadline":   context.DeadlineExceeded,
		"no file":    fs.ErrNotExist,
		"permission": fs.ErrPermission,
	}
)

func init() {
	RegisterError(&StageError{})
	RegisterError(&fs.PathError{})
}

var errorType = reflect.TypeFor[error]()

// RegisterError makes a type of errors cross the boundary of a process whole.
// example is a pointer to a struct; its fields are exported, and those of type
// error are its causes. It panics on any other, and on a type that is registered.
func RegisterError(example error) {
	t := reflect.TypeOf(example)
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("engine: %T is not a pointer to a struct", example))
	}
	for i := range t.Elem().NumField() {
		if !t.Elem().Field(i).IsExported() {
			panic(fmt.Sprintf("engine: %T has the unexported field %s, which cannot be encoded", example, t.Elem().Field(i).Name))
		}
	}
	if _, twice := typeOf[kindOf(t)]; twice {
		panic(fmt.Sprintf("engine: %T is registered twice", example))
	}
	typeOf[kindOf(t)] = t.Elem()
}

// kindOf names a type of pointers.
func kindOf(t reflect.Type) string {
	if t.Kind() != reflect.Pointer {
		return ""
	}
	return t.Elem().PkgPath() + "." + t.Elem().Name()
}

// encodedError is an error as data, in gob: texts may quote bytes of a file that
// are no UTF-8, which JSON does not keep.
type encodedError struct {
	Kind   string // blank: only its text and causes are known
	Text   string
	Fields map[string][]byte
	Causes map[string]encodedError // by field, or by position
}

// EncodeError writes an error as data.
func EncodeError(err error) ([]byte, error) {
	e, failed := encodeError(err)
	if failed != nil {
		return nil, failed
	}
	var b bytes.Buffer
	failed = gob.NewEncoder(&b).Encode(e)
	return b.Bytes(), failed
}

func encodeError(err error) (encodedError, error) {
	e := encodedError{Text: err.Error(), Causes: map[string]encodedError{}}
	for kind, s := range sentinels {
		if err == s { //nolint:errorlint // only identity crosses
			e.Kind = kind
			return e, nil
		}
	}
	cause := func(name string, err error) error {
		var failed error
		e.Causes[name], failed = encodeError(err)
		return failed
	}
	t := reflect.TypeOf(err)
	if kind := kindOf(t); typeOf[kind] != nil {
		e.Kind, e.Fields = kind, map[string][]byte{}
		v := reflect.ValueOf(err).Elem()
		for i := range v.NumField() {
			name, field := t.Elem().Field(i).Name, v.Field(i)
			switch {
			case field.Type() != errorType:
				var b bytes.Buffer
				if err := gob.NewEncoder(&b).EncodeValue(field); err != nil {
					return e, fmt.Errorf("engine: error of kind %s, field %s: %w", kind, name, err)
				}
				e.Fields[name] = b.Bytes()
			case !field.IsNil():
				if err := cause(name, field.Interface().(error)); err != nil {
					return e, err
				}
			}
		}
		return e, nil
	}
	switch x := err.(type) { //nolint:errorlint // each layer crosses by itself
	case interface{ Unwrap() error }:
		if inner := x.Unwrap(); inner != nil {
			return e, cause("0", inner)
		}
	case interface{ Unwrap() []error }:
		for i, inner := range x.Unwrap() {
			if err := cause(fmt.Sprint(i), inner); err != nil {
				return e, err
			}
		}
	default: // such as an error number of the system
		for kind, s := range sentinels {
			if errors.Is(err, s) {
				e.Causes["0"] = encodedError{Kind: kind, Text: s.Error()}
			}
		}
	}
	return e, nil
}

// DecodeError reads what EncodeError writes.
func DecodeError(b []byte) (error, error) {
	var e encodedError
	if err := gob.NewDecoder(bytes.NewReader(b)).Decode(&e); err != nil {
		return nil, fmt.Errorf("engine: error of another process: %w", err)
	}
	return e.decode()
}

func (e encodedError) decode() (error, error) {
	if s, ok := sentinels[e.Kind]; ok {
		return s, nil
	}
	causes := map[string]error{}
	for name, c := range e.Causes {
		var err error
		if causes[name], err = c.decode(); err != nil {
			return nil, err
		}
	}
	if e.Kind == "" {
		r := &remoteError{text: e.Text}
		for i := range len(causes) {
			r.causes = append(r.causes, causes[fmt.Sprint(i)])
		}
		return r, nil
	}
	t, ok := typeOf[e.Kind]
	if !ok {
		return nil, fmt.Errorf("engine: error of unknown kind %q from another process: %s", e.Kind, e.Text)
	}
	v := reflect.New(t)
	for i := range t.NumField() {
		name, field := t.Field(i).Name, v.Elem().Field(i)
		if c, ok := causes[name]; ok {
			field.Set(reflect.ValueOf(c))
		} else if raw, ok := e.Fields[name]; ok {
			if err := gob.NewDecoder(bytes.NewReader(raw)).DecodeValue(field.Addr()); err != nil {
				return nil, fmt.Errorf("engine: error of kind %s, field %s: %w", e.Kind, name, err)
			}
		}
	}
	return v.Interface().(error), nil
}

// remoteError is an error of another process of which the text and the causes
// are known.
type remoteError struct {
	text   string
	causes []error
}

func (e *remoteError) Error() string   { return e.text }
func (e *remoteError) Unwrap() []error { return e.causes }
