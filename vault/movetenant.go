package vault

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// moveTries bounds how often a move begins again because the tenant's roots
// changed meanwhile.
const moveTries = 5

var errMoving = fmt.Errorf("vault: move tenant: its roots kept changing: %w", troth.ErrBusy)

// MoveTenant puts a tenant under another key-encryption key: under its own, by
// the name that the [KEKResolver] of the [Config] knows, or with an empty name
// back under the platform's. Only the tenant's roots are wrapped anew; no value
// and no data key is touched. A tenant of which nothing was sealed yet gets its
// roots there. It returns how many roots it wrapped; 0 says that the tenant was
// there already.
//
// From then on the vault asks that key, and no other, again and again: once it
// refuses, by whatever error, everything of the tenant refuses within the bounds
// of [WithKEKTTL] and [WithFenceAge], in every process; once it answers again,
// everything works again, no later than ten seconds after.
//
// Before it relies on a key it has it wrap and unwrap. Both keys must answer, or
// nothing is changed and [ErrKEK] returned. The platform tenant cannot be moved:
// [ErrTarget]. It cannot be done inside a transaction: [ErrInTx].
func (v *Vault) MoveTenant(ctx context.Context, tenant troth.Tenant, kek string) (roots int, err error) {
	if err := v.mayMove(ctx, tenant, kek); err != nil {
		return 0, err
	}
	if kek != "" { // the key of the tags must be there before the transaction
		if _, err := v.deriveKey(ctx, macInfo, ownKeyRef); err != nil {
			return 0, err
		}
	}
	for range moveTries {
		if err := v.checkPending(ctx, &KeyName{Tenant: tenant}); err != nil {
			return 0, err
		}
		m, err := v.planMove(ctx, tenant, kek)
		if err != nil || m == nil {
			return 0, err
		}
		done := false
		err = v.tx.Atomically(ctx, func(ctx context.Context) (err error) {
			done, err = v.move(ctx, m)
			if err == nil && !done {
				err = errMoving
			}
			return err
		})
		switch {
		case err == nil:
			v.forget(KeyName{Tenant: tenant})
			return len(m.rewrapped) + len(m.made), nil
		case !errors.Is(err, errMoving):
			return 0, err
		}
	}
	return 0, errMoving
}

func (v *Vault) mayMove(ctx context.Context, tenant troth.Tenant, kek string) error {
	if err := errors.Join(tenant.Validate(), validKEK(kek)); err != nil {
		return err
	}
	if tenant == troth.Platform {
		return fmt.Errorf("%w: the platform tenant stays under the platform's key", ErrTarget)
	}
	if _, err := troth.ActorFrom(ctx); err != nil {
		return err
	}
	if v.tx.Scope(ctx) != nil {
		return ErrInTx
	}
	if err := v.admits(); err != nil {
		return err
	}
	return v.checkFence(ctx)
}

// move is what changes when a tenant moves, worked out outside of any
// transaction.
type move struct {
	tenant    troth.Tenant
	kek       string
	from      string
	rewrapped []rewrapped
	made      []*RootRow
}

type rewrapped struct {
	row    RootRow
	before []byte
}

// planMove returns nil if the tenant is there already.
func (v *Vault) planMove(ctx context.Context, tenant troth.Tenant, kek string) (*move, error) {
	rows, err := v.store.Roots(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("vault: read roots: %w", err)
	}
	// The wrap lineage first: it is the one that everybody locks first.
	slices.SortStableFunc(rows, func(a, b RootRow) int { return cmp.Compare(b.Lineage, a.Lineage) })
	m := &move{tenant: tenant, kek: kek}
	has := map[Lineage]bool{}
	for i := range rows {
		row := &rows[i]
		if row.Tenant != tenant {
			return nil, ErrKeyRecord
		}
		if row.ShreddedAt != 0 {
			return nil, ErrShredded
		}
		has[row.Lineage] = true
		if row.KEK == kek || len(row.Sealed) == 0 { // there already, or a trace
			continue
		}
		m.from = row.KEK
		to, err := v.rewrapRoot(ctx, row, kek)
		if err != nil {
			return nil, err
		}
		m.rewrapped = append(m.rewrapped, rewrapped{row: to, before: row.Sealed})
	}
	for _, l := range []Lineage{WrapLineage, IndexLineage} {
		if kek == "" || has[l] { // the platform's are made when they are needed
			continue
		}
		row, err := v.newRoot(ctx, tenant, l, kek)
		if err != nil {
			return nil, err
		}
		m.made = append(m.made, row)
	}
	if len(m.rewrapped)+len(m.made) == 0 {
		return nil, nil
	}
	return m, nil
}

