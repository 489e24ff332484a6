package engine

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Process executes each action in a process of its own, so that one that crashes
// or exhausts its memory fails alone. The process opens the store itself; only the
// action, the ID of its result and an error cross its boundary.
type Process struct {
	Command []string // the program and its arguments: it calls Serve
	Store   string   // where the process finds the store
}

// request is the input of a process, answer its output.
type (
	request struct {
		Action []byte // JSON
		Store  string
	}
	answer struct {
		Content ContentID
		Err     []byte // of EncodeError
	}
)

// Execute implements Executor. It tells no progress within an action.
func (p Process) Execute(ctx context.Context, a Action, _ Store, _ Sink) (ContentID, error) {
	var in, out, log bytes.Buffer
	if err := gob.NewEncoder(&in).Encode(request{a.Encode(), p.Store}); err != nil {
		return "", fmt.Errorf("engine: %v: %w", a, err)
	}
	cmd := exec.CommandContext(ctx, p.Command[0], p.Command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		last := strings.TrimSpace(log.String())
		if len(last) > 2000 {
			last = last[:2000] + " ..."
		}
		return "", &StageError{a.Stage, fmt.Errorf("engine: %v: the process ended: %w\n%s", a, err, last)}
	}
	var reply answer
	if err := gob.NewDecoder(&out).Decode(&reply); err != nil {
		return "", &StageError{a.Stage, fmt.Errorf("engine: %v: invalid response of the process: %w", a, err)}
	}
	if len(reply.Err) > 0 {
		remote, err := DecodeError(reply.Err)
		if err != nil {
			return "", err
		}
		return "", remote
	}
	return reply.Content, nil
}

// Serve executes the action read from in and writes the response. open opens a
// store by its location.
func Serve(ctx context.Context, stages map[string]Stage, open func(location string) (Store, error), in io.Reader, out io.Writer) error {
	var ask request
	if err := gob.NewDecoder(in).Decode(&ask); err != nil {
		return fmt.Errorf("engine: invalid action: %w", err)
	}
	content, err := serve(ctx, stages, open, ask)
	reply := answer{Content: content}
	if err != nil {
		if reply.Err, err = EncodeError(err); err != nil {
			return err
		}
	}
	return gob.NewEncoder(out).Encode(reply)
}

func serve(ctx context.Context, stages map[string]Stage, open func(string) (Store, error), ask request) (ContentID, error) {
	a, err := decodeAction(ask.Action)
	if err != nil {
		return "", err
	}
	s, err := open(ask.Store)
	if err != nil {
		return "", err
	}
	return Local{stages}.Execute(ctx, a, s, Tee{})
}
