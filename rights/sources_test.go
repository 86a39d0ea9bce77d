package rights_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
)

// house is a host's sources, and what was asked of them in which order.
type house struct {
	tx    troth.Transactor
	mu    sync.Mutex
	calls []string
}

func (h *house) called(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, what)
}

// acts are the calls that changed something.
func (h *house) acts() (all []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.calls)
}

// shelf is a source that holds records under identifiers, and names others by which
// people are found.
type shelf struct {
	*house
	name  string
	order rights.Order
	// by says under which kind of identifier its records are, held how many there are
	// of each value.
	by    string
	held  map[string]uint64
	names []rights.Identifier

	mu      sync.Mutex
	fails   int
	panics  bool
	kept    []rights.Kept
	pending bool
	batch   uint64 // how many one call deals with; 0 is all
	keys    map[string]uint64
	copies  time.Time
	undo    []undo
}

// undo is a change that a transaction may take back.
type undo struct {
	scope *troth.Scope
	value string
	n     uint64
}

// settle takes back what was rolled back.
func (s *shelf) settle() {
	for _, u := range slices.Backward(s.undo) {
		if u.scope.State() == troth.ScopeRolledBack || u.scope.Outermost().State() == troth.ScopeRolledBack {
			s.held[u.value] = u.n
		}
	}
	s.undo = nil
}

// set changes what is held, in the transaction of ctx.
func (s *shelf) set(ctx context.Context, value string, n uint64) {
	if s.tx != nil {
		if scope := s.tx.Scope(ctx); scope != nil {
			s.undo = append(s.undo, undo{scope, value, s.held[value]})
		}
	}
	s.held[value] = n
	if n == 0 {
		delete(s.held, value)
	}
}

func (s *shelf) source() rights.Source {
	return rights.Source{
		Name: s.name, Title: "The " + s.name, Order: s.order, Records: []string{s.name},
		Locator: s, Exporter: s, Eraser: s, Corrector: s, Restrictor: s, Objector: s, Prober: s,
	}
}

var errDown = errors.New("down, said to " + canary)

// value is by what the person is found here; empty if they are not.
func (s *shelf) value(q rights.Inquiry) string {
	if s.by == "subject" {
		return q.SubjectID
	}
	for _, id := range q.Identifiers {
		if v, err := id.Value.Reveal("test"); err == nil && id.Kind == s.by && s.held[v] > 0 {
			return v
		}
	}
	return ""
}

func (s *shelf) down() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.panics {
		panic("it holds " + canary)
	}
	if s.fails > 0 {
		s.fails--
		return errDown
	}
	return nil
}

func (s *shelf) Locate(_ context.Context, q rights.Inquiry) (rights.Located, error) {
	if err := s.down(); err != nil {
		return rights.Located{}, err
	}
	n := s.held[s.value(q)]
	if n == 0 {
		return rights.Located{}, nil
	}
	return rights.Located{Records: n, Identifiers: s.names}, nil
}

func (s *shelf) act(ctx context.Context, what string, q rights.Inquiry, m rights.ActionMethod) (rights.Report, error) {
	s.called(what + " " + s.name)
	if err := s.down(); err != nil {
		return rights.Report{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	v := s.value(q)
	n := s.held[v]
	r := rights.Report{Outcome: rights.Done, Method: m, Records: n, CopiesUntil: s.copies, Asked: []string{s.by}}
	if s.order == rights.Remote {
		if s.keys == nil {
			s.keys = map[string]uint64{}
		}
		if s.pending {
			s.keys[q.Key] = 0 // it took the same on once more
		}
		s.keys[q.Key] += n
		r.Records = s.keys[q.Key]
	}
	switch {
	case s.pending:
		r.Outcome = rights.Pending
		return r, nil
	case len(s.kept) > 0:
		r.Outcome, r.Kept, r.Records = rights.Retained, s.kept, n-min(n, s.kept[0].Records)
		s.set(ctx, v, min(n, s.kept[0].Records))
		return r, nil
	case r.Records == 0:
		return rights.Report{Outcome: rights.NothingFound, Asked: r.Asked}, nil
	case s.batch > 0 && n > s.batch:
		r.Records, r.More = s.batch, true
		s.set(ctx, v, n-s.batch)
		return r, nil
	}
	s.set(ctx, v, 0)
	return r, nil
}

func (s *shelf) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	return s.act(ctx, "erase", q, rights.Deleted)
}

func (s *shelf) Correct(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	return s.act(ctx, "correct", q, rights.Corrected)
}

func (s *shelf) Restrict(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	return s.act(ctx, "restrict", q, rights.Restricted)
}

func (s *shelf) Lift(_ context.Context, _ rights.Inquiry, l rights.Lifted) error {
	s.called("lift " + s.name + " " + l.Ground)
	return s.down()
}

func (s *shelf) Object(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	return s.act(ctx, "object", q, rights.Ended)
}

func (s *shelf) Probe(_ context.Context, q rights.Inquiry) (rights.Report, error) {
	s.called("probe " + s.name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending {
		return rights.Report{Outcome: rights.Pending, Records: s.keys[q.Key]}, nil
	}
	return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: s.keys[q.Key], CopiesUntil: s.copies}, nil
}

func (s *shelf) Types() []export.Type {
	return []export.Type{{Name: s.name, About: export.Person}}
}

func (s *shelf) Export(_ context.Context, q rights.Inquiry) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		for range s.held[s.value(q)] {
			if !yield(export.Record{Type: s.name, Fields: []export.Field{export.Text("text", "of "+canary)}}, nil) {
				return
			}
		}
		if err := s.down(); err != nil {
			yield(export.Record{}, err)
		}
	}
}

func id(kind, value string) rights.Identifier {
	return rights.Identifier{Kind: kind, Value: troth.Protect(value)}
}

// shop is a house of five sources. Ada wrote with her address; the account is found by
// that, names her number, by which orders are found, and they name a phone number, by
// which the provider finds her.
type shop struct {
	*house
	index, provider, orders, account, mailbox *shelf
}

func newShop() *shop {
	h := &house{}
	return &shop{
		house:    h,
		account:  &shelf{house: h, name: "account", order: rights.Identity, by: "email", held: map[string]uint64{canary: 1}, names: []rights.Identifier{id("number", "4711")}},
		orders:   &shelf{house: h, name: "orders", order: rights.Primary, by: "number", held: map[string]uint64{"4711": 3, "4712": 9}, names: []rights.Identifier{id("phone", "+999 555 0003"), id("email", canary)}},
		provider: &shelf{house: h, name: "provider", order: rights.Remote, by: "phone", held: map[string]uint64{"+999 555 0003": 2}},
		index:    &shelf{house: h, name: "index", order: rights.Derived, by: "number", held: map[string]uint64{"4711": 4}},
		mailbox:  &shelf{house: h, name: "mailbox", order: rights.Primary, by: "number", held: map[string]uint64{}},
	}
}

func (s *shop) options(more ...rights.Option) []rights.Option {
	opts := []rights.Option{rights.WithController("Acme Ltd."), rights.WithCoolingOff(0)}
	for _, one := range []*shelf{s.account, s.orders, s.provider, s.index, s.mailbox} {
		opts = append(opts, rights.WithSource(one.source()))
	}
	return append(opts, more...)
}

// says is a source that reports always the same.
type says struct{ r rights.Report }

func (s says) Erase(context.Context, rights.Inquiry) (rights.Report, error) { return s.r, nil }
