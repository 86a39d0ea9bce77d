package vaulttest

import (
	"context"
	"slices"
	"sync"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// astray is a Backend whose control rows have one flaw.
type astray struct {
	vault.Backend
	flaw string

	mu     sync.Mutex
	first  map[troth.EntryID]troth.Tenant
	flags  map[vault.KeyName][]byte
	marked map[string][]byte
}

func strays(flaw string) func(h *Harness) {
	return func(h *Harness) {
		h.Backend = &astray{
			Backend: h.Backend, flaw: flaw, first: map[troth.EntryID]troth.Tenant{},
			flags: map[vault.KeyName][]byte{}, marked: map[string][]byte{},
		}
		h.Reopen = nil
	}
}

var controlDefects = []defect{
	{"exceptions are forgotten", "a restriction is kept and counted", strays("no exceptions")},
	{"a restriction takes the place of another", "a restriction is inserted once", strays("inserts always")},
	{"a restriction is lifted again", "a restriction is lifted once, and counted no longer", strays("lifts always")},
	{"grants have no ground", "a grant is kept, once", strays("no ground")},
	{"whatever is there is resealed", "a living key gets another seal and flag, if it is still what was read", strays("reseals always")},
	{"a new key has no flag", "a key is inserted with its flag", strays("no flag")},
	{"the newest generation comes first", "all keys of a person come in order", strays("reversed")},
	{"every tombstone has the same evidence", "tombstones name their evidence, those of one shredding and no others", strays("evidence of all")},
	{"what was let go is a tombstone too", "a generation that was let go names its evidence apart from tombstones", strays("retired as dead")},
	{"roots have no evidence", "a tenant's tombstones name their evidence", strays("roots without evidence")},
	{"pages do not stop", "pages of keys, persons, restrictions and grants come in order and stop", strays("endless")},
	{"tenants with nothing but a grant are not there", "tenants come in order, wherever their rows are", strays("few tenants")},
	{"the first mark stays", "a mark is the last one that was set", strays("first mark")},
	{"flags are not rolled back", "control rows end with their transaction", strays("lasting flags")},
	{"ids belong to whoever was first", "control rows of one tenant are nothing to another", strays("no walls")},
}

func (a *astray) InsertRestriction(ctx context.Context, row vault.RestrictionRow) (bool, error) {
	if a.flaw == "no exceptions" {
		row.Except = nil
	}
	a.mu.Lock()
	a.first[row.ID] = row.Tenant
	a.mu.Unlock()
	inserted, err := a.Backend.InsertRestriction(ctx, row)
	return inserted || a.flaw == "inserts always", err
}

func (a *astray) LiftRestriction(ctx context.Context, row vault.RestrictionRow) (bool, error) {
	was, err := a.Backend.LiftRestriction(ctx, row)
	return was || a.flaw == "lifts always", err
}

func (a *astray) Restriction(ctx context.Context, t troth.Tenant, id troth.EntryID) (vault.RestrictionRow, bool, error) {
	if a.flaw == "no walls" {
		a.mu.Lock()
		t = a.first[id]
		a.mu.Unlock()
	}
	return a.Backend.Restriction(ctx, t, id)
}

func (a *astray) InsertGrant(ctx context.Context, row vault.GrantRow) (bool, error) {
	if a.flaw == "no ground" {
		row.Ground = ""
	}
	return a.Backend.InsertGrant(ctx, row)
}

func (a *astray) ResealKey(ctx context.Context, r vault.Reseal) (bool, error) {
	a.mu.Lock()
	a.flags[r.KeyName] = r.Flag
	a.mu.Unlock()
	resealed, err := a.Backend.ResealKey(ctx, r)
	return resealed || a.flaw == "reseals always", err
}

func (a *astray) InsertKey(ctx context.Context, row vault.KeyRow) (bool, error) {
	if a.flaw == "no flag" {
		row.Flag = nil
	}
	return a.Backend.InsertKey(ctx, row)
}

func (a *astray) Keys(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
	rows, err := a.Backend.Keys(ctx, n)
	a.mu.Lock()
	defer a.mu.Unlock()
	if flag := a.flags[n]; a.flaw == "lasting flags" && flag != nil {
		for i := range rows {
			rows[i].Flag = flag
		}
	}
	return rows, err
}

func (a *astray) PersonKeys(ctx context.Context, t troth.Tenant, id string) ([]vault.KeyRow, error) {
	rows, err := a.Backend.PersonKeys(ctx, t, id)
	if a.flaw == "reversed" {
		slices.Reverse(rows)
	}
	return rows, err
}

func (a *astray) TombstonesOf(ctx context.Context, t troth.Tenant, entry troth.EntryID) (vault.Tombstones, error) {
	got, err := a.Backend.TombstonesOf(ctx, t, entry)
	switch a.flaw {
	case "evidence of all":
		got.Keys, err = a.KeysPage(ctx, vault.KeysPage{Tenant: t, Limit: 100})
	case "retired as dead":
		retired, _ := a.RetiredOf(ctx, t, entry)
		got.Keys = append(got.Keys, retired...)
	case "roots without evidence":
		got.Roots = nil
	}
	return got, err
}

func (a *astray) KeysPage(ctx context.Context, p vault.KeysPage) ([]vault.KeyRow, error) {
	if a.flaw == "endless" {
		p.Limit = 100
	}
	return a.Backend.KeysPage(ctx, p)
}

func (a *astray) Tenants(ctx context.Context, after troth.Tenant, limit int) ([]troth.Tenant, error) {
	ts, err := a.Backend.Tenants(ctx, after, limit)
	if a.flaw == "few tenants" {
		ts = slices.DeleteFunc(ts, func(t troth.Tenant) bool {
			roots, _ := a.Roots(ctx, t)
			return len(roots) == 0
		})
	}
	return ts, err
}

func (a *astray) SetMark(ctx context.Context, name string, mark []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.flaw == "first mark" && a.marked[name] != nil {
		return nil
	}
	a.marked[name] = mark
	return a.Backend.SetMark(ctx, name, mark)
}
