package unsubscribe_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/internal/seamtest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/consentmem"
	"github.com/trothdev/troth/storage/memory/unsubscribemem"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/consentsql"
	"github.com/trothdev/troth/storage/sqlstore/unsubscribesql"
	"github.com/trothdev/troth/unsubscribe"
)

const (
	shop troth.Tenant = "shop-17"
	ada  string       = "ada@example.org"
)

// late is a ledger that is made after the one that tells it.
type late struct{ troth.Objections }

// contacts is the host's directory.
type contacts struct {
	mu    sync.Mutex
	known map[troth.Subject][]string
}

func (c *contacts) Addresses(_ context.Context, s troth.Subject) (all []troth.Address, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.known[s] {
		all = append(all, troth.Address{Channel: "email", Value: troth.Protect(a)})
	}
	return all, nil
}

func (c *contacts) Subjects(_ context.Context, tenant troth.Tenant, a troth.Address) (all []troth.Subject, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	address, err := a.Value.Reveal("test")
	if err != nil {
		return nil, err
	}
	for who, of := range c.known {
		for _, one := range of {
			if who.Tenant == tenant && one == address {
				all = append(all, who)
			}
		}
	}
	return all, nil
}

// both is a consent ledger and an opt-out registry that tell each other.
type both struct {
	*testing.T
	ctx      context.Context
	tx       troth.Transactor
	contacts *contacts
	ledger   *consent.Ledger
	registry *unsubscribe.Registry
}

// eachBoth runs a test with both real packages on three back ends.
func eachBoth(t *testing.T, test func(b *both)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		db := memory.Open()
		test(newBoth(t, consentmem.New(db), unsubscribemem.New(db)))
	})
	for name, open := range map[string]func(t *testing.T) (*sql.DB, sqlstore.Dialect){
		"sqlite":   func(t *testing.T) (*sql.DB, sqlstore.Dialect) { return sqltest.SQLite(t), sqlstore.SQLite },
		"postgres": func(t *testing.T) (*sql.DB, sqlstore.Dialect) { return pgtest.Open(t), sqlstore.Postgres },
	} {
		t.Run(name, func(t *testing.T) {
			db, dialect := open(t)
			h, err := sqlstore.Open(t.Context(), db, dialect)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, h.Close()) })
			cs, err := consentsql.New(t.Context(), h)
			require.NoError(t, err)
			us, err := unsubscribesql.New(t.Context(), h)
			require.NoError(t, err)
			test(newBoth(t, cs, us))
		})
	}
}

func newBoth(t *testing.T, cs consent.Backend, us unsubscribe.Backend) *both {
	t.Helper()
	b := &both{
		T: t, tx: cs.Transactor(), contacts: &contacts{known: map[troth.Subject][]string{}},
		ctx: troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"}),
	}
	ledger := &late{}
	var err error
	b.registry, err = unsubscribe.New(t.Context(), unsubscribe.Config{Store: us, Recorder: troth.UnsafeNoEvidence(b.tx), Keys: seamtest.Keys{}},
		unsubscribe.WithDirectory(b.contacts), unsubscribe.WithObjections(ledger), unsubscribe.WithListPurpose("letter", "newsletter"))
	require.NoError(t, err)
	b.ledger, err = consent.New(t.Context(), consent.Config{Store: cs, Recorder: troth.UnsafeNoEvidence(b.tx), Keys: seamtest.Keys{}},
		consent.WithObjections(b.registry))
	require.NoError(t, err)
	ledger.Objections = b.ledger
	for _, p := range []troth.Purpose{"newsletter", "offers"} {
		_, err = b.ledger.Publish(b.ctx, consent.Terms{
			Tenant: shop, Purpose: p, Version: 1, Title: "Letters", Basis: consent.Consent, DirectMarketing: true,
		})
		require.NoError(t, err)
	}
	return b
}

func (b *both) person(id string, addresses ...string) troth.Subject {
	who := troth.Subject{Tenant: shop, ID: id}
	b.contacts.mu.Lock()
	defer b.contacts.mu.Unlock()
	b.contacts.known[who] = addresses
	return who
}

func (b *both) says(ctx context.Context, who troth.Subject, p troth.Purpose, k consent.Kind, form string) error {
	_, err := b.ledger.Record(ctx, consent.Form{
		ID: form, Subject: who, Method: consent.ByCheckbox, Channel: consent.OnWeb,
		Choices: []consent.Choice{{Purpose: p, Kind: k}},
	})
	return err
}

