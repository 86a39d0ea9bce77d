package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// MaxGenerations is how many generations of one name can live at the same time.
// Those that were retired do not count.
const MaxGenerations = 64

var (
	// ErrNoKey says that nothing was ever sealed under the name, so that there
	// is no key to renew, retire or give away.
	ErrNoKey = errors.New("vault: no such key")
	// ErrGenerations says that a name has as many generations as it can have:
	// re-encrypt what the oldest ones sealed, and retire them.
	ErrGenerations = errors.New("vault: too many generations of a key")
)

// NewGeneration begins a new generation of the key of a person's compartment,
// and returns its number. From then on it seals; the older ones still open what
// they sealed, see [Vault.Reencrypt] and [Vault.RetireKey]. Where another
// process begins one at the same moment, both return the same.
//
// Key, fence and evidence commit together, in the caller's transaction if there
// is one. This process seals with the new generation at once, or, if the
// transaction is the host's, like every other process within the bound of
// [WithFenceAge].
//
// It returns [ErrNoKey] where nothing was sealed yet, [ErrShredded] and
// [ErrShredPending] for destroyed keys, and [ErrGenerations].
func (v *Vault) NewGeneration(ctx context.Context, s troth.Subject, c troth.Compartment) (generation uint32, err error) {
	if err := errors.Join(s.Validate(), c.Validate()); err != nil {
		return 0, err
	}
	if _, err := troth.ActorFrom(ctx); err != nil {
		return 0, err
	}
	name := KeyName{Tenant: s.Tenant, SubjectID: s.ID, Compartment: c}
	if err := v.ready(ctx, name); err != nil {
		return 0, err
	}
	var row KeyRow
	err = v.tx.Atomically(ctx, func(ctx context.Context) error {
		var made bool
		var err error
		if row, made, err = v.renewKey(ctx, name, func(*KeyRow) bool { return true }); err != nil || !made {
			return err
		}
		return v.tellRenewed(ctx, name.Tenant, name.SubjectID, []KeyRow{row})
	})
	if err != nil {
		return 0, err
	}
	v.forget(name)
	return row.Generation, nil
}

// ready checks what forbids any use of the keys under the name, and asks the
// key-encryption key while nobody waits for it in a transaction.
func (v *Vault) ready(ctx context.Context, name KeyName) error {
	if err := v.admits(); err != nil {
		return err
	}
	if err := v.checkFence(ctx); err != nil {
		return err
	}
	if err := v.checkPending(ctx, &name); err != nil {
		return err
	}
	if err := v.checkOwed(&name); err != nil {
		return err
	}
	if v.tx.Scope(ctx) != nil {
		return nil
	}
	_, err := v.root(ctx, rootName{tenant: name.Tenant, lineage: WrapLineage, epoch: newest})
	return err
}

// renewKey inserts the next generation under the name, if due says so of the
// newest. It returns the newest one, and whether it made it.
func (v *Vault) renewKey(ctx context.Context, name KeyName, due func(*KeyRow) bool) (row KeyRow, made bool, err error) {
	state, err := v.store.LockPerson(ctx, name.Tenant, name.SubjectID, Shared)
	if err != nil {
		return row, false, fmt.Errorf("vault: lock person: %w", err)
	}
	if closedTo(state, name.Compartment) {
		return row, false, ErrShredded
	}
	f, err := v.flagFor(ctx, &name, state)
	if err != nil {
		return row, false, err
	}
	var before uint32
	for range keyIDTries {
		rows, err := v.generations(ctx, name)
		if err != nil {
			return row, false, err
		}
		if before == 0 {
			before = rows[0].Generation
		}
		if rows[0].Generation != before || !due(&rows[0]) {
			return rows[0], false, nil // another process was first
		}
		if len(rows) >= MaxGenerations {
			return row, false, ErrGenerations
		}
		r, err := v.rootForKeys(ctx, name.Tenant, state, nil)
		if err != nil {
			return row, false, err
		}
		row = nextGeneration(&rows[0], r, v.micros())
		row.Flag = f.encode()
		if _, err := wrapNew(&row, r.wrap); err != nil {
			return row, false, err
		}
		inserted, err := v.store.InsertKey(ctx, row)
		if err != nil {
			return row, false, fmt.Errorf("vault: insert key: %w", err)
		}
		if inserted {
			return row, true, nil
		}
	}
	return row, false, errKeyID
}

// nextGeneration is the row that follows another one, without its key.
func nextGeneration(of *KeyRow, r *root, at int64) KeyRow {
	return KeyRow{
		KeyName: of.KeyName, Generation: of.Generation + 1, Epoch: r.epoch, FirstEpoch: r.epoch, CreatedAt: at,
	}
}

