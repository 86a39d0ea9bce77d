package vault_test

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// hooked is a store in whose ways a test stands. Nil hooks do nothing.
type hooked struct {
	vault.Backend
	keys      func(ctx context.Context, name vault.KeyName, rows []vault.KeyRow) ([]vault.KeyRow, error)
	root      func(row vault.RootRow) vault.RootRow
	rootIn    func(ctx context.Context)
	follow    func(ctx context.Context, after int64, found vault.Followed) (vault.Followed, error)
	settled   func(ctx context.Context, name vault.KeyName) (bool, error)
	shredKeys func()
	heldLines func()
	// transactor takes the place of the store's own.
	transactor troth.Transactor
}

func (h *hooked) Transactor() troth.Transactor {
	if h.transactor != nil {
		return h.transactor
	}
	return h.Backend.Transactor()
}

func (h *hooked) Keys(ctx context.Context, name vault.KeyName) ([]vault.KeyRow, error) {
	rows, err := h.Backend.Keys(ctx, name)
	if err != nil || h.keys == nil {
		return rows, err
	}
	return h.keys(ctx, name, rows)
}

func (h *hooked) Root(ctx context.Context, t troth.Tenant, l vault.Lineage) (vault.RootRow, bool, error) {
	row, found, err := h.Backend.Root(ctx, t, l)
	if err != nil || !found || h.root == nil {
		return row, found, err
	}
	if h.rootIn != nil {
		h.rootIn(ctx)
	}
	return h.root(row), true, nil
}

func (h *hooked) RootAt(ctx context.Context, t troth.Tenant, l vault.Lineage, e uint32) (vault.RootRow, bool, error) {
	row, found, err := h.Backend.RootAt(ctx, t, l, e)
	if err != nil || !found || h.root == nil {
		return row, found, err
	}
	if h.rootIn != nil {
		h.rootIn(ctx)
	}
	return h.root(row), true, nil
}

func (h *hooked) Follow(ctx context.Context, after int64) (vault.Followed, error) {
	found, err := h.Backend.Follow(ctx, after)
	if err != nil || h.follow == nil {
		return found, err
	}
	return h.follow(ctx, after, found)
}

func (h *hooked) Settled(ctx context.Context, name vault.KeyName) (bool, error) {
	if h.settled != nil {
		return h.settled(ctx, name)
	}
	return h.Backend.Settled(ctx, name)
}

func (h *hooked) ShredKeys(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
	if h.shredKeys != nil {
		h.shredKeys()
	}
	return h.Backend.ShredKeys(ctx, p)
}

// putOrder notes in which order the roots of a backup are put.
type putOrder struct {
	vault.Backend
	put map[troth.Tenant][]vault.Lineage
}

func (p *putOrder) PutRoot(ctx context.Context, row vault.RootRow) (bool, error) {
	if p.put == nil {
		p.put = map[troth.Tenant][]vault.Lineage{}
	}
	p.put[row.Tenant] = append(p.put[row.Tenant], row.Lineage)
	return p.Backend.PutRoot(ctx, row)
}

func (h *hooked) HeldLines(ctx context.Context, entries []troth.EntryID) ([]troth.EntryID, error) {
	held, err := h.Backend.HeldLines(ctx, entries)
	if h.heldLines != nil {
		h.heldLines()
	}
	return held, err
}
