package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

// reflagTries bounds how often a key is read again that somebody else sealed
// anew meanwhile.
const reflagTries = 5

// prepareReflag asks for the roots that reflag will need, outside of the
// transaction, for which others wait. It returns the first one of a tenant that
// has none.
func (v *Vault) prepareReflag(ctx context.Context, tenant troth.Tenant, subjectID string) (first *RootRow, err error) {
	if v.tx.Scope(ctx) != nil {
		return nil, nil
	}
	if first, err = v.prepareRoot(ctx, tenant, WrapLineage); err != nil {
		return nil, err
	}
	if _, err := v.controlMAC(ctx, tenant, nil); err != nil {
		return nil, err
	}
	rows, err := v.store.PersonKeys(ctx, tenant, subjectID)
	if err != nil {
		return nil, fmt.Errorf("vault: read keys: %w", err)
	}
	for i := range rows {
		if !restrictable(&rows[i]) {
			continue
		}
		n := rootName{tenant: tenant, lineage: WrapLineage, epoch: int64(rows[i].Epoch)}
		if _, err := v.root(ctx, n); err != nil && !opensNothing(err) {
			return nil, err
		}
	}
	return first, nil
}

// restrictable reports whether a restriction concerns the key. What links a
// person to their pseudonym serves evidence alone, and stays.
func restrictable(row *KeyRow) bool {
	return row.ShreddedAt == 0 && row.Compartment != troth.PseudonymCompartment
}

// opensNothing reports whether a key that failed so will not open either: it is
// damaged or dead. One whose key-encryption key gives something else than a root may
// open again when that comes to its senses.
func opensNothing(err error) bool {
	return (errors.Is(err, ErrKeyRecord) || errors.Is(err, ErrShredded)) && !errors.Is(err, ErrKEK)
}

// reflag gives the person's living keys another flag, and returns how many have
// one now. A key that does not unwrap is left as it is: it opens nothing. It
// reads back what it wrote: a trigger may have kept it from happening.
func (v *Vault) reflag(ctx context.Context, tenant troth.Tenant, subjectID string, edit func(flag) flag) (int, error) {
	rows, err := v.store.PersonKeys(ctx, tenant, subjectID)
	if err != nil {
		return 0, fmt.Errorf("vault: read keys: %w", err)
	}
	wrote := make(map[KeyName]map[uint32][]byte)
	n := 0
	for i := range rows {
		if !restrictable(&rows[i]) {
			continue
		}
		sealed, err := v.reflagKey(ctx, rows[i], edit)
		if opensNothing(err) {
			continue
		}
		if err != nil {
			return n, err
		}
		if wrote[rows[i].KeyName] == nil {
			wrote[rows[i].KeyName] = make(map[uint32][]byte)
		}
		wrote[rows[i].KeyName][rows[i].Generation] = sealed
		n++
	}
	if rows, err = v.store.PersonKeys(ctx, tenant, subjectID); err != nil {
		return n, fmt.Errorf("vault: read keys: %w", err)
	}
	for i := range rows {
		if want, ok := wrote[rows[i].KeyName][rows[i].Generation]; ok && !bytes.Equal(want, rows[i].Sealed) {
			return n, errNotKept
		}
	}
	return n, nil
}

var errNotKept = errors.New("vault: the database did not keep what was written, look for triggers")

// reflagKey returns what the key is sealed as afterwards.
func (v *Vault) reflagKey(ctx context.Context, row KeyRow, edit func(flag) flag) ([]byte, error) {
	for range reflagTries {
		next, err := v.withFlag(ctx, &row, edit)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(next.Flag, row.Flag) {
			return row.Sealed, nil
		}
		resealed, err := v.store.ResealKey(ctx, Reseal{
			KeyName: row.KeyName, Generation: row.Generation, Was: row.Sealed, Sealed: next.Sealed, Flag: next.Flag,
		})
		if err != nil {
			return nil, fmt.Errorf("vault: seal key again: %w", err)
		}
		if resealed {
			return next.Sealed, nil
		}
		// Somebody moved it to another root meanwhile.
		found, err := v.reread(ctx, &row)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, ErrShredded
		}
	}
	return nil, fmt.Errorf("vault: seal key again: %w", troth.ErrBusy)
}

// withFlag returns the row with another flag, sealed anew.
func (v *Vault) withFlag(ctx context.Context, row *KeyRow, edit func(flag) flag) (KeyRow, error) {
	f, err := parseFlag(row.Flag)
	if err != nil {
		return KeyRow{}, err
	}
	r, err := v.root(ctx, rootName{tenant: row.Tenant, lineage: WrapLineage, epoch: int64(row.Epoch)})
	if err != nil {
		return KeyRow{}, err
	}
	if r == nil {
		return KeyRow{}, ErrKeyRecord
	}
	var key [keySize]byte
	defer clear(key[:])
	if err := unwrapInto(&key, row, r.wrap); err != nil {
		return KeyRow{}, err
	}
	next := *row
	next.Flag = edit(f).encode()
	if len(next.Flag) > maxFlag {
		return KeyRow{}, ErrKeyRecord
	}
	next.Sealed = r.wrap.Seal(nil, nil, key[:], appendKeyAAD(nil, &next))
	return next, nil
}

// reread reads the row again; found is false if it does not live any more.
func (v *Vault) reread(ctx context.Context, row *KeyRow) (found bool, err error) {
	rows, err := v.store.Keys(ctx, row.KeyName)
	if err != nil {
		return false, fmt.Errorf("vault: read keys: %w", err)
	}
	for _, now := range rows {
		if now.Generation == row.Generation && now.ShreddedAt == 0 {
			*row = now
			return true, nil
		}
	}
	return false, nil
}
