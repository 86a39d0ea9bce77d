package vaulttest

import (
	"context"
	"errors"
	"sync"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

var shredDefects = []defect{
	{"shredding forgets the tenant", "shredding all keys of a person shreds nothing of another tenant's", breaks(everyTenant)},
	{"shredding by name forgets the tenant", "shredding keys by name shreds nothing of another tenant's", breaks(everyTenant)},
	{"nobody is spared", "shredding a person kills all keys but those that are spared", shredsAs(func(p *vault.ShredKeys) {
		p.Except = nil
	})},
	{"names do not count", "shredding by name kills no other compartment", shredsAs(func(p *vault.ShredKeys) {
		p.Compartments = nil
	})},
	{"no tombstone without a key", "a compartment that is named and has no row gets a tombstone", breaks(noTombstones)},
	{"no tombstones without keys", "a person may have many tombstones that never were keys", breaks(noTombstones)},
	{"who creates after is not stopped", "no key lives in a compartment that was shredded by name, whoever raced", breaks(overwrites)},
	{"keys die again and again", "keys die once", breaks(keysDieAgain)},
	{"everybody shreds a key, it is said", "of those who shred one key, one does", breaks(keysDieAgain)},
	{"a person is shredded once", "a second shredding kills what the first one spared", breaks(func(s vault.Backend, b *broken) {
		shredded := false
		b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
			if shredded {
				return nil, nil
			}
			shredded = true
			return s.ShredKeys(ctx, p)
		}
	})},
	{"something dies always", "a person without keys has none to shred", breaks(func(s vault.Backend, b *broken) {
		b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
			died, err := s.ShredKeys(ctx, p)
			if len(died) == 0 {
				died = []vault.KeyRow{{}}
			}
			return died, err
		}
	})},
	{
		"the own transaction's keys are spared", "a key made in the same transaction dies with the others",
		breaks(func(s vault.Backend, b *broken) {
			var made []troth.Compartment
			b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
				if s.Transactor().Scope(ctx) != nil {
					made = append(made, row.Compartment)
				}
				return s.InsertKey(ctx, row)
			}
			b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
				p.Except = append(p.Except, made...)
				return s.ShredKeys(ctx, p)
			}
		}),
	},
}

func keysDieAgain(s vault.Backend, b *broken) {
	var mu sync.Mutex
	var first []vault.KeyRow
	b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
		died, err := s.ShredKeys(ctx, p)
		mu.Lock()
		defer mu.Unlock()
		if first == nil {
			first = died
		}
		return first, err
	}
}

func shredsAs(wrong func(p *vault.ShredKeys)) func(h *Harness) {
	return breaks(func(s vault.Backend, b *broken) {
		b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
			wrong(&p)
			return s.ShredKeys(ctx, p)
		}
	})
}

// everyTenant shreds the person of that id under all tenants.
func everyTenant(s vault.Backend, b *broken) {
	var tenants []troth.Tenant
	b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
		tenants = append(tenants, row.Tenant)
		return s.InsertKey(ctx, row)
	}
	b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
		died, err := s.ShredKeys(ctx, p)
		for _, t := range tenants {
			p.Tenant = t
			_, also := s.ShredKeys(ctx, p)
			err = errors.Join(err, also)
		}
		return died, err
	}
}

func noTombstones(s vault.Backend, b *broken) {
	b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
		var there []troth.Compartment
		for _, c := range p.Compartments {
			if rows, err := s.Keys(ctx, name(p.Tenant, p.SubjectID, c)); err != nil || len(rows) > 0 {
				there = append(there, c)
			}
		}
		if len(p.Compartments) > 0 && len(there) == 0 {
			return nil, nil
		}
		p.Compartments = there
		return s.ShredKeys(ctx, p)
	}
}
