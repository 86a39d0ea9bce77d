package kit_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/unsubscribe"
)

var crowd = flag.Int("people", 6, "how many people BenchmarkErase erases")

// shop is a host with a kit, whose five sources each have something of everybody: a key in
// the vault with what it seals, a consent, an opt-out, ten records under the retention
// policy, and ten rows of the host's own.
type shop struct {
	k     *kit.Kit
	steps time.Duration
}

const each10 = 10

func openShop(tb testing.TB, people int) *shop {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(tb.TempDir(), "shop.db")+settings)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = db.Close() })
	s := &shop{}
	secrets, err := kit.LocalSecrets(filepath.Join(tb.TempDir(), "secrets"), "a passphrase")
	require.NoError(tb, err)
	c := kit.Config{DB: db, Dialect: sqlstore.SQLite, Secrets: secrets}
	c.Retention = func(k *kit.Kit) []retention.Option {
		s.k = k
		return []retention.Option{retention.WithRecords("order", retention.Registration{Handler: bought{s}}), retention.UnsafeWithoutApproval()}
	}
	c.Rights = func(*kit.Kit) []rights.Option {
		return []rights.Option{
			rights.WithCoolingOff(0), rights.WithController("Acme"),
			rights.WithSource(rights.Source{Name: "account", Order: rights.Primary, Eraser: accounts{s}, Locator: accounts{s}}),
		}
	}
	_, err = kit.Open(tb.Context(), c)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.k.Close(context.WithoutCancel(tb.Context()))) })
	p, err := retention.ParseYAML([]byte(kept))
	require.NoError(tb, err)
	officer := troth.WithActor(tb.Context(), troth.Actor{Kind: troth.Person, ID: "officer", Roles: []string{"dpo"}})
	require.NoError(tb, s.k.Keeper.Activate(officer, p))
	s.furnish(tb, people)
	return s
}

func (s *shop) furnish(tb testing.TB, people int) {
	tb.Helper()
	ctx := service(tb)
	for _, text := range []string{
		"CREATE TABLE bought (id TEXT PRIMARY KEY, text TEXT NOT NULL)", "CREATE TABLE account (owner TEXT NOT NULL, text TEXT NOT NULL)",
		"CREATE INDEX account_owner ON account (owner)",
	} {
		_, err := s.k.Handle.Querier(ctx).Exec(ctx, text)
		require.NoError(tb, err)
	}
	_, err := s.k.Consent.Publish(ctx, consent.Terms{
		Tenant: "acme", Purpose: "letter", Version: 1, Title: "A letter", Basis: consent.Consent, Data: []string{"email"},
	})
	require.NoError(tb, err)
	for i := range people {
		who := troth.Subject{Tenant: "acme", ID: customer(i)}
		require.NoError(tb, s.k.Handle.Atomically(ctx, func(ctx context.Context) error { return s.acquire(ctx, who, i) }))
	}
	for more := true; more; {
		n, err := s.k.Trail.Sequence(ctx)
		require.NoError(tb, err)
		more = n > 0
	}
}

// acquire has somebody become a customer.
func (s *shop) acquire(ctx context.Context, who troth.Subject, i int) error {
	at := troth.Context{Subject: who, Compartment: "orders", Cell: troth.Cell{Table: "t", Column: "c", Row: "1"}}
	if _, err := s.k.Vault.AppendSeal(ctx, nil, at, []byte("x")); err != nil {
		return err
	}
	_, err := s.k.Consent.Record(ctx, consent.Form{
		ID: "f" + who.ID, Subject: who, Method: consent.ByCheckbox, Channel: consent.OnWeb,
		Choices: []consent.Choice{{Purpose: "letter", Kind: consent.Granted}},
	})
	if err != nil {
		return err
	}
	_, err = s.k.Unsubscribe.OptOut(ctx, unsubscribe.OptOutParams{
		Tenant: "acme", Channel: unsubscribe.Email, Address: troth.Protect(mailbox(i)), Scope: unsubscribe.Client, Method: unsubscribe.ByPage,
	})
	if err != nil {
		return err
	}
	for j := range each10 {
		id := fmt.Sprintf("%s-%d", who.ID, j)
		if _, err := s.k.Handle.Querier(ctx).Exec(ctx, "INSERT INTO bought VALUES (?, 'something')", id); err != nil {
			return err
		}
		if _, err := s.k.Handle.Querier(ctx).Exec(ctx, "INSERT INTO account VALUES (?, 'something')", who.ID); err != nil {
			return err
		}
		key := retention.RecordKey{Tenant: "acme", Type: "order", ID: id}
		if err := s.k.Keeper.Created(ctx, retention.NewRecord{RecordKey: key, SubjectID: who.ID}); err != nil {
			return err
		}
	}
	return nil
}

