package retention

import (
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
	"github.com/trothdev/troth/storage/memory/consentmem"
	"github.com/trothdev/troth/storage/memory/retentionmem"
	"github.com/trothdev/troth/storage/memory/taskmem"
	"github.com/trothdev/troth/storage/memory/unsubscribemem"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/unsubscribe"
	"github.com/trothdev/troth/vault"
)

// Every store of the other packages can be taken over.
var _ = []retention.Managed{
	vault.Backend(nil), audit.Backend(nil), task.Backend(nil), consent.Backend(nil), unsubscribe.Backend(nil),
}

// compartment is the host's handler of people's profiles: the vault's keys are the
// record, and its permit is for the key.
type compartment struct {
	v *vault.Vault
	k *retention.Keeper
}

func target(o retention.Order) vault.Target {
	return vault.Target{Tenant: o.Tenant, SubjectID: o.ID, Compartments: []troth.Compartment{"profile"}}
}

func (*compartment) Hide(context.Context, retention.Order) error    { return nil }
func (*compartment) Restore(context.Context, retention.Order) error { return nil }

func (c *compartment) Destroy(ctx context.Context, o retention.Order) error {
	if err := c.k.Check(ctx, o); err != nil {
		return err
	}
	_, err := c.v.Shred(ctx, o.Permit, target(o))
	return err
}

func (c *compartment) Anonymise(ctx context.Context, o retention.Order) error {
	return c.Destroy(ctx, o)
}

func (*compartment) Count(context.Context, troth.Tenant) (int64, error) { return 0, nil }

func keyOf(key retention.RecordKey, _ string) troth.PermitRef {
	return troth.PermitRef{Tenant: string(key.Tenant), Subject: key.ID, Compartment: "profile"}
}

// house is a vault and a registry with a keeper over both.
type house struct {
	db    *memory.DB
	now   time.Time
	kek   vault.Config
	v     *vault.Vault
	keys  *vaultmem.Store
	outs  *unsubscribemem.Store
	tasks *taskmem.Store
	k     *retention.Keeper
	ctx   context.Context
}

func newHouse(t *testing.T) *house {
	t.Helper()
	db := memory.Open()
	w := &house{db: db, now: began, keys: vaultmem.New(db), outs: unsubscribemem.New(db), tasks: taskmem.New(db)}
	w.ctx = troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "host"})
	file := filepath.Join(t.TempDir(), "kek")
	require.NoError(t, vault.CreateKEKFile(file, "a passphrase"))
	kek, err := vault.OpenKEKFile(file, "a passphrase")
	require.NoError(t, err)
	w.kek = vault.Config{Store: w.keys, KEK: kek, Recorder: troth.UnsafeNoEvidence(db)}
	w.v, err = vault.Open(w.ctx, w.kek, vault.Unmanaged("before there was a keeper"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.v.Close(context.WithoutCancel(w.ctx)) })
	c := &compartment{v: w.v}
	w.k, err = retention.New(w.ctx, retention.Config{
		Store: retentionmem.New(db), Recorder: troth.UnsafeNoEvidence(db),
		Manages: []retention.Managed{w.keys, w.outs, w.tasks, consentmem.New(db), auditmem.New(db)},
	}, retention.WithClock(func() time.Time { return w.now }), retention.UnsafeWithoutApproval(),
		retention.WithRecords("document", retention.Registration{Handler: c, Permit: keyOf}))
	require.NoError(t, err)
	c.k = w.k
	require.NoError(t, w.k.Activate(person(w.ctx, "officer", "dpo"), policyOf(t)))
	return w
}

// seal seals something of a person, and returns what tries to open it.
func (w *house) seal(t *testing.T, id string) (open func() error) {
	t.Helper()
	at := troth.Context{
		Subject: troth.Subject{Tenant: ours, ID: id}, Compartment: "profile",
		Cell: troth.Cell{Table: "t", Column: "c", Row: id},
	}
	sealed, err := w.v.AppendSeal(w.ctx, nil, at, []byte("x"))
	require.NoError(t, err)
	return func() error {
		_, err := w.v.AppendOpen(w.ctx, nil, at, "test", sealed)
		return err
	}
}

