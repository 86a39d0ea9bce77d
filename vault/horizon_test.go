package vault_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

const (
	day   = 24 * time.Hour
	fence = 5 * time.Second // the default of WithFenceAge
)

func (e *epochal) horizon(v *vault.Vault, r vault.Receipt) vault.Horizon {
	e.t.Helper()
	h, err := v.Horizon(e.ctx, r)
	require.NoError(e.t, err)
	return h
}

// grounds are those of the steps behind the first, which is always the caches.
func grounds(h vault.Horizon) (all []vault.HorizonGround) {
	for _, s := range h.Steps[1:] {
		all = append(all, s.Ground)
	}
	return all
}

// tenantsAround have data in the epoch too, so that something holds it.
func (e *epochal) sealAndShred(v *vault.Vault, target vault.Target) vault.Receipt {
	e.t.Helper()
	e.seal(v, emailOf(shop, "42", profile), "ada")
	e.seal(v, emailOf(shop, "43", profile), "bob")
	e.seal(v, emailOf(bakery, "1", profile), "bread")
	return e.shred(v, target)
}

func TestHorizon_FollowsTheEpochToItsEnd(t *testing.T) {
	e := newEpochal(t)
	v := e.open(vault.WithBackupLife(30 * day))
	r := e.sealAndShred(v, personOf(shop, "42"))
	shredded := e.at

	h := e.horizon(v, r)
	require.Equal(t, shredded.Add(30*day), h.At)
	require.False(t, h.Final)
	require.Equal(t, []vault.HorizonGround{vault.GroundBackups}, grounds(h))
	require.Contains(t, h.String(), "epoch 1 is in use")
	require.Contains(t, h.String(), "Advance")

	e.pass(day)
	e.advance(v)
	_, err := v.Rotate(e.ctx, shop)
	require.NoError(t, err)
	h = e.horizon(v, r)
	require.Equal(t, shredded.Add(30*day), h.At)
	require.Equal(t, bakery, h.Slowest, "the tenant that stays behind holds up everybody")
	require.Contains(t, h.String(), string(bakery))

	e.rewrap(v)
	h = e.horizon(v, r)
	require.Empty(t, h.Slowest)
	require.Contains(t, h.String(), "Retire")
	e.retire(v)
	h = e.horizon(v, r)
	require.Equal(t, e.at, h.At)
	require.True(t, h.Final)
	require.Equal(t, []vault.HorizonGround{vault.GroundDestroyed}, grounds(h))
	require.Contains(t, h.String(), "final since")

	e.pass(-time.Hour) // the clock jumps back, and it is not final any more
	require.False(t, e.horizon(v, r).Final)
}

func TestHorizon_CountsEveryEpochThatTheKeyLayUnder(t *testing.T) {
	e := newEpochal(t)
	v := e.open(vault.WithBackupLife(30 * day))
	e.seal(v, emailOf(shop, "42", profile), "ada")
	for range 2 {
		e.pass(day)
		e.advance(v)
		e.rewrap(v)
	}
	moved := e.at
	e.pass(day)
	r := e.sealAndShred(v, vault.Target{Tenant: shop, SubjectID: "42", Compartments: []troth.Compartment{profile}})
	require.Equal(t, [2]uint32{1, 3}, [2]uint32{r.Keys[0].FirstEpoch, r.Keys[0].LastEpoch})
	facts := e.facts("vault.shred")[0]
	require.Equal(t, [2]troth.Fact{troth.Count(1), troth.Count(3)}, [2]troth.Fact{facts["first-epoch"], facts["last-epoch"]})

	h := e.horizon(v, r)
	require.Equal(t, e.at.Add(30*day), h.At, "under epoch 3 until it was shredded")
	require.Equal(t, moved.Add(-day).Add(30*day), h.Steps[1].At, "under epoch 1 until it moved to 2")
	require.Equal(t, moved.Add(30*day), h.Steps[2].At)
	e.retire(v)
	h = e.horizon(v, r)
	require.Equal(t, []vault.HorizonGround{vault.GroundDestroyed, vault.GroundDestroyed, vault.GroundBackups}, grounds(h))
	e.advance(v)
	e.rewrap(v)
	e.retire(v)
	e.pass(fence)
	require.True(t, e.horizon(v, r).Final)
}

