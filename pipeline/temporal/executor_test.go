package temporal

import (
	"context"
	"errors"
	"fmt"
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
