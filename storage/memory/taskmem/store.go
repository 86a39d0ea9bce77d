package taskmem

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/task"
)

// Store is a task.Backend on a memory handle.
type Store struct {
	db  *memory.DB
	now func() time.Time

	tasks *memory.Table[task.Name, record]
	keys  *memory.Table[keyName, task.ID]
	// waiting and timed are indexes: of tasks that are Waiting, and of those that
	// are Delayed or Running.
	waiting *memory.Table[turn, struct{}]
	timed   *memory.Table[hour, struct{}]
	// edges lead from a prerequisite to who waits for it.
	edges     *memory.Table[edge, struct{}]
	groups    *memory.Table[groupName, group]
	alarms    *memory.Table[task.Name, task.Alarm]
	disposals *memory.Table[task.Name, task.Disposal]
	rates     *memory.Table[rate, int64]
	state     *memory.Table[string, int64]
}

var _ task.Backend = (*Store)(nil)

// record is a task and how long its lease or backoff was meant to last.
type record struct {
	task.Row
	span int64
}

type keyName struct {
	tenant    troth.Tenant
	kind, key string
}

// turn orders what waits: by kind and line, then by who has waited longest.
type turn struct {
	kind string
	line task.Line
	at   int64
	id   task.ID
}

// hour orders what a clock will change.
type hour struct {
	at   int64
	name task.Name
}

type edge struct{ before, after task.Name }

type groupName struct {
	tenant troth.Tenant
	name   string
}

type group struct {
	id   task.ID
	open int
}

type rate struct {
	kind string
	line task.Line
}

// Option changes how [New] makes a store.
type Option func(*Store)

// WithClock sets what the store takes for the database's clock; the default is
// time.Now.
func WithClock(now func() time.Time) Option { return func(s *Store) { s.now = now } }

// New returns an empty store on db.
func New(db *memory.DB, opts ...Option) *Store {
	s := &Store{
		db: db, now: time.Now,
		tasks: memory.NewTable[task.Name, record](db, compareNames),
		keys: memory.NewTable[keyName, task.ID](db, func(a, b keyName) int {
			return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.kind, b.kind), strings.Compare(a.key, b.key))
		}),
		waiting: memory.NewTable[turn, struct{}](db, func(a, b turn) int {
			return cmp.Or(strings.Compare(a.kind, b.kind), compareLines(a.line, b.line), cmp.Compare(a.at, b.at), compareIDs(a.id, b.id))
		}),
		timed: memory.NewTable[hour, struct{}](db, func(a, b hour) int {
			return cmp.Or(cmp.Compare(a.at, b.at), compareNames(a.name, b.name))
		}),
		edges: memory.NewTable[edge, struct{}](db, func(a, b edge) int {
			return cmp.Or(compareNames(a.before, b.before), compareNames(a.after, b.after))
		}),
		groups: memory.NewTable[groupName, group](db, func(a, b groupName) int {
			return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.name, b.name))
		}),
		alarms:    memory.NewTable[task.Name, task.Alarm](db, compareNames),
		disposals: memory.NewTable[task.Name, task.Disposal](db, compareNames),
		rates: memory.NewTable[rate, int64](db, func(a, b rate) int {
			return cmp.Or(strings.Compare(a.kind, b.kind), compareLines(a.line, b.line))
		}),
		state: memory.NewTable[string, int64](db, strings.Compare),
	}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

func compareIDs(a, b task.ID) int { return bytes.Compare(a[:], b[:]) }

func compareNames(a, b task.Name) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), compareIDs(a.ID, b.ID))
}

func compareLines(a, b task.Line) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), strings.Compare(a.Name, b.Name))
}

// Transactor implements task.Store.
func (s *Store) Transactor() troth.Transactor { return s.db }

func (s *Store) micros() int64 { return s.now().UnixMicro() }

const managed = "managed"

// Managed implements task.SystemStore.
func (s *Store) Managed(ctx context.Context) (bool, error) {
	_, found, err := s.state.Get(ctx, managed)
	return found, err
}

// SetManaged implements task.SystemStore.
func (s *Store) SetManaged(ctx context.Context) error { return s.state.Put(ctx, managed, 1) }

// get returns a record that is the caller's.
func (s *Store) get(ctx context.Context, n task.Name) (record, bool, error) {
	r, found, err := s.tasks.Get(ctx, n)
	return r.clone(), found, err
}

func (r record) clone() record {
	r.Payload, r.Instructions = slices.Clone(r.Payload), slices.Clone(r.Instructions)
	return r
}

// put writes a record and keeps the indexes. It needs a transaction.
func (s *Store) put(ctx context.Context, r record) error {
	old, found, err := s.tasks.Get(ctx, r.Name)
	if err != nil {
		return err
	}
	if found {
		if err := s.unlist(ctx, old); err != nil {
			return err
		}
	}
	switch r.State {
	case task.Waiting:
		err = s.waiting.Put(ctx, turnOf(r), struct{}{})
	case task.Delayed, task.Running:
		err = s.timed.Put(ctx, hour{r.WakeAt, r.Name}, struct{}{})
	case task.Blocked, task.Manual, task.Completed, task.Failed, task.Cancelled:
		// nothing that time or a claim would change
	}
	if err != nil {
		return err
	}
	return s.tasks.Put(ctx, r.Name, r.clone())
}

func (s *Store) unlist(ctx context.Context, r record) (err error) {
	if r.State == task.Waiting {
		_, err = s.waiting.Delete(ctx, turnOf(r))
	} else {
		_, err = s.timed.Delete(ctx, hour{r.WakeAt, r.Name})
	}
	return err
}

func turnOf(r record) turn { return turn{r.Kind, lineOf(r), r.WakeAt, r.ID} }

func lineOf(r record) task.Line { return task.Line{Tenant: r.Tenant, Name: r.Line} }