func TestHorizon_IsNoEarlierThanTheCaches(t *testing.T) {
	e := newEpochal(t)
	v := e.open(vault.WithFenceAge(time.Minute))
	r := e.sealAndShred(v, personOf(shop, "42"))
	e.advance(v)
	e.rewrap(v)
	e.retire(v)
	h := e.horizon(v, r)
	require.Equal(t, r.At.Add(time.Minute), h.At)
	require.False(t, h.Final)
	e.pass(time.Minute)
	require.True(t, e.horizon(v, r).Final)
}

func TestHorizon_OfAPersonOfWhomNothingWas(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	e.seal(v, emailOf(shop, "43", profile), "bob")
	r := e.shred(v, personOf(shop, "42"))
	h := e.horizon(v, r)
	require.Equal(t, e.at.Add(fence), h.At)
	require.Len(t, h.Steps, 1)
}

func TestHorizon_OfATenantCountsItsRoots(t *testing.T) {
	e := newEpochal(t)
	v := e.open(vault.WithBackupLife(30 * day))
	e.seal(v, emailOf(shop, "42", profile), "ada")
	_, err := v.MAC(e.ctx, someKey, nil)
	require.NoError(t, err)
	e.seal(v, emailOf(bakery, "1", profile), "bread")
	e.advance(v)
	e.rewrap(v)
	e.pass(day)
	r := e.shred(v, vault.Target{Tenant: shop, WholeTenant: true})
	h := e.horizon(v, r)
	require.Equal(t, e.at.Add(30*day), h.At)
	require.Len(t, h.Steps, 3)
	e.retire(v)
	e.advance(v)
	e.rewrap(v)
	e.retire(v)
	e.pass(fence)
	h = e.horizon(v, r)
	require.True(t, h.Final, h.String())
	again := e.shred(v, vault.Target{Tenant: shop, WholeTenant: true})
	require.True(t, again.Already)
	require.Equal(t, grounds(h), grounds(e.horizon(v, again)), "a second receipt has no keys, and the rows tell")
}

// What is not declared is taken for the worst.
func TestHorizon_HonestlyTheExpiryOfTheLastBackup(t *testing.T) {
	declared := []vault.Option{vault.WithBackupLife(30 * day)}
	for name, c := range map[string]struct {
		place  vault.EpochPlace
		none   bool
		opts   []vault.Option
		want   vault.HorizonGround
		inText string
	}{
		"no epoch store":                  {none: true, opts: declared, want: vault.GroundBackups, inText: "directly under the key-encryption key"},
		"co-located":                      {place: vault.EpochPlace{Name: "beside"}, opts: declared, want: vault.GroundBackups, inText: "not declared to be apart"},
		"nothing said":                    {place: vault.EpochPlace{Name: "beside"}, want: vault.GroundUnknown, inText: "not declared how long backups live"},
		"no epoch store and nothing said": {none: true, want: vault.GroundUnknown, inText: "not declared how long backups live"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEpochal(t)
			e.epochs.Declared = c.place
			open := e.open
			if c.none {
				open = func(opts ...vault.Option) *vault.Vault { return e.vault(append(opts, vault.WithClock(e.clock))...) }
			}
			v := open(c.opts...)
			r := e.sealAndShred(v, personOf(shop, "42"))
			shredded := e.at
			if !c.none {
				e.advance(v)
				e.rewrap(v)
				e.retire(v)
			}
			e.pass(40 * day)
			h := e.horizon(v, r)
			require.Equal(t, []vault.HorizonGround{c.want}, grounds(h))
			require.Contains(t, h.String(), c.inText)
			if c.want == vault.GroundUnknown {
				require.Zero(t, h.At)
				require.False(t, h.Final)
				require.Contains(t, h.String(), "horizon unknown")
				return
			}
			require.Equal(t, shredded.Add(30*day), h.At)
			require.True(t, h.Final)
		})
	}
}