// rewrapRoot returns the row under another key-encryption key.
func (v *Vault) rewrapRoot(ctx context.Context, row *RootRow, kek string) (RootRow, error) {
	box, err := v.unseal(ctx, row)
	if err != nil {
		return RootRow{}, err
	}
	defer clear(box)
	if row.Epoch != 0 { // only what is really the root is moved
		secret, err := v.unbox(ctx, row, box)
		if err != nil {
			return RootRow{}, err
		}
		clear(secret)
	}
	to := *row
	to.KEK, to.MovedAt = kek, v.micros()
	to.Sealed, err = v.kekFor(&to).EncryptWithContext(ctx, box, rootAAD(&to))
	if err != nil {
		if ctx.Err() != nil {
			return RootRow{}, ctx.Err()
		}
		return RootRow{}, fmt.Errorf("%w: wrap root: %w", ErrKEK, err)
	}
	return to, nil
}

// move writes a move, or returns false if the roots are others by now.
func (v *Vault) move(ctx context.Context, m *move) (bool, error) {
	if len(m.made) > 0 {
		if err := v.checkBuried(ctx, KeyName{Tenant: m.tenant}); err != nil {
			return false, err
		}
	}
	for _, r := range m.rewrapped {
		replaced, err := v.store.RewrapRoot(ctx, r.row, r.before)
		if err != nil {
			return false, fmt.Errorf("vault: rewrap root: %w", err)
		}
		if !replaced {
			return false, nil
		}
	}
	for _, row := range m.made {
		inserted, err := v.store.InsertRoot(ctx, *row)
		if err != nil {
			return false, fmt.Errorf("vault: insert root: %w", err)
		}
		if !inserted {
			return false, nil
		}
	}
	rows, err := v.store.Roots(ctx, m.tenant)
	if err != nil {
		return false, fmt.Errorf("vault: read roots: %w", err)
	}
	for i := range rows { // one may have come while the locks were waited for
		living := len(rows[i].Sealed) > 0
		if rows[i].ShreddedAt != 0 || living && rows[i].KEK != m.kek {
			return false, nil
		}
	}
	// Not of roots alone: keys that were loaded by the old key's leave expire
	// too late for the new one.
	e := FenceEvent{KeyName: KeyName{Tenant: m.tenant}, At: v.micros()}
	if err := v.store.RaiseFence(ctx, e); err != nil {
		return false, fmt.Errorf("vault: raise fence: %w", err)
	}
	return true, v.record(ctx, m.entry())
}

// entry tells of the move. Of the names of keys it tells digests: they may hold
// what is nobody's business.
func (m *move) entry() troth.Entry {
	facts := troth.Facts{"roots": troth.Count(len(m.rewrapped) + len(m.made))}
	for fact, kek := range map[string]string{"from": m.from, "to": m.kek} {
		if kek != "" {
			facts[fact] = troth.Digest(sha256.Sum256([]byte(kek)))
		}
	}
	return troth.Entry{Act: actMove, Tenant: m.tenant, Facts: facts}
}

// TenantKEK returns the name of the key-encryption key under which a tenant
// lies, empty for the platform's.
func (v *Vault) TenantKEK(ctx context.Context, tenant troth.Tenant) (string, error) {
	if err := tenant.Validate(); err != nil {
		return "", err
	}
	return v.kekOf(ctx, tenant)
}