func customer(i int) string { return fmt.Sprintf("c%d", i) }

func mailbox(i int) string { return fmt.Sprintf("c%d@example.org", i) }

func service(tb testing.TB) context.Context {
	return troth.WithActor(tb.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
}

// bought are the records under the policy.
type bought struct{ s *shop }

func (bought) Hide(context.Context, retention.Order) error              { return nil }
func (bought) Restore(context.Context, retention.Order) error           { return nil }
func (bought) Count(context.Context, troth.Tenant) (int64, error)       { return 0, nil }
func (b bought) Anonymise(ctx context.Context, o retention.Order) error { return b.Destroy(ctx, o) }

func (b bought) Destroy(ctx context.Context, o retention.Order) error {
	if err := b.s.k.Keeper.Check(ctx, o); err != nil {
		return err
	}
	_, err := b.s.k.Handle.Querier(ctx).Exec(ctx, "DELETE FROM bought WHERE id = ?", o.ID)
	return err
}

// accounts are the host's own rows.
type accounts struct{ s *shop }

func (a accounts) Locate(ctx context.Context, q rights.Inquiry) (found rights.Located, err error) {
	found.Records, err = a.s.count(ctx, "SELECT count(*) FROM account WHERE owner = ?", q.SubjectID)
	return found, err
}

func (a accounts) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	done, err := a.s.k.Handle.Querier(ctx).Exec(ctx, "DELETE FROM account WHERE owner = ?", q.SubjectID)
	if err != nil {
		return rights.Report{}, err
	}
	n, err := done.RowsAffected()
	return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: uint64(n)}, err
}

func (s *shop) count(ctx context.Context, text string, args ...any) (n uint64, err error) {
	rows, err := s.k.Handle.Querier(ctx).Query(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return 0, err
		}
	}
	return n, rows.Err()
}

// erase carries one person's erasure out, from request to answer.
func (s *shop) erase(ctx context.Context, i int) error {
	id, d := fmt.Sprintf("e%d", i), s.k.Rights
	_, err := d.Submit(ctx, rights.Submission{
		Tenant: "acme", ID: id, Right: rights.Erase, Via: rights.ViaAccount, SubjectID: customer(i),
		Contents: rights.Contents{Identifiers: []rights.Identifier{{Kind: "email", Value: troth.Protect(mailbox(i))}}},
	})
	if err != nil {
		return err
	}
	p, err := d.Attest(ctx, rights.Attestation{Tenant: "acme", Request: id, SubjectID: customer(i), Method: rights.ByReauthentication})
	if err != nil {
		return err
	}
	if _, err := d.Accept(ctx, "acme", id, p); err != nil {
		return err
	}
	if err := s.step(ctx, id); err != nil {
		return err
	}
	if _, err := d.Approve(ctx, "acme", id); err != nil {
		return err
	}
	if err := s.step(ctx, id); err != nil {
		return err
	}
	r, err := d.Deliver(ctx, "acme", id, time.Time{})
	if err == nil && !r.State.Final() {
		return fmt.Errorf("request %s is %s", id, r.State)
	}
	return err
}

func (s *shop) step(ctx context.Context, id string) error {
	before := cpuTime()
	err := s.k.Rights.Step(ctx, "acme", id)
	s.steps += cpuTime() - before
	return err
}