func TestHorizon_AKeyFromBeforeTheEpochs(t *testing.T) {
	e := newEpochal(t)
	e.seal(e.vault(vault.WithClock(e.clock)), emailOf(shop, "42", profile), "ada")
	v := e.open(vault.WithBackupLife(30 * day))
	e.pass(day)
	e.rewrap(v)
	moved := e.at
	e.pass(day)
	r := e.shred(v, personOf(shop, "42"))
	e.advance(v)
	e.rewrap(v)
	e.retire(v)
	h := e.horizon(v, r)
	require.Equal(t, moved.Add(30*day), h.At, "what lay directly under the key-encryption key ends with the backups from then")
	require.Equal(t, []vault.HorizonGround{vault.GroundBackups, vault.GroundDestroyed}, grounds(h))
	require.False(t, h.Final)
	e.pass(30 * day)
	require.True(t, e.horizon(v, r).Final)
	// Without a word about backups nobody can tell.
	require.Zero(t, e.horizon(e.open(), r).At)
}

func TestHorizon_AddsTheBackupsOfTheEpochStore(t *testing.T) {
	e := newEpochal(t)
	e.epochs.Declared.BackupLife = 7 * day
	v := e.open()
	r := e.sealAndShred(v, personOf(shop, "42"))
	e.advance(v)
	e.rewrap(v)
	e.retire(v)
	h := e.horizon(v, r)
	require.Equal(t, e.at.Add(7*day), h.At)
	require.False(t, h.Final)
	require.Contains(t, h.String(), "backups of elsewhere live")
	e.pass(7 * day)
	require.True(t, e.horizon(v, r).Final)
}

func TestHorizon_WaitsForTheConfirmationOfADelayedDestruction(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	r := e.sealAndShred(v, personOf(shop, "42"))
	e.advance(v)
	e.rewrap(v)
	final := e.at.Add(30 * day)
	e.epochs.FinalAt = func(uint32) time.Time { return final }
	e.retire(v)
	h := e.horizon(v, r)
	require.Equal(t, final, h.At)
	require.Equal(t, []vault.HorizonGround{vault.GroundPending}, grounds(h))
	e.pass(31 * day)
	require.False(t, e.horizon(v, r).Final, "nobody has confirmed it")
	e.epochs.FinalAt = nil
	e.retire(v)
	h = e.horizon(v, r)
	require.True(t, h.Final)
	require.Equal(t, []vault.HorizonGround{vault.GroundDestroyed}, grounds(h))
}

func TestHorizon_NotWhileExported(t *testing.T) {
	for name, c := range map[string]struct {
		note vault.KeyName
		want bool
	}{
		"the compartment":         {vault.KeyName{Tenant: shop, SubjectID: "42", Compartment: profile}, true},
		"the person":              {vault.KeyName{Tenant: shop, SubjectID: "42"}, true},
		"the tenant":              {vault.KeyName{Tenant: shop}, true},
		"another compartment":     {vault.KeyName{Tenant: shop, SubjectID: "42", Compartment: invoice}, false},
		"another person":          {vault.KeyName{Tenant: shop, SubjectID: "43"}, false},
		"another tenant":          {vault.KeyName{Tenant: bakery}, false},
		"before the key was made": {vault.KeyName{Tenant: shop, SubjectID: "42"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEpochal(t)
			v := e.open(vault.WithBackupLife(30 * day))
			at := e.at
			if name == "before the key was made" {
				at = at.Add(-time.Microsecond)
			}
			require.NoError(t, e.store.NoteExport(e.ctx, c.note, at.UnixMicro()))
			r := e.sealAndShred(v, personOf(shop, "42"))
			h := e.horizon(v, r)
			require.Equal(t, c.want, h.Exported)
			require.Equal(t, c.want, h.At.IsZero())
			if c.want {
				require.Contains(t, h.String(), "not while exported")
			}
		})
	}
}

