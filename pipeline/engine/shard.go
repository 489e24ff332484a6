package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Shard is one of several processes, on any machines, that divide actions through a
// shared store. Each has a part, by the hash of the action, and does that first; then
// what is left of the others' parts. A claim in the store keeps two from executing the
// same action; where one ends half-way, its claim does, too.
type Shard struct{ Index, Of int }

// ParseShard reads "i/n", with i from 0 to n-1.
func ParseShard(text string) (Shard, error) {
	i, n, ok := strings.Cut(text, "/")
	index, err := strconv.Atoi(strings.TrimSpace(i))
	of, err2 := strconv.Atoi(strings.TrimSpace(n))
	if !ok || err != nil || err2 != nil || index < 0 || index >= of || of > 1_000_000 {
		return Shard{}, fmt.Errorf("shard %q: expected i/n with i from 0 to n-1, as in 0/4", text)
	}
	return Shard{index, of}, nil
}

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Of) }

// ErrTaken says that another process executes an action.
var ErrTaken = errors.New("engine: another process executes it")

// Owner is the index of the shard whose part has that action.
func (s Shard) Owner(id ActionID) int {
	h, err := strconv.ParseUint(string(id[:15]), 16, 64)
	if err != nil {
		return 0
	}
	return int(h % uint64(s.Of))
}

// Each calls f for every ID, up to limit at once. With a shard, those of its own part
// come first and then those of the following shards; where f returns ErrTaken, it is
// called again later, until it does not. The first other error ends it.
func (s *Shard) Each(ctx context.Context, ids []ActionID, limit int, f func(ctx context.Context, i int) error) error {
	left := make([]int, len(ids))
	for i := range left {
		left[i] = i
	}
	if s != nil {
		distance := func(i int) int { return (s.Owner(ids[i]) - s.Index + s.Of) % s.Of }
		slices.SortStableFunc(left, func(a, b int) int { return distance(a) - distance(b) })
	}
	const shortest, longest = 100 * time.Millisecond, 5 * time.Second
	for pause := shortest; len(left) > 0; {
		var mu sync.Mutex
		var taken []int
		group, within := errgroup.WithContext(ctx)
		group.SetLimit(max(1, limit))
		for _, i := range left {
			group.Go(func() error {
				if err := within.Err(); err != nil {
					return err
				}
				err := f(within, i)
				if s != nil && errors.Is(err, ErrTaken) {
					mu.Lock()
					defer mu.Unlock()
					taken = append(taken, i)
					return nil
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		if len(taken) < len(left) {
			pause = shortest
		}
		if left = taken; len(left) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
			pause = min(2*pause, longest)
		}
	}
	return nil
}

// claim reserves an action in the store, where processes divide the work.
func (r *Runner) claim(id ActionID) (release func(), err error) {
	c, ok := r.Store.(Claimer)
	if r.Shard == nil || !ok {
		return func() {}, nil
	}
	release, ok, err = c.Claim(id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrTaken
	}
	return release, nil
}

// Exclusive calls f while this process has the claim of an action, where processes
// divide the work. The error is ErrTaken while another has it.
func (r *Runner) Exclusive(id ActionID, f func() error) error {
	release, err := r.claim(id)
	if err != nil {
		return err
	}
	defer release()
	return f()
}
