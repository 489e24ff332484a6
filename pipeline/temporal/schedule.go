package temporal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"allocate/config"
)

// Schedule says when nights begin.
type Schedule struct {
	Name    string
	File    string // configuration, on a path that the workers of nights have
	Cron    string
	Zone    string
	CatchUp time.Duration
	Night   Night
}

// Validate reports what the server would refuse, or do otherwise than meant.
func (s *Schedule) Validate() error {
	if s.Name == "" || strings.ContainsAny(s.Name, " /\t\n") {
		return fmt.Errorf("name of a schedule %q: expected letters, digits, - and _", s.Name)
	}
	if fields := strings.Fields(s.Cron); len(fields) != 5 {
		return fmt.Errorf("--cron %q: expected five fields: minute, hour, day of the month, month, day of the week", s.Cron)
	}
	if _, err := time.LoadLocation(s.Zone); err != nil {
		return fmt.Errorf("--zone %q: expected a name such as Europe/Berlin", s.Zone)
	}
	if s.Night.Retry < time.Second || s.Night.Deadline < 0 || s.Night.Hold < time.Second || s.CatchUp < 10*time.Second {
		return errors.New("--retry and --hold must be at least 1s, --catch-up at least 10s, --deadline at least 0")
	}
	file, err := filepath.Abs(s.File)
	if err != nil {
		return err
	}
	s.File = file
	return nil
}

// Server is a server of Temporal, with the schedules and nights on it.
type Server struct{ Client client.Client }

// Create makes a schedule, in place of one of that name, and returns when its next night begins.
func (s *Server) Create(ctx context.Context, w Schedule) (next string, err error) {
	night := w.Night
	night.Args = []string{"--config", w.File}
	spec := client.ScheduleSpec{CronExpressions: []string{w.Cron}, TimeZoneName: w.Zone}
	action := &client.ScheduleWorkflowAction{
		ID: "night-" + w.Name, Workflow: "night", TaskQueue: NightQueue, Args: []any{night},
		Priority: sdk.Priority{FairnessKey: w.Name, FairnessWeight: 1},
	}
	schedules := s.Client.ScheduleClient()
	_, err = schedules.Create(ctx, client.ScheduleOptions{
		ID: w.Name, Spec: spec, Action: action, CatchupWindow: w.CatchUp, Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP,
	})
	if errors.Is(err, sdk.ErrScheduleAlreadyRunning) {
		err = schedules.GetHandle(ctx, w.Name).Update(ctx, client.ScheduleUpdateOptions{
			DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
				d := in.Description.Schedule
				d.Spec, d.Action = &spec, action
				d.Policy.CatchupWindow, d.Policy.Overlap = w.CatchUp, enums.SCHEDULE_OVERLAP_POLICY_SKIP
				return &client.ScheduleUpdate{Schedule: &d}, nil
			},
		})
	}
	if err != nil {
		return "", unknown(w.Name, err)
	}
	d, err := schedules.GetHandle(ctx, w.Name).Describe(ctx)
	if err != nil {
		return "", unknown(w.Name, err)
	}
	if len(d.Info.NextActionTimes) == 0 {
		return "never", nil
	}
	return stamp(d.Info.NextActionTimes[0], w.Zone), nil
}

func stamp(at time.Time, zone string) string {
	if l, err := time.LoadLocation(zone); err == nil {
		at = at.In(l)
	}
	return at.Format("2006-01-02 15:04 MST")
}

// Show describes a schedule and its last nights.
func (s *Server) Show(ctx context.Context, name string) (string, error) {
	d, err := s.Client.ScheduleClient().GetHandle(ctx, name).Describe(ctx)
	if err != nil {
		return "", unknown(name, err)
	}
	var b strings.Builder
	zone := d.Schedule.Spec.TimeZoneName
	fmt.Fprintf(&b, "schedule %s, time zone %s, catch-up %v\n", name, zone, d.Schedule.Policy.CatchupWindow)
	for i, at := range d.Info.NextActionTimes {
		if i < 3 {
			fmt.Fprintf(&b, "next     %s\n", stamp(at, zone))
		}
	}
	for _, a := range d.Info.RecentActions {
		if a.StartWorkflowResult == nil {
			continue
		}
		id := a.StartWorkflowResult.WorkflowID
		state := "unknown"
		if w, err := s.Client.DescribeWorkflow(ctx, id, a.StartWorkflowResult.FirstExecutionRunID); err == nil {
			state = strings.ToLower(w.Status.String())
		}
		fmt.Fprintf(&b, "night    %s  %s\n", id, state)
	}
	return b.String(), nil
}

// Delete deletes a schedule.
func (s *Server) Delete(ctx context.Context, name string) error {
	return unknown(name, s.Client.ScheduleClient().GetHandle(ctx, name).Delete(ctx))
}

// Approve tells a held night that it may publish.
func (s *Server) Approve(ctx context.Context, night, who string) error {
	if who == "" {
		who = "unnamed"
	}
	return unknown(night, s.Client.SignalWorkflow(ctx, night, "", Approval, who))
}

// unknown makes the server's answer that it has no schedule or night of a name an error of
// usage.
func unknown(name string, err error) error {
	var none *serviceerror.NotFound
	if errors.As(err, &none) {
		return &config.Error{Err: fmt.Errorf("%s: no schedule or night in progress of that name", name)}
	}
	return err
}