func TestHorizon_OfWhatHasNotCommitted(t *testing.T) {
	e := newEpochal(t)
	v := e.open(vault.WithBackupLife(day))
	e.seal(v, emailOf(shop, "42", profile), "ada")
	for _, target := range []vault.Target{personOf(shop, "42"), {Tenant: shop, WholeTenant: true}} {
		var r vault.Receipt
		err := e.db.Atomically(e.ctx, func(ctx context.Context) error {
			var err error
			r, err = v.Shred(ctx, erasure, target)
			require.NoError(t, err)
			return errRecorder
		})
		require.ErrorIs(t, err, errRecorder)
		h := e.horizon(v, r)
		require.Zero(t, h.At)
		require.False(t, h.Final)
		require.Equal(t, vault.GroundUncommitted, h.Steps[0].Ground)
	}
	_, err := v.Horizon(e.ctx, vault.Receipt{})
	require.Error(t, err)
}

// Who writes the database makes the rows say less. The receipt says it all.
func TestHorizon_BelievesTheReceiptWhereItSaysMore(t *testing.T) {
	e := newEpochal(t)
	v := e.open(vault.WithBackupLife(30 * day))
	e.seal(v, emailOf(shop, "42", profile), "ada")
	e.advance(v)
	e.rewrap(v)
	r := e.shred(v, personOf(shop, "42"))
	liar := &tombstoneLiar{Backend: e.store}
	c := e.config()
	c.Store, c.Epochs = liar, e.epochs
	lied, err := vault.Open(e.ctx, c, vault.WithClock(e.clock), vault.WithBackupLife(30*day))
	require.NoError(t, err)
	h := e.horizon(lied, r)
	require.Len(t, h.Steps, 3, "epochs 1 and 2 and the caches")
	require.Equal(t, e.at.Add(30*day), h.At)
	liar.none = true
	require.Equal(t, vault.GroundUncommitted, e.horizon(lied, r).Steps[0].Ground)
}

// A row in the database says that the key is gone, and it is not.
func TestHorizon_BelievesTheEpochStoreAndNotTheRow(t *testing.T) {
	e := newEpochal(t)
	v := e.open(vault.WithBackupLife(30 * day))
	r := e.sealAndShred(v, personOf(shop, "42"))
	e.advance(v)
	e.rewrap(v)
	ended, err := e.store.EndEpoch(e.ctx, 1, e.at.UnixMicro(), e.at.UnixMicro())
	require.NoError(t, err)
	require.True(t, ended)
	h := e.horizon(v, r)
	require.Equal(t, []vault.HorizonGround{vault.GroundBackups}, grounds(h))
	require.Equal(t, r.At.Add(30*day), h.At)
	require.Contains(t, h.String(), "elsewhere still has it")
}

// tombstoneLiar says that keys never lay under the first epoch.
type tombstoneLiar struct {
	vault.Backend
	none bool
}

func (l *tombstoneLiar) Tombstones(ctx context.Context, t troth.Tenant, id string) ([]vault.KeyRow, error) {
	rows, err := l.Backend.Tombstones(ctx, t, id)
	for i := range rows {
		rows[i].FirstEpoch = rows[i].Epoch
	}
	if l.none {
		return nil, err
	}
	return rows, err
}

func (l *tombstoneLiar) Roots(ctx context.Context, t troth.Tenant) ([]vault.RootRow, error) {
	rows, err := l.Backend.Roots(ctx, t)
	return rows[len(rows)-1:], err
}