// generations returns the rows under a name that lives.
func (v *Vault) generations(ctx context.Context, name KeyName) ([]KeyRow, error) {
	rows, err := v.store.Keys(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("vault: read keys: %w", err)
	}
	if len(rows) == 0 {
		return nil, ErrNoKey
	}
	for i := range rows {
		if rows[i].ShreddedAt != 0 {
			return nil, ErrShredded
		}
	}
	return rows, nil
}

// tellRenewed tells other processes and the trail of new generations. What the
// caller's transaction has looked up it looks up again.
func (v *Vault) tellRenewed(ctx context.Context, tenant troth.Tenant, subjectID string, rows []KeyRow) error {
	r := Receipt{}
	r.addKeys(rows)
	for i := range rows {
		if err := v.store.RaiseFence(ctx, FenceEvent{KeyName: rows[i].KeyName, At: rows[i].CreatedAt}); err != nil {
			return fmt.Errorf("vault: raise fence: %w", err)
		}
	}
	for i := range rows {
		v.forget(rows[i].KeyName)
	}
	return v.record(ctx, troth.Entry{
		Act: actRenew, Tenant: tenant, SubjectID: subjectID,
		Facts: troth.Facts{
			"compartments": troth.Words(r.compartments()...),
			"keys":         troth.Count(len(rows)),
			"commitments":  troth.Digest(r.digest()),
		},
	})
}

// Renewal says which keys of a tenant get a new generation.
type Renewal struct {
	// OlderThan chooses the names whose newest generation began before it. With
	// the same instant a renewal can be repeated, resumed, and done by two
	// processes at once: each name gets one generation.
	OlderThan time.Time
	// After is the Next of the call before; the zero KeyName begins.
	After KeyName
	// Limit bounds the names that one call looks at, and so its transaction: 1
	// to 1,000, 100 if it is 0.
	Limit int
}

// Renewed is what one call of [Vault.RenewKeys] did.
type Renewed struct {
	// Keys is how many generations began; Full how many names were passed over
	// because they have [MaxGenerations].
	Keys, Full int
	// Next is where to go on.
	Next KeyName
	// Done says that there is nothing behind Next.
	Done bool
}

// RenewKeys is [Vault.NewGeneration] for the keys of a tenant, a page for each
// call: call it until it is done. Each call is one transaction, or part of the
// caller's. Names that are shredded meanwhile are passed over.
func (v *Vault) RenewKeys(ctx context.Context, tenant troth.Tenant, r Renewal) (Renewed, error) {
	if err := tenant.Validate(); err != nil {
		return Renewed{}, err
	}
	if r.Limit == 0 {
		r.Limit = 100
	}
	if r.Limit < 1 || r.Limit > 1000 || (r.After.Tenant != "" && r.After.Tenant != tenant) {
		return Renewed{}, fmt.Errorf("%w: limit or cursor", ErrTarget)
	}
	if _, err := troth.ActorFrom(ctx); err != nil {
		return Renewed{}, err
	}
	r.After.Tenant = tenant
	if err := v.ready(ctx, KeyName{Tenant: tenant}); err != nil {
		return Renewed{}, err
	}
	var did Renewed
	var rows []KeyRow
	err := v.tx.Atomically(ctx, func(ctx context.Context) error {
		var err error
		did, rows, err = v.renewPage(ctx, tenant, r)
		if err != nil || len(rows) == 0 {
			return err
		}
		return v.tellRenewed(ctx, tenant, "", rows)
	})
	if err != nil {
		return Renewed{}, err
	}
	for i := range rows {
		v.forget(rows[i].KeyName)
	}
	return did, nil
}

func (v *Vault) renewPage(ctx context.Context, tenant troth.Tenant, r Renewal) (did Renewed, made []KeyRow, err error) {
	page, err := v.store.NewestKeys(ctx, r.After, r.Limit)
	if err != nil {
		return did, nil, fmt.Errorf("vault: list keys: %w", err)
	}
	did = Renewed{Next: r.After, Done: len(page) < r.Limit}
	before := r.OlderThan.UnixMicro()
	for i := range page {
		did.Next = page[i].KeyName
		if page[i].Tenant != tenant || page[i].CreatedAt >= before {
			continue
		}
		row, is, err := v.renewKey(ctx, page[i].KeyName, func(newest *KeyRow) bool { return newest.CreatedAt < before })
		switch {
		case errors.Is(err, ErrShredded):
			continue
		case errors.Is(err, ErrGenerations):
			did.Full++
		case err != nil:
			return did, nil, err
		case is:
			made = append(made, row)
		}
	}
	did.Keys = len(made)
	return did, made, nil
}
