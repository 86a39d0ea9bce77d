package tasksql

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

// End implements task.SystemStore.
func (s *Store) End(ctx context.Context, es []task.Ending) (out task.Ended, err error) {
	if s.postgres() && (len(es) == 1 || s.h.Scope(ctx) == nil) {
		if es, err = s.completeAlone(ctx, es); err != nil || len(es) == 0 {
			return out, err
		}
	}
	err = s.h.Atomically(ctx, func(ctx context.Context) error {
		out = task.Ended{}
		rest := es
		if !s.postgres() {
			if rest, err = s.completeAlone(ctx, es); err != nil || len(rest) == 0 {
				return err
			}
		}
		e := &aftermath{s: s}
		if rest, err = s.completeAll(ctx, e, rest); err != nil {
			return err
		}
		for _, ending := range rest {
			held, err := s.become(ctx, e, ending)
			if err != nil {
				return err
			}
			if !held {
				out.Lost = append(out.Lost, ending.Name)
			}
		}
		out.Freed, err = e.settle(ctx)
		return err
	})
	if err != nil {
		return task.Ended{}, err
	}
	return out, nil
}

// done is a task that has ended.
type done struct {
	task.Held
	group   task.ID
	leads   int64
	alarmed bool
	sealed  bool
}

func scanDone(rows *sqlstore.Rows) (d done, err error) {
	var id, group []byte
	err = rows.Scan(&d.Tenant, &id, &d.Fence, &group, &d.leads, &d.alarmed, &d.sealed)
	if err == nil && (!fill(&d.ID, id) || !fill(&d.group, group)) {
		err = errRow
	}
	return d, err
}

// completions are those endings that are completions.
func completions(es []task.Ending) []task.Held {
	held := make([]task.Held, 0, len(es))
	for _, ending := range es {
		if ending.To == task.Completed {
			held = append(held, ending.Held)
		}
	}
	return held
}

// without returns the endings but for the completions of those.
func without(es []task.Ending, ended []task.Held) (rest []task.Ending) {
	is := make(map[task.Held]bool, len(ended))
	for _, h := range ended {
		is[unplaced(h)] = true
	}
	for _, ending := range es {
		if ending.To != task.Completed || !is[unplaced(ending.Held)] {
			rest = append(rest, ending)
		}
	}
	return rest
}

// unplaced is the claim whatever its place.
func unplaced(h task.Held) task.Held { return task.Held{Name: h.Name, Fence: h.Fence} }

