package temporal

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// runNight runs the workflow with commands that end with these codes, one after the other.
func runNight(t *testing.T, n Night, codes []int, during func(env *testsuite.TestWorkflowEnvironment)) (*Ended, [][]string, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	var calls [][]string
	env.RegisterActivityWithOptions(func(_ context.Context, args []string) (*commandResult, error) {
		calls = append(calls, args)
		return &commandResult{Code: codes[min(len(calls), len(codes))-1], Output: "output"}, nil
	}, activity.RegisterOptions{Name: nightActivity})
	if during != nil {
		during(env)
	}
	env.ExecuteWorkflow(RunNight, n)
	if !env.IsWorkflowCompleted() {
		t.Fatal("the night does not end")
	}
	if err := env.GetWorkflowError(); err != nil {
		return nil, calls, err
	}
	var end Ended
	if err := env.GetWorkflowResult(&end); err != nil {
		t.Fatal(err)
	}
	return &end, calls, nil
}

func TestNight(t *testing.T) {
	n := Night{Args: []string{"--config", "a.yaml"}, Retry: 10 * time.Minute, Deadline: 6 * time.Hour, Hold: 72 * time.Hour}
	approve := func(after time.Duration) func(env *testsuite.TestWorkflowEnvironment) {
		return func(env *testsuite.TestWorkflowEnvironment) {
			env.RegisterDelayedCallback(func() { env.SignalWorkflow(Approval, "ana") }, after)
		}
	}
	for _, c := range []struct {
		name     string
		codes    []int
		during   func(env *testsuite.TestWorkflowEnvironment)
		attempts int // 0: it fails
		approved string
		calls    int
	}{
		{"published", []int{0}, nil, 1, "", 1},
		{"degraded", []int{3}, nil, 1, "", 1},
		{"late input", []int{5, 11, 5, 0}, nil, 4, "", 4},
		{"no input", []int{5}, nil, 0, "", 37}, // at 0, 10, ... 360 minutes
		{"refused", []int{6}, nil, 0, "", 1},
		{"infeasible", []int{7}, nil, 0, "", 1},
		{"held and approved", []int{8, 0}, approve(time.Hour), 2, "ana", 2},
		{"approved before it is held", []int{5, 8, 0}, approve(time.Minute), 3, "ana", 3},
		{"held, not approved", []int{8}, nil, 0, "", 1},
		{"approved too late", []int{8, 0}, approve(73 * time.Hour), 0, "", 1},
		{"held again", []int{8, 8}, approve(time.Hour), 0, "", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			end, calls, err := runNight(t, n, c.codes, c.during)
			if len(calls) != c.calls {
				t.Errorf("%d commands, want %d", len(calls), c.calls)
			}
			for i, args := range calls {
				want := n.Args
				if c.approved != "" && i == len(calls)-1 || c.name == "held again" && i == 1 {
					want = append(slices.Clone(want), "--approve")
				}
				if !slices.Equal(args, want) {
					t.Errorf("command %d: %v, want %v", i, args, want)
				}
			}
			if c.attempts == 0 {
				var failed *sdk.ApplicationError
				if !errors.As(err, &failed) || !strings.Contains(err.Error(), "output") {
					t.Errorf("ended with %v", err)
				}
				return
			}
			if err != nil || end.Attempts != c.attempts || end.Approved != c.approved {
				t.Errorf("%+v, %v", end, err)
			}
		})
	}
}

func TestScheduleIsValidated(t *testing.T) {
	good := Schedule{Name: "book", File: "a.yaml", Cron: "0 2 * * 2-6", Zone: "Europe/Berlin", CatchUp: time.Hour, Night: Night{Retry: time.Minute, Deadline: time.Hour, Hold: time.Hour}}
	if err := good.Validate(); err != nil || !strings.HasPrefix(good.File, "/") {
		t.Errorf("%+v, %v", good, err)
	}
	for name, spoil := range map[string]func(s *Schedule){
		"name": func(s *Schedule) { s.Name = "a b" }, "empty name": func(s *Schedule) { s.Name = "" },
		"cron": func(s *Schedule) { s.Cron = "0 2 * *" }, "zone": func(s *Schedule) { s.Zone = "Mars/Base" },
		"retry": func(s *Schedule) { s.Night.Retry = 0 }, "hold": func(s *Schedule) { s.Night.Hold = 0 }, "catch-up": func(s *Schedule) { s.CatchUp = 0 },
	} {
		s := good
		spoil(&s)
		if err := s.Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A night that began under an earlier release goes on under this one: the history of a held, approved night, as
// it was recorded, replays. Where a change of RunNight must break this, it keeps the old way behind
// workflow.GetVersion. (Recorded by go test ./cmd/allocate-temporal -run Nights -record FILE.)
func TestRecordedNightReplays(t *testing.T) {
	r := sdkworker.NewWorkflowReplayer()
	r.RegisterWorkflowWithOptions(RunNight, workflow.RegisterOptions{Name: "night"})
	if err := r.ReplayWorkflowHistoryFromJSONFile(nil, "../../testdata/temporal/night.json"); err != nil {
		t.Error(err)
	}
	other := sdkworker.NewWorkflowReplayer()
	other.RegisterWorkflowWithOptions(func(ctx workflow.Context, n Night) (*Ended, error) {
		if err := workflow.Sleep(ctx, time.Minute); err != nil {
			return nil, err
		}
		return RunNight(ctx, n)
	}, workflow.RegisterOptions{Name: "night"})
	if err := other.ReplayWorkflowHistoryFromJSONFile(nil, "../../testdata/temporal/night.json"); err == nil {
		t.Error("a workflow that does something else first replays, too")
	}
}