func TestVault_IsShreddedByTheKeeperAlone(t *testing.T) {
	w := newHouse(t)
	opens := w.seal(t, "p")
	whom := vault.Target{Tenant: ours, SubjectID: "p", Compartments: []troth.Compartment{"profile"}}

	_, err := w.v.Shred(w.ctx, troth.UnmanagedPermit("x"), whom)
	require.ErrorIs(t, err, vault.ErrUnmanaged)
	_, err = vault.Open(w.ctx, w.kek, vault.Unmanaged("again"))
	require.ErrorIs(t, err, vault.ErrUnmanaged)

	leave := retention.Leave{Ref: keyOf(retention.RecordKey{Tenant: ours, ID: "p"}, ""), SubjectID: "p", Ground: "erasure-request"}
	shred := func(ctx context.Context, p troth.Permit) error { _, err := w.v.Shred(ctx, p, whom); return err }
	hold := retention.Hold{Tenant: ours, ID: "h", Matter: "m", SubjectID: "p", Review: began.AddDate(1, 0, 0)}
	require.NoError(t, w.k.Place(person(w.ctx, "lawyer", "counsel"), hold))
	require.ErrorIs(t, w.k.Permit(w.ctx, leave, shred), retention.ErrHeld)
	require.NoError(t, opens())
	require.NoError(t, w.k.ProposeRelease(person(w.ctx, "lawyer", "counsel"), ours, "h"))
	require.NoError(t, w.k.Release(person(w.ctx, "second", "dpo"), ours, "h"))

	for name, wrong := range map[string]func(l *retention.Leave){
		"another tenant":      func(l *retention.Leave) { l.Ref.Tenant = "other" },
		"another person":      func(l *retention.Leave) { l.Ref.Subject = "q" },
		"another compartment": func(l *retention.Leave) { l.Ref.Compartment = "orders" },
		"a record":            func(l *retention.Leave) { l.Ref.Version = 1 },
	} {
		other := leave
		wrong(&other)
		require.ErrorIs(t, w.k.Permit(w.ctx, other, shred), troth.ErrNotPermitted, name)
	}
	var late troth.Permit
	require.NoError(t, w.k.Permit(w.ctx, leave, func(_ context.Context, p troth.Permit) error { late = p; return nil }))
	require.ErrorIs(t, shred(w.ctx, late), troth.ErrNotPermitted, "after commit")
	require.ErrorIs(t, shred(w.ctx, troth.Permit{}), troth.ErrNotPermitted, "none")
	require.NoError(t, opens())

	require.NoError(t, w.k.Permit(w.ctx, leave, shred))
	require.ErrorIs(t, opens(), vault.ErrShredded)
}

func TestVault_CompartmentsAreRecords(t *testing.T) {
	w := newHouse(t)
	opens := w.seal(t, "p")
	require.NoError(t, w.k.Created(w.ctx, retention.NewRecord{
		RecordKey: retention.RecordKey{Tenant: ours, Type: "document", ID: "p"}, SubjectID: "p", At: began,
	}))
	w.now = began.AddDate(0, 0, 29)
	_, err := w.k.Sweep(w.ctx)
	require.NoError(t, err)
	require.NoError(t, opens())
	w.now = began.AddDate(0, 0, 31)
	s, err := w.k.Sweep(w.ctx)
	require.NoError(t, err)
	require.Empty(t, s.Failed)
	require.Equal(t, 1, s.Destroyed)
	require.ErrorIs(t, opens(), vault.ErrShredded)
}

// macs are keys that hide nothing.
type macs struct{}

func (macs) MAC(_ context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	h := hmac.New(sha256.New, []byte(ref.Use+ref.ID))
	h.Write(message)
	return [32]byte(h.Sum(nil)), nil
}

func (macs) AEAD(context.Context, troth.KeyRef) (cipher.AEAD, error) {
	return nil, errors.New("no test asks for it")
}

func TestUnsubscribe_ErasesByTheKeeperAlone(t *testing.T) {
	w := newHouse(t)
	config := unsubscribe.Config{Store: w.outs, Recorder: troth.UnsafeNoEvidence(w.db), Keys: macs{}}
	_, err := unsubscribe.New(w.ctx, config, unsubscribe.Unmanaged("again"))
	require.ErrorIs(t, err, unsubscribe.ErrUnmanaged)
	r, err := unsubscribe.New(w.ctx, config, unsubscribe.WithDisposer(w.k))
	require.NoError(t, err)
	erase := func(id string) error {
		_, err := r.Erase(w.ctx, unsubscribe.EraseParams{Tenant: ours, SubjectID: id, Ground: "erasure-request"})
		return err
	}
	hold := retention.Hold{Tenant: ours, ID: "h", Matter: "m", SubjectID: "p", Review: began.AddDate(1, 0, 0)}
	require.NoError(t, w.k.Place(person(w.ctx, "lawyer", "counsel"), hold))
	require.ErrorIs(t, erase("p"), retention.ErrHeld)
	require.NoError(t, erase("q"))
}

func TestTask_DisposesByTheKeeperAlone(t *testing.T) {
	w := newHouse(t)
	config := task.Config{Store: w.tasks, Recorder: troth.UnsafeNoEvidence(w.db), Sealer: sealer{}}
	_, err := task.New(w.ctx, config, task.Unmanaged("again"))
	require.ErrorIs(t, err, task.ErrUnmanaged)
	config.Disposer = w.k
	e, err := task.New(w.ctx, config)
	require.NoError(t, err)
	require.NoError(t, e.Handle(task.Kind{Name: "k"}, func(context.Context, troth.Job) (troth.Outcome, error) {
		return troth.Completed, nil
	}))
	disposed := func() int {
		id, err := e.Enqueue(w.ctx, troth.Work{Tenant: ours, Kind: "k", Payload: []byte("x")})
		require.NoError(t, err)
		require.NoError(t, e.RunOne(w.ctx, troth.WorkRef{Tenant: ours, ID: id}))
		n, err := e.Dispose(w.ctx)
		require.NoError(t, err)
		return n
	}
	require.Equal(t, 1, disposed())
	hold := retention.Hold{Tenant: ours, ID: "h", Matter: "m", Review: began.AddDate(1, 0, 0)}
	require.NoError(t, w.k.Place(person(w.ctx, "lawyer", "counsel"), hold))
	require.Zero(t, disposed(), "held")
}

// sealer hides nothing.
type sealer struct{}

func (sealer) Seal(_ context.Context, dst []byte, _ troth.Context, plain []byte) ([]byte, error) {
	return append(dst, plain...), nil
}

func (sealer) Open(_ context.Context, dst []byte, _ troth.Context, _ troth.Purpose, sealed []byte) ([]byte, error) {
	return append(dst, sealed...), nil
}