// alone calls the same sources in the same order with no desk, each in a transaction of its
// own, but for the one that is called outside of any.
func (s *shop) alone(ctx context.Context, i int) error {
	q := rights.Inquiry{
		Tenant: "acme", Request: fmt.Sprintf("e%d", i), Right: rights.Erase, SubjectID: customer(i), Key: fmt.Sprintf("e%d", i),
		Identifiers: []rights.Identifier{{Kind: "email", Value: troth.Protect(mailbox(i))}},
	}
	all := s.k.Rights.Sources()
	for _, one := range all {
		if one.Locator == nil {
			continue
		}
		if _, err := one.Locator.Locate(ctx, q); err != nil {
			return err
		}
	}
	for _, o := range rights.Orders() {
		for _, one := range all {
			if one.Order != o || one.Eraser == nil {
				continue
			}
			erase := func(ctx context.Context) error { _, err := one.Eraser.Erase(ctx, q); return err }
			if o != rights.Remote {
				do := erase
				erase = func(ctx context.Context) error { return s.k.Handle.Atomically(ctx, do) }
			}
			if err := erase(ctx); err != nil {
				return fmt.Errorf("%s: %w", one.Name, err)
			}
		}
	}
	return nil
}

// cpuTime is the CPU time of this process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkErase is that of the rights desk with what a kit has: its own four sources and a
// table of the host's, evidence on the trail, works in the queue, sealed contents. Both sides
// record evidence of what sources do, and bring it into the log after every five people; what
// is destroyed, and by whose leave, is the same. That the queue brings the steps is not in it.
func BenchmarkErase(b *testing.B) {
	people, ctx := *crowd, service(b)
	for b.Loop() {
		b.StopTimer()
		s, other := openShop(b, people), openShop(b, people)
		b.StartTimer()
		var whole, alone time.Duration
		turn := func(one *shop, spent *time.Duration, from int, do func(ctx context.Context, i int) error) {
			before := cpuTime()
			for i := from; i < min(from+5, people); i++ {
				require.NoError(b, do(ctx, i))
			}
			_, err := one.k.Trail.Sequence(ctx)
			require.NoError(b, err)
			*spent += cpuTime() - before
		}
		for from := 0; from < people; from += 5 {
			turn(s, &whole, from, s.erase)
			turn(other, &alone, from, other.alone)
		}
		b.StopTimer()
		for _, one := range []*shop{s, other} {
			for _, table := range []string{"bought", "account"} {
				n, err := one.count(ctx, "SELECT count(*) FROM "+table)
				require.NoError(b, err)
				require.Zero(b, n, table)
			}
		}
		b.StartTimer()
		per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(people) }
		b.ReportMetric(per(whole), "whole-cpu-µs/person")
		b.ReportMetric(per(s.steps), "steps-cpu-µs/person")
		b.ReportMetric(per(alone), "alone-cpu-µs/person")
		b.ReportMetric(100*float64(whole-alone)/float64(whole), "engine-%")
		b.ReportMetric(100*float64(s.steps-alone)/float64(s.steps), "steps-%")
	}
}

// TestErase_ByEverySourceOfAKit is the short form of it: what the desk says of its sources is
// what there is.
func TestErase_ByEverySourceOfAKit(t *testing.T) {
	ctx := service(t)
	s := openShop(t, 2)
	require.NoError(t, s.erase(ctx, 0))
	work, err := s.k.Rights.Work(ctx, "acme", "e0")
	require.NoError(t, err)
	var names []string
	for _, w := range work {
		names = append(names, w.Source)
		require.NotEqual(t, rights.Failed, w.Outcome, w.Source)
		require.Zero(t, w.Tries, w.Source)
	}
	require.Equal(t, []string{"account", "troth.consent", "troth.retention", "troth.unsubscribe", "troth.vault"}, slices.Sorted(slices.Values(names)))
	for _, table := range []string{"bought", "account"} {
		n, err := s.count(ctx, "SELECT count(*) FROM "+table)
		require.NoError(t, err)
		require.EqualValues(t, each10, n, "somebody else's %s", table)
	}
}