func (b *both) optOut(ctx context.Context, scope unsubscribe.Scope) error {
	p := unsubscribe.OptOutParams{
		Tenant: shop, Channel: unsubscribe.Email, Address: troth.Protect(ada), Scope: scope, Method: unsubscribe.ByPage,
	}
	if scope == unsubscribe.List {
		p.List = "letter"
	}
	_, err := b.registry.OptOut(ctx, p)
	return err
}

// wants demands what both ledgers say, by purpose and list.
func (b *both) wants(who troth.Subject, address string, newsletter, offers bool) {
	b.Helper()
	for p, want := range map[troth.Purpose]bool{"newsletter": newsletter, "offers": offers} {
		d, err := b.ledger.Check(b.ctx, who, p, time.Time{})
		require.NoError(b, err)
		require.Equal(b, want, d.Allowed, "consent to %s: %v", p, d)
		list := string(p)
		if p == "newsletter" {
			list = "letter"
		}
		send, err := b.registry.Check(b.ctx, unsubscribe.Campaign{
			Tenant: shop, List: list, Channel: unsubscribe.Email, Class: unsubscribe.Marketing,
		}, troth.Protect(address))
		require.NoError(b, err)
		require.Equal(b, want, send.Send, "registry for %s: %v", list, send)
	}
}

func (b *both) events(who troth.Subject, address string) (ledger, registry int) {
	b.Helper()
	h, err := b.ledger.History(b.ctx, who, "test")
	require.NoError(b, err)
	r, err := b.registry.History(b.ctx, shop, unsubscribe.Email, troth.Protect(address), "test")
	require.NoError(b, err)
	return len(h.Entries), len(r.Events)
}

func TestBoth_AnOptOutEndsConsentAndTheOtherWayRound(t *testing.T) {
	eachBoth(t, func(b *both) {
		who := b.person("c-17", ada)
		for _, p := range []troth.Purpose{"newsletter", "offers"} {
			require.NoError(b, b.says(b.ctx, who, p, consent.Granted, "grant-"+string(p)))
		}
		b.wants(who, ada, true, true)
		require.NoError(b, b.optOut(b.ctx, unsubscribe.List))
		b.wants(who, ada, false, true)
		ledger, registry := b.events(who, ada)
		require.Equal(b, []int{3, 1}, []int{ledger, registry}, "told once, and no echo")
		require.NoError(b, b.says(b.ctx, who, "offers", consent.Withdrawn, "withdraw"))
		b.wants(who, ada, false, false)
		ledger, registry = b.events(who, ada)
		require.Equal(b, []int{4, 2}, []int{ledger, registry}, "told once, and no echo")
		// A new yes in the ledger lifts nothing in the registry: the person must come
		// back there too, with evidence.
		require.NoError(b, b.says(b.ctx, who, "newsletter", consent.Granted, "again"))
		d, err := b.registry.Check(b.ctx, unsubscribe.Campaign{
			Tenant: shop, List: "letter", Channel: unsubscribe.Email, Class: unsubscribe.Marketing,
		}, troth.Protect(ada))
		require.NoError(b, err)
		require.False(b, d.Send)
	})
}

func TestBoth_OneTransaction(t *testing.T) {
	undone := errors.New("undone")
	eachBoth(t, func(b *both) {
		who := b.person("c-17", ada)
		for _, p := range []troth.Purpose{"newsletter", "offers"} {
			require.NoError(b, b.says(b.ctx, who, p, consent.Granted, "grant-"+string(p)))
		}
		for _, act := range []func(ctx context.Context) error{
			func(ctx context.Context) error { return b.optOut(ctx, unsubscribe.Client) },
			func(ctx context.Context) error { return b.says(ctx, who, "offers", consent.Withdrawn, "withdraw") },
		} {
			err := b.tx.Atomically(b.ctx, func(ctx context.Context) error {
				if err := act(ctx); err != nil {
					return err
				}
				return undone
			})
			require.ErrorIs(b, err, undone)
			b.wants(who, ada, true, true)
			ledger, registry := b.events(who, ada)
			require.Equal(b, []int{2, 0}, []int{ledger, registry})
		}
		require.NoError(b, b.optOut(b.ctx, unsubscribe.Everything))
		b.wants(who, ada, false, false)
	})
}

