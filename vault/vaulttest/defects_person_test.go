package vaulttest

import (
	"context"
	"errors"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

var personDefects = []defect{
	{"everybody is closed", "a person who was never seen is in the zero state", breaks(func(_ vault.Backend, b *broken) {
		b.person = func(context.Context, troth.Tenant, string) (vault.PersonState, error) {
			return vault.PersonState{ClosedAt: 1}, nil
		}
	})},
	{"a lock asks for no transaction", "locking a person needs a transaction", breaks(func(s vault.Backend, b *broken) {
		b.lockPerson = func(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (state vault.PersonState, err error) {
			err = s.Transactor().Atomically(ctx, func(ctx context.Context) error {
				state, err = s.LockPerson(ctx, t, id, l)
				return err
			})
			return state, err
		}
	})},
	{"a lock closes", "a person who is locked is still in the zero state", breaks(func(s vault.Backend, b *broken) {
		b.lockPerson = func(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (vault.PersonState, error) {
			state, err := s.LockPerson(ctx, t, id, l)
			return state, errors.Join(err, s.ClosePerson(ctx, t, id, instant))
		}
	})},
	{"closing moves the instant", "a closed person is closed since the earliest call", breaks(func(s vault.Backend, b *broken) {
		var last int64
		b.closePerson = func(ctx context.Context, t troth.Tenant, id string, at int64) error {
			last = at
			return s.ClosePerson(ctx, t, id, at)
		}
		b.person = func(ctx context.Context, t troth.Tenant, id string) (vault.PersonState, error) {
			state, err := s.Person(ctx, t, id)
			if state.ClosedAt != 0 {
				state.ClosedAt = last
			}
			return state, err
		}
	})},
	{"a lock tells nothing", "the lock returns since when a person is closed", breaks(silentLock)},
	{"a lock tells nothing to who creates", "no key of a closed person lives, whoever raced", breaks(silentLock)},
	{"closing forgets the tenant", "closing a person closes nobody of another tenant's", breaks(func(s vault.Backend, b *broken) {
		var tenants []troth.Tenant
		b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
			tenants = append(tenants, row.Tenant)
			return s.InsertKey(ctx, row)
		}
		b.closePerson = func(ctx context.Context, _ troth.Tenant, id string, at int64) (err error) {
			for _, t := range tenants {
				err = errors.Join(err, s.ClosePerson(ctx, t, id, at))
			}
			return err
		}
	})},
	{"letter case does not count", "closing one person closes nobody else", breaks(foldCase)},
	{"letter case does not count for keys", "names that look alike are different", breaks(foldCase)},
}

func silentLock(s vault.Backend, b *broken) {
	b.lockPerson = func(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (vault.PersonState, error) {
		_, err := s.LockPerson(ctx, t, id, l)
		return vault.PersonState{}, err
	}
}

func foldCase(s vault.Backend, b *broken) {
	b.lockPerson = func(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (vault.PersonState, error) {
		return s.LockPerson(ctx, t, strings.ToLower(id), l)
	}
	b.closePerson = func(ctx context.Context, t troth.Tenant, id string, at int64) error {
		return s.ClosePerson(ctx, t, strings.ToLower(id), at)
	}
	b.person = func(ctx context.Context, t troth.Tenant, id string) (vault.PersonState, error) {
		return s.Person(ctx, t, strings.ToLower(id))
	}
	b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
		row.SubjectID = strings.ToLower(row.SubjectID)
		return s.InsertKey(ctx, row)
	}
}