// completeAlone ends with one statement those that are completed and that nobody
// else waits for or shares a group with. It returns those that are left. Which ones
// it ended is asked only where some are: mostly none is.
func (s *Store) completeAlone(ctx context.Context, es []task.Ending) (rest []task.Ending, err error) {
	held := completions(es)
	if len(held) == 0 {
		return es, nil
	}
	args := s.heldArgs(held)
	var n int
	if s.postgres() {
		var counts []int
		if counts, err = single(ctx, s, 1, scanNumber, s.q.completeAlone, args...); err == nil {
			n = counts[0]
		}
	} else {
		text, by := s.q.completeAlone, args
		if list := placeList(held); list != "" {
			text, by = s.q.completePlaced, []any{list}
		}
		if n, err = s.exec(ctx, text, by...); err == nil && n > 0 {
			_, err = s.exec(ctx, s.q.addDue, args...)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case n == len(es):
		return nil, nil
	case n == 0:
		return es, nil
	}
	ended, err := query(ctx, s, scanHeld, s.q.completedAmong, args...)
	if err != nil {
		return nil, err
	}
	return without(es, ended), nil
}

func scanNumber(rows *sqlstore.Rows) (n int, err error) {
	err = rows.Scan(&n)
	return n, err
}

// completeAll ends all that are completed with one statement. It returns those
// that are left: of completions those that are lost, or were completed before.
func (s *Store) completeAll(ctx context.Context, e *aftermath, es []task.Ending) (rest []task.Ending, err error) {
	held := completions(es)
	if len(held) == 0 {
		return es, nil
	}
	ended, err := query(ctx, s, scanDone, s.q.completeAll, s.heldArgs(held)...)
	if err != nil {
		return nil, err
	}
	is := make([]task.Held, len(ended))
	for i, d := range ended {
		is[i] = d.Held
		e.add(d, task.Completed, "")
	}
	return without(es, is), nil
}

// become carries out one ending. held is false if the claim is lost.
func (s *Store) become(ctx context.Context, e *aftermath, ending task.Ending) (held bool, err error) {
	where := []any{string(ending.Tenant), ending.ID[:], ending.Fence}
	reason := []any{ending.Reason, ending.Reason}
	var n int
	switch ending.To {
	case task.Delayed:
		by := ending.By.Microseconds()
		n, err = s.exec(ctx, s.q.delay, slices.Concat([]any{by, by}, reason, where)...)
	case task.Waiting:
		n, err = s.exec(ctx, s.q.putBack, slices.Concat(reason, where)...)
	case task.Manual:
		n, err = s.exec(ctx, s.q.park, slices.Concat([]any{ending.Owner, ending.Due}, reason, where)...)
		if err == nil && n > 0 && ending.Instructions != nil {
			err = s.instruct(ctx, ending)
		}
	default:
		return s.close(ctx, e, ending)
	}
	return n > 0, err
}

func (s *Store) instruct(ctx context.Context, e task.Ending) error {
	if _, err := s.exec(ctx, s.q.instruct, e.Instructions, string(e.Tenant), e.ID[:]); err != nil {
		return err
	}
	_, err := s.exec(ctx, s.q.instructed, string(e.Tenant), e.ID[:])
	return err
}

// close ends a claimed task for good.
func (s *Store) close(ctx context.Context, e *aftermath, ending task.Ending) (held bool, err error) {
	tenant, reason := string(ending.Tenant), ending.Reason
	text := s.q.end
	ended, err := query(ctx, s, scanDone, text, codes[ending.To], codes[ending.To], reason, reason, tenant, ending.ID[:], ending.Fence)
	if err != nil {
		return false, err
	}
	if len(ended) == 0 {
		if ending.To != task.Completed {
			return false, nil
		}
		var one int
		return s.one(ctx, s.q.completedUnder, []any{tenant, ending.ID[:], ending.Fence}, &one)
	}
	e.add(ended[0], ending.To, ending.Owner)
	return true, nil
}

// Finish implements task.Store.
func (s *Store) Finish(ctx context.Context, f task.Finish) (freed []task.Freed, ended bool, err error) {
	err = s.h.Atomically(ctx, func(ctx context.Context) error {
		freed, ended = nil, false
		for _, from := range f.From {
			if !from.Open() {
				continue
			}
			done, err := query(ctx, s, scanDone, s.q.finish, codes[f.To], f.Reason, string(f.Tenant), f.ID[:], codes[from], f.OwnedBy, f.OwnedBy)
			if err != nil {
				return err
			}
			if len(done) == 0 {
				continue
			}
			e := &aftermath{s: s}
			e.add(done[0], f.To, f.Owner)
			ended = true
			freed, err = e.settle(ctx)
			return err
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	return freed, ended, nil
}

// aftermath is what is left to do when tasks have ended. It is done in one order
// by everybody, so that two who end tasks of the same groups, or that the same
// tasks wait for, do not wait for each other.
type aftermath struct {
	s *Store
	// groups counts the ended tasks of each group.
	groups map[task.Name]int
	leads  []lead
	alarms []task.Name
	// due are those that stood alone and are to be disposed of.
	due []task.Held
}

type lead struct {
	task.Name
	to    task.State
	owner string
}

func (e *aftermath) add(d done, to task.State, owner string) {
	if d.leads > 0 {
		e.leads = append(e.leads, lead{d.Name, to, owner})
	}
	if d.alarmed {
		e.alarms = append(e.alarms, d.Name)
	}
	if d.group == d.ID && d.sealed {
		e.due = append(e.due, d.Held)
	}
	if d.group != d.ID {
		if e.groups == nil {
			e.groups = make(map[task.Name]int)
		}
		e.groups[task.Name{Tenant: d.Tenant, ID: d.group}]++
	}
}

func (e *aftermath) settle(ctx context.Context) ([]task.Freed, error) {
	freed, err := e.free(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(e.alarms, compareNames)
	for _, n := range e.alarms {
		if _, err := e.s.exec(ctx, e.s.q.removeAlarm, string(n.Tenant), n.ID[:]); err != nil {
			return nil, err
		}
	}
	if err := e.s.addDue(ctx, e.due); err != nil {
		return nil, err
	}
	groups := make([]task.Name, 0, len(e.groups))
	for g := range e.groups {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, compareNames)
	for _, g := range groups {
		if err := e.s.lockGroup(ctx, g.Tenant, g.ID); err != nil {
			return nil, err
		}
		var open int64
		found, err := e.s.one(ctx, e.s.q.leave, []any{e.groups[g], string(g.Tenant), g.ID[:]}, &open)
		if err != nil {
			return nil, err
		}
		if !found || open > 0 {
			continue
		}
		if _, err := e.s.exec(ctx, e.s.q.dispose, string(g.Tenant), g.ID[:]); err != nil {
			return nil, err
		}
	}
	return freed, nil
}

func compareNames(a, b task.Name) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), bytes.Compare(a.ID[:], b.ID[:]))
}

// free tells those who wait for tasks that have ended.
func (e *aftermath) free(ctx context.Context) (freed []task.Freed, err error) {
	var waiting []lead
	for _, l := range e.leads {
		after, err := query(ctx, e.s, scanName, e.s.q.takeEdges, string(l.Tenant), l.ID[:])
		if err != nil {
			return nil, err
		}
		for _, n := range after {
			waiting = append(waiting, lead{n, l.to, l.owner})
		}
	}
	slices.SortStableFunc(waiting, func(a, b lead) int { return compareNames(a.Name, b.Name) })
	for _, w := range waiting {
		text, args := e.s.q.freeOne, []any{string(w.Tenant), w.ID[:]}
		if w.to != task.Completed {
			text, args = e.s.q.parkOne, append([]any{w.owner, task.ReasonPrerequisite}, args...)
		}
		f := task.Freed{Name: w.Name}
		var phase int64
		found, err := e.s.one(ctx, text, args, &phase, &f.WakeAt)
		if err != nil {
			return nil, err
		}
		if f.State = states[phase]; found && f.State != task.Blocked {
			freed = append(freed, f)
		}
	}
	return freed, nil
}