func TestBoth_TheDirectoryStandsBetween(t *testing.T) {
	eachBoth(t, func(b *both) {
		// An address that nobody is known under stays blocked by its key.
		require.NoError(b, b.optOut(b.ctx, unsubscribe.Client))
		who := b.person("c-17", ada, "ada@work.example")
		answers, err := b.registry.Objected(b.ctx, []troth.ObjectionQuery{{Subject: who, Purpose: "newsletter"}})
		require.NoError(b, err)
		require.True(b, answers[0].Objected, "and counts for whom it becomes known")
		// A person without an address says no in the ledger alone.
		nobody := b.person("c-18")
		require.NoError(b, b.says(b.ctx, nobody, "newsletter", consent.Granted, "g18"))
		require.NoError(b, b.says(b.ctx, nobody, "newsletter", consent.Withdrawn, "w18"))
		d, err := b.ledger.Check(b.ctx, nobody, "newsletter", time.Time{})
		require.NoError(b, err)
		require.False(b, d.Allowed)
		// A no under all of a person's addresses.
		require.NoError(b, b.says(b.ctx, who, "offers", consent.Granted, "g17"))
		require.NoError(b, b.says(b.ctx, who, "offers", consent.Withdrawn, "w17"))
		send, err := b.registry.Check(b.ctx, unsubscribe.Campaign{
			Tenant: shop, List: "offers", Channel: unsubscribe.Email, Class: unsubscribe.Marketing,
		}, troth.Protect("ada@work.example"))
		require.NoError(b, err)
		require.False(b, send.Send)
	})
}

// Both at once, from both sides, for one person: neither waits for the other for
// ever, and nothing is lost.
func TestBoth_FromBothSidesAtOnce(t *testing.T) {
	eachBoth(t, func(b *both) {
		who := b.person("c-17", ada)
		require.NoError(b, b.says(b.ctx, who, "offers", consent.Granted, "grant"))
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				for range 20 { // a busy database is tried again, as hosts do
					if i%2 == 0 {
						errs[i] = b.optOut(b.ctx, unsubscribe.Client)
					} else {
						errs[i] = b.says(b.ctx, who, "offers", consent.Withdrawn, "withdraw-"+string(rune('a'+i)))
					}
					if !troth.Retryable(errs[i]) {
						break
					}
				}
			})
		}
		wg.Wait()
		require.NoError(b, errors.Join(errs...))
		b.wants(who, ada, false, false)
	})
}

// meeting is a directory at which an opt-out, whose transaction has begun, waits until
// a withdrawal has locked the person.
type meeting struct {
	*contacts
	asked           atomic.Int32
	begun, withdrew chan struct{}
}

func (m *meeting) Subjects(ctx context.Context, tenant troth.Tenant, a troth.Address) ([]troth.Subject, error) {
	if m.asked.Add(1) == 2 { // the first time is before the transaction
		close(m.begun)
		<-m.withdrew
	}
	return m.contacts.Subjects(ctx, tenant, a)
}

func (m *meeting) Addresses(ctx context.Context, s troth.Subject) ([]troth.Address, error) {
	close(m.withdrew)
	return m.contacts.Addresses(ctx, s)
}

// TestBoth_TheFirstOptOutOfAClientWaitsForNobody: what a client's first opt-out
// creates is not in the way of who locked the person before.
func TestBoth_TheFirstOptOutOfAClientWaitsForNobody(t *testing.T) {
	h, err := sqlstore.Open(t.Context(), pgtest.Open(t), sqlstore.Postgres)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	cs, err := consentsql.New(t.Context(), h)
	require.NoError(t, err)
	us, err := unsubscribesql.New(t.Context(), h)
	require.NoError(t, err)
	b := newBoth(t, cs, us)
	who := b.person("c-17", ada)
	require.NoError(t, b.says(b.ctx, who, "offers", consent.Granted, "grant"))
	m := &meeting{contacts: b.contacts, begun: make(chan struct{}), withdrew: make(chan struct{})}
	ledger := &late{}
	b.registry, err = unsubscribe.New(t.Context(), unsubscribe.Config{Store: us, Recorder: troth.UnsafeNoEvidence(b.tx), Keys: seamtest.Keys{}},
		unsubscribe.WithDirectory(m), unsubscribe.WithObjections(ledger))
	require.NoError(t, err)
	b.ledger, err = consent.New(t.Context(), consent.Config{Store: cs, Recorder: troth.UnsafeNoEvidence(b.tx), Keys: seamtest.Keys{}},
		consent.WithObjections(b.registry))
	require.NoError(t, err)
	ledger.Objections = b.ledger
	out := make(chan error, 1)
	go func() { out <- b.optOut(b.ctx, unsubscribe.Client) }()
	<-m.begun
	require.NoError(t, b.says(b.ctx, who, "offers", consent.Withdrawn, "withdraw"))
	require.NoError(t, <-out)
	b.wants(who, ada, false, false)
}
