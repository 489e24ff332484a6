package temporal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.temporal.io/api/serviceerror"
	sdk "go.temporal.io/sdk/temporal"

	"allocate/pipeline/engine"
	"allocate/pipeline/store"
)

// A batch without an outcome is never an error of its stage: a backtest would keep the weights of
// the date before, and publish.
func TestFailed(t *testing.T) {
	a := engine.Action{Stage: "bayes", Unit: "a"}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name              string
		ctx               context.Context
		err               error
		remote, temporary bool
	}{
		{"the server is away", t.Context(), serviceerror.NewUnavailable("x"), true, true},
		{"no such namespace", t.Context(), serviceerror.NewNamespaceNotFound("x"), true, false},
		{"a wrong key", t.Context(), serviceerror.NewPermissionDenied("x", ""), true, false},
		{"workers do not reach the cache", t.Context(), fmt.Errorf("activity: %w", sdk.NewApplicationError("x", remoteErrorType)), true, true},
		{"workers panic", t.Context(), fmt.Errorf("activity: %w", sdk.NewApplicationError("x", "PanicError")), false, false},
		{"interrupted", ended, serviceerror.NewUnavailable("x"), false, false},
	} {
		err := failed(c.ctx, a, c.err)
		var remote *store.RemoteError
		var stage *engine.StageError
		if errors.As(err, &stage) || errors.As(err, &remote) != c.remote || remote != nil && remote.Temporary != c.temporary {
			t.Errorf("%s: %#v", c.name, err)
		}
		if c.ctx.Err() != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Two books may have the same actions and other caches: the results of a batch are in its own.
func TestBatchesOfOtherCaches(t *testing.T) {
	actions := []engine.ActionID{store.Sum(nil)}
	a, b := Batch{Location: "/a", Actions: actions}, Batch{Location: "/b", Actions: actions}
	if a.ID() == b.ID() {
		t.Error("a batch for another cache has the same name")
	}
}

// A worker without the shared folder does not make one.
func TestWorkerWithoutTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shared")
	var remote *store.RemoteError
	if _, err := (&Worker{}).open(dir); !errors.As(err, &remote) || !remote.Temporary {
		t.Errorf("%v; want an error of the cache", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the worker made the folder")
	}
}
